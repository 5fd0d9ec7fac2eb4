"""Blocks of whole records, and what is wrong with one."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.base.printable import in_words
from piienc.core import FaultKind, Unreadable, engine
from piienc.errors import InputError
from piienc.tables.csv import oddities
from piienc.tables.csv.text import (
    UnfitValue,
    not_in_encoding,
    not_the_same,
    recoded,
    unwritable,
)

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
        errors, charset = self.errors, self.errors.form.charset
        try:
            strings = recoded(self.records.column(number), charset, "utf-8")
        except Unreadable as refused:
            raise errors.unclear(self.line_of(refused.row)) from None
        except UnfitValue as unfit:
            error = errors.not_the_same if unfit.known else errors.not_text
            raise error(self.line_of(unfit.row)) from None
        if charset == "utf-8" and (bad := engine().not_text(strings)):
            raise errors.not_text(self.line_of(bad[0]))
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
        except UnfitValue as unfit:
            raise self.errors.unwritable(self.line_of(unfit.row)) from None
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
        delimiter = self.form.delimiter.encode(charset)
        before, behind = data[max(0, place - _NEAR) : place], data[place + 1 : place + 1 + _NEAR]
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
                named = "header" if self.form.header else "schema"
                what = f"{fields}, where the {named} has {self.columns}"
                end = data.find(b"\n", place) + 1 or len(data)
                record = data[place:end].decode(charset, "replace")
                counts = fault.fields, self.columns
                odd = oddities.of_record(record, *counts, self.form.delimiter)
            case _:
                what = "a quote in the middle of a field"
                odd = oddities.of_quote(before, behind, delimiter)
        because = f": {odd.what}" if odd.what else ""
        line = first_line + fault.line
        return InputError(f"{self.name}: line {line}: {what}{because}", hint=odd.remedy)

    def not_text(self, line: int) -> InputError:
        """Return the error for a value of other bytes than the file's encoding has."""
        return not_in_encoding(self.name, line, self.form.encoding)

    def not_the_same(self, line: int) -> InputError:
        """Return the error for a value that would be written back in other bytes."""
        return not_the_same(self.name, line, self.form.encoding)

    def unwritable(self, line: int) -> InputError:
        """Return the error for a decrypted value that the file's encoding has not."""
        return unwritable(f"{self.name}: line {line}: ", self.form.encoding)

    def unclear(self, line: int) -> InputError:
        """Return the error for an escape that programs read in several ways."""
        return InputError(
            f"{self.name}: line {line}: a value has an escape before a letter or a digit, which "
            "some programs read as that character, and others as a line break, say",
            hint="have values that hold line breaks quoted, and not escaped",
        )

    def endless(self, line: int) -> InputError:
        """Return the error for a record whose end was not found in as many bytes as it may have."""
        return InputError(
            f"{self.name}: line {line}: no end of this record within {in_words(self.longest)}",
            hint="look for a quote that is never closed; lines end in LF or CRLF",
        )

    def refuse_long(self, block: Block) -> None:
        """Refuse a record of more bytes than are read.

        Raises:
            InputError: there is one, with its line.
        """
        if block.size <= self.longest:
            return
        row = self._first_long([*block.records.starts(), block.size])
        if row is not None:
            raise InputError(
                f"{self.name}: line {block.line_of(row)}: this record is longer than "
                f"{in_words(self.longest)}",
                hint="keep such values in files of their own, and the files' names in the table",
            )

    def refuse_lengthened(self, block: Block, written: Spliced) -> None:
        """Refuse to write a record that could not be read again.

        Raises:
            InputError: a record has become too long, with the line that it had.
        """
        if len(written.data) <= self.longest:
            return
        row = self._first_long([*written.starts, len(written.data)])
        if row is not None:
            raise InputError(
                f"{self.name}: line {block.line_of(row)}: this record would be longer than "
                f"{in_words(self.longest)} when it is written, and could not be read again",
                hint="shorten its longest values: encrypted, a value is a third longer",
            )

    def _first_long(self, cuts: list[int]) -> int | None:
        lengths = (end - begin for begin, end in pairwise(cuts))
        return next((row for row, size in enumerate(lengths) if size > self.longest), None)
