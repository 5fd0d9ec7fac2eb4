"""What was seen of a column: what its values look like, counted, and never a value.

Formats are judged by the rules of a schema, and personal data by the finders of `piienc.checks`,
so that a proposed schema and a later verification agree. Only what tells types apart is here.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, get_args

import pyarrow as pa
from msgspec import Struct, field
from pyarrow import compute as pc

from piienc.base.regex import whole
from piienc.checks import Check, Finder, checks_of, finders_of, search
from piienc.checks.forms import DATE
from piienc.schema.model import Column, Format

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_DIFFERENT = 1 << 17
"""As many different values are told apart: more than the rows that are looked at by default."""
_MOST_BYTES = 64 << 20  # that they may take; memory stays flat where cells are long
_CLOCK = r"[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"

LOOKS = {
    # types; an integer of 18 digits fits into 64 bits
    "integer": r"0|-?[1-9][0-9]{0,17}",
    "float": r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,2})?",
    "boolean": r"true|false",
    "date": DATE,
    "timestamp": DATE + _CLOCK,
    "zoned timestamp": DATE + _CLOCK + r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])",
    # what only looks like a type
    "point": r"-?(0|[1-9][0-9]*)\.[0-9]+",
    "padded": r"[+-]?0[0-9]+",
    "digits": r"[+-]?[0-9]+",
    "flag": r"(?i:yes|no|y|n|t|f|true|false|on|off)",
    "local date": r"[0-9]{1,2}[/.-][0-9]{1,2}[/.-]([0-9]{2}|[0-9]{4})",
}
"""Each matches a whole value."""

TYPES = ("integer", "float", "boolean", "date", "timestamp", "zoned timestamp")
_NULLS = ("\\N", "NULL")  # what databases write for null


class ColumnProfile(Struct):
    """What was seen of a column.

    Attributes:
        name: the column's.
        type: its Arrow type in a Parquet file; None in CSV.
        rows: that were looked at.
        values: those of them that are not null.
        looks: how many look like what, by the keys of `LOOKS`.
        formats: how many have which format of a schema.
        personal: how many hold personal data, by finder.
        nulls: how many may be null, by their text.
    """

    name: str
    type: pa.DataType | None = None
    rows: int = 0
    values: int = 0
    looks: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    personal: Counter[str] = field(default_factory=Counter)
    nulls: Counter[str] = field(default_factory=Counter)
    _different: pa.Array | None = None
    _too_many: bool = False

    @property
    def different(self) -> int | None:
        """How many different values there are; None if they were not counted."""
        if self._too_many:
            return None
        return 0 if self._different is None else len(self._different)

    @property
    def null_texts(self) -> set[str]:
        r"""What is null most probably: `\N`, and `NULL` where all else is of a type."""
        others = self.values - self.nulls.total()
        is_typed = any(0 < others == self.looks[look] for look in TYPES)
        return {
            text for text, count in self.nulls.items() if count and (is_typed or text != "NULL")
        }

    def all_look(self, look: str) -> bool:
        """Tell whether every value looks like something, and there is one."""
        return 0 < self.values == self.looks[look]

    def add(self, rows: int, values: pa.Array) -> None:
        """Count some rows.

        Args:
            rows: how many.
            values: those of them that are not null.
        """
        if pa.types.is_large_string(values.type):
            # A type that some value did not fit before cannot be the column's any more.
            looks = [look for look in LOOKS if look not in TYPES or self._may_be(look)]
            self.looks.update(count_looks(values, looks))
            self.formats.update(count_formats(values))
            equal = {text: pc.sum(pc.equal(values, text)).as_py() or 0 for text in _NULLS}
            self.nulls.update(equal)
        self.personal.update(count_personal(self.name, values))
        self.rows += rows
        self.values += len(values)
        self._count_different(values)

    def _may_be(self, look: str) -> bool:
        return self.looks[look] == self.values - self.nulls.total()

    def _count_different(self, values: pa.Array) -> None:
        if self._too_many or not len(values):
            return
        try:
            distinct = values.unique()
            if self._different is not None:
                distinct = pa.concat_arrays([self._different, distinct]).unique()
        except pa.ArrowNotImplementedError:  # of lists and structs
            self._too_many = True
            return
        self._too_many = len(distinct) > MOST_DIFFERENT or distinct.nbytes > _MOST_BYTES
        self._different = None if self._too_many else distinct


def count_looks(values: pa.Array, looks: Iterable[str]) -> dict[str, int]:
    """Count the values that look like something.

    Args:
        values: text, without nulls.
        looks: keys of `LOOKS`.
    """
    return {name: _count(values, name) for name in looks}


def count_formats(values: pa.Array) -> dict[str, int]:
    """Count the values that have a format, by format; values are text, without nulls."""
    return {name: len(values) - len(check.failing(values)) for name, check in _formats()}


def count_personal(name: str, values: pa.Array) -> dict[str, int]:
    """Count the values that hold personal data, by finder.

    Args:
        name: the column's; some finders are for columns of certain names.
        values: of any type, without nulls.
    """
    return {finder: len(rows) for finder, rows in search(finders_of(), name, values).items()}


@cache
def finders() -> dict[str, Finder]:
    """Return the finders of personal data, by name."""
    return {finder.name: finder for finder in finders_of()}


@cache
def _formats() -> list[tuple[str, Check]]:
    columns = {name: Column(type="string", format=name) for name in get_args(Format)}
    return [(name, checks_of(column, pa.string())[0]) for name, column in columns.items()]


def _count(values: pa.Array, name: str) -> int:
    matches = pc.match_substring_regex(values, whole(LOOKS[name]))
    return int(pc.sum(matches).as_py() or 0)
