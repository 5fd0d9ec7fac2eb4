"""The text encodings that are read and written: those in which what was read is written the same.

By the names of Python's codecs. Left out is what is no text (`base64`), what changes text (`idna`),
what takes other bytes for the same text and cannot say so (`utf-7`), and what few have heard of.
"""

from __future__ import annotations

import codecs
from functools import cache

_UTF = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")
_CODE_PAGES = (
    *("cp437", "cp720", "cp737", "cp775", "cp850", "cp852", "cp855", "cp856", "cp857", "cp858"),
    *("cp860", "cp861", "cp862", "cp863", "cp864", "cp865", "cp866", "cp869", "cp874", "cp1125"),
    *(f"cp{number}" for number in range(1250, 1259)),
)
_EBCDIC = ("cp037", "cp273", "cp424", "cp500", "cp1026", "cp1140")
_ISO = tuple(f"iso8859-{number}" for number in (*range(1, 12), *range(13, 17)))
_OTHERS = (
    *("hp-roman8", "koi8-r", "koi8-t", "koi8-u", "kz1048", "ptcp154", "tis-620"),
    *("mac-croatian", "mac-cyrillic", "mac-greek", "mac-iceland", "mac-latin2", "mac-roman"),
    *("mac-romanian", "mac-turkish"),
)

EAST_ASIAN = (
    *("euc_jp", "shift_jis", "cp932", "iso2022_jp", "gb2312", "gbk", "gb18030"),
    *("big5", "cp950", "big5hkscs", "euc_kr", "cp949", "johab"),
)
"""Those in which several codes may stand for one character, or one code for several."""

_ASCII = bytes(range(0x80))
_HIGH = ("euc_jp", "euc_kr", "gb2312")  # codes of several bytes have none of ASCII's
# Behind the first byte of a code, bytes from 40 on may stand; in GB 18030 digits, too.
_MIXED = ("shift_jis", "cp932", "gbk", "gb18030", "big5", "cp950", "big5hkscs", "cp949")
_NEVER_INSIDE = {*range(0x40)} - {*b"0123456789"}

SUPPORTED = tuple(
    sorted({"ascii", *_UTF, *_CODE_PAGES, *_EBCDIC, *_ISO, *_OTHERS, *EAST_ASIAN}, key=str.lower)
)
"""All of them, by the names that Python's codecs have themselves; `utf-8-sig` is `utf-8`."""


def canonical(name: str) -> str | None:
    """Return an encoding's own name, for any of Python's names of it; None if it is not supported.

    A byte order mark is kept where a file has one, so `utf-8-sig` is no other encoding.
    """
    try:
        codec = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    codec = "utf-8" if codec == "utf-8-sig" else codec
    return codec if codec in SUPPORTED else None


def is_exact(encoding: str) -> bool:
    """Tell whether all text that an encoding reads can only stand in the bytes it was read from."""
    return encoding not in EAST_ASIAN


@cache
def is_in_place(encoding: str, marks: str, texts: str = "") -> bool:
    """Tell whether the bytes of text can be cut at some characters without decoding them.

    Args:
        encoding: the text's, by its own name.
        marks: the characters, beside line ends: no byte of them may stand inside of another one.
        texts: what else must be written in this encoding.
    """
    try:
        ascii_text = _ASCII.decode()
        same = _ASCII.decode(encoding) == ascii_text and ascii_text.encode(encoding) == _ASCII
        octets, _ = marks.encode(encoding), texts.encode(encoding)
    except UnicodeError:
        return False
    if encoding in _HIGH:
        return octets.isascii()
    if encoding in _MIXED:
        return _NEVER_INSIDE.issuperset(octets)
    return same and encoding not in EAST_ASIAN
