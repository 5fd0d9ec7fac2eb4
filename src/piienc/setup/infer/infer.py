"""A schema proposed by a sample."""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.schema.propose import ProposedField, ProposedSchema
from piienc.setup.infer.judge import KeyNames, judge
from piienc.setup.infer.sample import profiled, sniff
from piienc.storage import FileSource
from piienc.tables import CsvFormat, format_of
from piienc.tables.csv.oddities import DELIMITERS

if TYPE_CHECKING:
    from pathlib import Path

    from piienc.setup.infer.encoding import DetectedEncoding
    from piienc.setup.infer.sample import DetectedDialect

ROWS = 100_000
"""So many rows of a sample are looked at, if nothing else is said."""


class Proposal(Struct, frozen=True):
    """What a sample proposes.

    Attributes:
        schema: the proposal.
        rows: that were looked at.
        whole: whether these are all.
    """

    schema: ProposedSchema
    rows: int
    whole: bool


def infer(
    path: Path, *, name: str | None = None, rows: int = ROWS, keys: KeyNames = KeyNames()
) -> Proposal:
    """Propose a schema for files like a sample, which is read as a stream.

    Args:
        path: CSV (also compressed) or Parquet, told by its content.
        name: the schema's; by default the sample's, without its suffixes.
        rows: that are looked at, at most; 0 for all.
        keys: the names of the keys.

    Raises:
        InputError: the sample cannot be read, or has no header.
    """
    with FileSource(path).opened() as file:
        text = format_of(file.head).begins is None
    csv: tuple[ProposedField, ...] = ()
    form = CsvFormat()
    if text:
        dialect = sniff(path, rows)
        csv = _dialect(dialect)
        form = CsvFormat(dialect.delimiter, encoding=dialect.encoding.name)
    profiles, row_count, is_whole = profiled(path, rows, form)
    columns = judge(profiles, keys)
    stem = os.fsencode(PurePath(path).name.partition(".")[0]).decode("utf-8", "replace")
    extent = (
        f"{row_count:,} rows, the whole sample" if is_whole else f"the first {row_count:,} rows"
    )
    notes = (
        f"Proposed by piienc schema infer from {extent}.",
        "Look it through before a file is encrypted with it: marks cannot be undone.",
        "A line that is a comment is for you to decide.",
    )
    return Proposal(
        ProposedSchema(name or stem or "sample", columns, csv, notes), row_count, is_whole
    )


def _dialect(dialect: DetectedDialect) -> tuple[ProposedField, ...]:
    name = DELIMITERS[dialect.delimiter]
    if not dialect.times:
        why = "the header has no delimiter: is it a single column?"
    elif dialect.tied:
        why = f"{name} stands {dialect.times} times in the header, and another one as often"
    else:
        why = f"{name} stands {dialect.times} times in the header"
    return (ProposedField("delimiter", dialect.delimiter, why), _encoding(dialect.encoding))


def _encoding(encoding: DetectedEncoding) -> ProposedField:
    if encoding.known:
        return ProposedField("encoding", encoding.name, "reads all rows looked at")
    others = ", ".join(encoding.others)
    why = "not UTF-8, and no file tells what else: which one writes every name right?"
    also = f" All rows can be read by {others}, too" if others else ""
    return ProposedField("encoding", encoding.name, why + also, sure=False)
