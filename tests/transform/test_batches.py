"""A unit's columns, as they are checked and compared."""

import io

from hypothesis import example, given
from hypothesis import strategies as st

from piienc.storage.hashing import HashingReader
from piienc.tables import CsvFormat
from piienc.tables.csv.source import open_csv
from piienc.tables.streams import Decompressed
from piienc.transform.batches import decoded


def column_of(cells):
    """Return the second column of a unit, of these cells."""
    fields = ("" if cell is None else '"' + cell.replace('"', '""') + '"' for cell in cells)
    data = "id,cell\n" + "".join(f"x,{field}\n" for field in fields)
    table = open_csv(
        Decompressed(HashingReader(io.BytesIO(data.encode())), "a.csv"), "a.csv", CsvFormat()
    )
    (unit,) = table.units()
    return decoded(table, unit)[table.columns.index("cell")]


@given(st.lists(st.none() | st.text('ab",\né', max_size=4), min_size=1))
@example([None, None])
@example(["", None, ""])
def test_column_of_csv_is_an_array_with_and_without_its_nulls(cells):
    """Null and the empty string are told apart, also where there is nothing else."""
    column = column_of(cells)
    dense, rows = column.dense
    for array in (dense, column.array):
        array.validate(full=True)
        assert array.type == column.type
    assert column.array.to_pylist() == cells
    assert dense.to_pylist() == [cell for cell in cells if cell is not None]
    assert rows.tolist() == [row for row, cell in enumerate(cells) if cell is not None]
    assert column.null_count == cells.count(None)
