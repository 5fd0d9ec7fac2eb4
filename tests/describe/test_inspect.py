"""What `inspect` finds out about files of all kinds, and that it shows no value."""

import io
import json
import os
import threading

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from piienc.describe.inspect import inspect
from piienc.describe.inspection import ColumnInspection, PgpInspection
from piienc.errors import InputError, PgpError
from piienc.keys import KeyInfo, Mode, Prefix, generate
from piienc.storage import FileSource, StreamSource

C = "CANARY-4711"
DATA = f"id,email,note\n1,{C},{C}\n2,,{C}\n3,{C},\n"
KEY_ID = "0123456789ABCDEF"
# A session key for KEY_ID, and the first octet of what it opens.
MESSAGE = bytes.fromhex("c10b 03 0123456789abcdef 12 00 d202 01 00")


def _inspected(shop, source, schema=None, *, known=None):
    place = FileSource(shop.folder / source) if isinstance(source, str) else StreamSource(source)
    return inspect(
        place,
        known=lambda: known or {},
        keys=lambda: {
            key.key_id: KeyInfo(name, keyset.mode, keyset.primary_id, keyset.facts.keys, None)
            for name, keyset in shop.keys.items()
            for key in keyset.keys
        },
        schema=schema,
    )


def _column(shop, name, key=None, *, cells, encoding="base64", recorded=False):
    """Return what is expected of a column that is encrypted under a key, or not at all."""
    if key is None:
        return ColumnInspection(name, recorded, cells, 0, None, (), None, None)
    keyset = shop.keys[key]
    ids = (keyset.primary_id,)
    return ColumnInspection(name, recorded, cells, cells, encoding, ids, key, str(keyset.mode))


def test_columns_of_csv_are_judged_by_their_cells(shop):
    """Plain and encrypted ones, with nulls between; the keyset's name comes from its id."""
    shop.write("x.csv", DATA)
    shop.encrypt("x.csv", "y.csv")
    plain, encrypted = _inspected(shop, "x.csv"), _inspected(shop, "y.csv")
    assert (plain.kind, plain.rows_looked_at) == ("csv", 3)
    assert [column.encrypted for column in plain.columns] == [False, False, False]
    assert encrypted.columns == [
        _column(shop, "id", cells=3),
        _column(shop, "email", "look", cells=2),
        _column(shop, "note", "seal", cells=2),
    ]
    assert C not in json.dumps([plain.document(), encrypted.document()])


@pytest.mark.parametrize("suffix", ["csv.gz", "csv.zst"])
def test_compressed_csv_is_looked_into(shop, suffix):
    """Its name says how it is compressed."""
    shop.write("x.csv", DATA)
    shop.encrypt("x.csv", f"y.{suffix}")
    assert _inspected(shop, f"y.{suffix}").columns[1] == _column(shop, "email", "look", cells=2)


def test_csv_of_another_dialect_needs_its_schema(shop):
    """The schema tells delimiter, quote and encoding."""
    schema = shop.schema(csv={"delimiter": ";", "encoding": "utf-16"})
    shop.write("x.csv", DATA.replace(",", ";").encode("utf-16"))
    shop.encrypt("x.csv", "y.csv", schema)
    assert _inspected(shop, "y.csv", schema).columns[2] == _column(shop, "note", "seal", cells=2)


@pytest.mark.parametrize("encoding", ["base64", "binary"])
def test_columns_of_parquet_are_judged_by_record_and_cells(shop, encoding):
    """What the file records and what is seen agree."""
    table = pa.table({"id": ["1", "2"], "email": [C, None], "note": [C, C]})
    pq.write_table(table, shop.folder / "x.parquet")
    columns = {
        "id": {"type": "string"},
        "email": {"type": "string", "encrypt": "look", "encoding": encoding},
        "note": {"type": "string", "encrypt": "seal"},
    }
    shop.encrypt("x.parquet", "y.parquet", shop.schema(columns))
    report = _inspected(shop, "y.parquet")
    assert (report.kind, report.rows_looked_at) == ("parquet", 2)
    assert report.columns == [
        _column(shop, "id", cells=2),
        _column(shop, "email", "look", cells=1, encoding=encoding, recorded=True),
        _column(shop, "note", "seal", cells=2, recorded=True),
    ]


def test_key_that_is_not_here_is_named_by_the_record(shop):
    """The receiver of a file may lack the key."""
    shop.write("x.csv", DATA)
    pq.write_table(pa.table({"id": ["1"], "email": [C], "note": [C]}), shop.folder / "x.parquet")
    shop.encrypt("x.csv", "y.csv")
    shop.encrypt("x.parquet", "y.parquet")
    ids = {name: keyset.primary_id for name, keyset in shop.keys.items()}
    shop.keys.clear()
    csv, parquet = (_inspected(shop, name).columns[1] for name in ("y.csv", "y.parquet"))
    assert (csv.key, csv.mode, csv.key_ids) == (None, None, (ids["look"],))
    assert (parquet.key, parquet.mode, parquet.key_ids) == ("look", "searchable", (ids["look"],))


def test_cells_without_a_prefix_are_known_by_the_record_alone(shop):
    """Keys for Spark make cells that look like nothing."""
    shop.keys["look"] = generate(Mode.SEARCHABLE, Prefix.RAW)
    pq.write_table(pa.table({"id": ["1"], "email": [C], "note": [C]}), shop.folder / "x.parquet")
    shop.encrypt("x.parquet", "y.parquet")
    column = _inspected(shop, "y.parquet").columns[1]
    # One cell in 256 begins like a prefix by chance.
    assert (column.encrypted, column.key) == (True, "look")


