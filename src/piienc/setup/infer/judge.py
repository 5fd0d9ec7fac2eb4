"""What a column's name and values propose: its fields, each with what was seen."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pyarrow as pa
from msgspec import Struct

from piienc.schema.personal import Personal, personal_by_name
from piienc.schema.propose import ProposedColumn, ProposedField
from piienc.setup.infer.profile import finders
from piienc.setup.infer.types import counted, format_lines, notes_of, type_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from piienc.setup.infer.profile import ColumnProfile

_BY_FINDER = {
    "email": Personal("an e-mail address", "Email", "searchable"),
    "phone": Personal("a phone number", "Phone number", "searchable"),
    "phone_digits": Personal("a phone number", "Phone number", "searchable"),
}
"""What a column is all of whose values are such; all else that is found is sealed."""
_BY_FORMAT = {"ipv4": "an IPv4 address", "ipv6": "an IPv6 address"}  # no finder: versions look so
_ENOUGH = 100  # values, to judge how often they repeat
_OFTEN = 20  # times that each value stands there on average


class KeyNames(Struct, frozen=True):
    """The names of the keys that are proposed.

    Attributes:
        searchable: for what is looked up.
        sealed: for all else.
    """

    searchable: str = "searchable"
    sealed: str = "sealed"


class _PersonalData(Struct, frozen=True):
    """The personal data in a column.

    Attributes:
        kind: of it.
        why: what tells.
        sure: whether it is enough to propose a mark.
    """

    kind: Personal
    why: str
    sure: bool = True


def judge(profiles: Sequence[ColumnProfile], keys: KeyNames) -> tuple[ProposedColumn, ...]:
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


def _rules(seen: ColumnProfile, kind: str) -> Iterator[ProposedField]:
    rows, values = seen.rows, seen.values
    if values and values == rows:
        yield ProposedField("required", value=True, why=f"no null in {counted(rows, rows)} rows")
    if values > 1 and seen.different == values:
        why = f"all {values:,} values are different"
        yield ProposedField("unique", value=True, why=why, sure=False)
    yield from format_lines(seen, kind)


def _personal(seen: ColumnProfile, kind: str) -> _PersonalData | None:
    by_content = _by_content(seen)
    if (named := personal_by_name(seen.name)) is not None:
        if _contradicts(named, kind):
            return _PersonalData(
                named, f"its name tells of {named.what}, its type does not", sure=False
            )
        also = f"; {by_content.why}" if by_content else ""
        return _PersonalData(named, f"{named.what}, by its name{also}")
    return by_content


def _by_content(seen: ColumnProfile) -> _PersonalData | None:
    """Return what most values are, of all that enough of them are."""
    known = finders()
    counts = {
        name: count
        for name, count in seen.personal.items()
        if count >= known[name].share * seen.values
    }
    counts |= {form: seen.formats[form] for form in _BY_FORMAT if seen.formats[form]}
    if not counts:
        return None
    best = max(counts, key=lambda name: counts[name])
    what = _BY_FORMAT.get(best) or known[best].description
    why = f"{counted(counts[best], seen.values)} values look like {what}"
    mostly = 2 * counts[best] >= seen.values
    sealed = Personal(what, None, "sealed")
    if best in {"email", "phone"} and 2 * seen.formats[best] < seen.values:
        # They stand in longer texts, and whether such a text is to be sealed is for people.
        return _PersonalData(sealed, why, sure=False)
    return _PersonalData(_BY_FINDER.get(best, sealed), why, sure=mostly)


def _contradicts(named: Personal, kind: str) -> bool:
    return kind in ("boolean", "date", "timestamp") and kind not in named.types


def _marks(
    seen: ColumnProfile, found: _PersonalData | None, carried: Counter[str | None], keys: KeyNames
) -> Iterator[ProposedField]:
    if found is None:
        return
    kind = found.kind
    if kind.property is not None:
        alone = carried[kind.property] <= 1
        why = found.why if alone else f"{found.why}; several columns could carry it"
        if kind.part:
            why = f"{found.why}, which is a part of it"
        sure = found.sure and alone and not kind.part
        yield ProposedField("property", kind.property, why, sure=sure)
    key, why = _key(seen, kind, keys)
    if kind.property is None:
        why = f"{found.why}; {why}"
    if _has_no_text(seen):
        yield ProposedField(
            "encrypt", key, f"{why}; the file's type cannot be encrypted", sure=False
        )
        return
    yield ProposedField("encrypt", key, why, sure=found.sure)


def _key(seen: ColumnProfile, kind: Personal, keys: KeyNames) -> tuple[str, str]:
    if kind.key == "sealed":
        return keys.sealed, "sealed: searchable cells that are equal could be counted and guessed"
    if (few := seen.different) is not None and seen.values >= max(_ENOUGH, _OFTEN * few):
        return keys.sealed, f"sealed: only {few:,} different values, which could be guessed"
    return keys.searchable, "searchable: for look-ups and joins; shows which values are equal"


def _has_no_text(seen: ColumnProfile) -> bool:
    return seen.type is not None and (pa.types.is_nested(seen.type) or pa.types.is_null(seen.type))
