"""What is looked for in each column of a batch."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa

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
from piienc.flow.verify.batches import comparable
from piienc.flow.verify.found import Breach, Counts
from piienc.keys import Mode, Prefix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from piienc.cells import Places
    from piienc.checks.finders import Finder
    from piienc.checks.rules import Check
    from piienc.columns import Fingerprints, Prints
    from piienc.flow.steps import ColumnPlace
    from piienc.flow.verify.round_trip import ColumnTrip
    from piienc.keys import Keyset, KeysetFacts
    from piienc.schema import Column


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found in a batch of a column.

    Attributes:
        counts: of its cells.
        breaches: rows that break a rule.
        plain: the values, as far as they are known; None where no key tells.
        prints: fingerprints of values, to find equal ones, and their rows.
        leaks: the same, to count what a searchable column gives away.
    """

    counts: Counts
    breaches: list[Breach]
    plain: pa.Array | None
    prints: tuple[Prints, Places] | None = None
    leaks: tuple[Prints, Places] | None = None

    def unknown(self, stored: pa.Array) -> Places:
        """Return the rows that hold something, and nobody knows what."""
        if self.plain is None:
            return np.arange(len(stored))
        known = self.plain.is_valid().to_numpy(zero_copy_only=False)
        return np.flatnonzero(stored.is_valid().to_numpy(zero_copy_only=False) & ~known)


