"""Bloom filters of searchable columns, by which DuckDB leaves out row groups without a value."""

import io

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from pyarrow import parquet as pq

from piienc.state import CellCounter
from piienc.storage import FileSource, FileTarget
from piienc.tables.parquet.footer import read_footer
from piienc.tables.parquet.layout import layout
from piienc.tables.table import Output
from piienc.transform import crypt, folder

MARKED = {
    "email": {"type": "string", "encrypt": "look"},
    "phone": {"type": "string", "encrypt": "look"},
    "note": {"type": "string", "encrypt": "seal"},
}
GROUP = 500


def _table(rows, **columns):
    return pa.table(
        {
            "id": range(rows),
            "email": [f"ada{n}@example.com" for n in range(rows)],
            "phone": [f"+1202555{n:05}" if n % 10 == 0 else None for n in range(rows)],
            "note": [f"n{n}" for n in range(rows)],
            **columns,
        }
    )


def _encrypt(shop, table, columns=MARKED, *, rows=GROUP, writing=None, **options):
    pq.write_table(table, shop.folder / "x.parquet", row_group_size=rows, **writing or {})
    schema = shop.schema(columns, extra_columns="keep")
    return shop.encrypt("x.parquet", "y.parquet", schema, **options)


def _sizes(path):
    """Return the sizes of the filters of each column, group by group."""
    facts = pq.ParquetFile(path).metadata
    sizes = {}
    for group in range(facts.num_row_groups):
        for number in range(facts.num_columns):
            chunk = facts.row_group(group).column(number)
            sizes.setdefault(chunk.path_in_schema, []).append(chunk.bloom_filter_length)
    return sizes


def _with_filters(path):
    return {name for name, sizes in _sizes(path).items() if None not in sizes}


def _excluded(path, column, cell):
    """Return which row groups cannot have a cell: those that DuckDB leaves out."""
    probe = "select row_group_id, bloom_filter_excludes from parquet_bloom_probe(?, ?, ?)"
    return dict(duckdb.execute(probe, [str(path), column, cell]).fetchall())


def _cells(path, column):
    """Return the cells of each row group."""
    file = pq.ParquetFile(path)
    groups = range(file.metadata.num_row_groups)
    return [file.read_row_group(group, columns=[column])[column].to_pylist() for group in groups]


@pytest.mark.parametrize("encoding", ["base64", "binary"])
def test_look_up_reads_the_row_group_of_the_value_and_hardly_another(shop, encoding):
    """DuckDB excludes the other groups, but for one of a thousand."""
    columns = {**MARKED, "email": {**MARKED["email"], "encoding": encoding}}
    _encrypt(shop, _table(8 * GROUP), columns)
    path = shop.folder / "y.parquet"
    read_in_vain = 0
    for group, cells in enumerate(_cells(path, "email")):
        for cell in cells[::50]:
            excluded = _excluded(path, "email", cell)
            assert not excluded[group]
            read_in_vain += list(excluded.values()).count(False) - 1
    assert read_in_vain <= 20  # of 560; by chance, more than 5 are there once in 10,000 runs


@given(
    values=st.lists(st.one_of(st.none(), st.text(max_size=20)), min_size=1, max_size=60),
    rows=st.integers(1, 30),
    encoding=st.sampled_from(["base64", "binary"]),
)
def test_filter_never_excludes_a_value_that_is_there(bench, values, rows, encoding):
    """Any text in any row group: whoever looks for it finds it."""
    column = {"type": "string", "encrypt": "look", "encoding": encoding}
    table = pa.table({"email": pa.array(values, pa.string())})
    _encrypt(bench, table, {"email": column}, rows=rows)
    path = bench.folder / "y.parquet"
    assert _with_filters(path) == {"email"}
    for group, cells in enumerate(_cells(path, "email")):
        for cell in {*cells} - {None}:
            assert not _excluded(path, "email", cell)[group]


