"""What an engine does: finds the fields of CSV, seals and opens cells, and writes fields anew.

Two engines have this interface and give the same results, faults and all: the native one, and the
plain one, which anybody can check by reading. Everything is bytes: of a file's own encoding, which
has ASCII's delimiters. docs/csv.md has the grammar.
"""

from __future__ import annotations

from array import array
from enum import IntEnum
from itertools import islice
from typing import TYPE_CHECKING, Protocol, Self

from msgspec import Struct
from msgspec.structs import replace

from piienc.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from piienc.base.secret import SecretBytes

Buffer = bytes | bytearray | memoryview

PREFIX = 5
"""Bytes of Tink's TINK output prefix: 01, then the key id, big endian."""

LONGEST = 4
"""Bytes of a delimiter, and of what begins a comment."""

NULL, FOREIGN, UNKNOWN, MALFORMED = 252, 253, 254, 255
"""Verdicts on cells that were not opened, see `Opened`."""

_NARROW = (1 << 31) - 1  # the largest offset of 32 bits
_LINE_ENDS = (b"\n", b"\r\n", b"\r", b"\r\r\n")
_KEY_SIZES = {"searchable": (64,), "sealed": (16, 32)}  # 16: AES-128-GCM, which opens only


class Strings(Struct, frozen=True):
    """Byte strings, some of them null, as Arrow lays out (large) strings and binaries.

    Attributes:
        count: how many.
        offsets: `count + 1` integers of native order, of 64 bits if `wide`, else of 32: string `i`
            stands in `data[offsets[i]:offsets[i + 1]]`. The first one need not be 0.
        data: the bytes; there may be more of them.
        validity: bit `i % 8` of byte `i // 8` is 1 if string `i` is not null; None if none is.
        wide: the width of the offsets.
    """

    count: int
    offsets: Buffer
    data: Buffer
    validity: Buffer | None = None
    wide: bool = False

    @classmethod
    def of(cls, strings: Sequence[bytes | None]) -> Self:
        """Lay out some byte strings."""
        data = b"".join(string or b"" for string in strings)
        wide = len(data) > _NARROW
        offsets = array("q" if wide else "i", [0])
        validity = bytearray(-(-len(strings) // 8))
        end = 0
        for number, string in enumerate(strings):
            if string is not None:
                validity[number // 8] |= 1 << number % 8
                end += len(string)
            offsets.append(end)
        nulls = None in strings
        return cls(len(strings), memoryview(offsets), data, validity if nulls else None, wide)

    @property
    def null_count(self) -> int:
        """How many are null."""
        if self.validity is None:
            return 0
        bits = int.from_bytes(memoryview(self.validity)[: -(-self.count // 8)], "little")
        return self.count - (bits & ((1 << self.count) - 1)).bit_count()

    def one(self, number: int) -> bytes:
        """Return one of them, which is not null."""
        offsets = self._offsets
        return bytes(memoryview(self.data)[offsets[number] : offsets[number + 1]])

    def first(self, count: int) -> list[int]:
        """Return the numbers of the first ones that are not null."""
        return [*islice(filter(self._is_valid, range(self.count)), count)]

    def without(self, numbers: Sequence[int]) -> Strings:
        """Return the same, with null in the place of some."""
        validity = bytearray(self.validity or b"\xff" * -(-self.count // 8))
        for number in numbers:
            validity[number // 8] &= ~(1 << number % 8)
        return replace(self, validity=validity)

    def to_list(self) -> list[bytes | None]:
        """Return each of them; None for null."""
        offsets, data = self._offsets, memoryview(self.data).cast("B")
        return [
            bytes(data[offsets[number] : offsets[number + 1]]) if self._is_valid(number) else None
            for number in range(self.count)
        ]

    @property
    def _offsets(self) -> memoryview:
        return memoryview(self.offsets).cast("B").cast("q" if self.wide else "i")

    def _is_valid(self, number: int) -> bool:
        return self.validity is None or bool(self.validity[number // 8] >> number % 8 & 1)


class Dialect(Struct, frozen=True):
    """How a file's records are written.

    Attributes:
        delimiter: between fields, 1 to 4 bytes.
        quote: around fields, one byte; empty: there are none.
        escape: before a byte that is data whatever it is, one byte; empty: there is none.
        comment: what a line begins with that is no record, 1 to 4 bytes; empty: there are none.
        nulls: fields that are null if they stand there without quotes.
        line_end: of the file's first record: LF, CRLF, CR or CRCRLF.
        lenient: quotes may stand inside of fields, and mean what they do to Python's `csv`.
        trailing: behind a record's last field one more delimiter may stand.

    Raises:
        ConfigError: the options exclude each other.
    """

    delimiter: bytes = b","
    quote: bytes = b'"'
    escape: bytes = b""
    comment: bytes = b""
    nulls: tuple[bytes, ...] = (b"",)
    line_end: bytes = b"\n"
    lenient: bool = False
    trailing: bool = False

    def __post_init__(self) -> None:
        special = self.delimiter[:1] + self.quote + self.escape
        _require(1 <= len(self.delimiter) <= LONGEST, "a delimiter has one to four bytes")
        _require(len(self.comment) <= LONGEST, "what begins a comment has at most four bytes")
        _require(len(self.quote) <= 1, "a quote is one byte")
        _require(len(self.escape) <= 1, "an escape is one byte")
        _require(self.line_end in _LINE_ENDS, "lines end in LF, CRLF, CR or CRCRLF")
        _require(
            not {*self.delimiter, *self.quote, *self.escape, *self.comment} & {*b"\r\n"},
            "a line end can be nothing else",
        )
        _require(
            len({*special}) == len(special)
            and not {*self.delimiter[1:]} & {*self.quote, *self.escape}
            and not {*self.comment} & {*special},
            "delimiter, quote, escape and comment share a byte",
        )
        _require(
            not any({*null} & {*b"\r\n", self.delimiter[0], *self.quote} for null in self.nulls),
            "a null text holds a delimiter, a quote or a line end",
        )


class FaultKind(IntEnum):
    """What can be wrong with records."""

    QUOTE_INSIDE = 1  # a quote in a field that does not begin with one
    AFTER_QUOTE = 2  # neither delimiter nor line end behind a closing quote
    OPEN_QUOTE = 3  # a quoted field that never ends
    LONE_CR = 4  # a carriage return that ends no line
    FIELDS = 5  # too few fields, or too many
    OPEN_ESCAPE = 6  # an escape at the end of the data


class Fault(Struct, frozen=True):
    """The first thing that is wrong.

    Attributes:
        kind: what.
        place: the byte in the data: of the quote (a closing one for AFTER_QUOTE, the opening one
            for OPEN_QUOTE), of the CR, of the escape; for FIELDS, where the record begins.
        line: how many lines end before it in the data.
        fields: for FIELDS, how many the record has.
    """

    kind: FaultKind
    place: int
    line: int
    fields: int = 0


class RefusedField(Exception):  # noqa: N818  # never seen by a user: it becomes an error of the tree
    """A field cannot be used.

    Attributes:
        row: the record's number in the data, from 0.
        column: the field's number, from 0.
    """

    def __init__(self, row: int, column: int) -> None:
        super().__init__(f"row {row}, column {column}")
        self.row, self.column = row, column


class Unreadable(RefusedField):
    """An escape stands before a letter or a digit, and programs do not agree on what that means.

    An escaped n is an n to some, a line feed to others, and two characters to the rest.
    """


class Unwritable(RefusedField):
    """A value cannot be written in this dialect."""


class Spliced(Struct, frozen=True):
    """Records, written anew.

    Attributes:
        data: their bytes.
        starts: where each record begins.
    """

    data: bytes
    starts: Sequence[int]


class FoundRecords(Protocol):
    """The whole records that some data begins with.

    Attributes:
        count: how many there are.
        columns: how many fields each has; 0 if there is none and it was not said.
        size: bytes that they take, with all whole lines behind them that are empty or comments.
        lines: how many lines end in these bytes, those inside of quotes included: LFs; where
            `line_end` is CR, also CRs that no LF follows.
        fault: what ends them before the data's end. The first one from left to right: that a
            record has a wrong number of fields shows at its end.
    """

    count: int
    columns: int
    size: int
    lines: int
    fault: Fault | None

    def starts(self) -> Sequence[int]:
        """Return where in the data each record begins."""

    def column(self, number: int) -> Strings:
        """Return the values of a column: null, or without quotes and escapes.

        Raises:
            Unreadable: the first one that is not clear; of null texts, all are.
        """

    def spliced(self, changes: Mapping[int, Strings], dropped: Collection[int] = ()) -> Spliced:
        """Return the `size` bytes, with the fields of some columns written anew.

        All else stays as it is; a dropped column goes with one delimiter. The first field that is
        left is written anew, too, where it would begin a comment.

        Args:
            changes: by column, a value for each record; where it is null, the field stays.
            dropped: columns that go, none of them in `changes`; not all.

        Raises:
            Unwritable: the first value, from left to right, that the dialect cannot write. Where
                one column is left of several, also a line that would be empty, or is: its row is
                the number of records before it.
        """

    def close(self) -> None:
        """Forget the data; values are wiped."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class ColumnKey(Struct, frozen=True):
    """A key of a column.

    Attributes:
        mode: "searchable" (AES-256-SIV) or "sealed" (AES-GCM).
        material: 64 bytes for searchable, 32 for sealed; 16 of AES-128-GCM open only.
        context: the associated data.
        prefix: what its ciphertexts begin with, `PREFIX` bytes; none for Tink's RAW keys.
    """

    mode: str
    material: SecretBytes
    context: bytes
    prefix: bytes = b""

    def __post_init__(self) -> None:
        assert len(self.material) in _KEY_SIZES[self.mode]  # noqa: S101  # as the keyset holds it
        assert len(self.prefix) in {0, PREFIX}  # noqa: S101  # the same


class Opened(Struct, frozen=True):
    """Cells, decrypted as far as they are authentic.

    Attributes:
        cells: the bytes; null where the stored cell is null or was not opened.
        verdicts: a byte for each cell: the number of the key that opened it, or
            NULL: it is null;
            FOREIGN: a key has its prefix, but it is not authentic;
            UNKNOWN: no key has its prefix, and none without a prefix opened it;
            MALFORMED: it is not base64, or too short for any key.
    """

    cells: Strings
    verdicts: bytes


class Engine(Protocol):
    """Does the work; safe to use from several threads.

    Attributes:
        name: "native" or "plain".
    """

    name: str

    def find(self, data: Buffer, dialect: Dialect, columns: int, *, final: bool) -> FoundRecords:
        """Find the records that some data begins with.

        Args:
            data: from the beginning of a line on. It must not change until they are closed.
            dialect: how they are written.
            columns: how many fields a record has; 0 stands for as many as the first one, before
                which empty lines are no records in any case.
            final: whether this is the end: a last line without a line end is whole. Else it is
                left, and so is one that more data could still make right.
        """

    def seal(self, cells: Strings, key: ColumnKey, *, text: bool) -> Strings:
        """Encrypt cells; null stays null.

        Args:
            cells: the values.
            key: of full size.
            text: store them as base64 (RFC 4648, section 4), else as they are.
        """

    def open(self, cells: Strings, keys: Sequence[ColumnKey], *, text: bool) -> Opened:
        """Decrypt cells; every one is authenticated.

        Args:
            cells: as they are stored.
            keys: 1 to 250. Those are tried whose prefix the cell has, and those without one.
            text: whether they are stored as base64; only its canonical form is a ciphertext.
        """

    def beginning(self, cells: Strings, begins: Sequence[bytes]) -> list[int]:
        """Return the rows whose cells begin with one of some bytes.

        Args:
            cells: any; null is none of them.
            begins: none of them empty.
        """

    def decoded(self, cells: Strings) -> Strings:
        """Decode base64 (RFC 4648, section 4); what is not in its canonical form becomes null."""

    def not_text(self, strings: Strings) -> list[int]:
        """Return the rows that are not UTF-8."""


def _require(condition: bool, what: str) -> None:  # noqa: FBT001  # it reads as a sentence
    if not condition:
        raise ConfigError(
            f"how the CSV is written contradicts itself: {what}",
            hint="see the options of [csv] in the schema",
        )
