"""What is looked for in each column of a batch."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa
from msgspec import Struct

from piienc.checks.finders import look
from piienc.checks.rules import checks_of, type_fits
from piienc.columns import (
    LEAST,
    ColumnCipher,
    forms_of,
    from_cells,
    is_text,
    prints_of_ciphertexts,
    to_cells,
)
from piienc.errors import InputError
from piienc.flow.batches import TypedColumn, comparable, without_nulls
from piienc.flow.verify.found import Breach, Counts
from piienc.flow.verify.prints import folded
from piienc.keys import Mode, Prefix
from piienc.tables import CsvSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from piienc.cells import Places
    from piienc.checks.finders import Finder
    from piienc.checks.rules import Check
    from piienc.columns import Fingerprints, Judged, Prints
    from piienc.flow.batches import StoredColumn
    from piienc.flow.steps import ColumnPlace
    from piienc.flow.verify.prints import Folded
    from piienc.flow.verify.round_trip import ColumnTrip
    from piienc.keys import Keyset, KeysetFacts
    from piienc.schema import Column


class Looked(Struct, frozen=True):
    """What was found in a batch of a column.

    Attributes:
        counts: of its cells.
        breaches: rows that break a rule.
        plain: makes the values, as far as they are known; None where no key tells.
        prints: fingerprints of values, to find equal ones, and their rows.
        leaks: fingerprints, folded, to count what a searchable column gives away.
    """

    counts: Counts
    breaches: list[Breach]
    plain: Callable[[], pa.Array] | None
    prints: tuple[Prints, Places] | None = None
    leaks: Folded | None = None

    def unknown(self, stored: StoredColumn) -> Places:
        """Return the rows that hold something, and nobody knows what."""
        held = stored.dense[1]
        if self.plain is None:
            return held
        return np.setdiff1d(held, without_nulls(self.plain())[1], assume_unique=True)


class Watch(Protocol):
    """What is looked for in one column."""

    unchecked: dict[str, str]
    """By rule, why it cannot be checked."""

    def of_column(self) -> Iterator[Breach]:
        """Yield what is wrong with the column as a whole, whatever its values."""

    def look(self, stored: StoredColumn) -> Looked:
        """Look at a batch; called from several threads."""


class Rules(Struct, frozen=True):
    """The rules of a column's values, in their plain form.

    Attributes:
        name: the column's.
        column: as the schema has it.
        kind: the Arrow type of the values.
        fingerprints: makes those of a unique column.
        checks: what each value is asked.
    """

    name: str
    column: Column
    kind: pa.DataType
    fingerprints: Fingerprints
    checks: Sequence[Check]

    @classmethod
    def of(cls, name: str, column: Column, kind: pa.DataType, fingerprints: Fingerprints) -> Rules:
        """Return those that a schema has for a column."""
        return cls(name, column, kind, fingerprints, checks_of(column, kind))

    def of_column(self, *, text: bool) -> Iterator[Breach]:
        """Yield what is wrong with the type of a Parquet column; CSV has text alone."""
        detail = None if text else type_fits(self.column, self.kind)
        if detail:
            yield Breach(self.name, "type", detail)

    @property
    def judge(self) -> bool:
        """Whether there is anything that values could break."""
        return bool(self.checks) or self.column.unique

    def breaches(self, dense: pa.Array, rows: Places) -> Iterator[Breach]:
        """Yield the rows whose values break a rule."""
        for check in self.checks:
            failing = check.failing(dense)
            if len(failing):
                yield Breach(self.name, check.rule, check.detail, rows[failing])

    def nulls(self, stored: StoredColumn) -> Iterator[Breach]:
        """Yield the rows that are null and must not be."""
        if self.column.required and stored.null_count:
            missing = np.ones(stored.count, np.bool_)
            missing[stored.dense[1]] = False
            yield Breach(self.name, "required", "null", np.flatnonzero(missing))

    def prints(self, dense: pa.Array, rows: Places) -> tuple[Prints, Places] | None:
        """Return the fingerprints of a unique column."""
        if not self.column.unique:
            return None
        cells, _ = comparable(dense, self.name)
        return self.fingerprints.of(cells), rows


class Unmarked:
    """A column that is not encrypted: its rules hold, and it holds no personal data."""

    def __init__(
        self, place: ColumnPlace, rules: Rules | None, finders: Sequence[Finder], *, text: bool
    ) -> None:
        self._name, self._rules, self._finders, self._text = place.name, rules, finders, text
        nested = pa.types.is_nested(place.type)
        self.unchecked = {"personal": "nested values are not searched"} if nested else {}

    def of_column(self) -> Iterator[Breach]:
        """Yield what is wrong with the column's type."""
        if self._rules:
            yield from self._rules.of_column(text=self._text)

    def look(self, stored: StoredColumn) -> Looked:
        """Look at a batch."""
        breaches, prints = [], None
        dense, rows = stored.dense
        if self._rules:
            breaches = [*self._rules.nulls(stored), *self._rules.breaches(dense, rows)]
            prints = self._rules.prints(dense, rows)
        suspicious = Counter[str]()
        found = look(self._finders, self._name, dense)
        for finder in self._finders:
            if (at := found.get(finder.name)) is not None and len(at):
                suspicious[finder.name] = len(at)
                if not finder.share:
                    what = f"looks like {finder.description}"
                    breaches.append(Breach(self._name, "personal", what, rows[at]))
        counts = Counts(stored.null_count, suspicious=suspicious)
        return Looked(counts, breaches, lambda: stored.array, prints)


