"""The two ends of a run: a table opened for reading, and one opened for writing.

What is read tells by its content what it is, and by its name only what messages call it. What is
written has the format of what was read; the suffix of its name tells how CSV is compressed.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from piienc.errors import UsageError
from piienc.storage import refuse_same
from piienc.storage.content import is_parquet, promised_format
from piienc.tables.csv.source import CsvFormat, CsvSink, CsvSource, open_csv
from piienc.tables.limits import UnitSize
from piienc.tables.streams import Compressed, Decompressed, not_parquet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from piienc.storage import OpenedSource, Target
    from piienc.storage.hashing import HashingWriter
    from piienc.tables.parquet.output import Output
    from piienc.tables.parquet.source import ParquetSink, ParquetSource


def check_ends(source: OpenedSource, target: Target) -> None:
    """Refuse ends that do not fit together.

    Raises:
        PolicyError: the output is the input.
        UsageError: the name of the output promises another format than the input has.
    """
    refuse_same(source, target)
    name = target.name
    promised = promised_format(name)
    if promised and (promised == "parquet") != is_parquet(source.head):
        here, there = ("Parquet", "CSV") if promised == "csv" else ("CSV", "Parquet")
        raise UsageError(
            f"{source.name} and {name} are of different formats: {source.name} is {here} by its "
            f"content, and {name} is {there} by its name",
            hint="nothing is converted: name the output as what the input is",
        )


@contextlib.contextmanager
def opened_table(
    source: OpenedSource, form: CsvFormat, size: UnitSize = UnitSize()
) -> Iterator[CsvSource | ParquetSource]:
    """Open a table for reading, whatever its name.

    Args:
        source: where it is.
        form: how it is written, if it is CSV.
        size: that of its units.

    Raises:
        InputError: it cannot be read, or is no table.
        IncompleteError: the folder for temporary files has no room for Parquet from a stream.
    """
    if not is_parquet(source.head):
        stream = Decompressed(source.reader, source.name)
        if promised_format(source.name) == "parquet":
            # Nothing harmless makes another file of one of that name, as browsers do of `.gz`.
            raise not_parquet(source.name)
        yield open_csv(stream, source.name, form, size)
        return
    from piienc.tables.parquet.source import ParquetSource  # noqa: PLC0415  # half of start-up

    source.followed()  # Arrow reads it in an order of its own
    with source.sought() as file:
        yield ParquetSource(file, source.name, size)


def sink_for(
    source: CsvSource | ParquetSource,
    target: Target,
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
        return CsvSink(Compressed(writer, target.name), source, dropped)
    from piienc.tables.parquet.source import ParquetSink  # noqa: PLC0415  # half of start-up

    return ParquetSink(writer, output, source.layout(output), source.size)
