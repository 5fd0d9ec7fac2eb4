"""Where the blocks of a CSV file are cut: between records, none of which is too long.

No byte is scanned twice, so the time is linear in the file, however long its records are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from piienc.errors import InputError
from piienc.tables.table import in_words

if TYPE_CHECKING:
    from piienc.base.cells import Places
    from piienc.tables.csv.records import Block, Records, Rewritten

_TRIED = 256  # line breaks that are looked at one by one


def last_record_end(data: bytes, quote: bytes, open_: int) -> int:
    """Where the last whole record ends: behind the last line break outside of quotes, or 0.

    A line break stands outside of quotes if the quotes before it are even in number; doubled
    ones inside a field do not change that. `decode` refuses the quotes that would.

    Args:
        data: what was read.
        quote: the character.
        open_: whether the quotes in all that was read are odd in number.
    """
    end = len(data)
    for _ in range(_TRIED):
        line_break = data.rfind(b"\n", 0, end)
        if line_break < 0:
            return 0
        open_ ^= data.count(quote, line_break, end) % 2
        if not open_:
            return line_break + 1
        end = line_break
    ends = _record_ends(data[:end], quote, (open_ + count(data, quote, end)) % 2)
    return int(ends[-1]) if len(ends) else 0


def first_record_end(data: bytes, quote: bytes, open_: int) -> int:
    """Where the first record ends, or 0; `open_`: the quotes before `data` are odd in number."""
    line = 0
    for _ in range(_TRIED):
        end = data.find(b"\n", line) + 1
        if not end:
            return 0
        open_ ^= data.count(quote, line, end) % 2
        if not open_:
            return end
        line = end
    ends = _record_ends(data[line:], quote, open_)
    return line + int(ends[0]) if len(ends) else 0


def _record_ends(data: bytes, quote: bytes, open_: int) -> Places:
    """Where all records end; `open_`: the quotes before `data` are odd in number."""
    array = np.frombuffer(data, np.uint8)
    breaks = np.flatnonzero(array == ord("\n"))
    quotes = np.flatnonzero(array == ord(quote))
    ends: Places = breaks[(np.searchsorted(quotes, breaks) + open_) % 2 == 0] + 1
    return ends


def endless(name: str, line: int, longest: int) -> InputError:
    """Return the error for a record whose end was not found in so many bytes."""
    return InputError(
        f"{name}: line {line}: no end of this record within {in_words(longest)}",
        hint="look for a quote that is never closed; lines end in LF or CRLF",
    )


def refuse_long(name: str, block: Block, records: Records, longest: int) -> None:
    """Refuse a record of more bytes than are read.

    Raises:
        InputError: there is one, with its line.
    """
    if block.size <= longest:
        return
    long = np.flatnonzero(records.ends - records.begins > longest)
    if len(long):
        raise InputError(
            f"{name}: line {_line_of(block, records, int(long[0]))}: this record is longer than "
            f"{in_words(longest)}",
            hint="keep such values in files of their own, and the files' names in the table",
        )


def refuse_lengthened(
    name: str, block: Block, records: Records, written: Rewritten, longest: int
) -> None:
    """Refuse to write a record that could not be read again.

    Raises:
        InputError: a record has become too long, with the line that it had.
    """
    if len(written.data) <= longest:
        return
    long = np.flatnonzero(np.diff(written.begins, append=len(written.data)) > longest)
    if len(long):
        raise InputError(
            f"{name}: line {_line_of(block, records, int(long[0]))}: this record would be longer "
            f"than {in_words(longest)} when it is written, and could not be read again",
            hint="shorten its longest values: encrypted, a value is a third longer",
        )


def count(data: bytes, byte: bytes, end: int) -> int:
    """Count a byte up to some place."""
    # NumPy compares 64 bytes at a time; bytes.count() stops at every hit.
    return int(np.count_nonzero(np.frombuffer(data, np.uint8, end) == ord(byte)))


def _line_of(block: Block, records: Records, row: int) -> int:
    return block.first_line + block.data.count(b"\n", 0, int(records.begins[row]))
