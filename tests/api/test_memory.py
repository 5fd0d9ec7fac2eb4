"""Tables in memory: encrypted as files are, and given back as they came."""

from __future__ import annotations

import base64
import datetime as dt
import json
import os
from itertools import pairwise
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet as pq
from tables_made import DAY, audited, counted, people

import piienc
from piienc.errors import (
    AuthenticationError,
    InputError,
    KeyAccessError,
    PolicyError,
    UsageError,
)

CANARY = "CANARY-4711"


KINDS: dict[str, Any] = {
    "pyarrow.Table": people,
    "pyarrow.RecordBatch": lambda: people().to_batches()[0],
    "pandas.DataFrame": lambda: people().to_pandas(),
    "pandas.DataFrame of nullable types": lambda: pd.DataFrame(
        {
            "id": pd.array([1, None], "Int64"),
            "email": pd.array(["a@b", None], "string"),
            "born": [DAY, None],
        }
    ),
    "polars.DataFrame": lambda: pl.DataFrame(people()),
}


@pytest.mark.parametrize("kind", KINDS)
def test_table_comes_back_encrypted_and_decrypted_as_what_it_was(project, kind):
    """Same kind, same types, same values."""
    original = KINDS[kind]()
    encrypted = piienc.encrypt_table(original, schema="schema.toml")
    assert type(encrypted) is type(original)
    assert not encrypted.equals(original)
    back = piienc.decrypt_table(encrypted, schema="schema.toml", like=original)
    assert type(back) is type(original)
    assert back.equals(original)
    assert pa.table(back).schema.types == pa.table(original).schema.types


def test_table_of_another_library_is_taken_by_the_capsule_protocol(project):
    """What comes back of it is a table of Arrow."""
    original = people()
    relation = duckdb.sql("SELECT * FROM original")
    encrypted = piienc.encrypt_table(relation, schema="schema.toml")
    assert isinstance(encrypted, pa.Table)
    assert piienc.decrypt_table(encrypted)["email"].to_pylist() == original["email"].to_pylist()


def test_batch_of_no_rows_stays_one(project):
    """A batch without rows has its columns."""
    none = people(0).to_batches() or [pa.RecordBatch.from_pylist([], schema=people().schema)]
    encrypted = piienc.encrypt_table(none[0], schema="schema.toml")
    assert encrypted.num_rows == 0
    assert encrypted.schema.types == [pa.int64(), pa.string(), pa.string()]
    assert piienc.decrypt_table(encrypted).equals(none[0])


def test_frame_of_pandas_keeps_its_row_numbers_and_its_own_attributes(project):
    """What is no column passes through."""
    frame = people().to_pandas().set_axis([3, 9, 4])
    frame.attrs["source"] = "crm"
    encrypted = piienc.encrypt_table(frame, schema="schema.toml")
    assert [*encrypted.index] == [3, 9, 4]
    back = piienc.decrypt_table(encrypted)
    assert back.equals(frame)
    assert back.attrs == {"source": "crm"}


@pytest.mark.parametrize("name", [None, "login"])
def test_index_of_pandas_that_is_no_row_number_is_a_column(project, name):
    """It may be personal, and is refused as a column that the schema does not know."""
    frame = people().to_pandas().set_axis(pd.Index([CANARY, "b", "c"], name=name))
    with pytest.raises(InputError, match="not in the schema") as refused:
        piienc.encrypt_table(frame, schema="schema.toml")
    assert CANARY not in str(refused.value)


def test_index_of_pandas_can_be_marked(project):
    """A named index is encrypted by its name."""
    frame = people().drop(["id"]).to_pandas().set_index("email")
    encrypted = piienc.encrypt_table(frame, schema={"email": "look"})
    assert encrypted.index.name == "email"
    assert not {*encrypted.index.dropna()} & {*frame.index.dropna()}
    assert piienc.decrypt_table(encrypted).equals(frame)


