"""What may stand in `schema.toml`: the columns of one kind of file, their rules and marks.

The descriptions below are also what an editor shows, through `schema.schema.json`. Checks
that look at two fields stand on the later one, which by then sees the earlier in `info.data`,
unless that one was itself refused.
"""

import re
from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

Name = Annotated[str, StringConstraints(min_length=1)]
Value = str | int | float | bool
Bound = int | float | date | datetime

ColumnType = Literal[
    "string", "integer", "float", "boolean", "date", "timestamp", "decimal", "binary"
]
Format = Literal[
    "email",
    "phone",
    "uuid",
    "date",
    "datetime",
    "url",
    "ipv4",
    "ipv6",
    "country",
    "currency",
]

# What TOML must give for a rule's value to be comparable with a column's; a boolean is no
# integer here, a timestamp no date. A type that is not named takes no min and max.
_BOUNDS: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "float": (int, float),
    "decimal": (int, float),
    "date": (date,),
    "timestamp": (datetime,),
}
_VALUES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "float": (int, float),
    "boolean": (bool,),
    "date": (str,),
    "timestamp": (str,),
    "decimal": (str, int, float),
    "binary": (str,),
}


class _Table(BaseModel):
    """A table of the file. Strict: TOML has types of its own, so `"1"` is no integer."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class CsvDialect(_Table):
    """How the CSV files are written."""

    delimiter: str = Field(
        default=",",
        min_length=1,
        max_length=1,
        description="The character between two fields, one of ASCII.",
        examples=[";"],
    )
    quote: str = Field(
        default='"',
        min_length=1,
        max_length=1,
        description="The character around a field that holds a delimiter or a line break.",
        examples=['"'],
    )
    encoding: str = Field(
        default="utf-8",
        description="The text encoding of the file, by Python's name for it.",
        examples=["utf-8"],
    )

    @field_validator("delimiter", "quote")
    @classmethod
    def _fits_in_a_line(cls, value: str) -> str:
        if not value.isascii() or value in "\r\n\0":
            raise ValueError(f"{value!r} is not an ASCII character that may stand in a line")
        return value

    @field_validator("encoding")
    @classmethod
    def _is_a_text_encoding(cls, value: str) -> str:
        try:
            "".encode(value)
        except (LookupError, ValueError):
            raise ValueError(f"{value!r} is not a text encoding that Python knows") from None
        return value

    @model_validator(mode="after")
    def _tells_delimiter_from_quote(self) -> Self:
        if self.delimiter == self.quote:
            raise ValueError(f"delimiter and quote are both {self.quote!r}; change one of them")
        return self


class Column(_Table):
    """One column: its type, the rules for its values, and whether it is marked."""

    type: ColumnType = Field(
        description="What the values are, and what decryption restores.", examples=["string"]
    )
    required: bool = Field(
        default=False, description="No value may be null.", examples=[True, False]
    )
    unique: bool = Field(
        default=False, description="No value may appear twice.", examples=[True, False]
    )
    pattern: str | None = Field(
        default=None,
        description="A regular expression that every whole value matches; for strings.",
        examples=["[A-Z]{2}[0-9]+"],
    )
    max_length: int | None = Field(
        default=None,
        gt=0,
        description="The most characters of a value; for strings.",
        examples=[80],
    )
    format: Format | None = Field(
        default=None,
        description="A well-known form of the values; for strings. A phone number is E.164.",
        examples=["email"],
    )
    enum: list[Value] | None = Field(
        default=None,
        min_length=1,
        description="The only values that may appear.",
        examples=[["gold", "silver"]],
    )
    min: Bound | None = Field(
        default=None,
        description="The least value; for integer, float, decimal, date and timestamp.",
        examples=[0],
    )
    max: Bound | None = Field(
        default=None,
        description="The greatest value; for integer, float, decimal, date and timestamp.",
        examples=[100],
    )
    property: Name | None = Field(
        default=None,
        description="The system property that the column carries.",
        examples=["Identity", "Email", "Phone number"],
    )
    encrypt: Name | None = Field(
        default=None,
        description="The name of the key: this marks the column. Marking cannot be undone.",
        examples=["searchable", "sealed"],
    )
    context: str | None = Field(
        default=None,
        description="What binds a ciphertext to its place; the column's name if not given.",
        examples=["email"],
    )
    encoding: Literal["base64", "binary"] = Field(
        default="base64",
        description="How Parquet stores the ciphertext; CSV has base64 alone.",
        examples=["base64", "binary"],
    )
    mask: Name | None = Field(
        default=None,
        description="The mask for readers without access; encryption prevails over it.",
        examples=["email", "phone", "all"],
    )

    @field_validator("pattern", "max_length", "format")
    @classmethod
    def _rules_strings(cls, value: Value | None, info: ValidationInfo) -> Value | None:
        kind = info.data.get("type", "string")
        if value is not None and kind != "string":
            raise ValueError(f"a rule for type string; this column's type is {kind}")
        return value

    @field_validator("pattern")
    @classmethod
    def _is_a_regular_expression(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"not a regular expression: {error}") from None
        return value

    @field_validator("enum")
    @classmethod
    def _lists_values_of_the_type(
        cls, values: list[Value] | None, info: ValidationInfo
    ) -> list[Value] | None:
        kind = info.data.get("type")
        for value in values or ():
            if kind and type(value) not in _VALUES[kind]:
                raise ValueError(f"{value!r} is not a value of type {kind}")
        return values

    @field_validator("min", "max")
    @classmethod
    def _bounds_the_type(cls, value: Bound | None, info: ValidationInfo) -> Bound | None:
        kind = info.data.get("type")
        if kind and value is not None and type(value) not in _BOUNDS.get(kind, ()):
            raise ValueError(f"{value} is not a bound for type {kind}")
        return value

    @field_validator("max")
    @classmethod
    def _is_not_below_min(cls, value: Bound | None, info: ValidationInfo) -> Bound | None:
        least = info.data.get("min")
        if value is None or least is None:
            return value
        try:
            below = value < least
        except TypeError:
            raise ValueError(f"{value} cannot be compared with min, {least}") from None
        if below:
            raise ValueError(f"{value} is less than min, {least}")
        return value

    @field_validator("context", "encoding")
    @classmethod
    def _belongs_to_a_mark(cls, value: str | None, info: ValidationInfo) -> str | None:
        plain = info.data.get("encrypt", "refused") is None
        if plain and value != cls.model_fields[str(info.field_name)].default:
            raise ValueError('only for a marked column; add encrypt = "KEY" or leave it out')
        return value


class Schema(_Table):
    """The columns of one kind of file, and which of them are encrypted."""

    name: Name = Field(description="What this kind of file is called.", examples=["user-profiles"])
    version: int = Field(
        ge=1, description="The version of this schema; count up with every change.", examples=[1]
    )
    csv: CsvDialect = Field(
        default=CsvDialect(),
        description="The dialect of the CSV files, where it is not the usual one.",
    )
    extra_columns: Literal["error", "keep"] = Field(
        default="error",
        description="A column of the file that is not named here: refuse it, or keep it as it is.",
        examples=["error", "keep"],
    )
    columns: dict[Name, Column] = Field(
        min_length=1,
        description="The columns, each a table under its name.",
        examples=[{"email": {"type": "string"}}],
    )

    @property
    def marked(self) -> dict[str, Column]:
        """The columns to encrypt, in the order of the schema."""
        return {name: column for name, column in self.columns.items() if column.encrypt is not None}

    def context_of(self, name: str) -> str:
        """Return the context of a column, its name by default.

        Raises:
            KeyError: the schema has no such column.
        """
        context = self.columns[name].context
        return name if context is None else context
