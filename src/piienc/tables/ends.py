"""The two ends of a run: a table opened for reading, and one opened for writing.

The format is told by the name: `.parquet` and `.pq` are Parquet, all else is CSV, with `.gz`
and `.zst` compressed. Standard input and output are CSV.
"""

from __future__ import annotations

import contextlib
from io import BufferedReader
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, BinaryIO

from piienc.errors import InputError, UsageError
from piienc.files import open_input, refuse_same
from piienc.hashing import HashingReader
from piienc.places import name_of
from piienc.tables.csv import CsvFormat, CsvSink, CsvSource, open_csv
from piienc.tables.streams import Compressed, Decompressed

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from piienc.hashing import HashingWriter
    from piienc.places import Place
    from piienc.tables.parquet import ParquetSink, ParquetSource

_PARQUET = {".parquet", ".pq"}
_PARQUET_MAGIC = b"PAR1"


def is_parquet(place: Place) -> bool:
    """Tell whether a place holds Parquet, by its name."""
    return isinstance(place, PurePath) and place.suffix.lower() in _PARQUET


def check_ends(source: Place, target: Place) -> None:
    """Refuse ends that do not fit together.

    Raises:
        PolicyError: the output is the input.
        UsageError: one is CSV and the other Parquet.
    """
    if isinstance(source, PurePath) and isinstance(target, PurePath):
        refuse_same(source, target)
    if is_parquet(source) != is_parquet(target):
        raise UsageError(
            f"{name_of(source)} and {name_of(target)} are of different formats",
            hint="CSV goes to CSV and Parquet (.parquet, .pq) to Parquet; '-' is CSV",
        )


@contextlib.contextmanager
def opened_source(
    place: Place, form: CsvFormat
) -> Iterator[tuple[CsvSource | ParquetSource, HashingReader]]:
    """Open a table for reading.

    Yields:
        The table, and the reader that counts and hashes its bytes.

    Raises:
        InputError: it cannot be read, or is not what its name says.
    """
    name = name_of(place)
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(open_input(place)) if isinstance(place, PurePath) else place
        reader = HashingReader(file)
        if is_parquet(place):
            from piienc.tables.parquet import ParquetSource  # noqa: PLC0415  # half of start-up

            parquet = stack.enter_context(open_input(Path(name)))
            yield ParquetSource(parquet, name), reader
            return
        _refuse_parquet(file, name)
        yield open_csv(Decompressed(reader, name), name, form), reader


def _refuse_parquet(file: BinaryIO, name: str) -> None:
    if isinstance(file, BufferedReader) and file.peek(4).startswith(_PARQUET_MAGIC):
        raise InputError(
            f"{name} is a Parquet file by its content, and CSV by its name",
            hint="name it .parquet",
        )


def sink_for(
    source: CsvSource | ParquetSource,
    target: Place,
    writer: HashingWriter,
    schema: pa.Schema,
    ciphertext: frozenset[str],
) -> CsvSink | ParquetSink:
    """Return the sink that writes what was read from `source`, in its own format.

    Args:
        source: whose header, dialect or layout the output gets.
        target: whose name tells the compression of CSV.
        writer: where it goes.
        schema: the output's Arrow schema, for Parquet.
        ciphertext: columns that are not worth a Parquet dictionary.
    """
    if isinstance(source, CsvSource):
        return CsvSink(Compressed(writer, name_of(target)), source)
    from piienc.tables.parquet import ParquetSink  # noqa: PLC0415  # half of start-up

    return ParquetSink(writer, schema, source.writer_options(ciphertext))