def test_types_of_polars_come_back_by_an_empty_frame_of_them(project):
    """Polars keeps no metadata, so the caller tells the types."""
    frame = pl.DataFrame(
        {
            "kind": pl.Series(["b", None, "a"], dtype=pl.Enum(["a", "b", "c"])),
            "group": pl.Series(["x", "y", "x"], dtype=pl.Categorical),
            "small": pl.Series([1, None, 3], dtype=pl.UInt8),
            "at": pl.Series([1, 2, None]).cast(pl.Datetime("ms", "Europe/Berlin")),
        }
    )
    marks = {"kind": "look", "group": "seal", "small": "seal", "at": "look"}
    encrypted = piienc.encrypt_table(frame, schema=marks)
    assert encrypted.dtypes == [pl.String] * 4
    back = piienc.decrypt_table(encrypted, schema=marks, like=frame.clear())
    assert back.schema == frame.schema
    assert back.equals(frame)


_VALUES: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.string(): st.text(max_size=8),
    pa.large_string(): st.text(max_size=8),
    pa.string_view(): st.text(max_size=20),
    pa.binary(): st.binary(max_size=8),
    pa.int16(): st.integers(-(2**15), 2**15 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.float64(): st.floats(allow_nan=False),
    pa.bool_(): st.booleans(),
    pa.date32(): st.dates(),
    pa.timestamp("us", "UTC"): st.datetimes(timezones=st.just(dt.UTC)),
    pa.decimal128(20, 3): st.decimals(-(10**9), 10**9, places=3),
    pa.dictionary(pa.int8(), pa.string()): st.sampled_from(["a", "b", "", "ü"]),
}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """Return a table of any types, in chunks that are slices of others."""
    columns, count = {}, draw(st.integers(0, 12))
    for name in ("email", "born", "left"):
        kind = draw(st.sampled_from([*_VALUES]))
        values = draw(st.lists(st.none() | _VALUES[kind], min_size=count + 2, max_size=count + 2))
        if pa.types.is_dictionary(kind):
            array = pa.array(values, kind.value_type).dictionary_encode().cast(kind)
        else:
            array = pa.array(values, kind)
        columns[name] = array.slice(1, count)
    table = pa.table(columns)
    cuts = sorted(draw(st.lists(st.integers(0, count), max_size=3)))
    edges = [0, *cuts, count]
    return pa.concat_tables([table.slice(a, b - a) for a, b in pairwise(edges)])


