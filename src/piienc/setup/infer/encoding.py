"""The encoding of a sample: what its bytes prove, and where they prove nothing, what it may be."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.storage.content import byte_order_mark, unmarked_wide

if TYPE_CHECKING:
    from piienc.tables.streams import Decompressed

_EAST_ASIAN = ("cp932", "euc_jp", "gb18030", "big5", "cp949")
_EUROPEAN = ("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "koi8-r", "cp850", "mac-roman")
_PIECE = 1 << 20  # bytes decoded at a time
_ABOVE_ASCII = re.compile(rb"[\x80-\xff]+")
_PAIRS = 1.5  # bytes above ASCII in a row, on average: letters of Europe mostly stand alone
_ISO_2022_JP = re.compile(rb"\x1b\$[@B]")
_CONTROL = re.compile("[\x80-\x9f]")  # in no text, and in what was read by the wrong encoding


class DetectedEncoding(Struct, frozen=True):
    """What a sample's encoding is, or may be.

    Attributes:
        name: the encoding by which the sample is read; without `known`, the likeliest.
        known: whether its bytes leave no other.
        others: without `known`, those that read all of it, too.
    """

    name: str
    known: bool = True
    others: tuple[str, ...] = ()


def told_by(start: bytes) -> str | None:
    """Return the encoding that a file's beginning tells; None where that has to be tried."""
    if marked := byte_order_mark(start):
        return marked.removesuffix("-le").removesuffix("-be")
    if wide := unmarked_wide(start):
        return wide
    return "iso2022_jp" if _ISO_2022_JP.search(start) else None


def find_encoding(stream: Decompressed, start: bytes, rows: int) -> DetectedEncoding:
    """Find out by which encodings a sample can be read; `rows`: lines to look at, 0 for all."""
    if name := told_by(start):
        return DetectedEncoding(name)
    decoders = {
        name: codecs.getincrementaldecoder(name)() for name in ("utf-8", *_candidates(start))
    }
    lines, ended = 0, False
    while not ended and decoders:
        data = stream.read(_PIECE)
        lines += data.count(b"\n")
        enough = bool(rows and lines > rows)  # rows may have several lines: then fewer are judged
        ended = enough or not data
        data = data[: data.rfind(b"\n") + 1] if enough else data
        decoders = {name: each for name, each in decoders.items() if _reads(name, each, data)}
    names = tuple(decoders)
    if not names or names[0] == "utf-8":
        return DetectedEncoding("utf-8")  # if nothing reads it, this is what tells where
    return DetectedEncoding(names[0], known=False, others=names[1:])


def _candidates(start: bytes) -> tuple[str, ...]:
    """Return the encodings that are tried, the likeliest first."""
    runs = _ABOVE_ASCII.findall(start)
    if runs and sum(map(len, runs)) >= _PAIRS * len(runs):
        return (*_EAST_ASIAN, *_EUROPEAN)
    return (*_EUROPEAN, *_EAST_ASIAN)


def _reads(name: str, decoder: codecs.IncrementalDecoder, data: bytes) -> bool:
    try:
        text = decoder.decode(data, final=not data)
    except UnicodeDecodeError:
        return False
    return name == "utf-8" or not _CONTROL.search(text)
