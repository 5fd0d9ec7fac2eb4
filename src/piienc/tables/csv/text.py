"""The text of a file in any encoding: its records, its values, and both written back as they were.

The bytes of most files stay as they are, and only values that are asked for become UTF-8. Text of
which that cannot be is decoded as a whole. Some encodings have several codes for one character:
what is decoded is encoded again at once, and bytes that would change are refused.
"""

from __future__ import annotations

import codecs
from array import array
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from msgspec.structs import replace

from piienc.base.charsets import canonical, is_exact
from piienc.core import Unreadable
from piienc.errors import InputError
from piienc.storage.content import byte_order_mark, unmarked_wide

if TYPE_CHECKING:
    from piienc.core import Strings
    from piienc.tables.streams import Compressed, Decompressed

_FAMILIES = ("utf-16", "utf-32")  # each in two orders, which a byte order mark tells
_HEAD = 1 << 12  # bytes in which zeros are looked for
_BETWEEN = [bytes([octet]) for octet in range(0x20)]  # what may stand between values


def encoding_of(stream: Decompressed, expected: str) -> str:
    """Return a file's encoding: the schema's, in the byte order of the file's byte order mark.

    Raises:
        InputError: the file's byte order mark contradicts it, or is missing where it is needed.
    """
    start, name = stream.peek(_HEAD), stream.name
    codec = canonical(expected) or expected
    marked, wide = byte_order_mark(start), unmarked_wide(start)
    if marked and marked != codec:
        family = marked.rpartition("-")[0]
        if codec == family:
            return marked
        what = f"is {marked} by its byte order mark, and not {expected}"
        right = family if family in _FAMILIES else marked
    elif not marked and codec in _FAMILIES and start:
        what = f"has no byte order mark, which {codec} needs to tell its byte order"
        right = wide or f"{codec}-le"
    elif not marked and wide and not codec.startswith(_FAMILIES):
        what, right = (
            f"has a zero byte beside each letter, as {wide} has, and is not {expected}",
            wide,
        )
    else:
        return expected
    raise InputError(
        f"{name} {what}", hint=f'name its encoding in the schema: [csv] encoding = "{right}"'
    )


def unreadable(name: str, line: int, encoding: str, *, known: bool, field: int = 0) -> InputError:
    """Return the error for bytes that a file's encoding does not know, or would write as others.

    `field` is the number of the field, from 1, if that is known; its name may be a value.
    """
    what, hint = f"are not {encoding}", "name the file's encoding in the schema: [csv] encoding"
    if known:
        what = f"{encoding} would write back as others, though they are the same character"
        hint = f"convert the file to UTF-8: iconv -f {encoding.replace('_', '-')} -t UTF-8"
    where = f" (field {field})" if field else ""
    return InputError(f"{name}: line {line}: bytes that {what}{where}", hint=hint)


def unwritable(place: str, encoding: str) -> InputError:
    """Return the error for a decrypted value that a file's encoding cannot write."""
    return InputError(
        f"{place}a decrypted value has a character that {encoding} cannot write",
        hint="decrypt with the encoding that was encrypted: [csv] encoding",
    )


def recoded(strings: Strings, source: str, target: str) -> Strings:
    """Return texts in another encoding; both have the bytes of ASCII.

    Raises:
        Unreadable: the first one that is not written so, and back to the same bytes; caused by a
            UnicodeDecodeError if it is no text of its own encoding.
    """
    if source == target or (data := bytes(strings.data)).isascii():
        return strings
    exact = is_exact(source) and is_exact(target)

    def change(value: bytes) -> bytes:
        made = value.decode(source).encode(target)
        if not exact and made.decode(target).encode(source) != value:
            raise UnicodeError
        return made

    offsets = memoryview(strings.offsets).cast("B").cast("q" if strings.wide else "i")
    values, made = [data[begin:end] for begin, end in pairwise(offsets)], []
    try:  # all at once, with something between them that none of them has
        between = next(each for each in _BETWEEN if each not in data)
        made = change(between.join(values)).split(between)
    except (StopIteration, UnicodeError):
        for row, value in enumerate(values):
            try:
                made.append(change(value))
            except UnicodeError as error:
                raise Unreadable(row, 0) from error
    ends = array("q" if strings.wide else "i", accumulate(map(len, made), initial=0))
    return replace(strings, offsets=memoryview(ends), data=b"".join(made))