@given(table=tables(), streamed=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_table_is_encrypted_as_the_parquet_file_of_it_is(project, table, streamed):
    """Searchable cells are the same bit for bit; sealed ones open to the same."""
    for name in ("x.parquet", "y.parquet"):
        (project / name).unlink(missing_ok=True)
    (project / "random.toml").write_text(
        f'name = "random {" ".join(map(str, table.schema.types))}"\nversion = 1\n'
        'extra_columns = "keep"\n[columns.email]\ntype = "string"\nencrypt = "look"\n'
        '[columns.born]\ntype = "string"\nencrypt = "seal"\n'
    )
    pq.write_table(table, "x.parquet")
    piienc.encrypt_file("x.parquet", "y.parquet", schema="random.toml")
    file = pq.read_table("y.parquet")
    given_ = table.to_reader() if streamed else table
    made = piienc.encrypt_table(given_, schema="random.toml")
    made = made.read_all() if streamed else made
    assert made.schema.equals(file.schema)
    assert made["email"].to_pylist() == file["email"].to_pylist()
    assert made["left"].to_pylist() == table["left"].to_pylist()
    for each in (made, file):
        back = piienc.decrypt_table(each)
        assert back.schema.equals(table.schema)
        for name in table.schema.names:
            assert back[name].to_pylist() == table[name].to_pylist()


def test_stream_is_encrypted_as_it_is_read(project):
    """Nothing is taken from the source before it is asked for, but for what is under way."""
    taken = []

    def batches():
        for number in range(20):
            taken.append(number)
            yield people(50_000).to_batches()[0]

    reader = pa.RecordBatchReader.from_batches(people().schema, batches())
    encrypted = piienc.encrypt_table(reader, schema="schema.toml", threads=1)
    assert isinstance(encrypted, pa.RecordBatchReader)
    assert not taken
    first = encrypted.read_next_batch()
    assert len(taken) < 10
    assert first.num_rows + encrypted.read_all().num_rows == 20 * 50_000


def test_error_in_a_stream_tells_class_column_and_row(project):
    """The row is that of the stream, not of the batch, and the value is not told."""
    wrong = pa.table({"id": [1, 2], "email": ["AAAA", "fine"], "born": ["x", CANARY]})
    good = people(70_000).set_column(2, "born", pa.array([None] * 70_000, pa.string()))
    good = piienc.encrypt_table(good, schema="schema.toml")
    batches = [*good.to_batches(), *wrong.cast(good.schema).to_batches()]
    reader = piienc.decrypt_table(
        pa.RecordBatchReader.from_batches(good.schema, batches), schema="schema.toml"
    )
    with pytest.raises(AuthenticationError) as refused:
        reader.read_all()
    assert str(refused.value).startswith("table: column 'email', rows 70001, 70002: not an auth")
    assert CANARY not in str(refused.value)
    assert audited(project)[-1]["outcome"] == "failed"
    assert audited(project)[-1]["code"] == 6


def test_error_in_a_table_calls_it_by_its_name(project):
    """Who encrypts several tables knows which one it was."""
    encrypted = piienc.encrypt_table(people(), schema="schema.toml").replace_schema_metadata(None)
    mixed = encrypted.set_column(2, "born", people()["born"])
    with pytest.raises(PolicyError, match=r"crm: column 'email', row 1: encrypted already"):
        piienc.encrypt_table(mixed, schema="schema.toml", name="crm")
    with pytest.raises(PolicyError, match="'email', 'born' encrypted already, as it records"):
        piienc.encrypt_table(
            piienc.encrypt_table(people(), schema="schema.toml"), schema="schema.toml"
        )


def test_sealed_cells_are_counted_and_steps_are_recorded_as_of_files(project):
    """Counts, keys and outcome stand in the audit log; what was reserved is given back."""
    piienc.encrypt_table(people(5), schema="schema.toml")
    assert counted(project) == 5
    begun, done = audited(project)[-2:]
    assert (begun["outcome"], done["outcome"]) == ("begun", "done")
    assert done["command"] == "encrypt-table"
    assert done["counts"] == {"cells": 8, "rows": 5}
    assert [key["name"] for key in done["keys"]] == ["look", "seal"]
    assert all(key["ids"] for key in done["keys"])


@pytest.mark.parametrize("read", [0, 1])
def test_stream_that_is_dropped_gives_back_what_it_reserved(project, read):
    """A step that did not come to its end is told as such."""
    reader = people(200_000).to_reader(max_chunksize=65_536)
    encrypted = piienc.encrypt_table(reader, schema="schema.toml", threads=1)
    for _ in range(read):
        encrypted.read_next_batch()
    del encrypted
    assert audited(project)[-1]["outcome"] == "failed"
    assert audited(project)[-1]["kind"] == "incomplete"
    assert read * 65_536 <= counted(project) <= 200_000


def test_schema_that_undoes_a_mark_is_refused(project):
    """Marks bind tables as they bind files."""
    piienc.encrypt_table(people(), schema="schema.toml")
    schema = (
        (project / "schema.toml")
        .read_text()
        .replace('type = "string"\nencrypt = "look"', 'type = "string"')
    )
    (project / "schema.toml").write_text(schema.replace("version = 1", "version = 2"))
    with pytest.raises(PolicyError, match="is not marked any more"):
        piienc.encrypt_table(people(), schema="schema.toml")


def test_columns_by_a_dict_take_what_a_schema_says_of_a_column(project):
    """A schema file is not needed for a context, or for ciphertext as bytes."""
    marks = {"email": {"encrypt": "look", "context": "mail", "encoding": "binary"}}
    encrypted = piienc.encrypt_table(people(), schema=marks)
    assert encrypted.schema.field("email").type == pa.binary()
    (cell,) = piienc.encrypt_values(["a0@b.example"], key="look", context="mail", encoding="binary")
    assert encrypted["email"][0].as_py() == cell
    with pytest.raises(UsageError, match="context of its own"):
        piienc.decrypt_table(encrypted)
    assert piienc.decrypt_table(encrypted, schema=marks).equals(people())


def test_values_are_encrypted_as_the_cells_of_a_column(project):
    """The ciphertext of a value finds its rows."""
    encrypted = piienc.encrypt_table(people(), schema="schema.toml")
    cells = piienc.encrypt_values(["a2@b.example", None], key="look", context="email")
    assert cells == [encrypted["email"][2].as_py(), None]
    (sealed,) = piienc.encrypt_values([DAY], key="seal", context="born")
    row = encrypted.slice(0, 1).set_column(2, "born", pa.array([sealed]))
    assert piienc.decrypt_table(row)["born"].to_pylist() == [DAY]
    assert piienc.encrypt_values([], key="look", context="email") == []


@pytest.mark.parametrize("values", ["a@b", b"a@b", ["a", 1], [object()]])
def test_values_that_are_no_list_of_one_type_are_refused(project, values):
    """A text is a list of characters to Python, and not to us."""
    with pytest.raises(UsageError):
        piienc.encrypt_values(values, key="look", context="email")


@pytest.mark.parametrize("value", [[1, 2], "people.csv", None, {"email": ["a"]}])
def test_what_is_no_table_is_refused_with_what_would_be_one(project, value):
    """The hint names what is taken."""
    with pytest.raises(UsageError, match="is no table in memory") as refused:
        piienc.encrypt_table(value, schema="schema.toml")
    assert "pyarrow" in str(refused.value.hint)


def test_columns_that_are_called_alike_are_refused(project):
    """Which of them is marked, nobody can tell."""
    twice = pa.Table.from_arrays([pa.array([1])] * 2, names=["email", "email"])
    with pytest.raises(InputError, match="'email' more than once"):
        piienc.encrypt_table(twice, schema={"email": "look"})


def test_ordered_categories_of_a_stream_are_refused_where_they_are_marked(project):
    """Their order cannot be sealed before they are seen."""
    ranks = pa.DictionaryArray.from_arrays(pa.array([1, 0]), ["low", "high"], ordered=True)
    table = pa.table({"rank": ranks})
    with pytest.raises(InputError, match="ordered categories"):
        piienc.encrypt_table(table.to_reader(), schema={"rank": "look"})
    back = piienc.decrypt_table(piienc.encrypt_table(table, schema={"rank": "look"}))
    assert back.equals(table)
    assert back["rank"].chunk(0).dictionary.to_pylist() == ["low", "high"]


def test_missing_key_is_told_by_its_class(project):
    """As of files."""
    with pytest.raises(KeyAccessError, match="no key none"):
        piienc.encrypt_table(people(), schema={"email": "none"})


def test_good_table_is_verified_against_its_original(project):
    """The report tells what was verified, as of a file."""
    encrypted = piienc.encrypt_table(people(), schema="schema.toml")
    report = piienc.verify_table(encrypted, schema="schema.toml", against=people())
    assert report.ok
    assert (report.rows, report.file.name) == (3, "table")
    assert report.against is not None
    frame = pl.DataFrame(encrypted)
    assert piienc.verify_table(frame, schema="schema.toml").ok
    reader = encrypted.to_reader()
    streamed = piienc.verify_table(reader, schema="schema.toml")
    assert streamed.ok
    assert streamed.file.sha256 == report.file.sha256
    assert piienc.verify_table(people(), schema="schema.toml", expect="plain").ok


def test_table_that_differs_from_its_original_is_found(project):
    """A cell of another row, a value in clear, and a changed value are findings."""
    encrypted = piienc.encrypt_table(people(), schema="schema.toml")
    emails = encrypted["email"].to_pylist()
    wrong = encrypted.set_column(1, "email", pa.array([emails[2], None, CANARY]))
    report = piienc.verify_table(wrong, schema="schema.toml", against=people())
    assert not report.ok
    assert {(each.rule, each.row) for each in report.findings} == {
        ("value", 1),
        ("plaintext", 3),
    }
    assert CANARY not in repr(report)
    done = audited(project)[-1]
    assert (done["command"], done["code"]) == ("verify-table", 10)


def test_forked_process_counts_what_it_seals_itself(project):
    """What was reserved before the fork is the parent's."""
    with piienc.Plan({"born": "seal"}) as plan:
        plan.apply(people(1000).to_batches()[0])
        child = os.fork()
        if not child:
            plan.apply(people(5000).to_batches()[0])
            plan.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        plan.apply(people(300).to_batches()[0])
    assert counted(project) == 6300


@pytest.mark.parametrize(
    "kind", [pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")]
)
def test_times_come_back_from_wide_text(project, kind):
    """As polars and pandas hold their text."""
    times = pa.table({"at": pa.array([1, None, 3600], kind)})
    encrypted = piienc.encrypt_table(times, schema={"at": "look"})
    wide = encrypted.cast(pa.schema([("at", pa.large_string())])).replace_schema_metadata(None)
    assert piienc.decrypt_table(wide, schema={"at": "look"}, like=times).equals(times)


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"email": [1, CANARY]}, dtype=object),
        pd.DataFrame({"email": ["a"], "other": [[CANARY, 1]]}, dtype=object),
        pl.DataFrame({"email": pl.Series([object()], dtype=pl.Object)}),
    ],
)
def test_frame_that_arrow_cannot_take_shows_no_value(project, frame):
    """Neither in the message nor in what stands behind it."""
    with pytest.raises(UsageError) as refused:
        piienc.encrypt_table(frame, schema={"email": "look"})
    chain: BaseException | None = refused.value
    while chain is not None:
        assert CANARY not in repr(chain)
        chain = chain.__cause__ or chain.__context__