TYPES = {
    "large_string": (pa.large_string(), "string"),
    "string_view": (pa.string_view(), "string"),
    "dictionary": (pa.dictionary(pa.int32(), pa.string()), "string"),
    "int64": (pa.int64(), "integer"),
    "decimal": (pa.decimal128(30, 2), "decimal"),
    "timestamp": (pa.timestamp("us"), "timestamp"),
}


@pytest.mark.parametrize("name", TYPES)
def test_columns_of_all_types_have_filters(shop, name):
    """What is encrypted is text, whatever it was."""
    kind, word = TYPES[name]
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    numbers = pa.array(range(8 * GROUP))
    values = (numbers if word != "string" else numbers.cast(pa.string())).cast(plain).cast(kind)
    _encrypt(shop, pa.table({"x": values}), {"x": {"type": word, "encrypt": "look"}})
    path = shop.folder / "y.parquet"
    for group, cells in enumerate(_cells(path, "x")):
        excluded = _excluded(path, "x", cells[17])
        assert not excluded[group]
        assert list(excluded.values()).count(True) >= 4


def test_sealed_and_unmarked_columns_have_none(shop):
    """Nobody can look up what is sealed, and unmarked columns stay as they were."""
    _encrypt(shop, _table(2 * GROUP))
    assert _with_filters(shop.folder / "x.parquet") == set()
    assert _with_filters(shop.folder / "y.parquet") == {"email", "phone"}


@pytest.mark.parametrize("of_source", [(), ("id", "email", "note")])
def test_without_them_only_unmarked_columns_have_those_of_the_source(shop, of_source):
    """Switched off, a file is written as if there were none."""
    writing = {"bloom_filter_options": {name: {"ndv": GROUP} for name in of_source} or None}
    _encrypt(shop, _table(2 * GROUP), writing=writing, bloom_filters=False)
    assert _with_filters(shop.folder / "y.parquet") == {*of_source} & {"id"}


def test_decrypted_columns_have_none_and_the_others_keep_theirs(shop):
    """Those that stay encrypted are as easily looked up as before."""
    _encrypt(shop, _table(2 * GROUP))
    shop.decrypt("y.parquet", "z.parquet", columns=("phone",))
    before, after = (_sizes(shop.folder / name) for name in ("y.parquet", "z.parquet"))
    assert after["email"] == before["email"] != [None, None]
    assert after["phone"] == after["note"] == [None, None]


def test_filter_of_the_source_is_no_less_exact_than_it_was(shop):
    """Which is seen by its size."""
    exact = {"id": {"ndv": GROUP, "fpp": 0.001}}
    _encrypt(shop, _table(2 * GROUP), writing={"bloom_filter_options": exact})
    before, after = (_sizes(shop.folder / name)["id"] for name in ("x.parquet", "y.parquet"))
    assert before == after


def test_filter_is_as_large_as_its_distinct_values_need(shop):
    """Of few values, or of few that are not null, it is small, whatever the number of rows."""
    rows = 20_000
    countries = [f"country {n % 10}" for n in range(rows)]
    columns = {**MARKED, "country": {"type": "string", "encrypt": "look"}}
    _encrypt(shop, _table(rows, country=countries), columns, rows=rows)
    sizes = {name: size for name, (size,) in _sizes(shop.folder / "y.parquet").items()}
    assert sizes["email"] >= rows
    assert sizes["phone"] < sizes["email"] / 4
    assert sizes["country"] < 100


def _footer(**facts):
    """Return a footer of two columns without values, with facts of other files."""
    file = io.BytesIO()
    pq.write_table(pa.table({"a": [""], "b": [""]}), file, bloom_filter_options={"b": True})
    return replace(read_footer(file, ""), **facts)


