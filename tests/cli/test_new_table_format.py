"""A format of tables that is one file and one row: this file, and a row of `TABLE_FORMATS`."""

import contextlib
import io
import json

import pytest
from pyarrow import json as arrow_json

from piienc.tables import TABLE_FORMATS, TableFormat, UnitSize
from piienc.tables.table import BatchTable, BatchUnit

LINES = [{"id": "1", "email": "ada@x.org", "note": "n"}, {"id": "2", "email": None, "note": ""}]


class Lines(BatchTable):
    """A table of JSON, a line for each row; read whole, as toys are."""

    kind = "lines"
    size = UnitSize()

    def __init__(self, data, name):
        self.name, self._table = name, arrow_json.read_json(io.BytesIO(data))
        self.schema, self.columns = self._table.schema, self._table.schema.names
        self.rows = self._table.num_rows

    def units(self):
        """Give each row as a unit."""
        return map(BatchUnit, self._table.to_batches(max_chunksize=1))

    def sink(self, writer, name, output):
        """Write the same format."""
        return Written(writer, output.schema)


class Written:
    """A table of JSON being written."""

    warnings = ()

    def __init__(self, writer, schema):
        self._writer, self.schema = writer, schema

    def write(self, changed):
        """Write a batch."""
        for row in changed.batch.to_pylist():
            self._writer.write(json.dumps(row).encode() + b"\n")

    def close(self):
        """Write no end."""


@contextlib.contextmanager
def opened(source, form, size):
    """Open a table of JSON."""
    yield Lines(source.reader.read(), source.name)


def begins(start):
    """Tell JSON by its brace."""
    return start.startswith(b"{")


@pytest.fixture
def desk(project):
    """Give a project with a file of JSON."""
    project.write("x.jsonl", "".join(json.dumps(row) + "\n" for row in LINES))
    project.write("types.toml", project.read("schema.toml").replace(b"integer", b"string"))
    return project


@pytest.fixture
def row(monkeypatch):
    """Put the row into the table."""
    made = TableFormat("lines", "JSON lines", frozenset({".jsonl"}), opened, begins)
    monkeypatch.setitem(TABLE_FORMATS, "lines", made)


def _rows(desk, name):
    return [json.loads(line) for line in desk.read(name).splitlines()]


@pytest.mark.usefixtures("row")
def test_format_of_one_row_goes_through_the_command_line(desk):
    """Encrypted, verified, inspected and decrypted, as CSV and Parquet are."""
    how = ["--schema", "types.toml"]
    done = desk.run("encrypt-file", "x.jsonl", "y.jsonl", *how)
    assert done.code == 0, done.err
    made = _rows(desk, "y.jsonl")
    assert [row["id"] for row in made] == ["1", "2"]
    assert made[0]["email"].startswith("A")
    assert made[1]["email"] is None
    checked = desk.run("verify", "y.jsonl", *how, "--against", "x.jsonl")
    assert checked.code == 0, checked.err
    seen = desk.run("inspect", "y.jsonl", "--json").document
    assert seen["kind"] == "lines"
    assert [each["encrypted_cells"] for each in seen["columns"]] == [0, 1, 1]  # of the first unit
    assert desk.run("decrypt-file", "y.jsonl", "z.jsonl", *how).code == 0
    assert _rows(desk, "z.jsonl") == LINES


@pytest.mark.usefixtures("row")
def test_format_of_one_row_is_told_from_the_others(desk):
    """Nothing is converted into it or out of it."""
    how = ["--schema", "types.toml"]
    ended = desk.run("encrypt-file", "x.jsonl", "y.csv", *how)
    assert (ended.code, "x.jsonl is JSON lines by its content" in ended.err) == (2, True)
    desk.write("x.csv", "id,email,note\n1,a,b\n")
    ended = desk.run("encrypt-file", "x.csv", "y.jsonl", *how)
    assert (ended.code, "y.jsonl is JSON lines by its name" in ended.err) == (2, True)


def test_format_without_its_row_is_refused(desk):
    """It is known as what is not read."""
    ended = desk.run("encrypt-file", "x.jsonl", "y.jsonl", "--schema", "types.toml")
    assert (ended.code, "x.jsonl is JSON" in ended.err) == (4, True)
