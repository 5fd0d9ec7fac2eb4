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
    types = [_type_line(profile) for profile in profiles]
    kinds = [str(line.value) for line in types]
    personal_data = [
        _personal(profile, kind) for profile, kind in zip(profiles, kinds, strict=True)
    ]
    carried = Counter(one.kind.property for one in personal_data if one and one.sure)
    return tuple(
        ProposedColumn(
            profile.name,
            (line, *_rules(profile, kind), *_marks(profile, personal, carried, keys)),
            tuple(_notes_of(profile, kind)),
        )
        for profile, line, kind, personal in zip(profiles, types, kinds, personal_data, strict=True)
    )


def _rules(profile: ColumnProfile, kind: str) -> Iterator[ProposedField]:
    rows, values = profile.rows, profile.values
    if values and values == rows:
        yield ProposedField("required", value=True, why=f"no null in {_counted(rows, rows)} rows")
    if values > 1 and profile.different == values:
        why = f"all {values:,} values are different"
        yield ProposedField("unique", value=True, why=why, sure=False)
    yield from _format_lines(profile, kind)


def _personal(profile: ColumnProfile, kind: str) -> _PersonalData | None:
    by_content = _by_content(profile)
    if (by_name := personal_by_name(profile.name)) is not None:
        if _contradicts(by_name, kind):
            return _PersonalData(
                by_name, f"its name tells of {by_name.what}, its type does not", sure=False
            )
        also = f"; {by_content.why}" if by_content else ""
        return _PersonalData(by_name, f"{by_name.what}, by its name{also}")
    return by_content


def _by_content(profile: ColumnProfile) -> _PersonalData | None:
    """Return what most values are, of all that enough of them are."""
    known_finders = finders()
    counts = {
        name: count
        for name, count in profile.personal.items()
        if count >= known_finders[name].share * profile.values
    }
    counts |= {form: profile.formats[form] for form in _BY_FORMAT if profile.formats[form]}
    if not counts:
        return None
    best = max(counts, key=lambda name: counts[name])
    what = _BY_FORMAT.get(best) or known_finders[best].description
    why = f"{_counted(counts[best], profile.values)} values look like {what}"
    mostly = 2 * counts[best] >= profile.values
    sealed = Personal(what, None, "sealed")
    if best in {"email", "phone"} and 2 * profile.formats[best] < profile.values:
        # They stand in longer texts, and whether such a text is to be sealed is for people.
        return _PersonalData(sealed, why, sure=False)
    return _PersonalData(_BY_FINDER.get(best, sealed), why, sure=mostly)


def _contradicts(personal: Personal, kind: str) -> bool:
    return kind in ("boolean", "date", "timestamp") and kind not in personal.types


def _marks(
    profile: ColumnProfile,
    personal: _PersonalData | None,
    carried: Counter[str | None],
    keys: KeyNames,
) -> Iterator[ProposedField]:
    if personal is None:
        return
    kind = personal.kind
    if kind.property is not None:
        alone = carried[kind.property] <= 1
        why = personal.why if alone else f"{personal.why}; several columns could carry it"
        if kind.part:
            why = f"{personal.why}, which is a part of it"
        sure = personal.sure and alone and not kind.part
        yield ProposedField("property", kind.property, why, sure=sure)
    key, why = _key(profile, kind, keys)
    if kind.property is None:
        why = f"{personal.why}; {why}"
    if _has_no_text(profile):
        yield ProposedField(
            "encrypt", key, f"{why}; the file's type cannot be encrypted", sure=False
        )
        return
    yield ProposedField("encrypt", key, why, sure=personal.sure)


def _key(profile: ColumnProfile, kind: Personal, keys: KeyNames) -> tuple[str, str]:
    if kind.key == "sealed":
        return keys.sealed, "sealed: searchable cells that are equal could be counted and guessed"
    if (few := profile.different) is not None and profile.values >= max(_ENOUGH, _OFTEN * few):
        return keys.sealed, f"sealed: only {few:,} different values, which could be guessed"
    return keys.searchable, "searchable: for look-ups and joins; shows which values are equal"


