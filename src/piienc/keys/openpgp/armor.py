"""ASCII armor, OpenPGP as text: told from binary, and decoded as a stream (RFC 9580, section 6).

The checksum at the end is passed over: section 6.1 lets no reader refuse armor because of it.
"""

from __future__ import annotations

import binascii
import io
import re
from typing import TYPE_CHECKING, BinaryIO

from piienc.errors import PgpError

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer

_START = 1 << 16  # bytes in which the armor must begin: a mail may stand before it
_BLOCK = 1 << 16  # bytes, or characters to decode, at a time
_FOOTER = 1 << 10  # characters in which the armor must end, once its base64 does
_LONGEST_HEADER = 1 << 12  # characters in a line
_MOST_HEADERS = 64  # lines

_BOM = b"\xef\xbb\xbf"  # Windows puts it before UTF-8
_SPACE = b" \t\r\n\v\f"
_BEGIN = re.compile(
    rb"^(?:\xef\xbb\xbf)?-----BEGIN PGP ([A-Z][A-Z0-9 ,/]*)-----[ \t\r]*$", re.MULTILINE
)
_HEADER = re.compile(rb"[^\s:]+:.*", re.DOTALL)
_NO_BASE64 = re.compile(rb"[=-]")
# How the armor ends, by the padding that its base64 still needs.
_ENDS = [
    re.compile(rb"\s*" + rb"=\s*" * padding + rb"(?:=\S*\s+)?-----END PGP ([A-Z][A-Z0-9 ,/]*)-----")
    for padding in range(4)
]
# What follows this header is text, and the armor of its signature: section 7.
_CLEARTEXT = b"SIGNED MESSAGE"


def is_armored(start: bytes) -> bool:
    """Tell whether a file that begins so is armored: text with an armor header on a line."""
    return not _is_binary(start) and _BEGIN.search(start) is not None


def peeked(stream: BinaryIO) -> tuple[bytes, BinaryIO]:
    """Return a stream's first bytes, enough to tell what it is, and the whole stream again."""
    start = b""
    while len(start) < _START and (more := stream.read(_START - len(start))):
        start += more
    return start, io.BufferedReader(_PieceStream(lambda: stream.read(_BLOCK), start))


def dearmored(stream: BinaryIO) -> BinaryIO:
    """Return what an armored stream holds, in flat memory; a binary one as it is.

    Of several armors, the first counts, and what stands around it is passed over.

    Raises:
        PgpError: it is text without armor, or malformed armor; the latter also while it is read.
    """
    start, whole = peeked(stream)
    if _is_binary(start):
        return whole
    if not is_armored(start):
        raise no_openpgp()
    return io.BufferedReader(_PieceStream(_Armor(whole).next))


def dearmor(data: bytes) -> bytes:
    """Return what an armored key or small message holds, and a binary one as it is.

    Raises:
        PgpError: it is text without armor, or malformed armor.
    """
    return dearmored(io.BytesIO(data)).read()


def no_openpgp() -> PgpError:
    """Return the error for a file that is something else."""
    return PgpError(
        "it is no OpenPGP file, neither binary nor armored",
        hint="see that it is the right file, and that it came over whole",
    )


def _is_binary(start: bytes) -> bool:
    # Section 4.2: the first bit of a packet is set. So is that of a byte order mark.
    return start >= b"\x80" and not start.startswith(_BOM)


class _PieceStream(io.RawIOBase):
    """A stream of pieces: of a first one, and of those that a function returns until the end."""

    def __init__(self, following: Callable[[], bytes], first: bytes = b"") -> None:
        self._following, self._piece = following, memoryview(first)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        out = memoryview(buffer).cast("B")
        if not self._piece:
            self._piece = memoryview(self._following())
        size = min(len(out), len(self._piece))
        out[:size], self._piece = self._piece[:size], self._piece[size:]
        return size


class _Armor:
    """The armor in a file, decoded piece by piece."""

    def __init__(self, text: BinaryIO) -> None:
        self._text, self._digits = text, b""
        self._label: bytes | None = self._begun()

    def _begun(self) -> bytes:
        """Read until the base64 begins; return what the armor calls itself."""
        label = _CLEARTEXT
        while label == _CLEARTEXT:
            line = self._text.readline(_LONGEST_HEADER)
            if not line:
                raise _malformed("there is no signature behind the text")
            if match := _BEGIN.match(line):
                label = match[1]
        for _ in range(_MOST_HEADERS):
            line = self._text.readline(_LONGEST_HEADER)
            if not line.strip():
                return label
            if not _HEADER.match(line):
                break
        raise _malformed("there is no blank line behind its headers")

    def next(self) -> bytes:
        """Return the next piece of what it holds; nothing at the end."""
        decoded = b""
        while not decoded and self._label is not None:
            text = self._text.read(_BLOCK)
            if not text:
                raise _malformed("the file ends in the middle of it")
            stop = _NO_BASE64.search(text)
            digits = self._digits + text[: stop.start() if stop else None].translate(None, _SPACE)
            if stop:
                footer = text[stop.start() :] + self._text.read(_FOOTER)
                digits += self._ended(footer, -len(digits) % 4)
            length = len(digits) // 4 * 4
            decoded, self._digits = _decoded(digits[:length]), digits[length:]
        return decoded

    def _ended(self, footer: bytes, padding: int) -> bytes:
        """Check how the armor ends; return the padding of its base64."""
        end = _ENDS[padding].match(footer)
        if end is None:
            raise _malformed("its base64 or its last line is broken")
        if end[1] != self._label:
            raise _malformed("its first and its last line do not belong together")
        self._label = None
        return b"=" * padding


def _decoded(digits: bytes) -> bytes:
    try:
        return binascii.a2b_base64(digits, strict_mode=True)
    except binascii.Error:
        raise _malformed("its base64 or its last line is broken") from None


def _malformed(why: str) -> PgpError:
    return PgpError(
        f"malformed armor: {why}",
        hint="fetch the file again, as it is: a mail program may have changed its lines",
    )
