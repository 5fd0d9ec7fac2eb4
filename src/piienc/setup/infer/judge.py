"""What a column's name and values propose: its fields, each with what was seen."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, get_args

import pyarrow as pa
from msgspec import Struct

from piienc.checks.on_typed import fits
from piienc.schema.model import ColumnType
from piienc.schema.personal import Personal, personal_by_name
from piienc.schema.propose import ProposedColumn, ProposedField
from piienc.setup.infer.profile import TYPES, finders

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
_TWO = 2  # different values of a flag
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
    types = [_type_line(seen) for seen in profiles]
    kinds = [str(line.value) for line in types]
    found = [_personal(seen, kind) for seen, kind in zip(profiles, kinds, strict=True)]
    carried = Counter(one.kind.property for one in found if one and one.sure)
    return tuple(
        ProposedColumn(
            seen.name,
            (line, *_rules(seen, kind), *_marks(seen, personal, carried, keys)),
            tuple(_notes_of(seen, kind)),
        )
        for seen, line, kind, personal in zip(profiles, types, kinds, found, strict=True)
    )


def _rules(seen: ColumnProfile, kind: str) -> Iterator[ProposedField]:
    rows, values = seen.rows, seen.values
    if values and values == rows:
        yield ProposedField("required", value=True, why=f"no null in {_counted(rows, rows)} rows")
    if values > 1 and seen.different == values:
        why = f"all {values:,} values are different"
        yield ProposedField("unique", value=True, why=why, sure=False)
    yield from _format_lines(seen, kind)


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
    why = f"{_counted(counts[best], seen.values)} values look like {what}"
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


def _counted(part: int, whole: int) -> str:
    """Write how many of how many."""
    return f"{part:,} of {whole:,}"


def _type_line(seen: ColumnProfile) -> ProposedField:
    """Propose a type; where values of another would be lost or read otherwise, it is string."""
    if seen.type is not None:
        return _type_of_parquet(seen.type)
    if not seen.values:
        return ProposedField("type", "string", "no value was seen: is it a string?")
    for look in TYPES:
        if seen.all_look(look):
            kind = look.removeprefix("zoned ")
            return ProposedField("type", kind, f"{_counted(seen.values, seen.values)} values")
    return ProposedField("type", "string", _why_string(seen))


def _type_of_parquet(kind: pa.DataType) -> ProposedField:
    if pa.types.is_null(kind.value_type if pa.types.is_dictionary(kind) else kind):
        return ProposedField("type", "string", "the file has nulls without a type: is it a string?")
    for name in get_args(ColumnType):
        if fits(kind, name):
            return ProposedField("type", name, "as the file has it")
    return ProposedField("type", "string", "no type of a schema fits the file's; is string right?")


def _why_string(seen: ColumnProfile) -> str:
    """Say why text is no other type, or what it looks like without being it."""
    values, looks = seen.values, seen.looks
    padded = looks["padded"]
    reasons = {
        f"{_counted(padded, values)} values are digits with leading zeros, which no integer has": (
            padded
        ),
        "some timestamps with an offset and some without": (
            looks["timestamp"] and looks["timestamp"] + looks["zoned timestamp"] == values
        ),
        "all values have a format of their own": values in seen.formats.values(),
        "digits that 64 bits may not hold, or with a plus sign": seen.all_look("digits"),
        "dates in a local form: which part is the day cannot be told for sure": (
            seen.all_look("local date")
        ),
        "reads like yes and no; a boolean is true or false": seen.all_look("flag"),
    }
    found = next((reason for reason, holds in reasons.items() if holds), None)
    return found or f"{_counted(values, values)} values are text of no other type"


def _format_lines(seen: ColumnProfile, kind: str) -> Iterator[ProposedField]:
    """Propose a format for text that all has it."""
    if kind != "string":
        return
    for name, count in seen.formats.items():
        if 0 < count == seen.values:
            yield ProposedField("format", name, f"{_counted(count, count)} values")
        elif 2 * count >= seen.values > 0:
            others = f"{_counted(seen.values - count, seen.values)} values are not"
            yield ProposedField("format", name, f"{others}: mend them, or leave it out", sure=False)


def _notes_of(seen: ColumnProfile, kind: str) -> Iterator[str]:
    """Say what the fields do not tell."""
    if seen.rows == 0:
        yield "no row was seen: what follows is by the name alone"
    elif seen.values < seen.rows:
        yield f"{_counted(seen.rows - seen.values, seen.rows)} rows are null"
    if seen.type is not None or not seen.values:
        return
    if kind == "float" and seen.all_look("point"):
        yield 'all values have a decimal point: if it is money, type = "decimal" keeps every digit'
    if kind == "integer" and seen.different is not None and seen.different <= _TWO < seen.values:
        yield f"only {seen.different} different values: is it a flag?"
    for look in ("integer", "float"):
        # The counts of types stop at the first value that does not fit.
        if kind == "string" and not seen.looks["padded"] and 0 < seen.looks[look] < seen.values:
            yield "some values are numbers, and others are not"
            return
