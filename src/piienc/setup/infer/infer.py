"""A schema proposed by a sample."""

from __future__ import annotations

import os
from pathlib import PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from piienc.errors import InputError, UsageError
from piienc.schema.dialect import CsvDialect
from piienc.schema.propose import ProposedField, ProposedSchema
from piienc.setup.infer.dialect import as_options, dialect_of, look_at, option
from piienc.setup.infer.judge import KeyNames, judge
from piienc.setup.infer.sample import profiled
from piienc.storage import FileSource
from piienc.tables import CsvFormat, format_of
from piienc.transform.crypt import format_of_dialect

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from piienc.setup.infer.profile import ColumnProfile

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
    path: Path,
    *,
    name: str | None = None,
    rows: int = ROWS,
    keys: KeyNames = KeyNames(),
    csv: Mapping[str, Any] = MappingProxyType({}),
) -> Proposal:
    """Propose a schema for files like a sample, which is read as a stream.

    Args:
        path: CSV (also compressed) or Parquet, told by its content.
        name: the schema's; by default the sample's, without its suffixes.
        rows: that are looked at, at most; 0 for all.
        keys: the names of the keys.
        csv: how the sample is written: fields of a schema's `[csv]`. What is not among them is
            found out if that is safe, or is the default.

    Raises:
        UsageError: the fields of `csv` have mistakes, or the sample is Parquet.
        InputError: the sample cannot be read, or has no header.
    """
    with FileSource(path).opened() as file:
        is_csv = format_of(file.head).begins is None
    if csv and not is_csv:
        options = ", ".join(map(option, csv))
        raise UsageError(f"{path} is Parquet, which needs no {options}", hint="leave it out")
    profiles, row_count, is_whole, fields = (
        _of_csv(path, rows, csv) if is_csv else (*profiled(path, rows, CsvFormat()), ())
    )
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
        ProposedSchema(name or stem or "sample", columns, fields, notes), row_count, is_whole
    )


def _of_csv(
    path: Path, rows: int, given: Mapping[str, Any]
) -> tuple[list[ColumnProfile], int, bool, tuple[ProposedField, ...]]:
    """Look at the rows of CSV, and propose `[csv]`."""
    fields = look_at(path, rows, given)
    found = {name: fields[name].value for name in ("delimiter", "encoding")}
    form = format_of_dialect(dialect_of({**found, **given}))
    try:
        seen = profiled(path, rows, form)
        texts = sorted({text for profile in seen[0] for text in profile.null_texts})
        if texts and "null" not in given:
            again = profiled(path, rows, replace(form, nulls=("", *texts)))
            pairs = zip(seen[0], again[0], strict=True)
            if columns := sum(one.values > other.values for one, other in pairs):
                why = f"{' and '.join(texts)} without quotes in {columns} of {len(seen[0])} columns"
                seen, fields["null"] = again, ProposedField("null", ["", *texts], why)
    except InputError as error:
        if (line := fields.get("comment")) and not line.sure:
            error.hint = f"{line.why}; or {error.hint}"
        raise
    lines = (fields[name] for name in CsvDialect.__struct_fields__ if name in fields)
    return *seen, tuple(replace(line, why=as_options(line.why)) for line in lines)