def test_value_of_another_type_is_in_no_exception(project):
    """A wrong type in the schema is told without the value, behind it, too."""
    encrypted = piienc.encrypt_table(pa.table({"email": [CANARY]}), schema={"email": "look"})
    with pytest.raises(InputError, match="is no int64") as refused:
        piienc.decrypt_table(
            encrypted.replace_schema_metadata(None),
            schema={"email": {"encrypt": "look", "type": "integer"}},
        )
    assert refused.value.__context__ is None


def test_frame_that_has_changed_since_keeps_its_changes(project):
    """The record tells of encrypted columns alone: others may have come, gone or changed."""
    frame = people().to_pandas().set_index(pd.Index(["x", "y", "z"], name="number"))
    encrypted = piienc.encrypt_table(frame, schema={"email": "look", "born": "seal"})
    changed = encrypted.reset_index().assign(big=pd.array([2**53 + 1, None, 1], "Int64"))
    changed.attrs["source"] = "crm"
    back = piienc.decrypt_table(changed)
    assert [*back["number"]] == ["x", "y", "z"]
    assert back["big"][0] == 2**53 + 1
    assert back["email"].equals(frame["email"].reset_index(drop=True))
    assert back.attrs == {"source": "crm"}


def test_index_of_the_result_is_its_own(project):
    """To name it names no other."""
    frame = people().to_pandas()
    piienc.encrypt_table(frame, schema="schema.toml").index.name = "row"
    assert frame.index.name is None


