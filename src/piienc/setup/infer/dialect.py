"""How a CSV sample is written: fields of `[csv]` that are given, or can be seen.

The command line has an option for each field.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from itertools import dropwhile
from typing import TYPE_CHECKING, Any

from msgspec import convert

from piienc.base.charsets import canonical
from piienc.base.document import mistakes_in
from piienc.errors import UsageError
from piienc.schema.dialect import CsvDialect
from piienc.schema.propose import ProposedField
from piienc.setup.infer.encoding import find_encoding
from piienc.setup.infer.profile import LOOKS
from piienc.storage import FileSource
from piienc.tables.csv.oddities import DELIMITERS
from piienc.tables.streams import Decompressed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_HEAD = 1 << 16  # bytes in which the first record is looked for
_FIELD = re.compile(r"""\[csv\] (\w+)(?: = ("(?:[^"\\]|\\.)*"|\[.*?\]|\w+))?""")
_NO_HEADER = re.compile(r'\s*$|"?sep=', re.IGNORECASE)
_NO_NAME = re.compile(f"{LOOKS['float']}|{LOOKS['date']}")  # a number or a date


def look_at(path: Path, rows: int, given: Mapping[str, Any]) -> dict[str, ProposedField]:
    """Propose fields by the beginning of a file, its delimiter and encoding in any case.

    Args:
        path: the file.
        rows: those that the encoding must be able to read; 0 for all.
        given: fields that are known.

    Raises:
        UsageError: the fields have mistakes.
        InputError: the file cannot be read.
    """
    dialect = dialect_of(given)
    with FileSource(path).opened() as file:
        stream = Decompressed(file.reader, file.name)
        start = stream.peek(_HEAD)
        proposed = {} if "encoding" in given else {"encoding": find_encoding(stream, start, rows)}
    encoding = proposed["encoding"].value if proposed else dialect.encoding
    header = _header(start.decode(canonical(str(encoding)) or "", "ignore"), dialect)
    where = "header" if dialect.header else "first record"
    proposed["delimiter"] = _delimiter(header, where)
    for name, value in given.items():
        if name in ("delimiter", "encoding") or value != getattr(CsvDialect(), name):
            proposed[name] = ProposedField(name, value, "as given")
    if header.startswith("#") and "comment" not in given:
        why = 'the header begins with #: is that a comment? Infer again with [csv] comment = "#"'
        proposed["comment"] = ProposedField("comment", "#", why, sure=False)
    names = header.strip().split(str(proposed["delimiter"].value))
    if any(map(_NO_NAME.fullmatch, names)) and "header" not in given:
        why = "a name is a number or date: is that a row? Infer again with [csv] header = false"
        proposed["header"] = ProposedField("header", value=False, why=why, sure=False)
    return proposed


def _header(text: str, dialect: CsvDialect) -> str:
    """Return the header, without what is quoted or escaped in it."""
    end = "\n" if "\n" in text else "\r"
    lines = text.removeprefix("\ufeff").split(end)[dialect.skip_rows :]
    comment = dialect.comment or end
    top = dropwhile(lambda each: _NO_HEADER.match(each) or each.startswith(comment), lines)
    escape, quote = re.escape(dialect.escape or ""), re.escape(dialect.quote)
    pairs = [f"{escape}."] if escape else []
    if dialect.quoted:
        pairs.append(f"{quote}(?:{'|'.join([*pairs, quote * 2, f'[^{quote}{escape}]'])})*{quote}")
    return re.sub(f"(?s){'|'.join(pairs) or '(?!)'}", "", end.join(top)).partition(end)[0]


def _delimiter(header: str, where: str) -> ProposedField:
    counts = {mark: header.count(mark) for mark in DELIMITERS}
    delimiter = max(counts, key=lambda mark: counts[mark])
    times = counts[delimiter]
    why = f"{DELIMITERS[delimiter]} stands {times} times in the {where}"
    if not times:
        why = f"the {where} has no delimiter: is it a single column? [csv] skip_rows skips a title"
    elif list(counts.values()).count(times) > 1:
        why += ", and another one as often"
    return ProposedField("delimiter", delimiter, why)


def dialect_of(fields: Mapping[str, Any]) -> CsvDialect:
    """Hold fields to the rules of a schema.

    Raises:
        UsageError: they have mistakes; each names its option.
    """
    mistakes = [
        f"{option(str(place[0]))}: {fault}" if place else f"--{fault}"
        for place, fault in mistakes_in(dict(fields), CsvDialect)
    ]
    if mistakes:
        raise UsageError(mistakes[0], details=mistakes[1:])
    return convert(fields, CsvDialect)


def option(name: str) -> str:
    """Return the option for a field."""
    return "--no-header" if name == "header" else f"--{name.replace('_', '-')}"


def as_options(hint: str) -> str:
    """Return a hint with options, as they are typed, in the place of fields."""
    return _FIELD.sub(_typed, hint.replace(" in the schema", "")) if "[csv]" in hint else hint


def _typed(field: re.Match[str]) -> str:
    value = tomllib.loads(f"value = {field[2] or 'true'}")["value"]
    if isinstance(value, bool):
        return option(field[1])
    values = value if isinstance(value, list) else [value]
    typed = (shlex.join([option(field[1]), str(each)]) for each in values)
    return " ".join(typed).replace(shlex.quote("'"), '"\'"')
