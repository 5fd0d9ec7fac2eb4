"""What a column's name and values propose: its fields, each with what was seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from piienc.flow.infer.looks import PERSONAL
from piienc.flow.infer.types import counted, format_lines, notes_of, type_line
from piienc.schema.personal import Personal, personal_by_name
from piienc.schema.propose import Line, ProposedColumn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from piienc.flow.infer.profile import Profile

_ENOUGH = 100  # values, to judge how often they repeat
_OFTEN = 20  # times that each value stands there on average


@dataclass(frozen=True, slots=True)
class KeyNames:
    """The names of the keys that are proposed.

    Attributes:
        searchable: for what is looked up.
        sealed: for all else.
    """

    searchable: str = "searchable"
    sealed: str = "sealed"


@dataclass(frozen=True, slots=True)
class _Found:
    """The personal data in a column.

    Attributes:
        kind: of it.
        why: what tells.
        sure: whether it is enough to propose a mark.
    """

    kind: Personal
    why: str
    sure: bool = True


def judge(profiles: Sequence[Profile], keys: KeyNames) -> tuple[ProposedColumn, ...]:
    """Propose the columns of a schema."""
    types = [type_line(seen) for seen in profiles]
    kinds = [str(line.value) for line in types]
    found = [_personal(seen, kind) for seen, kind in zip(profiles, kinds, strict=True)]
    carried = Counter(one.kind.property for one in found if one and one.sure)
    return tuple(
        ProposedColumn(
            seen.name,
            (line, *_rules(seen, kind), *_marks(seen, personal, carried, keys)),
            tuple(notes_of(seen, kind)),
        )
        for seen, line, kind, personal in zip(profiles, types, kinds, found, strict=True)
    )


def _rules(seen: Profile, kind: str) -> Iterator[Line]:
    rows, values = seen.rows, seen.values
    if values and values == rows:
        yield Line("required", value=True, why=f"no null in {counted(rows, rows)} rows")
    if values > 1 and seen.different == values:
        why = f"all {values:,} values are different"
        yield Line("unique", value=True, why=why, sure=False)
    yield from format_lines(seen, kind)


def _personal(seen: Profile, kind: str) -> _Found | None:
    look = max(PERSONAL, key=lambda name: seen.looks[name])
    plural, what, carried, key = PERSONAL[look]
    share = f"{counted(seen.looks[look], seen.values)} values look like {plural}"
    if (named := personal_by_name(seen.name)) is not None:
        if _contradicts(named, kind):
            return _Found(named, f"its name tells of {named.what}, its type does not", sure=False)
        also = f"; {share}" if seen.looks[look] else ""
        return _Found(named, f"{named.what}, by its name{also}")
    if not seen.looks[look]:
        return None
    return _Found(Personal(what, carried, key), share, sure=2 * seen.looks[look] >= seen.values)


def _contradicts(named: Personal, kind: str) -> bool:
    if kind == "boolean":
        return named.property != "Gender"
    return kind in ("date", "timestamp") and named.property != "DOB"


def _marks(
    seen: Profile, found: _Found | None, carried: Counter[str | None], keys: KeyNames
) -> Iterator[Line]:
    if found is None:
        return
    kind = found.kind
    if kind.property is not None:
        alone = carried[kind.property] <= 1
        why = found.why if alone else f"{found.why}; several columns could carry it"
        if kind.part:
            why = f"{found.why}, which is a part of it"
        sure = found.sure and alone and not kind.part
        yield Line("property", kind.property, why, sure=sure)
    key, why = _key(seen, kind, keys)
    if kind.property is None:
        why = f"{found.why}; {why}"
    if _has_no_text(seen):
        yield Line("encrypt", key, f"{why}; the file's type cannot be encrypted", sure=False)
        return
    yield Line("encrypt", key, why, sure=found.sure)


def _key(seen: Profile, kind: Personal, keys: KeyNames) -> tuple[str, str]:
    if kind.key == "sealed":
        return keys.sealed, "sealed: searchable cells that are equal could be counted and guessed"
    if (few := seen.different) is not None and seen.values >= max(_ENOUGH, _OFTEN * few):
        return keys.sealed, f"sealed: only {few:,} different values, which could be guessed"
    return keys.searchable, "searchable: for look-ups and joins; shows which values are equal"


def _has_no_text(seen: Profile) -> bool:
    import pyarrow as pa  # noqa: PLC0415  # here alone

    return seen.type is not None and (pa.types.is_nested(seen.type) or pa.types.is_null(seen.type))