class Watch(Protocol):
    """What is looked for in one column."""

    unchecked: dict[str, str]
    """By rule, why it cannot be checked."""

    def of_column(self) -> Iterator[Breach]:
        """Yield what is wrong with the column as a whole, whatever its values."""

    def look(self, stored: pa.Array) -> Looked:
        """Look at a batch; called from several threads."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a column's values, in their plain form.

    Attributes:
        name: the column's.
        column: as the schema has it.
        kind: the Arrow type of the values.
        fingerprints: makes those of a unique column.
    """

    name: str
    column: Column
    kind: pa.DataType
    fingerprints: Fingerprints
    checks: Sequence[Check] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "checks", checks_of(self.column, self.kind))

    def of_column(self, *, text: bool) -> Iterator[Breach]:
        """Yield what is wrong with the type of a Parquet column; CSV has text alone."""
        detail = None if text else type_fits(self.column, self.kind)
        if detail:
            yield Breach(self.name, "type", detail)

    def breaches(self, values: pa.Array) -> Iterator[Breach]:
        """Yield the rows whose values break a rule."""
        dense, rows = _dense(values)
        for check in self.checks:
            failing = check.failing(dense)
            if len(failing):
                yield Breach(self.name, check.rule, check.detail, rows[failing])

    def nulls(self, stored: pa.Array) -> Iterator[Breach]:
        """Yield the rows that are null and must not be."""
        if self.column.required and stored.null_count:
            missing = stored.is_null().to_numpy(zero_copy_only=False)
            yield Breach(self.name, "required", "null", np.flatnonzero(missing))

    def prints(self, values: pa.Array) -> tuple[Prints, Places] | None:
        """Return the fingerprints of a unique column."""
        if not self.column.unique:
            return None
        return self.fingerprints.of(comparable(values, self.name))


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

    def look(self, stored: pa.Array) -> Looked:
        """Look at a batch."""
        breaches, prints = [], None
        if self._rules:
            breaches = [*self._rules.nulls(stored), *self._rules.breaches(stored)]
            prints = self._rules.prints(stored)
        suspicious = Counter[str]()
        dense, rows = _dense(stored)
        found = look(self._finders, self._name, dense)
        for finder in self._finders:
            if (at := found.get(finder.name)) is not None and len(at):
                suspicious[finder.name] = len(at)
                if not finder.share:
                    what = f"looks like {finder.description}"
                    breaches.append(Breach(self._name, "personal", what, rows[at]))
        return Looked(Counts(stored.null_count, suspicious=suspicious), breaches, stored, prints)


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
        self._restored = restored
        self.unchecked: dict[str, str] = {}

    def of_column(self) -> Iterator[Breach]:
        """Yield what is wrong with the type that decryption restores."""
        yield from self._rules.of_column(text=self._restored == pa.string())

    def look(self, stored: pa.Array) -> Looked:
        """Look at a batch."""
        cells = to_cells(stored, self._label)
        judged = self._cipher.judge(cells, text=is_text(self._restored))
        breaches = [Breach(self._name, each.rule, each.what, each.rows) for each in judged.wrong]
        plain, odd = self._typed(judged.plain)
        breaches += [*self._rules.nulls(stored), *odd, *self._rules.breaches(plain)]
        plaintext = sum(len(each.rows) for each in judged.wrong if each.rule == "plaintext")
        counts = Counts(
            stored.null_count,
            len(stored) - stored.null_count - plaintext,
            judged.authentic,
            self._cipher.used_key_ids.copy(),
        )
        leaks = None
        if self._searchable and judged.authentic:
            good = cells if not judged.wrong else _where_valid(cells, judged.plain)
            leaks = prints_of_ciphertexts(good, text=self._text)
        return Looked(counts, breaches, plain, self._rules.prints(plain), leaks)

    def _typed(self, cells: pa.Array) -> tuple[pa.Array, list[Breach]]:
        """Restore the values' type; what has not that type becomes null, and a breach."""
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

    def look(self, stored: pa.Array) -> Looked:
        """Look at a batch."""
        cells = to_cells(stored, self._label)
        forms = forms_of(cells, text=self._text, least=self._least, bare=self._bare)
        breaches = list(self._rules.nulls(stored))
        if len(forms.others):
            breaches.append(Breach(self._name, "plaintext", "not encrypted", forms.others))
        ids = {int(key_id) for key_id in np.unique(forms.key_ids)}
        for stranger in sorted(ids - (self._ids or ids)):
            rows = forms.rows[forms.key_ids == stranger]
            what = f"encrypted under key id {stranger}, which is not this column's"
            breaches.append(Breach(self._name, "key", what, rows))
        counts = Counts(stored.null_count, len(forms.rows), 0, ids)
        if not self._searchable or not len(forms.rows):
            return Looked(counts, breaches, None)
        encrypted = np.zeros(len(cells), np.bool_)
        encrypted[forms.rows] = True
        found = prints_of_ciphertexts(_masked(cells, encrypted), text=self._text)
        unique = found if self._rules.column.unique else None
        return Looked(counts, breaches, None, unique, found)


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
        self._is_csv = place.type == pa.string()
        self._least = LEAST[facts.mode] if facts else min(LEAST.values())
        self._ids = {key.key_id for key in facts.keys} if facts else None
        self._counted = fingerprints if facts and facts.mode is Mode.SEARCHABLE else None
        self.unchecked = unchecked

    def of_column(self) -> Iterator[Breach]:
        """Yield what is wrong with the column's type."""
        yield from self._rules.of_column(text=self._is_csv)

    def look(self, stored: pa.Array) -> Looked:
        """Look at a batch."""
        cells = to_cells(stored, self._label)
        forms = forms_of(cells, text=self._text, least=self._least)
        ours = np.ones(len(forms.rows), np.bool_)
        if self._ids is not None:
            ours = np.isin(forms.key_ids, list(self._ids))
        breaches, values = list(self._rules.nulls(stored)), stored
        if ours.any():
            already = forms.rows[ours]
            breaches.append(Breach(self._name, "encrypted", "encrypted already", already))
            values = _without(stored, already)
            cells = to_cells(values, self._label)
        breaches += self._rules.breaches(values)
        if self._trip:
            breaches += self._trip.breaches(values)
        ids = {int(key_id) for key_id in np.unique(forms.key_ids[ours])}
        counts = Counts(stored.null_count, int(ours.sum()), 0, ids)
        leaks = self._counted.of(cells) if self._counted else None
        return Looked(counts, breaches, stored, self._rules.prints(values), leaks)


def _without(values: pa.Array, rows: Places) -> pa.Array:
    """Return values of any type with null in some rows."""
    gone = np.zeros(len(values), np.bool_)
    gone[rows] = True
    return values.take(pa.array(np.arange(len(values)), mask=gone))


def _dense(values: pa.Array) -> tuple[pa.Array, Places]:
    """Return the values that are not null, and their rows."""
    if not values.null_count:
        return values, np.arange(len(values))
    return values.drop_null(), np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False))


def _where_valid(cells: pa.Array, other: pa.Array) -> pa.Array:
    return _masked(cells, other.is_valid().to_numpy(zero_copy_only=False))


def _masked(cells: pa.Array, keep: NDArray[np.bool_]) -> pa.Array:
    """Return cells with null where they are not to be kept."""
    from pyarrow import compute as pc  # noqa: PLC0415  # 35 ms, which clean files do without

    return pc.if_else(pa.array(keep), cells, pa.scalar(None, cells.type))