def _has_no_text(profile: ColumnProfile) -> bool:
    return profile.type is not None and (
        pa.types.is_nested(profile.type) or pa.types.is_null(profile.type)
    )


def _counted(part: int, total: int) -> str:
    """Write how many of how many."""
    return f"{part:,} of {total:,}"


def _type_line(profile: ColumnProfile) -> ProposedField:
    """Propose a type; where values of another would be lost or read otherwise, it is string."""
    if profile.type is not None:
        return _type_of_parquet(profile.type)
    if not profile.values:
        return ProposedField("type", "string", "no value was seen: is it a string?")
    for look in TYPES:
        if profile.all_look(look):
            kind = look.removeprefix("zoned ")
            return ProposedField("type", kind, f"{_counted(profile.values, profile.values)} values")
    return ProposedField("type", "string", _why_string(profile))


def _type_of_parquet(kind: pa.DataType) -> ProposedField:
    if pa.types.is_null(kind.value_type if pa.types.is_dictionary(kind) else kind):
        return ProposedField("type", "string", "the file has nulls without a type: is it a string?")
    for name in get_args(ColumnType):
        if fits(kind, name):
            return ProposedField("type", name, "as the file has it")
    return ProposedField("type", "string", "no type of a schema fits the file's; is string right?")


def _why_string(profile: ColumnProfile) -> str:
    """Say why text is no other type, or what it looks like without being it."""
    values, looks = profile.values, profile.looks
    padded = looks["padded"]
    reasons = {
        f"{_counted(padded, values)} values are digits with leading zeros, which no integer has": (
            padded
        ),
        "some timestamps with an offset and some without": (
            looks["timestamp"] and looks["timestamp"] + looks["zoned timestamp"] == values
        ),
        "all values have a format of their own": values in profile.formats.values(),
        "digits that 64 bits may not hold, or with a plus sign": profile.all_look("digits"),
        "dates in a local form: which part is the day cannot be told for sure": (
            profile.all_look("local date")
        ),
        "reads like yes and no; a boolean is true or false": profile.all_look("flag"),
    }
    why = next((reason for reason, holds in reasons.items() if holds), None)
    return why or f"{_counted(values, values)} values are text of no other type"


def _format_lines(profile: ColumnProfile, kind: str) -> Iterator[ProposedField]:
    """Propose a format for text that all has it."""
    if kind != "string":
        return
    for name, count in profile.formats.items():
        if 0 < count == profile.values:
            yield ProposedField("format", name, f"{_counted(count, count)} values")
        elif 2 * count >= profile.values > 0:
            others = f"{_counted(profile.values - count, profile.values)} values are not"
            yield ProposedField("format", name, f"{others}: mend them, or leave it out", sure=False)


def _notes_of(profile: ColumnProfile, kind: str) -> Iterator[str]:
    """Say what the fields do not tell."""
    if profile.rows == 0:
        yield "no row was seen: what follows is by the name alone"
    elif profile.values < profile.rows:
        yield f"{_counted(profile.rows - profile.values, profile.rows)} rows are null"
    if profile.type is not None or not profile.values:
        return
    if kind == "float" and profile.all_look("point"):
        yield 'all values have a decimal point: if it is money, type = "decimal" keeps every digit'
    if (
        kind == "integer"
        and profile.different is not None
        and profile.different <= _TWO < profile.values
    ):
        yield f"only {profile.different} different values: is it a flag?"
    for look in ("integer", "float"):
        # The counts of types stop at the first value that does not fit.
        if (
            kind == "string"
            and not profile.looks["padded"]
            and 0 < profile.looks[look] < profile.values
        ):
            yield "some values are numbers, and others are not"
            return
