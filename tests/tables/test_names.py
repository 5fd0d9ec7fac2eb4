"""The names of a CSV file's columns: those that docs/csv.md tells, and that pandas gives."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.errors import InputError
from piienc.storage.hashing import HashingReader
from piienc.tables import CsvFormat
from piienc.tables.csv.source import open_csv
from piienc.tables.streams import Decompressed

PAGE = Path(__file__).parents[2] / "docs" / "csv.md"


def opened(data, **form):
    return open_csv(
        Decompressed(HashingReader(io.BytesIO(data)), "x.csv"), "x.csv", CsvFormat(**form)
    )


def rows_of(table):
    """The rows, as text; null is the empty string, as it is to Python's csv."""
    rows = []
    for unit in table.units():
        columns = [unit.column(number).to_list() for number in range(len(table.columns))]
        rows += [[(cell or b"").decode() for cell in row] for row in zip(*columns, strict=True)]
    return rows


def by_csv(data):
    return list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))


def names_by_pandas(data):
    import pandas as pd

    return list(pd.read_csv(io.BytesIO(data), dtype=str, index_col=False).columns)


NAMES = {"csv": lambda data: by_csv(data)[0], "pandas": names_by_pandas}


def examples():
    """The rows of the table."""
    _, _, behind = PAGE.read_text("utf-8").partition("| named so by |\n")
    lines = behind.partition("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


@pytest.mark.parametrize(("file", "columns", "readers"), examples())
def test_columns_are_called_as_the_page_says(file, columns, readers):
    """And by the programs that the row names; each row has what csv reads in these places."""
    data = file.strip("`").replace("␊", "\n").encode()
    table = opened(data)
    if columns.startswith("refused: "):
        with pytest.raises(InputError, match=columns.removeprefix("refused: ")):
            rows_of(table)
        return
    assert table.columns == json.loads(columns.strip("`"))
    for reader in filter(None, readers.split(", ")):
        assert NAMES[reader](data) == table.columns
    count = len(table.columns)
    assert rows_of(table) == [row[:count] for row in by_csv(data)[1:]]
    assert table.header == data[: data.index(b"\n") + 1]
    assert table.header_without([0]) == table.header.partition(b",")[2]


@given(st.lists(st.sampled_from(["a", "b", "a.1", "a.2", "a.1.1", "b.1", "c"]), min_size=1))
def test_repeated_names_are_those_of_pandas(names):
    """Whatever else is called so already; no two columns have one name."""
    data = (",".join(names) + "\n" + ",".join("x" * len(names)) + "\n").encode()
    table = opened(data)
    assert table.columns == names_by_pandas(data)
    assert len({*table.columns}) == len(names)
    in_file = dict(zip(table.columns, names, strict=True))
    assert dict(table.repeats) == {new: old for new, old in in_file.items() if new != old}


@pytest.mark.parametrize("size", range(1, 12))
def test_first_row_behind_what_was_read_at_first_tells_of_its_delimiter(size):
    """Wherever the reading of the beginning stops."""
    from piienc.tables import UnitSize

    for header, delimiter in (("a,b,", ","), ("a,b,", ""), ("a,b", "")):
        data = f"{header}\r\n\r\n1,2{delimiter}\r\n".encode()
        table = open_csv(
            Decompressed(HashingReader(io.BytesIO(data)), "x.csv"),
            "x.csv",
            CsvFormat(),
            UnitSize(csv_bytes=size),
        )
        assert table.columns == ["a", "b"]
        assert table.format.trailing == header.endswith(",")
        assert rows_of(table) == [["1", "2"]]


def test_data_behind_the_last_delimiter_is_told_of():
    """It would be lost, or pass without anybody having named it."""
    with pytest.raises(InputError, match=r"line 3: 3 fields.*data behind the delimiter") as caught:
        rows_of(opened(b"a,b,\n1,2,\n3,4,5\n"))
    assert re.search("name every column", caught.value.hint)
