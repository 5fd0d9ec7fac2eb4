"""What a receiver demands of the rows: a rule's table, `[rows.NAME]` of a profile.

A rule chooses columns, or whole rows, and demands something of them. What the demands mean for
the cells of a file, `demands.py` knows.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from piienc.base.document import Mistake, Table
from piienc.base.regex import found_in, mistake_in, whole

Text = Annotated[str, Meta(min_length=1)]
Flag = Annotated[bool, Meta(examples=[True])]
Count = Annotated[int, Meta(ge=1, examples=[512])]
Names = Annotated[list[Text], Meta(min_length=1, examples=[["identity"]])]
Words = Annotated[list[Text], Meta(min_length=1, examples=[["yes", "no"]])]

When = Literal["plain", "encrypted", "always"]
Level = Literal["error", "warning"]

LENGTHS = ("max_characters", "max_bytes")
CONTENTS = ("lower_case", "refused", "allowed", "pattern")
DEMANDS = (*LENGTHS, *CONTENTS, "max_name_bytes", "max_columns", "plain", "required_one_of")
_OF_CELLS = ("when", "starting")  # they say which cells are meant
_OF_COLUMNS = ("properties", "columns", "besides", "custom", *_OF_CELLS)


class RowRule(Table, frozen=True, kw_only=True, omit_defaults=True):
    """One rule. All that is left out chooses, or demands, nothing.

    Attributes:
        properties: the columns that carry one of these; with neither these nor `columns`, all.
        columns: the columns with one of these names, where `*` is any text.
        besides: the properties whose columns are not meant.
        custom: only columns whose property is not one of the receiver's own are meant.
        type: the rule is for files with rows of this kind alone: one of the profile's `kinds`.
        starting: only values that begin so are meant.
        when: which values are meant: those before encryption, wherever they can be seen; the
            cells of encrypted columns; or the cells as they lie in the file. By default,
            lengths are those of the cells, and contents those of the values.
        max_characters: a longer value is refused, in characters.
        max_bytes: a longer value is refused, in bytes of UTF-8.
        lower_case: a value with a capital is refused.
        refused: values that are refused, whatever their case.
        allowed: the only values that are taken.
        pattern: what a whole value must match: a regular expression of RE2.
        max_name_bytes: a property with a longer name is refused, in bytes of UTF-8.
        max_columns: more columns than these are refused.
        plain: the columns must not be encrypted.
        required_one_of: every row has a value in a column that carries one of these properties.
        says: what a violation is called, where general words do not tell.
        severity: what a violation is; `off` takes a base's rule back.
        source: where the demand comes from.
    """

    properties: Names | None = None
    columns: Annotated[list[Text], Meta(min_length=1, examples=[["note_*"]])] | None = None
    besides: Names | None = None
    custom: Flag | None = None
    type: Text | None = None
    starting: Text | None = None
    when: When | None = None
    max_characters: Count | None = None
    max_bytes: Count | None = None
    lower_case: Flag | None = None
    refused: Words | None = None
    allowed: Words | None = None
    pattern: Annotated[str, Meta(min_length=1, examples=[r"\+[0-9]+"])] | None = None
    max_name_bytes: Count | None = None
    max_columns: Count | None = None
    plain: Flag | None = None
    required_one_of: Names | None = None
    says: Text | None = None
    severity: Level | Literal["off"] = "error"
    source: Text | None = None

    @classmethod
    def check(cls, fields: Mapping[str, Any]) -> Iterator[Mistake]:
        """See to it that something is demanded, and of what can be judged by it."""
        demanded = [name for name in DEMANDS if fields.get(name, "refused")]
        if not demanded and fields.get("severity") != "off":
            yield (), f"demands nothing; say one of {', '.join(DEMANDS)}"
            return
        if (pattern := fields.get("pattern")) and (mistake := mistake_in(pattern)):
            yield ("pattern",), mistake
        if fields.get("lower_case") and fields.get("when") not in (None, "plain"):
            yield ("when",), 'the letters of a ciphertext tell nothing; write when = "plain"'
        if "required_one_of" in demanded:
            for name in _OF_COLUMNS:
                if fields.get(name) is not None:
                    message = "required_one_of is of whole rows; write it as a rule of its own"
                    yield (name,), message
        elif demanded and not {*demanded} & {*LENGTHS, *CONTENTS}:
            for name in _OF_CELLS:
                if fields.get(name) is not None:
                    yield (name,), "nothing here is demanded of cells; leave it out"

    @property
    def demands(self) -> dict[str, Any]:
        """What is demanded, by the names of the fields."""
        return {name: value for name in DEMANDS if (value := getattr(self, name))}

    @property
    def level(self) -> Level:
        """What a violation is, of a rule that is not off."""
        return "warning" if self.severity == "warning" else "error"

    def chooses(self, column: str, carried: str, names: "PropertyNames") -> bool:
        """Tell whether a column that carries a property, as it is spelt, is meant."""
        if carried in map(names.spelt, self.besides or ()):
            return False
        if self.custom and names.known(carried):
            return False
        if self.properties is None and self.columns is None:
            return True
        by_property = carried in map(names.spelt, self.properties or ())
        return by_property or any(_matches(column, name) for name in self.columns or ())


class PropertyNames(Struct, frozen=True):
    """How a receiver spells the properties that it knows; capitals do not matter in them."""

    _spellings: dict[str, str]

    @classmethod
    def of(cls, properties: Mapping[str, Sequence[str]]) -> "PropertyNames":
        """Make it of the properties, each with other names for it."""
        return cls(
            {
                each.casefold(): name
                for name, others in properties.items()
                for each in (name, *others)
            }
        )

    def known(self, name: str) -> str | None:
        """Return how a property is spelt; None for one that the receiver does not know."""
        return self._spellings.get(name.casefold())

    def spelt(self, name: str) -> str:
        """Return how a property is spelt; the user's own are as they are."""
        return self.known(name) or name


def _matches(column: str, pattern: str) -> bool:
    parts = map(re.escape, pattern.split("*"))
    return found_in(column, whole(f"(?s:{'.*'.join(parts)})"))
