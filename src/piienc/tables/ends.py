"""The two ends of a run: a table opened for reading, and one opened for writing.

What is read tells by its content what it is, and by its name only what messages call it. What is
written has the format of what was read; the suffix of its name tells how CSV is compressed.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from piienc.base.files import refuse_same
from piienc.errors import UsageError
from piienc.storage.content import is_parquet, promised_format
from piienc.storage.places import begun, name_of
from piienc.tables.csv.source import CsvFormat, CsvSink, CsvSource, open_csv
from piienc.tables.limits import UnitSize
from piienc.tables.streams import Compressed, Decompressed, not_parquet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from piienc.storage.hashing import HashingReader, HashingWriter, ReadAhead
    from piienc.storage.places import Begun, Named, Place
    from piienc.tables.parquet.output import Output
    from piienc.tables.parquet.source import ParquetSink, ParquetSource


def check_ends(source: Begun, target: Place | Named) -> None:
    """Refuse ends that do not fit together.

    Raises:
        PolicyError: the output is the input.
        UsageError: the name of the output promises another format than the input has.
    """
    if source.path and isinstance(target, Path):
        refuse_same(source.path, target)
    name = name_of(target)
    promised = promised_format(name)
    if promised and (promised == "parquet") != is_parquet(source.head):
        here, there = ("Parquet", "CSV") if promised == "csv" else ("CSV", "Parquet")
        raise UsageError(
            f"{source.name} and {name} are of different formats: {source.name} is {here} by its "
            f"content, and {name} is {there} by its name",
            hint="nothing is converted: name the output as what the input is",
        )


@contextlib.contextmanager
def opened_source(
    place: Place | Begun, form: CsvFormat, size: UnitSize = UnitSize()
) -> Iterator[tuple[CsvSource | ParquetSource, HashingReader | ReadAhead]]:
    """Open a table for reading, whatever its name.

    Args:
        place: where it is.
        form: how it is written, if it is CSV.
        size: that of its units.

    Yields:
        The table, and the reader that counts and hashes its bytes.

    Raises:
        InputError: it cannot be read, or is no table.
        IncompleteError: the folder for temporary files has no room for Parquet from a stream.
    """
    with begun(place) as source:
        if not is_parquet(source.head):
            stream = Decompressed(source.reader, source.name)
            if promised_format(source.name) == "parquet":
                # Nothing harmless makes another file of one of that name, as browsers do of `.gz`.
                raise not_parquet(source.name)
            yield open_csv(stream, source.name, form, size), source.reader
            return
        from piienc.tables.parquet.source import ParquetSource  # noqa: PLC0415  # half of start-up

        with source.sought() as file:
            yield ParquetSource(file, source.name, size), source.reader


def sink_for(
    source: CsvSource | ParquetSource,
    target: Place | Named,
    writer: HashingWriter,
    output: Output,
) -> CsvSink | ParquetSink:
    """Return the sink that writes what was read from `source`, in its own format.

    Args:
        source: whose header, dialect or layout the output gets.
        target: whose name tells the compression of CSV.
        writer: where it goes.
        output: its columns.
    """
    if isinstance(source, CsvSource):
        dropped = [n for n, name in enumerate(source.columns) if name in output.left_out]
        return CsvSink(Compressed(writer, name_of(target)), source, dropped)
    from piienc.tables.parquet.source import ParquetSink  # noqa: PLC0415  # half of start-up

    return ParquetSink(writer, output, source.layout(output), source.size)
