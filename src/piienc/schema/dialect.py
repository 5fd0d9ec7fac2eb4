"""What a schema says of how its CSV files are written."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Annotated, Any

from msgspec import Meta

from piienc.base.charsets import SUPPORTED, canonical
from piienc.base.document import Mistake, Table, shown

Flag = Annotated[bool, Meta(examples=[True, False])]
Character = Annotated[str, Meta(extra_json_schema={"minLength": 1, "maxLength": 1})]
Characters = Annotated[str, Meta(extra_json_schema={"minLength": 1, "maxLength": 4})]
Quote = Annotated[
    str, Meta(extra_json_schema={"anyOf": [{"const": "none"}, {"minLength": 1, "maxLength": 1}]})
]

_LONGEST = 4  # bytes of a delimiter, and of what begins a comment
_UNQUOTED = "none"


def _about(description: str, *examples: object) -> Meta:
    return Meta(description=description, examples=list(examples) or None)


class CsvDialect(Table, frozen=True, kw_only=True):
    """How the CSV files are written."""

    delimiter: Annotated[
        Characters, _about("What stands between two fields, one to four bytes.", ";", "||")
    ] = ","
    quote: Annotated[
        Quote,
        _about(
            'The character around a field that holds a delimiter or a line break, or "none".',
            '"',
            _UNQUOTED,
        ),
    ] = '"'
    encoding: Annotated[
        str, _about("The text encoding of the file, by Python's name for it.", "utf-8")
    ] = "utf-8"
    header: Annotated[
        Flag, _about("The first record names the columns; else they stand as in the schema.")
    ] = True
    null: Annotated[
        list[str] | None,
        _about(
            "The texts that are null where they stand without quotes; else the empty field.",
            ["\\N"],
            ["NULL", ""],
        ),
    ] = None
    escape: Annotated[
        Character | None,
        _about("The character before one that is data whatever it is.", "\\"),
    ] = None
    comment: Annotated[
        Characters | None,
        _about("What a line begins with that is no record, one to four bytes.", "#"),
    ] = None
    skip_rows: Annotated[
        Annotated[int, Meta(ge=0)], _about("How many lines stand before the first record.", 3)
    ] = 0
    lenient: Annotated[
        Flag, _about("Quotes may stand inside of fields, and are read as Python's csv reads them.")
    ] = False

    @classmethod
    def check(cls, fields: Mapping[str, Any]) -> Iterator[Mistake]:
        """See to it that a reader of CSV can tell one thing from another."""
        names = ("delimiter", "quote", "escape", "comment")
        marks = {name: fields[name] for name in names if fields.get(name) is not None}
        if marks.get("quote") == _UNQUOTED:
            del marks["quote"]
            if fields.get("lenient"):
                yield ("lenient",), "the file has no quotes; leave it out"
        yield from _mistaken(marks)
        for index, text in enumerate(fields.get("null") or ()):
            if held := _held(text, marks):
                yield ("null", index), f"{shown(text)} holds {held}, so it is no bare field"
        if (encoding := fields.get("encoding")) is not None and not canonical(encoding):
            encodings = ", ".join(SUPPORTED)
            yield (
                ("encoding",),
                f"{shown(encoding)} is not one of the supported text encodings: {encodings}",
            )

    @property
    def quoted(self) -> bool:
        """Whether fields may stand in quotes."""
        return self.quote != _UNQUOTED

    @property
    def nulls(self) -> list[str]:
        """The texts that are null where they stand without quotes."""
        return [""] if self.null is None else self.null


def _mistaken(marks: Mapping[str, str]) -> Iterator[Mistake]:
    """Find what cannot stand between fields, around them or before a line, and what looks alike."""
    for name, mark in marks.items():
        fault = _no_marks(mark) if name in ("delimiter", "comment") else _no_mark(mark)
        if fault:
            yield (name,), f"{shown(mark)} {fault}"
    for (name, mark), (other, second) in combinations(marks.items(), 2):
        if mark == second:
            yield (), f"{name} and {other} are both {shown(mark)}; change one of them"
        elif {*mark} & {*second}:
            both = f"{name} {shown(mark)} and {other} {shown(second)}"
            yield (), f"{both} share a character; change one of them"


def _no_mark(mark: str) -> str:
    """Say why a text is no quote and no escape."""
    if len(mark) != 1 or not mark.isascii() or mark in "\r\n\0":
        return "is not an ASCII character that may stand in a line"
    return _in_base64(mark)


def _no_marks(mark: str) -> str:
    """Say why a text is no delimiter and begins no comment."""
    if {*mark} & {*"\r\n\0"} or not 1 <= len(mark.encode()) <= _LONGEST:
        return "is not text of one to four bytes that may stand in a line"
    return _in_base64(mark)


def _in_base64(mark: str) -> str:
    if any((each.isascii() and each.isalnum()) or each in "+/=" for each in mark):
        return "stands in encrypted cells, which are base64"
    return ""


def _held(text: str, marks: Mapping[str, str]) -> str:
    """Say what a text holds that no bare field can hold."""
    if "\r" in text or "\n" in text:
        return "a line break"
    if "delimiter" in marks and marks["delimiter"][:1] in text:
        return "the delimiter" if len(marks["delimiter"]) == 1 else "the delimiter's beginning"
    return "a quote" if "quote" in marks and marks["quote"] in text else ""
