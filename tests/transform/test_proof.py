"""A run proves itself: what does not read back as what was read ends it, and nothing appears."""

from itertools import accumulate, pairwise
from unittest import mock

import pyarrow as pa
import pytest
from msgspec.structs import replace
from pyarrow import parquet as pq

from piienc.columns import ColumnCipher
from piienc.core import CellDecryptor, Dialect, PlainEngine, Spliced, Strings, engine
from piienc.errors import PiiencError
from piienc.tables import UnitSize
from piienc.tables.csv.source import CsvSource

SCHEMA = {
    "id": {"type": "string"},
    "mail": {"type": "string", "encrypt": "look"},
    "note": {"type": "string", "encrypt": "seal"},
}
ROWS = [("1", "a@x", '"""hi"""'), ("2", "", "n"), ("3", '"x,\ny"', '""'), ("4", "d@x", "é")]
CSV = "id,mail,note\n" + "".join(",".join(row) + "\n" for row in ROWS)
TABLE = pa.table(
    {"id": ["1", "2", "3", "4"], "mail": ["a", None, "c", ""], "note": ["w", "x", "y", "z"]}
)


RECORDS = type(engine().find(b"", Dialect(), 0, final=True))


def _spoil(change):
    """Let all records come out spoilt: `change` gets what was right."""
    right = RECORDS.spliced

    def spliced(self, *args):
        return change(right(self, *args))

    return mock.patch.object(RECORDS, "spliced", spliced)


def _lines(made):
    return [made.data[a:b] for a, b in pairwise([*made.starts, len(made.data)])]


def _of_lines(lines):
    return Spliced(b"".join(lines), [0, *accumulate(map(len, lines))][:-1])


def _swapped(made):
    first, second, *others = _lines(made)
    return _of_lines([second, first, *others])


def _without_last(made):
    return _of_lines(_lines(made)[:-1])


def _shifted(made):
    return replace(made, starts=[0, *(start + 1 for start in made.starts[1:])])


def _changed_byte(made):
    """Change the last unmarked byte: the id of the last row."""
    data = bytearray(made.data)
    data[made.starts[-1]] ^= 1
    return replace(made, data=bytes(data))


SPOILT = [_swapped, _without_last, _shifted, _changed_byte]


@pytest.mark.parametrize("change", SPOILT)
def test_records_that_come_out_wrong_end_the_run_as_a_bug(shop, change):
    """Both ways; no value is told, and nothing is left behind."""
    shop.write("a.csv", CSV)
    shop.encrypt("a.csv", "b.csv", shop.schema(SCHEMA))
    # The header is read through the same door, but nothing of it changes.
    with _spoil(change), shop.refused(PiiencError, r"row \d: .*does not read back"):
        shop.encrypt("a.csv", "c.csv", shop.schema(SCHEMA))
    with _spoil(change), shop.refused(PiiencError, r"row \d: .*does not read back"):
        shop.decrypt("b.csv", "c.csv", shop.schema(SCHEMA))


def _other_cells(method, change):
    right = getattr(ColumnCipher, method)

    def changed(self, *args, **options):
        return change(right(self, *args, **options))

    return mock.patch.object(ColumnCipher, method, changed)


def _reversed(cells):
    return Strings.of(cells.to_list()[::-1])


@pytest.mark.parametrize("method", ["seal", "open"])
def test_values_that_change_places_end_the_run(shop, method):
    """The rows are whole and each cell is authentic, but they are other people's."""
    shop.write("a.csv", CSV)
    shop.encrypt("a.csv", "b.csv", shop.schema(SCHEMA))
    run = shop.encrypt if method == "seal" else shop.decrypt
    source = "a.csv" if method == "seal" else "b.csv"
    with (
        _other_cells(method, _reversed),
        shop.refused(PiiencError, "column '(mail|note)', row 1"),
    ):
        run(source, "c.csv", shop.schema(SCHEMA))


def _null_for_empty(array):
    values = [value or None for value in array.to_pylist()]
    return pa.array(values, array.type)


