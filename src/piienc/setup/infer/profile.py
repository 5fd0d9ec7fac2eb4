"""What was seen of a column: counts, and never a value."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
from msgspec import Struct, field

from piienc.setup.infer.looks import LOOKS, TYPES, count_formats, count_looks, count_personal

MOST_DIFFERENT = 1 << 17
"""As many different values are told apart: more than the rows that are looked at by default."""
_MOST_BYTES = 64 << 20  # that they may take; memory stays flat where cells are long


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
    """

    name: str
    type: pa.DataType | None = None
    rows: int = 0
    values: int = 0
    looks: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    personal: Counter[str] = field(default_factory=Counter)
    _different: pa.Array | None = None
    _too_many: bool = False

    @property
    def different(self) -> int | None:
        """How many different values there are; None if they were not counted."""
        if self._too_many:
            return None
        return 0 if self._different is None else len(self._different)

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
            wanted = [look for look in LOOKS if look not in TYPES or self._may_be(look)]
            self.looks.update(count_looks(values, wanted))
            self.formats.update(count_formats(values))
        self.personal.update(count_personal(self.name, values))
        self.rows += rows
        self.values += len(values)
        self._count_different(values)

    def _may_be(self, look: str) -> bool:
        return self.looks[look] == self.values

    def _count_different(self, values: pa.Array) -> None:
        if self._too_many or not len(values):
            return
        try:
            known = values.unique()
            if self._different is not None:
                known = pa.concat_arrays([self._different, known]).unique()
        except pa.ArrowNotImplementedError:  # of lists and structs
            self._too_many = True
            return
        self._too_many = len(known) > MOST_DIFFERENT or known.nbytes > _MOST_BYTES
        self._different = None if self._too_many else known
