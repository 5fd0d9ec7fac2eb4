"""The rows held to what their receiver demands: `[rows]` of its profile.

`RowRules.of` settles which rule is for which column, once for a file. The rest is whole-column
operations, which any thread may run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from piienc.receivers.demands import CellDemand, cell_demands
from piienc.receivers.rows import PropertyNames
from piienc.receivers.stored import StoredForms, without_any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from piienc.receivers import Profile, RowRule
    from piienc.receivers.rows import Level
    from piienc.schema import Schema


class RowViolation(Struct, frozen=True, eq=False):
    """A demand that is not met.

    Attributes:
        detail: what is wrong, for people and without the value, with the rule's name.
        column: the column's name; None if it is of whole rows, or of the file.
        rows: the rows, from 0 in their batch and in order; empty if it is of the whole file.
        severity: error or warning.
    """

    detail: str
    column: str | None
    rows: NDArray[np.int64]
    severity: Level


class _Required(Struct, frozen=True):
    """A rule by which each row has a value in one of some columns.

    Attributes:
        place: how an error names the rule.
        rule: the rule.
        names: the properties, for people.
        columns: those of the file that carry one of the properties.
    """

    place: str
    rule: RowRule
    names: str
    columns: tuple[str, ...]


class RowRules(Struct, frozen=True):
    """A profile's rules, settled for the columns of one file."""

    _demands: Mapping[str, Sequence[tuple[str, CellDemand]]]
    """By column, those on its cells, each with the name of its rule."""
    _marked: frozenset[str]
    _required: tuple[_Required, ...]
    _file: tuple[RowViolation, ...]

    @classmethod
    def of(cls, profile: Profile, schema: Schema, columns: Sequence[str]) -> RowRules:
        """Settle which rules are for which columns of a file."""
        names = PropertyNames.of(profile.properties)
        carried = {name: names.spelt(_property(name, schema)) for name in columns}
        rules = _rules(profile, {*carried.values()}, names)
        chosen = {
            place: [name for name in carried if rule.chooses(name, carried[name], names)]
            for place, rule in rules.items()
        }
        demands: dict[str, list[tuple[str, CellDemand]]] = {name: [] for name in carried}
        for place, rule in rules.items():
            of_cells = [(place, demand) for demand in cell_demands(rule)]
            for name in chosen[place]:
                demands[name] += of_cells
        violations = [
            violation
            for place, rule in rules.items()
            for violation in _of_columns(place, rule, chosen[place], carried, schema)
        ]
        return cls(
            {name: each for name, each in demands.items() if each},
            frozenset(schema.marked),
            tuple(_required(rules, carried, names)),
            tuple(violations),
        )

    def of_the_file(self) -> list[RowViolation]:
        """Return what is wrong with the columns, whatever is in the rows."""
        nobodys = [
            _violation(each.place, f"no column carries any of {each.names}", None, each.rule.level)
            for each in self._required
            if not each.columns
        ]
        return [*self._file, *nobodys]

    def failing(self, batch: pa.RecordBatch, stored: pa.RecordBatch | None) -> list[RowViolation]:
        """Find the rows that break a rule.

        A value that could not be decrypted is not judged by rules on plain values.

        Args:
            batch: the plain values, decrypted where a key was there; valid UTF-8.
            stored: the cells as they lie in the file, of the same rows; None if nothing of the
                file is encrypted.

        Returns:
            For each broken rule and column, its rows. A column that a batch has not, or has
            twice, is not judged.
        """
        violations = []
        for name, demands in self._demands.items():
            forms = StoredForms(name, batch, stored, marked=name in self._marked)
            for place, demand in demands:
                cells = forms.of(demand.when)
                rows = demand.broken_in(cells) if cells is not None else ()
                if len(rows):
                    detail = f"{demand.detail} ({place})"
                    violations.append(RowViolation(detail, name, np.asarray(rows), demand.severity))
        for each in self._required:
            rows = without_any(each.columns, batch, stored)
            if len(rows):
                detail = f"{each.rule.says or f'no value in any of {each.names}'} ({each.place})"
                violations.append(RowViolation(detail, None, rows, each.rule.level))
        return violations


def _property(name: str, schema: Schema) -> str:
    column = schema.columns.get(name)
    return (column and column.property) or name


def _rules(profile: Profile, carried: set[str], names: PropertyNames) -> dict[str, RowRule]:
    """Return the rules that hold for a file, by how they are named to people."""
    kind = next(
        (
            kind
            for kind, telling in profile.kinds.items()
            if not telling or not carried.isdisjoint(map(names.spelt, telling))
        ),
        None,
    )
    return {
        f"rows.{name} of {profile.name}": rule
        for name, rule in profile.rows.items()
        if rule.severity != "off" and rule.type in (None, kind)
    }


def _required(
    rules: Mapping[str, RowRule], carried: Mapping[str, str], names: PropertyNames
) -> Iterator[_Required]:
    for place, rule in rules.items():
        if rule.required_one_of is not None:
            properties = {*map(names.spelt, rule.required_one_of)}
            columns = tuple(name for name in carried if carried[name] in properties)
            yield _Required(place, rule, ", ".join(rule.required_one_of), columns)


def _of_columns(
    place: str,
    rule: RowRule,
    chosen: Sequence[str],
    carried: Mapping[str, str],
    schema: Schema,
) -> Iterator[RowViolation]:
    """Find what is wrong with the columns that a rule has chosen, as a whole."""
    marked = schema.marked
    for name in chosen:
        length = len(carried[name].encode(errors="replace"))
        if rule.max_name_bytes is not None and length > rule.max_name_bytes:
            detail = rule.says or f"its name is longer than {rule.max_name_bytes} bytes"
            yield _violation(place, detail, name, rule.level)
        if rule.plain and name in marked:
            yield _violation(place, rule.says or "encrypted, and must be plain", name, rule.level)
    if rule.max_columns is not None and len(chosen) > rule.max_columns:
        detail = rule.says or f"{len(chosen)} columns, and {rule.max_columns} are taken"
        yield _violation(place, detail, None, rule.level)


def _violation(place: str, detail: str, column: str | None, severity: Level) -> RowViolation:
    return RowViolation(f"{detail} ({place})", column, np.empty(0, np.int64), severity)
