"""What is odd about a CSV file that cannot be read: the true word for it, and the remedy.

Many programs write something that is nearly CSV. Nothing here reads it in another way: what is
guessed is only what a message says. No message shows a field.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
"""Those that CSV is mostly written with, and what messages call them."""

_SEP = re.compile(r"\"?sep=.{0,4}\"?\s*", re.IGNORECASE | re.DOTALL)
_OTHER_ENDS = re.compile("[\v\f\x1c-\x1e\x85\u2028\u2029]")  # those of str.splitlines()
_UNQUOTED = '[csv] quote = "none"'
_ESCAPED = '[csv] escape = "\\\\"'
_AS_IT_IS = 'say so in the schema: [columns.""]'
_INVISIBLE = " \t\ufeff\u200b\u00a0"


class Oddity(Struct, frozen=True):
    """Something odd.

    Attributes:
        what: it is.
        remedy: what to do about it.
    """

    what: str
    remedy: str


def of_beginning(header: str, behind: str, delimiter: str, quote: str) -> Oddity | None:
    """Explain oddities of a file's first record; `behind`: as much text, and the second line."""
    return next(_of_beginning(header, behind, delimiter, quote), None)


def _of_beginning(header: str, behind: str, delimiter: str, quote: str) -> Iterator[Oddity]:
    bare = "".join(header.split(quote)[::2]) if quote else header
    if "\0" in header:
        yield Oddity(
            "NUL bytes in the first line, which no text has",
            "see what it is: file NAME; if it is text, name its encoding: [csv] encoding",
        )
    if _SEP.fullmatch(header):
        yield Oddity(
            "line 1 tells Excel the delimiter (sep=), but none that can be one",
            "name it in the schema, and skip that line: [csv] delimiter, [csv] skip_rows = 1",
        )
    if mark := _OTHER_ENDS.search(bare.replace(delimiter, "")):
        # Rows may stand in what seems to be the header: none of it may be shown.
        yield Oddity(
            f"the first line holds U+{ord(mark[0]):04X}, which ends lines in other programs",
            "end lines in LF or CRLF, and put a name that holds it in quotes",
        )
    second = behind.partition("\n")[0]
    if any("-+-" in line and not line.strip().strip("-+") for line in (header, second)):
        yield Oddity(
            "a table drawn for people, with lines of dashes",
            "export it as CSV: psql --csv, COPY ... CSV HEADER, or mysql --batch",
        )
    if delimiter in bare and behind.startswith(header):
        yield Oddity("line 2 is the header once more", "remove it: tail -n +2 FILE > NEW")


_TWICE = Oddity(
    "its lines end in CR CR LF: each was ended twice",
    "write it with newline='' in Python, or: sed 's/\\r\\r$/\\r/' FILE > NEW",
)


def of_columns(
    header: str, columns: Sequence[str], expected: Collection[str], delimiter: str, quote: str
) -> Oddity | None:
    """Explain why the columns are not the expected ones; `expected` is empty if unknown."""
    if mark := _other_delimiter(header, columns, expected, delimiter, quote):
        shown = "\\t" if mark == "\t" else mark
        return Oddity(
            f"it is delimited by {DELIMITERS[mark]}, and not by {delimiter!r}",
            f'say so in the schema: [csv] delimiter = "{shown}"',
        )
    if len(columns) == 1 and {*columns[0].split(delimiter)} & {*expected}:
        return Oddity("each line is quoted as a whole", "quote fields, and not whole lines")
    if "" in columns and "" not in expected and {*columns} & {*expected}:
        return unnamed(columns)
    missing = {_plain(name): name for name in expected if name not in columns}
    near = {missing[_plain(name)]: name for name in columns if _plain(name) in missing}
    if missing and len(near) == len(missing):
        pairs = ", ".join(f"{here!r} for {there!r}" for there, here in near.items())
        return Oddity(
            f"names that differ from the schema's in capitals, spaces or invisible marks: {pairs}",
            "write them in the schema as they are in the file, or mend the export",
        )
    return None


def _other_delimiter(
    header: str, columns: Sequence[str], expected: Collection[str], delimiter: str, quote: str
) -> str | None:
    """Return a delimiter that gives more of the expected columns."""
    best, most = None, len({*columns} & {*expected})
    for mark in (each for each in DELIMITERS if each != delimiter):
        names = {name.strip().strip(quote) for name in header.split(mark)}
        if expected and len(names & {*expected}) > most:
            best, most = mark, len(names & {*expected})
        elif not expected and len(columns) == 1 and len(names) > max(1, most):
            best, most = mark, len(names)
    return best


