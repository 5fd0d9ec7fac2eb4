"""One field of CSV: the value that it holds, and a value as a field."""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from piienc.core.interface import Dialect

_LETTERS_AND_DIGITS = (string.ascii_letters + string.digits).encode()
_NOTHING = re.compile(b"(?!)")


class FieldForm:
    """Reads and writes single fields of a dialect."""

    def __init__(self, dialect: Dialect) -> None:
        quote, escape = re.escape(dialect.quote), re.escape(dialect.escape)
        self._dialect = dialect
        escaped = escape + b"(.)" if escape else b"(?!)()"  # without an escape: nothing, ever
        doubled = b"|%b(%b)" % (quote, quote) if quote else b"()"
        self._escaped = re.compile(escaped, re.DOTALL)
        self._escaped_or_doubled = re.compile(escaped + doubled, re.DOTALL)
        self._quote_or_escape = re.compile(b"[%b]" % (quote + escape)) if quote else _NOTHING
        known = {*dialect.delimiter, *dialect.quote, *dialect.comment}
        self._unclear = {*_LETTERS_AND_DIGITS} - known
        # Of a delimiter of several bytes, the first one alone would do harm: at a value's end it
        # may make one with what follows.
        self._special = dialect.delimiter[:1] + dialect.quote + dialect.escape + b"\r\n"
        self._each_special = re.compile(b"[%b]" % re.escape(self._special))

    def closing(self, data: bytes, begin: int) -> int | None:
        """Return where the quote stands that closes a quoted field; None if there is none.

        Args:
            data: that holds the field, and more.
            begin: where its opening quote stands.
        """
        quote, at = self._dialect.quote, begin + 1
        while mark := self._quote_or_escape.search(data, at):
            place = mark.start()
            if mark[0] == quote and not data.startswith(quote, place + 1):
                return place
            at = place + 2  # one quote of two, or an escaped byte
        return None

    def value(self, field: bytes) -> bytes | None:
        """Return what a whole field holds; None if it is null."""
        if self._dialect.quote and field.startswith(self._dialect.quote):
            close = self.closing(field, 0)
            assert close is not None  # noqa: S101  # or no record would have been found
            inside, behind = field[1:close], field[close + 1 :]
            # In lenient files bytes may stand behind the closing quote. The first of them is
            # itself, even if it is an escape: so Python's csv takes it.
            return (
                self._escaped_or_doubled.sub(rb"\1\2", inside)
                + behind[:1]
                + self._escaped.sub(rb"\1", behind[1:])
            )
        if field in self._dialect.nulls:
            return None
        return self._escaped.sub(rb"\1", field)

    def is_clear(self, field: bytes) -> bool:
        """Tell whether all programs that know the dialect read a whole field alike."""
        if field in self._dialect.nulls:
            return True
        return all(pair[1][0] not in self._unclear for pair in self._escaped.finditer(field))

    def is_comment(self, field: bytes) -> bool:
        """Tell whether a field, or a value, would be a comment if it began a line."""
        comment = self._dialect.comment
        return bool(comment) and field.startswith(comment)

    def field(self, value: bytes, *, first: bool, alone: bool) -> bytes | None:
        """Return a value as a field; None if the dialect cannot write it.

        Args:
            value: not null.
            first: whether it begins its line.
            alone: whether it is all of its line.
        """
        quote, escape, nulls = self._dialect.quote, self._dialect.escape, self._dialect.nulls
        remark = first and self.is_comment(value)
        if quote:
            special = not {*value}.isdisjoint(self._special)
            if special or remark or value in nulls or (alone and not value):
                inside = value.replace(escape, 2 * escape) if escape else value
                return quote + inside.replace(quote, 2 * quote) + quote
            return value
        if escape:
            field = self._each_special.sub(lambda special: escape + special[0], value)
            field = escape + field if remark else field
        elif remark or not {*value}.isdisjoint(self._special):
            return None
        else:
            field = value
        return None if field in nulls else field