def test_index_that_is_called_like_a_column_is_refused(project):
    """It would stay in clear, where the column is marked."""
    frame = people().to_pandas().set_axis(pd.Index([CANARY, "b", "c"], name="email"))
    with pytest.raises(InputError, match="so is a column") as refused:
        piienc.encrypt_table(frame, schema={"email": "look"})
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize("kind", [pl.DataFrame, lambda table: table.to_pandas()])
def test_good_table_without_a_record_is_verified_by_the_types_of_the_original(project, kind):
    """A library that keeps no metadata makes no difference."""
    original = people().set_column(0, "id", pa.array([1, 2, 3], pa.int8()))
    marks = (project / "schema.toml").read_text().replace("integer", 'integer"\nencrypt = "seal', 1)
    (project / "schema.toml").write_text(marks)
    encrypted = kind(piienc.encrypt_table(original, schema="schema.toml"))
    assert piienc.verify_table(encrypted, schema="schema.toml", against=kind(original)).ok


def test_enum_of_no_rows_shows_none_of_its_values(project):
    """Its field's metadata lists them all the same."""
    table = pl.DataFrame({"email": pl.Series([CANARY], dtype=pl.Enum([CANARY]))}).to_arrow()
    for none in (table[:0], table.schema.empty_table()):
        encrypted = piienc.encrypt_table(none, schema={"email": "look"})
        assert CANARY.encode() not in encrypted.schema.serialize().to_pybytes()
        record = json.loads(encrypted.schema.metadata[b"piienc"])
        assert CANARY.encode() not in base64.b64decode(record["types"])
        assert piienc.decrypt_table(encrypted).equals(none)