def unnamed(columns: Sequence[str]) -> Oddity:
    """Explain why a column may have no name."""
    number = len(columns) - columns[::-1].index("")
    if number == 1:
        return Oddity(
            "column 1 has no name, as the index that pandas writes",
            f"{_AS_IT_IS}, or leave it out: df.to_csv(..., index=False)",
        )
    return Oddity(f"column {number} has no name", f"{_AS_IT_IS}, or name it in the file")


def _plain(name: str) -> str:
    return name.strip(_INVISIBLE).casefold()


def of_record(record: str, fields: int, columns: int, delimiter: str, *, trailing: bool) -> Oddity:
    """Explain why a record may have more or fewer fields than the header."""
    line = record.rstrip("\r\n")
    oddities = (
        (
            "\0" in line,
            "NUL bytes, as a crash leaves behind what was written",
            "have the file written again",
        ),
        (line == "\x1a", "the end-of-file mark of DOS", "remove it: tr -d '\\032' < FILE > NEW"),
        (
            trailing and fields == columns + 1,
            "data behind the delimiter that ends each line",
            "name every column in the header; a field that holds the delimiter must be quoted",
        ),
        (
            fields == columns + 1 and line.endswith(delimiter),
            "the line ends in a delimiter, and the header does not",
            "end all lines with their last field; if the first field is an index, name it, too",
        ),
        (
            "\\" + delimiter in line,
            "a backslash before a delimiter does not quote it",
            f"if it is meant to, say so in the schema: {_ESCAPED}; else have that field quoted",
        ),
        (
            "\r" in line,
            "a carriage return alone does not end a line",
            "end all lines in LF or CRLF",
        ),
        (
            "\u201c" in line,
            "typographic quotes do not quote",
            'have fields that hold the delimiter quoted by "',
        ),
        (
            columns == 1,
            "",
            "line 1 must be the header: [csv] skip_rows skips a title; is [csv] delimiter another?",
        ),
        (
            line.startswith("'") or delimiter + "'" in line,
            "",
            "if fields are quoted by ', say so in the schema: [csv] quote = \"'\"",
        ),
        (
            fields > columns,
            "",
            "mend that row, and quote fields with the delimiter; or skip a title: [csv] skip_rows",
        ),
        (fields == 1, "", "mend that row; if it counts the rows or is a note, remove it"),
        (True, "", "mend that row; a field that holds the delimiter must be quoted"),
    )
    return next(Oddity(what, remedy) for holds, what, remedy in oddities if holds)


def of_quote(before: bytes, behind: bytes, delimiter: bytes) -> Oddity:
    """Explain why a quote may be in the middle of a field."""
    following = behind[:1].decode("latin-1")
    if before.endswith((delimiter + b"=", b"\n=")):
        return Oddity(
            "a field written as a formula of Excel (=)",
            "write it without the =, or say in the schema: [csv] lenient = true",
        )
    if before.endswith(b"\\"):
        return Oddity(
            "a backslash before a quote, as Spark and MySQL write",
            f"say so in the schema: {_ESCAPED}; or have quotes doubled",
        )
    if following and following in DELIMITERS:
        shown = "\\t" if following == "\t" else following
        return Oddity("", f'if the delimiter is another one: [csv] delimiter = "{shown}"')
    if before.endswith((delimiter + b" ", b"\n ")) or behind.startswith(b" " + delimiter):
        return Oddity("a space between a quote and a delimiter", "write no spaces around fields")
    return of_open_quote(delimiter)


def of_open_quote(delimiter: bytes) -> Oddity:
    """Explain why a quote may begin a field and never end."""
    rule = "put the whole field in quotes and double the quotes inside it (RFC 4180)"
    unquoted = f"if the file quotes nothing, say so: {_UNQUOTED}"
    often = delimiter in b"\t|"
    return Oddity("", f"{unquoted}; else {rule}" if often else f"{rule}; {unquoted}")


def of_return(behind: bytes) -> Oddity:
    """Explain a carriage return outside of quotes that ends no line."""
    if behind.startswith(b"\r\n"):
        return _TWICE
    return Oddity("", "end lines in LF or CRLF, and put a field that holds a CR in quotes")
