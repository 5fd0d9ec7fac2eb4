"""A schema proposed by a sample."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from msgspec import Struct, field

from piienc.errors import InputError
from piienc.flow.infer.judge import KeyNames, judge
from piienc.flow.infer.profile import Profile
from piienc.flow.infer.sample import Written, opened_sample, sniff
from piienc.places import is_parquet
from piienc.schema.propose import Line, ProposedSchema
from piienc.tables import CsvFormat

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 100_000
"""So many rows of a sample are looked at, if nothing else is said."""

_NAMES = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}


class Options(Struct, frozen=True):
    """How a schema is proposed.

    Attributes:
        name: the schema's; by default the sample's, without its suffixes.
        rows: that are looked at, at most; 0 for all.
        keys: the names of the keys.
    """

    name: str | None = None
    rows: int = ROWS
    keys: KeyNames = field(default_factory=KeyNames)


class Inferred(Struct, frozen=True):
    """What a sample proposes.

    Attributes:
        schema: the proposal.
        rows: that were looked at.
        whole: whether these are all.
    """

    schema: ProposedSchema
    rows: int
    whole: bool


def infer(path: Path, options: Options = Options()) -> Inferred:
    """Propose a schema for files like a sample, which is read as a stream.

    Args:
        path: CSV (.gz, .zst too) or Parquet, told by the name.
        options: how.

    Raises:
        InputError: the sample cannot be read, or has no header.
    """
    if is_parquet(path):
        profiles, rows, whole = _profiles(path, options.rows, CsvFormat())
        csv: tuple[Line, ...] = ()
    else:
        written = sniff(path)
        encoding, (profiles, rows, whole) = _first_readable(path, options.rows, written)
        csv = _dialect(written, encoding)
    columns = judge(profiles, options.keys)
    name = options.name or PurePath(path).name.partition(".")[0] or "sample"
    looked = f"{rows:,} rows, the whole sample" if whole else f"the first {rows:,} rows"
    notes = (
        f"Proposed by piienc schema infer from {looked}.",
        "Look it through before a file is encrypted with it: marks cannot be undone.",
        "A line that is a comment is for you to decide.",
    )
    return Inferred(ProposedSchema(name, columns, csv, notes), rows, whole)


def _profiles(path: Path, rows: int, form: CsvFormat) -> tuple[list[Profile], int, bool]:
    with opened_sample(path, rows, form) as sample:
        types = sample.types or [None] * len(sample.names)
        profiles = [Profile(*column) for column in zip(sample.names, types, strict=True)]
        seen = 0
        for count, columns in sample.batches():
            seen += count
            for profile, values in zip(profiles, columns, strict=True):
                profile.add(count, values)
    return profiles, seen, sample.whole


def _first_readable(
    path: Path, rows: int, written: Written
) -> tuple[str, tuple[list[Profile], int, bool]]:
    """Read a CSV file by the first encoding that reads it; if none does, the first one tells."""
    refusal: InputError | None = None
    for encoding in written.encodings:
        form = CsvFormat(written.delimiter, encoding=encoding)
        try:
            return encoding, _profiles(path, rows, form)
        except InputError as error:
            refusal = refusal or error
    raise refusal or InputError(f"{path} cannot be read")


def _dialect(written: Written, encoding: str) -> tuple[Line, ...]:
    name = _NAMES[written.delimiter]
    if not written.times:
        seen = "the header has no delimiter: is it a single column?"
    elif written.tied:
        seen = f"{name} stands {written.times} times in the header, and another one as often"
    else:
        seen = f"{name} stands {written.times} times in the header"
    known = "not UTF-8; is it this one?" if encoding == "cp1252" else "reads all rows looked at"
    return (Line("delimiter", written.delimiter, seen), Line("encoding", encoding, known))