def _values(footer, *columns):
    """Return for how many values the filters of some columns and of `b` are made."""
    schema = pa.schema([("a", pa.string()), ("b", pa.string())])
    output = Output(schema, frozenset(columns), bloom_filters=frozenset(columns))
    options = layout(footer, schema, output).options["bloom_filter_options"]
    return {name: option["ndv"] for name, option in options.items()}


@pytest.mark.parametrize(
    ("groups", "values"), [(1, 1 << 20), (32, 1 << 20), (64, 1 << 19), (1 << 20, 32)]
)
def test_filters_of_a_file_take_a_limited_amount_of_memory(groups, values):
    """Arrow holds them until the file is complete: of a large file, they are less exact."""
    footer = _footer(most_rows=1 << 20, listed=((),) * groups)
    assert _values(footer, "a", "b") == {"a": values, "b": values}


def test_filter_of_a_huge_row_group_is_limited():
    """A group that grows too large is split, and each part gets a filter of this size."""
    assert _values(_footer(most_rows=1 << 26), "a", "b") == {"a": 1 << 22, "b": 1 << 22}


@pytest.mark.parametrize("size", [-(1 << 40), -1, 0, 1, 1 << 31, 1 << 69])
def test_size_of_a_filter_that_cannot_be_is_no_bug(size):
    """Who has damaged a footer gets a filter of some size."""
    footer = _footer()
    chunk = replace(footer.chunks[1], bloom_bytes=size)
    values = _values(replace(footer, chunks=(footer.chunks[0], chunk)))
    assert values.keys() == {"b"}
    assert 1 <= values["b"] <= 1 << 22


def test_filter_of_the_source_whose_size_is_not_told_is_for_all_rows():
    """Its size is no part of older footers."""
    footer = _footer(most_rows=1000)
    chunk = replace(footer.chunks[1], bloom_bytes=0)
    assert _values(replace(footer, chunks=(footer.chunks[0], chunk))) == {"b": 1000}


def test_file_without_rows_has_none_to_write(shop):
    """It is written all the same."""
    _encrypt(shop, _table(2 * GROUP).slice(0, 0))
    assert pq.read_table(shop.folder / "y.parquet").num_rows == 0


def test_files_of_a_folder_have_them_or_not(shop):
    """Each for itself."""
    source = shop.folder / "in"
    source.mkdir()
    for number in range(3):
        pq.write_table(_table(GROUP).slice(100 * number, 100), source / f"{number}.parquet")
    for target, wanted in (("with", True), ("without", False)):
        with CellCounter(shop.state) as counter:
            folder.encrypt(
                FileSource(source),
                FileTarget(shop.folder / target),
                schema=shop.schema(MARKED, extra_columns="keep"),
                keys=shop.keys.__getitem__,
                counter=counter,
                options=crypt.CryptOptions(bloom_filters=wanted),
            )
    paths = [shop.folder / "with" / f"{number}.parquet" for number in range(3)]
    assert all(_with_filters(path) == {"email", "phone"} for path in paths)
    cell = _cells(paths[1], "email")[0][7]
    assert [_excluded(path, "email", cell)[0] for path in paths].count(True) >= 1
    assert not _excluded(paths[1], "email", cell)[0]
    assert not any(_with_filters(path) for path in (shop.folder / "without").iterdir())


def test_duckdb_finds_the_same_rows_with_and_without(shop):
    """A filter changes what is read, and never what is found."""
    _encrypt(shop, _table(4 * GROUP))
    shop.encrypt(
        "x.parquet", "plain.parquet", shop.schema(MARKED, extra_columns="keep"), bloom_filters=False
    )
    assert _with_filters(shop.folder / "plain.parquet") == set()
    found = []
    for name in ("y.parquet", "plain.parquet"):
        path = shop.folder / name
        for cell in [cells[3] for cells in _cells(path, "email")]:
            query = f"select id from '{path}' where email = ?"  # noqa: S608  # our own
            found.append(duckdb.execute(query, [cell]).fetchall())
    assert found == [[(GROUP * group + 3,)] for group in range(4)] * 2
