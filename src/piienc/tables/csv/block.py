"""Blocks of whole records, and what is wrong with one."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct, field

from piienc.base.printable import in_words
from piienc.core import FaultKind, Unreadable, engine
from piienc.errors import InputError, PiiencError
from piienc.tables.csv import oddities
from piienc.tables.csv.text import recoded, unreadable, unwritable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from piienc.core import Fault, FoundRecords, Spliced, Strings
    from piienc.tables.csv.form import CsvFormat
    from piienc.tables.csv.oddities import Oddity

_NEAR = 4  # bytes around a place that tell what is odd there


class Block(Struct, frozen=True):
    """Whole records of a file.

    Attributes:
        data: what they stand at the beginning of, in the format's `charset`.
        records: where their fields are.
        first_line: the line of the file that they begin on.
        errors: makes those of the file.
    """

    data: bytes
    records: FoundRecords
    first_line: int
    errors: CsvErrors
    _columns: dict[int, Strings] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """The bytes of the records."""
        return self.records.size

    def column(self, number: int) -> Strings:
        """Return the values of a column, as UTF-8.

        Raises:
            InputError: one is not clear, not of the file's encoding, or would be written in
                other bytes, with its line.
        """
        if number in self._columns:
            return self._columns[number]
        charset = self.errors.form.charset
        try:
            strings = recoded(self.records.column(number), charset, "utf-8")
        except Unreadable as refused:
            line = self.line_of(refused.row)
            raise self.errors.of_value(line, refused.__cause__, number + 1) from None
        if charset == "utf-8" and (bad := engine().not_text(strings)):
            raise self.errors.not_text(self.line_of(bad[0]), number + 1)
        self._columns[number] = strings
        return strings

    def spliced(self, changes: Mapping[int, Strings], dropped: Collection[int] = ()) -> Spliced:
        """Return the records with the fields of some columns written anew.

        Args:
            changes: by column, a value for each record, as UTF-8; where it is null, the field
                stays.
            dropped: columns that go.

        Raises:
            Unwritable: a value that the dialect cannot write.
            InputError: one that the file's encoding cannot write, with its line.
        """
        charset = self.errors.form.charset
        try:
            written = {n: recoded(change, "utf-8", charset) for n, change in changes.items()}
        except Unreadable as refused:
            place = f"{self.errors.name}: line {self.line_of(refused.row)}: "
            raise unwritable(place, self.errors.form.encoding) from None
        return self.records.spliced(written, dropped)

    def line_of(self, row: int) -> int:
        """Return the line of the file that a record begins on."""
        start = self.records.starts()[row]
        return self.first_line + self.errors.form.lines(self.data, start)


class CsvErrors(Struct, frozen=True):
    """Makes errors of what is wrong with records.

    Attributes:
        name: what messages call the file.
        form: how it is written.
        columns: how many fields a record has.
        longest: bytes that a record may have.
    """

    name: str
    form: CsvFormat
    columns: int
    longest: int

    def of_fault(self, fault: Fault, data: bytes, first_line: int) -> InputError:
        """Return the error for what is wrong in some data, which begins on a line."""
        charset, place = self.form.charset, fault.place
        delimiter = self.form.delimiter.encode()
        pieces = data[max(0, place - _NEAR) : place], data[place + 1 : place + 1 + _NEAR]
        before, behind = (piece.decode(charset, "replace").encode() for piece in pieces)
        odd: Oddity
        match fault.kind:
            case FaultKind.OPEN_QUOTE:
                what = "a quoted field begins here and never ends"
                odd = oddities.of_open_quote(delimiter)
            case FaultKind.LONE_CR:
                what = "a carriage return without a line feed"
                odd = oddities.of_return(behind)
            case FaultKind.FIELDS:
                fields = "1 field" if fault.fields == 1 else f"{fault.fields} fields"
                unnamed = "schema" if self.form.names else "first record"
                named = "header" if self.form.header else unnamed
                what = f"{fields}, where the {named} has {self.columns}"
                end = data.find(b"\n", place) + 1 or len(data)
                record = data[place:end].decode(charset, "replace")
                form, counts = self.form, (fault.fields, self.columns)
                odd = oddities.of_record(record, *counts, form.delimiter, trailing=form.trailing)
            case _:
                what = "a quote in the middle of a field"
                odd = oddities.of_quote(before, behind, delimiter)
        because = f": {odd.what}" if odd.what else ""
        line = first_line + fault.line
        return InputError(f"{self.name}: line {line}: {what}{because}", hint=odd.remedy)

    def not_text(self, line: int, field: int = 0, *, known: bool = False) -> InputError:
        """Return the error for bytes that are not of the encoding, or are not written by it."""
        return unreadable(self.name, line, self.form.encoding, known=known, field=field)

    def of_value(self, line: int, cause: BaseException | None = None, field: int = 0) -> InputError:
        """Return the error for a value of such bytes, or of an escape that is not clear."""
        if cause:
            return self.not_text(line, field, known=not isinstance(cause, UnicodeDecodeError))
        return InputError(
            f"{self.name}: line {line}: a value has an escape before a letter or a digit, which "
            "some programs read as that character, and others as a line break, say",
            hint="have values that hold line breaks quoted, and not escaped; "
            'if it is \\N for null, say so in the schema: [csv] null = ["\\\\N"]',
        )

    def endless(self, line: int) -> InputError:
        """Return the error for a record whose end was not found in as many bytes as it may have."""
        return InputError(
            f"{self.name}: line {line}: no end of this record within {in_words(self.longest)}",
            hint="look for a quote that is never closed; lines end in LF or CRLF",
        )

    def cut(self, line: int) -> PiiencError:
        """Return the error for a block that ends within a line, which is a bug."""
        return PiiencError(f"{self.name}: line {line}: a part of the file was cut within a line")

    def refuse_long(self, block: Block, written: Spliced | None = None) -> None:
        """Refuse a record of more bytes than are read; or as it is written, to be read again.

        Raises:
            InputError: there is one, with its line.
        """
        if (len(written.data) if written else block.size) <= self.longest:
            return
        limit, starts, size = in_words(self.longest), block.records.starts(), block.size
        what = f"is longer than {limit}"
        hint = "keep such values in files of their own, and the files' names in the table"
        if written:
            starts, size = written.starts, len(written.data)
            what = f"would be longer than {limit} when it is written, and could not be read again"
            hint = "shorten its longest values: encrypted, a value is a third longer"
        for row, (begin, end) in enumerate(pairwise([*starts, size])):
            if end - begin > self.longest:
                line = block.line_of(row)
                raise InputError(f"{self.name}: line {line}: this record {what}", hint=hint)