class Opened:
    """A marked column whose key is there: each cell is authentic, and its value as it should be."""

    def __init__(
        self, place: ColumnPlace, rules: Rules, keyset: Keyset, context: str, restored: pa.DataType
    ) -> None:
        self._name, self._label, self._rules = place.name, place.label, rules
        self._stored = to_cells(place.none(), place.label).type
        self._text = is_text(self._stored)
        self._searchable = keyset.mode is Mode.SEARCHABLE
        self._cipher = ColumnCipher(keyset, context, text=self._text, label=place.label)
        self._restored, self._is_csv = restored, isinstance(place.table, CsvSource)
        self.unchecked: dict[str, str] = {}

    def of_column(self) -> Iterator[Breach]:
        """Yield what is wrong with the type that decryption restores."""
        yield from self._rules.of_column(text=self._is_csv)

    def look(self, stored: StoredColumn) -> Looked:
        """Look at a batch."""
        cells, rows = stored.cells
        judged = self._cipher.judge(cells, rows, text=is_text(self._restored))
        breaches = [Breach(self._name, each.rule, each.what, each.rows) for each in judged.wrong]
        breaches += self._rules.nulls(stored)
        plain, prints = _Once(lambda: self._typed(judged, stored.count)), None
        if self._rules.judge or self._restored != pa.string():
            values, odd = plain()
            dense, known = without_nulls(values)
            breaches += [*odd, *self._rules.breaches(dense, known)]
            prints = self._rules.prints(dense, known)
        plaintext = sum(len(each.rows) for each in judged.wrong if each.rule == "plaintext")
        counts = Counts(
            stored.null_count,
            len(cells) - plaintext,
            judged.authentic,
            self._cipher.used_key_ids.copy(),
        )
        leaks = None
        if self._searchable and judged.authentic:
            good = cells if not judged.wrong else cells.take(np.searchsorted(rows, judged.rows))
            leaks = folded(prints_of_ciphertexts(good, text=self._text))
        return Looked(counts, breaches, lambda: plain()[0], prints, leaks)

    def _typed(self, judged: Judged, count: int) -> tuple[pa.Array, list[Breach]]:
        """Restore the values' type; what has not that type becomes null, and a breach."""
        cells = judged.plain(count, self._stored, text=is_text(self._restored))
        try:
            return from_cells(cells, self._restored, self._label), []
        except InputError:
            pass
        odd = [row for row in range(len(cells)) if not self._is_typed(cells.slice(row, 1))]
        keep = np.ones(len(cells), np.bool_)
        keep[odd] = False
        fine = from_cells(_masked(cells, keep), self._restored, self._label)
        detail = f"decrypted, but no {self._restored}"
        return fine, [Breach(self._name, "type", detail, np.array(odd))]

    def _is_typed(self, cell: pa.Array) -> bool:
        try:
            from_cells(cell, self._restored, self._label)
        except InputError:
            return False
        return True