def test_enum_that_lacks_a_value_is_refused(project):
    """Polars would make it null."""
    frame = pl.DataFrame({"email": pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"]))})
    encrypted = piienc.encrypt_table(frame, schema={"email": "look"})
    with pytest.raises(InputError, match="no category"):
        piienc.decrypt_table(
            encrypted, schema={"email": "look"}, like=pl.DataFrame(schema={"email": pl.Enum(["a"])})
        )


def test_some_columns_of_an_encrypted_table_can_be_decrypted(project):
    """What the record tells of columns that are gone is no hindrance."""
    encrypted = piienc.encrypt_table(people(), schema="schema.toml")
    some = piienc.decrypt_table(encrypted.select(["id", "born"]))
    assert some.equals(people().select(["id", "born"]))
    pq.write_table(encrypted.select(["email"]), "x.parquet")
    piienc.decrypt_file("x.parquet", "y.parquet")
    assert pq.read_table("y.parquet")["email"].equals(people()["email"])


def test_columns_of_any_form_pass_unmarked(project):
    """Also those whose dictionaries Arrow cannot join."""
    nulls = pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int8()), pa.array(["a", None]))
    lists = pa.DictionaryArray.from_arrays(pa.array([0, 0], pa.int8()), pa.array([[1], [2]]))
    runs = pa.array(["x", "x"]).dictionary_encode()
    encoded = pa.RunEndEncodedArray.from_arrays(pa.array([2], pa.int32()), pa.array(["x"]))
    columns = {"nulls": nulls, "lists": lists, "runs": runs, "encoded": encoded}
    batch = pa.RecordBatch.from_pydict({"email": pa.array(["a", "b"]), **columns})
    table = pa.Table.from_batches([batch, batch.slice(1), batch.slice(0, 1)])
    encrypted = piienc.encrypt_table(table, schema={"email": "look"})
    for name in columns:
        assert encrypted[name].to_pylist() == table[name].to_pylist()
    assert piienc.decrypt_table(encrypted)["email"].to_pylist() == table["email"].to_pylist()


def test_marked_dictionary_that_holds_null_comes_back(project):
    """Null is null, wherever it stands."""
    values = pa.DictionaryArray.from_arrays(
        pa.array([0, 1, None], pa.int8()), pa.array(["a", None])
    )
    table = pa.table({"email": values})
    encrypted = piienc.encrypt_table(table, schema={"email": "look"})
    assert encrypted["email"].to_pylist()[1:] == [None, None]
    assert piienc.decrypt_table(encrypted)["email"].to_pylist() == ["a", None, None]
