"""What may stand in `schema.toml`: the columns of one kind of file, their rules and marks.

The descriptions below are also what an editor shows, through `schema.schema.json`. The checks
stand below the fields, on those that are of the right types by themselves.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from piienc.base import document
from piienc.base.document import Mistake, Table, nearest, shown
from piienc.base.regex import mistake_in
from piienc.schema.dialect import CsvDialect, Flag
from piienc.schema.finder import OwnFinder, built_in

_HINT = "mend the named lines and run again; docs/schema.md lists what may stand there"

Name = Annotated[str, Meta(min_length=1)]
Count = Annotated[int, Meta(ge=1)]
Value = str | int | float | bool

# msgspec has no union of dates and timestamps, so `Column.check` sees to the types of bounds.
_DATES = [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]
Bound = Annotated[Any, Meta(extra_json_schema={"anyOf": [{"type": "number"}, *_DATES]})]

ColumnType = Literal[
    "string", "integer", "float", "boolean", "date", "timestamp", "decimal", "binary"
]
Format = Literal[
    "email", "phone", "uuid", "date", "datetime", "url", "ipv4", "ipv6", "country", "currency"
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


def _about(description: str, *examples: object) -> Meta:
    """Describe a field; the first example also serves as the mend of a mistake."""
    return Meta(description=description, examples=list(examples) or None)


class Column(Table, frozen=True, kw_only=True):
    """One column: its type, the rules for its values, and whether it is marked."""

    type: Annotated[
        ColumnType, _about("What the values are, and what decryption restores.", "string")
    ]
    required: Annotated[Flag, _about("No value may be null.")] = False
    unique: Annotated[Flag, _about("No value may appear twice.")] = False
    pattern: Annotated[
        str | None,
        _about(
            "A regular expression that every whole value matches; for strings.", "[A-Z]{2}[0-9]+"
        ),
    ] = None
    max_length: Annotated[
        Count | None, _about("The most characters of a value; for strings.", 80)
    ] = None
    format: Annotated[
        Format | None,
        _about("A well-known form of the values; for strings. A phone number is E.164.", "email"),
    ] = None
    enum: Annotated[
        Annotated[list[Value], Meta(min_length=1)] | None,
        _about("The only values that may appear.", ["gold", "silver"]),
    ] = None
    min: Annotated[
        Bound, _about("The least value; for integer, float, decimal, date and timestamp.", 0)
    ] = None
    max: Annotated[
        Bound, _about("The greatest value; for integer, float, decimal, date and timestamp.", 100)
    ] = None
    property: Annotated[
        Name | None,
        _about("The property that the column carries.", "Identity", "Email", "Phone number"),
    ] = None
    encrypt: Annotated[
        Name | None,
        _about(
            "The name of the key: this marks the column. Marking cannot be undone.",
            "searchable",
            "sealed",
        ),
    ] = None
    context: Annotated[
        str | None,
        _about("What binds a ciphertext to its place; the column's name if not given.", "email"),
    ] = None
    encoding: Annotated[
        Literal["base64", "binary"],
        _about("How Parquet stores the ciphertext; CSV has base64 alone.", "base64", "binary"),
    ] = "base64"
    mask: Annotated[
        Name | None,
        _about(
            "The mask for readers without access; encryption prevails over it.",
            "email",
            "phone",
            "all",
        ),
    ] = None
    allow: Annotated[
        dict[Name, Name] | None,
        _about(
            "Finders of personal data that are silent here, each with the reason why.",
            {"email": "only addresses of our own desks"},
        ),
    ] = None

    @classmethod
    def check(cls, fields: Mapping[str, Any]) -> Iterator[Mistake]:
        """See to it that the rules fit the type, and that a mark is there for what needs one."""
        kind = fields.get("type")
        for rule in ("pattern", "max_length", "format"):
            if fields.get(rule) is not None and kind not in ("string", None):
                yield (rule,), f"a rule for type string; this column's type is {kind}"
        if (pattern := fields.get("pattern")) and (mistake := mistake_in(pattern)):
            yield ("pattern",), mistake
        for index, value in enumerate(fields.get("enum") or ()):
            if kind and type(value) not in _VALUES[kind]:
                yield ("enum", index), f"{shown(value)} is not a value of type {kind}"
        yield from _check_bounds(kind, fields.get("min"), fields.get("max"))
        if fields.get("encrypt", "refused") is None:
            for name, default in (("context", None), ("encoding", "base64")):
                if fields.get(name, default) != default:
                    yield (name,), 'only for a marked column; add encrypt = "KEY" or leave it out'
        yield from _check_allowed(fields)


def _check_allowed(fields: Mapping[str, Any]) -> Iterator[Mistake]:
    allowed = fields.get("allow") or {}
    if allowed and fields.get("encrypt") is not None:
        yield ("allow",), "nothing is looked for in a marked column; leave it out"
    for name, reason in allowed.items():
        if not reason.strip():
            yield ("allow", name), "empty; say why this is no personal data"


def _check_bounds(kind: str | None, least: Bound, most: Bound) -> Iterator[Mistake]:
    fitting = _BOUNDS.get(kind, ()) if kind else (int, float, date, datetime)
    bounds = {"min": least, "max": most}
    given = {name: bound for name, bound in bounds.items() if bound is not None}
    unfit = {name: bound for name, bound in given.items() if type(bound) not in fitting}
    for name, bound in unfit.items():
        yield (name,), f"{shown(bound)} is not a bound{f' for type {kind}' if kind else ''}"
    if unfit or len(given) < len(bounds):
        return
    try:
        relation = "is less than" if most < least else None
    except TypeError:
        relation = "cannot be compared with"
    if relation:
        yield ("max",), f"{shown(most)} {relation} min, {shown(least)}"


class Schema(Table, frozen=True, kw_only=True):
    """The columns of one kind of file, and which of them are encrypted."""

    name: Annotated[Name, _about("What this kind of file is called.", "user-profiles")]
    version: Annotated[Count, _about("The version of this schema; count up with every change.", 1)]
    csv: Annotated[
        CsvDialect, _about("The dialect of the CSV files, where it is not the usual one.")
    ] = CsvDialect()
    extra_columns: Annotated[
        Literal["error", "keep"],
        _about(
            "A column of the file that is not named here: refuse it, or keep it as it is.",
            "error",
            "keep",
        ),
    ] = "error"
    columns: Annotated[
        Annotated[dict[str, Column], Meta(min_length=1)],
        _about("The columns, each a table under its name.", {"email": {"type": "string"}}),
    ]
    finders: Annotated[
        dict[Name, OwnFinder] | None,
        _about("Finders of personal data beside the built-in ones, each under its name."),
    ] = None

    @classmethod
    def check(cls, fields: Mapping[str, Any]) -> Iterator[Mistake]:
        """Check what a column or a finder has by the names of the others."""
        unnamed = fields.get("columns", {}).get("", {})
        if unnamed.get("encrypt") is not None and unnamed.get("context") is None:
            yield ("columns", "", "encrypt"), 'no name binds its ciphertexts; add context = "TEXT"'
        if "finders" not in fields:
            return
        own = fields["finders"] or {}
        for name in own:
            if name in built_in():
                yield ("finders", name), "a built-in finder; take another name"
        for column, rules in fields.get("columns", {}).items():
            for name in rules.get("allow", ()):
                if name not in own and name not in built_in():
                    near = nearest(name, [*own, *built_in()])
                    place = ("columns", column, "allow", name)
                    yield place, f"no finder has this name{near or '; see docs/schema.md'}"

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


def load(path: Path) -> Schema:
    """Read a schema file.

    Raises:
        ConfigError: it cannot be read, or it has mistakes; the message lists them all.
    """
    return document.load(path, Schema, hint=_HINT)
