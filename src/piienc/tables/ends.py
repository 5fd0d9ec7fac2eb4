"""The two ends of a run: a table opened for reading, and one opened for writing.

The format is told by the name: `.parquet` and `.pq` are Parquet, all else is CSV, with `.gz`
and `.zst` compressed. Standard input and output are CSV.
"""

from __future__ import annotations

import contextlib
from io import BufferedReader
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.errors import InputError, UsageError
from piienc.files import open_input, refuse_same
from piienc.hashing import HashingReader
from piienc.places import Begun, is_parquet, name_of
from piienc.tables.csv import CsvFormat, CsvSink, CsvSource, open_csv
from piienc.tables.streams import Compressed, Decompressed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from piienc.hashing import HashingWriter, ReadAhead
    from piienc.places import Named, Place
    from piienc.tables.output import Output
    from piienc.tables.parquet import ParquetSink, ParquetSource

_PARQUET_MAGIC = b"PAR1"


class UnitSize(Struct, frozen=True):
    """How large the units are that a table is cut into; 0 is a size that pays.

    Attributes:
        csv_bytes: bytes of a block.
        parquet_rows: rows of a slice.
    """

    csv_bytes: int = 0
    parquet_rows: int = 0


def check_ends(source: Place | Begun, target: Place | Named) -> None:
    """Refuse ends that do not fit together.

    Raises:
        PolicyError: the output is the input.
        UsageError: one is CSV and the other Parquet.
    """
    path = source.path if isinstance(source, Begun) else source
    if isinstance(path, Path) and isinstance(target, Path):
        refuse_same(path, target)
    if is_parquet(source) != is_parquet(target):
        raise UsageError(
            f"{name_of(source)} and {name_of(target)} are of different formats",
            hint="CSV goes to CSV and Parquet (.parquet, .pq) to Parquet; '-' is CSV",
        )


@contextlib.contextmanager
def opened_source(
    place: Place | Begun, form: CsvFormat, size: UnitSize = UnitSize()
) -> Iterator[tuple[CsvSource | ParquetSource, HashingReader | ReadAhead]]:
    """Open a table for reading.

    Args:
        place: where it is.
        form: how it is written, if it is CSV.
        size: that of its units.

    Yields:
        The table, and the reader that counts and hashes its bytes.

    Raises:
        InputError: it cannot be read, or is not what its name says.
    """
    name = name_of(place)
    if isinstance(place, Begun):
        refuse_parquet(place.reader.peek(4), name)
        yield open_csv(Decompressed(place.reader, name), name, form, size.csv_bytes), place.reader
        return
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(open_input(place)) if isinstance(place, PurePath) else place
        reader = HashingReader(file)
        if is_parquet(place):
            from piienc.tables.parquet import ParquetSource  # noqa: PLC0415  # half of start-up

            parquet = stack.enter_context(open_input(Path(name)))
            yield ParquetSource(parquet, name, size.parquet_rows), reader
            return
        if isinstance(file, BufferedReader):
            refuse_parquet(file.peek(4), name)
        yield open_csv(Decompressed(reader, name), name, form, size.csv_bytes), reader


def refuse_parquet(begin: bytes, name: str) -> None:
    """Refuse a file that is opened as CSV, but begins as Parquet does.

    Raises:
        InputError: it does.
    """
    if begin.startswith(_PARQUET_MAGIC):
        raise InputError(
            f"{name} is a Parquet file by its content, and CSV by its name",
            hint="name it .parquet",
        )


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
        dropped = [source.columns.index(name) for name in output.left_out]
        return CsvSink(Compressed(writer, name_of(target)), source, dropped)
    from piienc.tables.parquet import ParquetSink  # noqa: PLC0415  # half of start-up

    return ParquetSink(writer, output, source.layout(output))
