"""What is odd about a CSV file that cannot be read: the true word for it, and the remedy.

Many programs write something that is nearly CSV. Nothing here reads it in another way: what is
guessed is only what a message says. No message shows a field.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

DELIMITERS = ",;\t|"
"""Those that CSV is mostly written with."""

_SEP = re.compile(rb"\"?sep=(.)\"?\s*", re.IGNORECASE)
_UNQUOTED = '[csv] quote = "\\u0001"'
_INVISIBLE = " \t\ufeff\u200b\u00a0"


class Oddity(Struct, frozen=True):
    """Something odd.

    Attributes:
        what: it is.
        remedy: what to do about it.
    """

    what: str
    remedy: str


def of_beginning(start: bytes, end: int, delimiter: bytes, quote: bytes) -> Oddity | None:
    """Tell what is odd about a file's first lines, whatever its columns are.

    Args:
        start: what it begins with, as UTF-8.
        end: where its first record ends.
        delimiter: between fields.
        quote: around fields.
    """
    header = start[:end]
    bare = b"".join(header.split(quote)[::2])
    if b"\0" in header:
        return Oddity(
            "NUL bytes in the first line, which no text has",
            "see what it is: file NAME; if it is text, name its encoding: [csv] encoding",
        )
    if said := _SEP.fullmatch(header):
        mark = "\\t" if said[1] == b"\t" else said[1].decode(errors="replace")
        return Oddity(
            "line 1 tells Excel the delimiter (sep=), and is no header",
            f'remove the line: tail -n +2; and say it in the schema: [csv] delimiter = "{mark}"',
        )
    if b"\r" in bare and b"\n" not in start:
        return Oddity(
            "its lines end in CR alone, as on old Macs",
            "end them in LF: tr '\\r' '\\n' < FILE > NEW",
        )
    if header.endswith(b"\r\r\n"):
        return _TWICE
    if delimiter in bare and start.startswith(header, end):
        return Oddity("line 2 is the header once more", "remove it: tail -n +2 FILE > NEW")
    return None


_TWICE = Oddity(
    "its lines end in CR CR LF: each was ended twice",
    "write it with newline='' in Python, or: sed 's/\\r\\r$/\\r/' FILE > NEW",
)


def of_columns(
    header: str, columns: Sequence[str], wanted: Collection[str], delimiter: str, quote: str
) -> Oddity | None:
    """Tell why columns are not the ones that are wanted.

    Args:
        header: the first line.
        columns: as they were read from it.
        wanted: the schema's; none if nobody knows.
        delimiter: by which it was read.
        quote: around fields.
    """
    if mark := _other_delimiter(header, columns, wanted, delimiter, quote):
        shown = "\\t" if mark == "\t" else mark
        name = {"\t": "a tab", ",": "a comma", ";": "a semicolon", "|": "a bar"}[mark]
        return Oddity(
            f"its fields stand between {name} each, and not between {delimiter!r}",
            f'say so in the schema: [csv] delimiter = "{shown}"',
        )
    if wanted and "" in columns and "" not in wanted:
        return unnamed(columns)
    spelt = {_plain(name): name for name in wanted if name not in columns}
    near = [(spelt[_plain(name)], name) for name in columns if _plain(name) in spelt]
    if near and not {*columns} & {*wanted}:
        here, there = near[0][1], near[0][0]
        return Oddity(
            f"its columns differ from the schema's in capitals or spaces: {here!r} for {there!r}",
            "write the names in the schema as they are in the file",
        )
    return None


def _other_delimiter(
    header: str, columns: Sequence[str], wanted: Collection[str], delimiter: str, quote: str
) -> str | None:
    """Return the delimiter by which more of the columns are the wanted ones."""
    best, most = None, len({*columns} & {*wanted})
    for mark in DELIMITERS.replace(delimiter, ""):
        names = {name.strip().strip(quote) for name in header.split(mark)}
        if wanted and len(names & {*wanted}) > most:
            best, most = mark, len(names & {*wanted})
        elif not wanted and len(columns) == 1 and len(names) > max(1, most):
            best, most = mark, len(names)
    return best


def unnamed(columns: Sequence[str]) -> Oddity:
    """Tell why a column may have no name."""
    number = columns.index("") + 1
    if number == 1:
        return Oddity(
            "column 1 has no name, as the index that pandas writes",
            "leave it out: df.to_csv(..., index=False); or give it a name: index_label=",
        )
    if number == len(columns):
        return Oddity(
            f"column {number}, the last one, has no name: each line ends in a delimiter",
            "end each line with its last field",
        )
    return Oddity(f"column {number} has no name", "name every column")


def _plain(name: str) -> str:
    return name.strip(_INVISIBLE).casefold()


def of_record(record: bytes, fields: int, columns: int, delimiter: bytes) -> Oddity:
    """Tell why a record may have another number of fields than the header.

    Args:
        record: as it stands in the file.
        fields: that it has.
        columns: that the header has.
        delimiter: between fields.
    """
    line = record.rstrip(b"\r\n")
    known = (
        (
            b"\0" in line,
            "NUL bytes, as a crash leaves behind what was written",
            "have the file written again",
        ),
        (line == b"\x1a", "the end-of-file mark of DOS", "remove it: tr -d '\\032' < FILE > NEW"),
        (
            fields == columns + 1 and line.endswith(delimiter),
            "the line ends in a delimiter, and the header does not",
            "end each line with its last field",
        ),
        (
            b"\\" + delimiter in line,
            "a backslash before a delimiter does not quote it",
            "have fields that hold the delimiter quoted, without an escape character",
        ),
        (
            columns == 1,
            "",
            "line 1 must be the header and no title; is [csv] delimiter another one?",
        ),
        (
            line.startswith(b"'") or delimiter + b"'" in line,
            "",
            "if fields are quoted by ', say so in the schema: [csv] quote = \"'\"",
        ),
        (fields == 1, "", "mend that row; if it counts the rows or is a note, remove it"),
        (True, "", "mend that row; a field that holds the delimiter must be quoted"),
    )
    return next(Oddity(what, remedy) for holds, what, remedy in known if holds)


def of_quote(before: bytes, behind: bytes, delimiter: bytes) -> Oddity:
    """Tell why a quote stands in the middle of a field.

    Args:
        before: what stands in front of it.
        behind: what follows it.
        delimiter: between fields.
    """
    following = behind[:1].decode("latin-1")
    if before.endswith(b"\\"):
        return Oddity(
            "a backslash before a quote, as Spark and MySQL write",
            'have quotes doubled: .option("escape", "\\"") in Spark',
        )
    if following and following in DELIMITERS:
        shown = "\\t" if following == "\t" else following
        return Oddity("", f'if the delimiter is another one: [csv] delimiter = "{shown}"')
    if before.endswith((delimiter + b" ", b"\n ")) or behind.startswith(b" " + delimiter):
        return Oddity("a space between a quote and a delimiter", "write no spaces around fields")
    return of_open_quote(delimiter)


def of_open_quote(delimiter: bytes) -> Oddity:
    """Tell why a quote may begin a field and never end."""
    rule = "put the whole field in quotes and double the quotes inside it (RFC 4180)"
    if delimiter in b"\t|":
        return Oddity("", f"if this file does not quote, say so: {_UNQUOTED}; else {rule}")
    return Oddity("", rule)


def of_return(behind: bytes) -> Oddity:
    """Tell why a carriage return, outside of quotes, ends no line."""
    if behind.startswith(b"\r\n"):
        return _TWICE
    return Oddity("", "end lines in LF or CRLF, and put a field that holds a CR in quotes")