def test_column_of_which_some_cells_are_encrypted_is_counted(shop):
    """Such a file was put together from two."""
    shop.write("x.csv", DATA)
    shop.encrypt("x.csv", "y.csv")
    shop.write("z.csv", shop.read("y.csv") + DATA.partition("\n")[2].encode())
    column = _inspected(shop, "z.csv").columns[1]
    assert (column.encrypted, column.encrypted_cells, column.cells) == (False, 2, 4)


def test_what_only_looks_like_a_key_id_is_not_shown(shop):
    """Plain bytes that begin as a cell does would tell four of them."""
    cells = [b"\x01" + f"{C}-{number:020}".encode()[-25:] for number in range(40)]
    cells = [b"\x01" + number.to_bytes(4, "big") + cell for number, cell in enumerate(cells)]
    pq.write_table(pa.table({"note": cells}), shop.folder / "x.parquet")
    (column,) = _inspected(shop, "x.parquet").columns
    assert (column.encrypted, column.key_ids) == (False, ())


def test_columns_of_all_types_are_looked_at(shop):
    """Numbers, lists and dictionaries of text are no ciphertext."""
    table = pa.table(
        {
            "number": [1, None],
            "list": [["a"], ["b"]],
            "dictionary": pa.array(["a", "b"]).dictionary_encode(),
            "fixed": pa.array([b"ab", b"cd"], pa.binary(2)),
            "none": pa.nulls(2),
        }
    )
    pq.write_table(table, shop.folder / "x.parquet")
    columns = _inspected(shop, "x.parquet").columns
    assert [column.encrypted for column in columns] == [False] * 4 + [None]
    assert [column.cells for column in columns] == [1, 2, 2, 2, 0]


def test_table_without_rows_has_columns_that_cannot_be_judged(shop):
    """Neither no nor yes."""
    shop.write("x.csv", "id,email\n")
    pq.write_table(pa.table({"id": pa.array([], pa.string())}), shop.folder / "x.parquet")
    for name in ("x.csv", "x.parquet"):
        report = _inspected(shop, name)
        assert report.rows_looked_at == 0
        assert {column.encrypted for column in report.columns} == {None}


def test_a_thousand_rows_are_enough(shop):
    """A large file is told as fast as a small one."""
    shop.write("x.csv", "id,email,note\n" + f"1,{C},\n" * 3000)
    report = _inspected(shop, "x.csv")
    assert (report.rows_looked_at, report.columns[1].cells) == (1000, 1000)


def test_content_decides_before_the_name(shop):
    """A Parquet file may be called anything, and so may a message."""
    pq.write_table(pa.table({"id": ["1"]}), shop.folder / "x.csv")
    pq.write_table(pa.table({"id": ["1"]}), shop.folder / "x.pgp")
    shop.write("y.csv", MESSAGE)
    assert [_inspected(shop, name).kind for name in ("x.csv", "x.pgp", "y.csv")] == [
        "parquet",
        "parquet",
        "pgp",
    ]


def test_name_decides_where_the_content_says_nothing(shop):
    """A message that is none is told as such, and not as a bad table."""
    shop.write("x.csv.pgp", DATA)
    with pytest.raises(PgpError, match="no OpenPGP file"):
        _inspected(shop, "x.csv.pgp")
    shop.write("x.parquet", DATA)
    with pytest.raises(InputError, match="not a Parquet file"):
        _inspected(shop, "x.parquet")
    shop.write("x.csv", f"id,email\n1,{C},{C}\n")
    with pytest.raises(InputError, match="line 2: 3 fields") as caught:
        _inspected(shop, "x.csv")
    assert C not in str(caught.value)


def test_streams_are_read_without_going_back(shop):
    """Standard input, and a pipe with a name."""
    shop.write("x.csv", DATA)
    shop.encrypt("x.csv", "y.csv")
    expected = _column(shop, "email", "look", cells=2)
    report = _inspected(shop, io.BytesIO(shop.read("y.csv")))
    assert (report.name, report.columns[1]) == ("-", expected)
    assert _inspected(shop, io.BytesIO(MESSAGE)).kind == "pgp"
    pipe = shop.folder / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=[shop.read("y.csv")])
    writer.start()
    assert _inspected(shop, "pipe").columns[1] == expected
    writer.join()


def test_recipients_get_the_names_that_are_known(shop):
    """By the key id of the subkey that the message is encrypted to."""
    shop.write("x.pgp", MESSAGE)
    report = _inspected(shop, "x.pgp", known={KEY_ID: "partner"})
    assert isinstance(report, PgpInspection)
    assert json.loads(json.dumps(report.document())) == {
        "schema_version": 1,
        "ok": True,
        "kind": "pgp",
        "name": str(shop.folder / "x.pgp"),
        "armored": False,
        "encrypted": True,
        "detached": False,
        "secret": False,
        "recipients": [
            {
                "key_id": KEY_ID,
                "fingerprint": None,
                "algorithm": "ECDH",
                "version": 3,
                "name": "partner",
            }
        ],
        "passphrases": 0,
        "container": {"kind": "mdc", "tag": 18, "version": 1, "cipher": None, "aead": None},
        "compression": None,
        "signatures": [],
        "literal": None,
        "keys": [],
        "user_ids": 0,
        "packets": ["pkesk", "seipd"],
    }
    assert _inspected(shop, "x.pgp").document()["recipients"][0]["name"] is None