class TextReader:
    """A stream's text in the encoding of its records.

    Attributes:
        count: the number of bytes of it read so far.
    """

    def __init__(
        self, stream: Decompressed, name: str, encoding: str, charset: str = "utf-8"
    ) -> None:
        self.count = 0
        self._stream, self._name, self._encoding = stream, name, encoding
        self._decoder: codecs.IncrementalDecoder | None = None
        codec = canonical(encoding) or encoding
        if codec != charset:
            self._decoder = codecs.getincrementaldecoder(codec)()
        self._proof = None if codec == charset or is_exact(codec) else _RoundTripCheck(codec)
        self._lines = 1

    def read(self, size: int) -> bytes:
        """Read about `size` bytes; nothing at the end.

        Raises:
            InputError: bytes that the encoding does not know, or would write as others.
        """
        data = self._stream.read(size)
        if self._decoder:
            text = self._decoded(self._decoder, data)
            while data and not text:
                data = self._stream.read(size)
                text = self._decoded(self._decoder, data)
            self._lines += text.count("\n")
            data = text.encode()
        self.count += len(data)
        return data

    def _decoded(self, decoder: codecs.IncrementalDecoder, data: bytes) -> str:
        state = decoder.getstate()
        try:
            text = decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            # Its place is one in the bytes that were kept and the new ones together.
            valid = max(0, error.start - (len(error.object) - len(data)))
            decoder.setstate(state)
            line = self._lines + decoder.decode(data[:valid]).count("\n")
            raise unreadable(self._name, line, self._encoding, known=False) from None
        if self._proof and (line := self._proof.changed(text, data)):
            raise unreadable(self._name, line, self._encoding, known=True)
        return text


class _RoundTripCheck:
    """Encodes text again and compares it with the bytes that it was read from."""

    def __init__(self, encoding: str) -> None:
        self._encoder = codecs.getincrementalencoder(encoding)()
        self._made, self._given = b"", b""
        self._line = 1

    def changed(self, text: str, data: bytes) -> int:
        """Return the line on which bytes would change; 0 if none would.

        Args:
            text: the decoded text.
            data: its bytes; empty at the end.
        """
        try:
            encoded = self._made + self._encoder.encode(text, final=not data)
        except UnicodeEncodeError as error:
            return self._line + text.count("\n", 0, error.start)
        original = self._given + data
        size = min(len(encoded), len(original)) if data else max(len(encoded), len(original))
        same = original[:size]
        if encoded[:size] != same:
            pairs = enumerate(zip(encoded, original, strict=False))
            at = next((at for at, (one, other) in pairs if one != other), len(same))
            return self._line + original.count(b"\n", 0, at)
        self._line += same.count(b"\n")
        self._made, self._given = encoded[size:], original[size:]
        return 0


class TextWriter:
    """A stream to which the text of records is written in the file's encoding."""

    def __init__(self, stream: Compressed, encoding: str, charset: str = "utf-8") -> None:
        self._stream, self._encoding = stream, encoding
        self._encoder: codecs.IncrementalEncoder | None = None
        self._decoder: codecs.IncrementalDecoder | None = None
        codec = canonical(encoding) or encoding
        if codec != charset:
            self._encoder = codecs.getincrementalencoder(codec)()
        if not is_exact(codec):
            self._decoder = codecs.getincrementaldecoder(codec)()
        self._owed = ""

    def write(self, data: bytes | memoryview) -> None:
        """Write text.

        Raises:
            InputError: it has a character that the encoding cannot write.
        """
        if self._encoder is None:
            self._stream.write(data)
        else:
            self._encode(self._encoder, bytes(data).decode(), final=False)

    def close(self) -> None:
        """Write the rest and the end of a compressed file; the underlying file stays open."""
        if self._encoder is not None:
            self._encode(self._encoder, "", final=True)
        self._stream.close()

    def _encode(self, encoder: codecs.IncrementalEncoder, text: str, *, final: bool) -> None:
        try:
            data = encoder.encode(text, final)
        except UnicodeEncodeError:
            raise unwritable("", self._encoding) from None
        if self._decoder is not None:
            # A few characters are written as others: the yen sign of Shift JIS as a backslash.
            self._owed += text
            try:
                back = self._decoder.decode(data, final)
            except UnicodeDecodeError:
                back = "\0" + self._owed
            if not self._owed.startswith(back) or (final and back != self._owed):
                raise unwritable("", self._encoding)
            self._owed = self._owed[len(back) :]
        self._stream.write(data)