def _turned(values):
    return values[1:] + values[:1]


def _moved(array):
    return pa.array(_turned(array.to_pylist()), array.type)


@pytest.mark.parametrize(
    ("method", "change"), [("encrypt", _moved), ("decrypt", _moved), ("decrypt", _null_for_empty)]
)
def test_parquet_cells_that_come_out_wrong_end_the_run(shop, method, change):
    """Moved by a row, or null where the empty string was."""
    pq.write_table(TABLE, shop.folder / "a.parquet")
    shop.encrypt("a.parquet", "b.parquet", shop.schema(SCHEMA))
    source = "a.parquet" if method == "encrypt" else "b.parquet"
    run = getattr(shop, method)
    with _other_cells(method, change), shop.refused(PiiencError, "column '(mail|note)', row"):
        run(source, "c.parquet", shop.schema(SCHEMA))


NUMBERS = {"id": {"type": "string"}, "n": {"type": "integer", "encrypt": "seal"}}


@pytest.mark.parametrize("method", ["encrypt", "decrypt"])
@pytest.mark.parametrize(
    "fault",
    [
        lambda method: _other_cells(method, _moved),
        lambda _: mock.patch.object(CellDecryptor, "decrypt", return_value=None),
    ],
    ids=["moved", "not authentic"],
)
def test_number_of_parquet_that_does_not_open_to_what_it_was_ends_the_run(shop, method, fault):
    """It is somebody else's, or nobody's."""
    pq.write_table(pa.table({"id": ["1", "2"], "n": [1, 2]}), shop.folder / "a.parquet")
    shop.encrypt("a.parquet", "b.parquet", shop.schema(NUMBERS))
    source = "a.parquet" if method == "encrypt" else "b.parquet"
    run = getattr(shop, method)
    with fault(method), shop.refused(PiiencError, "column 'n', row 1: .*does not read back"):
        run(source, "c.parquet", shop.schema(NUMBERS))


def test_context_of_another_column_ends_the_run(shop):
    """Who looks has the schema's own word on contexts."""
    right = ColumnCipher.__init__

    def wrong(self, keyset, context, **options):
        right(self, keyset, context + "x", **options)

    shop.write("a.csv", CSV)
    with (
        mock.patch.object(ColumnCipher, "__init__", wrong),
        shop.refused(PiiencError, "column 'mail', row 1: "),
    ):
        shop.encrypt("a.csv", "b.csv", shop.schema(SCHEMA))


def test_block_that_is_lost_ends_the_run(shop):
    """Each unit is right, but they are not the whole file."""
    right = CsvSource.units

    def units(self):
        blocks = list(right(self))
        yield from blocks[:1] + blocks[2:]

    shop.write("a.csv", "id,mail,note\n" + "".join(f"{n},m{n},n{n}\n" for n in range(50)))
    with (
        mock.patch.object(CsvSource, "units", units),
        shop.refused(PiiencError, "not the whole file"),
    ):
        shop.encrypt("a.csv", "b.csv", shop.schema(SCHEMA), units=UnitSize(csv_bytes=64))


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r", "\r\r\n"])
@pytest.mark.parametrize("lost", [0, 2])
def test_record_that_is_cut_at_the_border_of_a_block_ends_the_run(shop, line_end, lost):
    """In a table of one column, either part is a record, and no byte is missing."""
    right, short = type(engine()).find, len(line_end) + lost

    def find(self, data, dialect, columns, *, final):
        found = right(self, data, dialect, columns, final=final)
        if final or found.size < short:
            return found
        return right(self, data[: found.size - short], dialect, columns, final=True)

    rows = 150_000 if line_end == "\r" else 50  # it is looked for an LF in the first MiB
    shop.write("a.csv", "".join(f"mail{n}{line_end}" for n in range(rows)))
    schema = shop.schema({"mail0": {"type": "string", "encrypt": "look"}})
    with (
        mock.patch.object(type(engine()), "find", find),
        shop.refused(PiiencError, "line [0-9]+: .*cut within a line"),
    ):
        shop.encrypt("a.csv", "b.csv", schema, units=UnitSize(csv_bytes=64))


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
@pytest.mark.parametrize("rows", [0, 1, 9])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_whole_file_is_counted_in_any_form(shop, end, rows, encoding):
    """With a byte order mark or not, and whether the last line has an end or not."""
    lines = ["id,mail,note", *(f"{n},é{n},n" for n in range(rows))]
    data = ((end or "\n").join(lines) + end).encode(encoding)
    schema = shop.schema(SCHEMA, csv={"encoding": encoding.removesuffix("-sig")})
    _, back = shop.there_and_back(data, schema)
    assert back.decode(encoding).splitlines() == lines


