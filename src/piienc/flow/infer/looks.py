"""What values look like: expressions for types, formats and personal data, and how to count.

All that is known of values by their content is here; `count_looks` is what the rest asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable

_DATE = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"

LOOKS = {
    # types; an integer of 18 digits fits into 64 bits
    "integer": r"0|-?[1-9][0-9]{0,17}",
    "float": r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,2})?",
    "boolean": r"true|false",
    "date": _DATE,
    "timestamp": _DATE + _CLOCK,
    "zoned timestamp": _DATE + _CLOCK + r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])",
    # what only looks like a type
    "point": r"-?(0|[1-9][0-9]*)\.[0-9]+",
    "padded": r"[+-]?0[0-9]+",
    "digits": r"[+-]?[0-9]+",
    "flag": r"(?i:yes|no|y|n|t|f|true|false|on|off)",
    "local date": r"[0-9]{1,2}[/.-][0-9]{1,2}[/.-]([0-9]{2}|[0-9]{4})",
    # formats
    "email": r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+",
    "phone": r"\+[1-9][0-9]{6,14}",
    "uuid": r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "url": r"https?://[A-Za-z0-9.-]+(:[0-9]+)?([/?#][!-~]*)?",
    "ipv4": _OCTET + r"(\." + _OCTET + r"){3}",
    # personal data without a format
    "iban": r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}",
    "ssn": r"[0-9]{3}-[0-9]{2}-[0-9]{4}",
}
"""Each matches a whole value."""

TYPES = ("integer", "float", "boolean", "date", "timestamp", "zoned timestamp")
FORMATS = ("email", "phone", "uuid", "url", "ipv4")
PERSONAL = {
    "email": ("e-mail addresses", "an e-mail address", "Email", "searchable"),
    "phone": ("phone numbers", "a phone number", "Phone number", "searchable"),
    "ipv4": ("IP addresses", "an address in the network", None, "sealed"),
    "iban": ("bank accounts", "a bank account", None, "sealed"),
    "ssn": ("social security numbers", "a national or tax number", None, "sealed"),
}
"""What is personal by its look: in the plural, as a kind, its property, and the key proposed."""


def count_looks(values: pa.Array, wanted: Iterable[str]) -> dict[str, int]:
    """Count the values that look like something.

    Args:
        values: text, without nulls.
        wanted: keys of `LOOKS`.
    """
    return {look: _count(values, look) for look in wanted}


def _count(values: pa.Array, look: str) -> int:
    # RE2's \z is the very end, where $ could mean the end of a line.
    matches = pc.match_substring_regex(values, rf"\A(?:{LOOKS[look]})\z")
    if look in {"date", "timestamp", "zoned timestamp"} and not _are_days(values, matches):
        return 0
    return int(pc.sum(matches).as_py() or 0)


def _are_days(values: pa.Array, matches: pa.Array) -> bool:
    """Tell whether all that look like dates are days of the calendar."""
    try:
        pc.utf8_slice_codeunits(values.filter(matches), 0, 10).cast(pa.date32())
    except pa.ArrowInvalid:
        return False
    return True