class Closed:
    """A marked column whose key cannot be used: what can be told by its form is told."""

    def __init__(
        self, place: ColumnPlace, rules: Rules, facts: KeysetFacts | None, reason: str
    ) -> None:
        self._name, self._label, self._rules = place.name, place.label, rules
        self._text = is_text(to_cells(place.none(), place.label).type)
        self._searchable = facts is not None and facts.mode is Mode.SEARCHABLE
        self._least = LEAST[facts.mode] if facts else min(LEAST.values())
        self._ids = {key.key_id for key in facts.keys} if facts else None
        self._bare = any(key.prefix is Prefix.RAW for key in facts.keys) if facts else False
        column = rules.column
        rules_of_values = [check.rule for check in rules.checks]
        rules_of_values += ["unique"] * (column.unique and not self._searchable)
        self.unchecked = dict.fromkeys(["authentic", *rules_of_values], reason)
        if self._ids is None or self._bare:
            self.unchecked["key"] = reason
        if not facts:
            self.unchecked["leak"] = reason

    def of_column(self) -> Iterator[Breach]:
        """Nothing can be told."""
        yield from ()

    def look(self, stored: StoredColumn) -> Looked:
        """Look at a batch."""
        cells, rows = stored.cells
        forms = forms_of(cells, text=self._text, least=self._least, bare=self._bare)
        breaches = list(self._rules.nulls(stored))
        if len(forms.others):
            breaches.append(Breach(self._name, "plaintext", "not encrypted", rows[forms.others]))
        ids = {int(key_id) for key_id in np.unique(forms.key_ids)}
        for stranger in sorted(ids - (self._ids or ids)):
            at = rows[forms.ciphertexts[forms.key_ids == stranger]]
            what = f"encrypted under key id {stranger}, which is not this column's"
            breaches.append(Breach(self._name, "key", what, at))
        counts = Counts(stored.null_count, len(forms.ciphertexts), 0, ids)
        if not self._searchable or not len(forms.ciphertexts):
            return Looked(counts, breaches, None)
        prints = prints_of_ciphertexts(cells.take(forms.ciphertexts), text=self._text)
        unique = (prints, rows[forms.ciphertexts]) if self._rules.column.unique else None
        return Looked(counts, breaches, None, unique, folded(prints))


class StillPlain:
    """A marked column of a file that is still to be encrypted: its rules hold, and it is plain."""

    def __init__(
        self,
        place: ColumnPlace,
        rules: Rules,
        facts: KeysetFacts | None,
        trip: ColumnTrip | None,
        fingerprints: Fingerprints,
        unchecked: dict[str, str],
    ) -> None:
        self._name, self._label, self._rules, self._trip = place.name, place.label, rules, trip
        self._text = is_text(to_cells(place.none(), place.label).type)
        self._is_csv = isinstance(place.table, CsvSource)
        self._least = LEAST[facts.mode] if facts else min(LEAST.values())
        self._ids = {key.key_id for key in facts.keys} if facts else None
        self._counted = fingerprints if facts and facts.mode is Mode.SEARCHABLE else None
        self.unchecked = unchecked

    def of_column(self) -> Iterator[Breach]:
        """Yield what is wrong with the column's type."""
        yield from self._rules.of_column(text=self._is_csv)

    def look(self, stored: StoredColumn) -> Looked:
        """Look at a batch."""
        nulls, (cells, rows) = stored.null_count, stored.cells
        forms = forms_of(cells, text=self._text, least=self._least)
        ours = np.ones(len(forms.ciphertexts), np.bool_)
        if self._ids is not None and len(ours):
            ours = np.isin(forms.key_ids, list(self._ids))
        breaches, prints, leaks = list(self._rules.nulls(stored)), None, stored.prints
        if ours.any():
            at = rows[forms.ciphertexts[ours]]
            breaches.append(Breach(self._name, "encrypted", "encrypted already", at))
            stored = TypedColumn(_without(stored.array, at), self._label)
            cells, rows = stored.cells
        if self._rules.judge:
            dense, known = stored.dense
            breaches += self._rules.breaches(dense, known)
            prints = self._rules.prints(dense, known)
        if self._trip:
            breaches += self._trip.breaches(stored.array)
        ids = {int(key_id) for key_id in np.unique(forms.key_ids[ours])}
        counts = Counts(nulls, int(ours.sum()), 0, ids)
        if leaks is None and self._counted:
            leaks = self._counted.of(cells)
        told = None if leaks is None else folded(leaks)
        return Looked(counts, breaches, lambda: stored.array, prints, told)


def _without(values: pa.Array, rows: Places) -> pa.Array:
    """Return values of any type with null in some rows."""
    gone = np.zeros(len(values), np.bool_)
    gone[rows] = True
    return values.take(pa.array(np.arange(len(values)), mask=gone))


class _Once:
    """What is made when it is first asked for."""

    def __init__(self, make: Callable[[], tuple[pa.Array, list[Breach]]]) -> None:
        self._make = make
        self._made: tuple[pa.Array, list[Breach]] | None = None

    def __call__(self) -> tuple[pa.Array, list[Breach]]:
        if self._made is None:
            self._made = self._make()
        return self._made


def _masked(cells: pa.Array, keep: NDArray[np.bool_]) -> pa.Array:
    """Return cells with null where they are not to be kept."""
    from pyarrow import compute as pc  # noqa: PLC0415  # 35 ms, which clean files do without

    return pc.if_else(pa.array(keep), cells, pa.scalar(None, cells.type))