def test_every_kind_of_right_run_passes(shop):
    """Columns left out, blank lines, several blocks, and NaN in columns that are not marked."""
    data = "id,mail,note\r\n\r\n" + "".join(f"{n},m{n},\r\n\r\n" for n in range(200))
    shop.write("a.csv", data)
    how = {"treatments": {"id": "omit"}, "units": UnitSize(csv_bytes=64)}
    receipt = shop.encrypt("a.csv", "b.csv", shop.schema(SCHEMA), **how)
    assert receipt.rows == 200
    table = TABLE.append_column("x", pa.array([float("nan"), None, -0.0, 1.5]))
    pq.write_table(table, shop.folder / "a.parquet")
    with_x = {**SCHEMA, "x": {"type": "float"}}
    shop.encrypt("a.parquet", "b.parquet", shop.schema(with_x))
    shop.decrypt("b.parquet", "c.parquet")
    assert str(pq.read_table(shop.folder / "c.parquet").to_pydict()) == str(table.to_pydict())


def test_fault_that_moves_a_column_by_a_row_is_found_in_a_sample_of_many_rows(shop):
    """A large unit is not read back whole, but such a fault is in each row."""
    shop.write("a.csv", "id,mail,note\n" + "".join(f"{n},m{n},n{n}\n" for n in range(5000)))
    moved = _other_cells("seal", lambda cells: Strings.of(_turned(cells.to_list())))
    with moved, shop.refused(PiiencError, r"column 'mail', row 1: "):
        shop.encrypt("a.csv", "b.csv", shop.schema(SCHEMA))


def test_lone_fault_in_a_quoted_field_is_found_where_there_are_few_quotes(shop):
    """Odd rows are looked for, so that they are not lost among the usual ones."""
    rows = [f"{n},m{n},n{n}\n" for n in range(600)]
    rows[300] = '300,"a ""b""",n\n'
    shop.write("a.csv", "id,mail,note\n" + "".join(rows))

    def with_another_letter(made):
        return _of_lines([line.replace(b'"a ""b"""', b'"a ""c"""') for line in _lines(made)])

    def try_often():
        for _ in range(40):  # where a search begins is left to chance
            shop.decrypt("b.csv", "c.csv", shop.schema(SCHEMA), overwrite=True)

    shop.encrypt("a.csv", "b.csv", shop.schema(SCHEMA))
    with _spoil(with_another_letter), pytest.raises(PiiencError, match="column 'mail', row 301"):
        try_often()


@pytest.mark.skipif(engine().name == "plain", reason="the plain engine reads all to begin with")
def test_proof_reads_little_of_long_records(shop):
    """The plain engine is slow, above all where quotes are doubled: JSON in a column."""
    json = '"{' + '""a"":""b"",' * 9000 + '}"'
    shop.write("a.csv", "id,mail,note\n" + "".join(f"{json},m{n},n\n" for n in range(60)))
    read = []
    right = PlainEngine.find

    def find(self, data, *args, **options):
        read.append(len(data))
        return right(self, data, *args, **options)

    with mock.patch.object(PlainEngine, "find", find):
        shop.encrypt("a.csv", "b.csv", shop.schema(SCHEMA))
    units = -(-(shop.folder / "a.csv").stat().st_size // (1 << 20))
    assert read
    assert sum(read) <= units * 3 * (256 << 10)
