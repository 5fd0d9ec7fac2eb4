"""The encoding of a sample: what its bytes prove, and where they prove nothing, what it may be."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from piienc.schema.propose import ProposedField
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


def told_by(start: bytes) -> str | None:
    """Return the encoding that a file's beginning tells; None where that has to be tried."""
    if marked := byte_order_mark(start):
        return marked.removesuffix("-le").removesuffix("-be")
    if wide := unmarked_wide(start):
        return wide
    return "iso2022_jp" if _ISO_2022_JP.search(start) else None


def find_encoding(stream: Decompressed, start: bytes, rows: int) -> ProposedField:
    """Propose an encoding, sure if the bytes leave no other; `rows`: to look at, 0 for all."""
    if name := told_by(start):
        return _sure(name)
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
    names = [*decoders]
    if not names or names[0] == "utf-8":
        return _sure("utf-8")  # if nothing reads it, this is what tells where
    why = "not UTF-8, and no file tells what else: which one writes every name right?"
    also = f" All rows can be read by {', '.join(names[1:])}, too" if names[1:] else ""
    return ProposedField("encoding", names[0], why + also, sure=False)


def _sure(name: str) -> ProposedField:
    return ProposedField("encoding", name, "reads all rows looked at")


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
