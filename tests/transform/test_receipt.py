"""The receipt: counts, hashes, key ids, and never a value."""

import contextlib
import hashlib
import io
import json
import sqlite3

import pytest

from piienc.errors import KeyAccessError
from piienc.report.receipt import FileFacts
from piienc.state import CELL_LIMIT, CELL_WARNING, CellCounter
from piienc.storage import StreamSource, StreamTarget
from piienc.transform import crypt

C = "CANARY-4711"
DATA = f'id,email,note\n1,{C},{C}\n2,,"{C}\n"\n3,"",\n'


def _facts(path):
    data = path.read_bytes()
    return {"name": str(path), "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def test_receipt_of_both_ways_counts_and_hashes_what_is_there(shop):
    """The hashes are those of the files' bytes, and nulls are counted apart."""
    source = shop.write("x.csv", DATA)
    there = shop.encrypt("x.csv", "y.csv").document()
    back = shop.decrypt("y.csv", "z.csv", shop.schema(), columns=("email",)).document()
    ids = {name: keyset.primary_id for name, keyset in shop.keys.items()}
    email = {"key": "look", "mode": "searchable", "key_ids": (ids["look"],), "cells": 2, "nulls": 1}
    note = {"key": "seal", "mode": "sealed", "key_ids": (ids["seal"],), "cells": 2, "nulls": 1}
    assert there.pop("seconds") >= 0
    assert there == {
        "schema_version": 1,
        "ok": True,
        "step": "encrypt-file",
        "input": _facts(source),
        "output": _facts(shop.folder / "y.csv"),
        "rows": 3,
        "columns": {"email": email, "note": note},
        "warnings": (),
    }
    assert (back["step"], back["columns"]) == ("decrypt-file", {"email": email})
    assert back["input"] == there["output"]
    assert back["output"] == _facts(shop.folder / "z.csv")
    assert C not in json.dumps([there, back])


@pytest.mark.parametrize("suffix", ["csv.gz", "csv.zst", "parquet"])
def test_receipt_hashes_the_files_and_not_what_is_packed_in_them(shop, suffix):
    """What was read and written is counted in the bytes on the disk."""
    if suffix == "parquet":
        import pyarrow as pa
        from pyarrow import parquet as pq

        table = pa.table({"id": ["1"], "email": [C], "note": [C]})
        pq.write_table(table, shop.folder / f"x.{suffix}")
    else:
        import gzip

        import pyarrow as pa

        packed = {
            "csv.gz": gzip.compress(DATA.encode()),
            "csv.zst": pa.compress(DATA.encode(), "zstd", asbytes=True),
        }
        shop.write(f"x.{suffix}", packed[suffix])
    receipt = shop.encrypt(f"x.{suffix}", f"y.{suffix}").document()
    assert receipt["input"] == _facts(shop.folder / f"x.{suffix}")
    assert receipt["output"] == _facts(shop.folder / f"y.{suffix}")


def test_streams_are_read_and_written_and_called_by_a_dash(shop):
    """Open streams are hashed too, and stay open."""
    target = io.BytesIO()
    with CellCounter(shop.state) as counter:
        receipt = crypt.encrypt_file(
            StreamSource(io.BytesIO(DATA.encode())),
            StreamTarget(target),
            schema=shop.schema(),
            keys=shop.keys.__getitem__,
            counter=counter,
        )
    assert receipt.input == FileFacts(
        "-", len(DATA.encode()), hashlib.sha256(DATA.encode()).hexdigest()
    )
    assert receipt.output.sha256 == hashlib.sha256(target.getvalue()).hexdigest()
    assert receipt.output.bytes == len(target.getvalue())


@pytest.mark.parametrize("size", [1, 100_000])
def test_progress_ends_with_all_rows_and_the_whole_share(shop, size):
    """Who watches sees the rows grow, up to all of them."""
    shop.write("x.csv", "id,email,note\n" + "1,e,n\n" * size)
    seen = []
    shop.encrypt("x.csv", "y.csv", progress=lambda *told: seen.append(told))
    assert [told[0] for told in seen] == sorted(told[0] for told in seen)
    assert seen[-1] == (size, len(shop.read("x.csv")), 1.0)


def _count(shop, name, cells):
    """Write a count into the state as if a key had encrypted so many cells."""
    with CellCounter(shop.state) as counter:
        counter.spend(shop.keys[name].primary, 1)
    database = sqlite3.connect(shop.state / "state.db")
    with database:
        database.execute("UPDATE sealed_keys SET cells = ?", (cells,))
    database.close()


def _counted(shop, name):
    database = sqlite3.connect(shop.state / "state.db")
    key = shop.keys[name].primary.fingerprint
    found = database.execute("SELECT cells FROM sealed_keys WHERE key = ?", (key,))
    row = found.fetchone()
    database.close()
    return row and row[0]


def test_sealed_cells_are_counted_and_searchable_ones_are_not(shop):
    """Only random IVs run out; nulls are no cells."""
    shop.write("x.csv", DATA)
    shop.encrypt("x.csv", "y.csv")
    shop.encrypt("x.csv", "y2.csv")
    assert _counted(shop, "seal") == 4
    assert _counted(shop, "look") is None


def test_searchable_columns_alone_count_no_cells(shop):
    """Only sealed cells are counted; the marks are recorded."""
    shop.write("x.csv", f"a\n{C}\n")
    shop.encrypt("x.csv", "y.csv", shop.schema({"a": {"type": "string", "encrypt": "look"}}))
    with contextlib.closing(sqlite3.connect(shop.state / "state.db")) as database:
        counts = database.execute("SELECT * FROM sealed_keys").fetchall()
        marks = database.execute("SELECT column_name FROM marks").fetchall()
    assert (counts, marks) == ([], [("a",)])


def test_key_past_half_of_its_cells_is_warned_of_in_the_receipt(shop):
    """The work is done, and the receipt says that a new key is due."""
    key_id = shop.keys["seal"].primary_id
    _count(shop, "seal", CELL_WARNING)
    shop.write("x.csv", DATA)
    (warning,) = shop.encrypt("x.csv", "y.csv").warnings
    assert str(key_id) in warning
    assert shop.read("y.csv")


def test_key_with_few_cells_left_may_still_be_used_up_to_its_limit(shop):
    """The refusal comes when the cells are used up, and not a million before."""
    _count(shop, "seal", CELL_LIMIT - 1000)
    shop.write("x.csv", DATA)
    shop.encrypt("x.csv", "y.csv")


def test_key_below_half_of_its_cells_is_not_warned_of(shop):
    """What is reserved ahead does not count for the warning."""
    _count(shop, "seal", CELL_WARNING - 1000)
    shop.write("x.csv", DATA)
    assert shop.encrypt("x.csv", "y.csv").warnings == ()


def test_key_with_all_cells_used_is_refused_and_leaves_nothing(shop):
    """At 2^32 cells the key is worn out."""
    _count(shop, "seal", CELL_LIMIT)
    shop.write("x.csv", DATA)
    with shop.refused(KeyAccessError, str(shop.keys["seal"].primary_id), r"2\^32"):
        shop.encrypt("x.csv", "y.csv")
    assert _counted(shop, "seal") == CELL_LIMIT
    shop.encrypt("x.csv", "y.csv", shop.schema({**_plain(), "email": _marked("look")}))


def _plain():
    return {name: {"type": "string"} for name in ("id", "email", "note")}


def _marked(key):
    return {"type": "string", "encrypt": key}
