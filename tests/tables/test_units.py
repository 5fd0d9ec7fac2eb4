"""How a CSV file is cut for the threads."""

from __future__ import annotations

import io

from piienc.storage.hashing import HashingReader
from piienc.tables import CsvFormat
from piienc.tables.csv.source import open_csv
from piienc.tables.streams import Decompressed


def test_small_file_is_cut_for_several_threads():
    """Its first units are small and grow from one to the next; none is lost between them."""
    rows = b"".join(b"%07d,some text\n" % number for number in range(400_000))
    data = b"id,note\n" + rows
    table = open_csv(Decompressed(HashingReader(io.BytesIO(data)), "a.csv"), "a.csv", CsvFormat())
    units = list(table.units())
    assert b"".join(unit.data[: unit.size] for unit in units) == rows
    sizes = [unit.size for unit in units]
    assert len(sizes) > 2
    assert sizes[:-1] == sorted(sizes[:-1])
    assert max(sizes) <= len(rows) / 2
