"""What a file is, by what it begins with: written by those whose formats these are."""

import io
import sqlite3
import tarfile
import zipfile

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import feather, orc
from pyarrow import parquet as pq

from piienc.storage.content import (
    byte_order_mark,
    compression_of,
    foreign,
    is_parquet,
    promised_compression,
    unmarked_wide,
)

TABLE = pa.table({"a": [1, 2], "b": ["x", "y"]})


def _written(write):
    out = io.BytesIO()
    write(out)
    return out.getvalue()


def _zip(*names):
    def write(out):
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in names:
                archive.writestr(name, "some text " * 9)

    return _written(write)


def _tar(out):
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("x.csv"))


def _ipc(out):
    with pa.ipc.new_stream(out, TABLE.schema) as writer:
        writer.write_table(TABLE)


def _sqlite():
    with sqlite3.connect(":memory:") as base:
        base.execute("create table a (b)")
        return base.serialize()


FOREIGN = {
    "a DuckDB database": bytes(8) + b"DUCK" + (64).to_bytes(8, "little"),
    "an Excel workbook": _zip("[Content_Types].xml", "_rels/.rels", "xl/workbook.xml"),
    "an office document": _zip("[Content_Types].xml", "word/document.xml"),
    "a zip archive": _zip("people.csv"),
    "an office document (OpenDocument, Numbers)": _zip("Index/Document.iwa"),
    "a tar archive": _written(_tar),
    "an old Excel workbook, or another office document": bytes.fromhex("d0cf11e0a1b11ae1") * 9,
    "an Arrow IPC (Feather) file": _written(lambda out: feather.write_feather(TABLE, out)),
    "an Arrow IPC stream": _written(_ipc),
    "an ORC file": _written(lambda out: orc.write_table(TABLE, out)),
    "an Avro file": b"Obj\x01\x04\x14avro.codec",
    "an SQLite database": _sqlite(),
    "a PDF document": b"%PDF-1.4\n",
    "an OpenPGP message": b"-----BEGIN PGP MESSAGE-----\n\nwV4D",
    "a Parquet file with an encrypted footer (Parquet Modular Encryption)": b"PARE\x00\x00\x00",
    "JSON": b'{"id": 1, "name": "Ann"}\n{"id": 2}\n',
    "HTML or XML, and no CSV": b"\n<!DOCTYPE html>\n<html>",
    "a pointer of Git LFS, and not the file": b"version https://git-lfs.github.com/spec/v1\n",
}


@pytest.mark.parametrize("what", FOREIGN)
def test_what_is_no_table_has_a_name(what):
    """Told by the library that writes it, where there is one here."""
    found = foreign(FOREIGN[what])
    assert found is not None
    assert (found.what, bool(found.remedy)) == (what, True)
    assert not is_parquet(FOREIGN[what])
    assert not compression_of(FOREIGN[what])


@pytest.mark.parametrize("begin", [b"[{", b"[\n  {", b"\xef\xbb\xbf{", b"  {\n"])
def test_json_is_told_in_whatever_layout(begin):
    """Also an array of objects, and behind a byte order mark."""
    assert foreign(begin + b' "id": 1}').what == "JSON"


@pytest.mark.parametrize("first", [0x84, 0x85, 0xC1])
def test_binary_message_is_told_by_its_session_key(first):
    """By either format of its length."""
    length = b"\x01\x0c" if first == 0x85 else b"\x5e"
    assert foreign(bytes([first]) + length + b"\x03" + bytes(8)).what == "an OpenPGP message"


def test_parquet_is_told_by_its_content():
    """With rows and without."""
    for table in (TABLE, TABLE.slice(0, 0)):
        assert is_parquet(_written(lambda out, table=table: pq.write_table(table, out)))


@pytest.mark.parametrize(
    "text",
    [
        b"PAR1,PAR2\n1,2\n",
        b"ORC,age\n1,2\n",
        b"ARROW1;b\n",
        b"BZh9,b\n",
        b"PGDMP\n",
        b"id,name,DUCK\n1,2,3\n",
    ],
)
def test_header_that_begins_like_a_magic_is_text(text):
    """A few letters prove nothing."""
    assert (is_parquet(text), compression_of(text), foreign(text)) == (False, None, None)


@given(st.lists(st.text("PARKBZhOCobj,;\t\"'\r\n1é{}[]<ab"), min_size=1))
def test_csv_is_never_taken_for_a_binary_format(fields):
    """Whatever letters it begins with."""
    text = ",".join(f'"{field}"' if "," in field else field for field in fields).encode()
    kind = foreign(text)
    assert not is_parquet(text)
    assert kind is None or kind.what in ("JSON", "HTML or XML, and no CSV")


def test_names_promise():
    """By the last suffix, in capitals or not."""
    assert promised_compression("dir.gz/a.csv") is None
    assert promised_compression("a.csv.XZ") == "xz"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_text_is_told_by_its_mark_and_without_one_by_its_zeros(encoding):
    """Byte order mark and encoding are Python's own."""
    text = "id,Straße,名前\n1,a,b\n"
    assert byte_order_mark(("\ufeff" + text).encode(encoding)) == encoding
    assert unmarked_wide(text.encode(encoding)) == encoding
    assert byte_order_mark(text.encode(encoding)) is None
    assert unmarked_wide(text.encode()) is None
    assert unmarked_wide(b"") is None


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize(
    "text", ["id,email\n1,\U0001f600\n", "id\n1\n", "id,name\n1,\u0100\n2,b\n"]
)
def test_order_of_wide_text_is_told_also_where_letters_hold_zero_bytes(encoding, text):
    """Half of an emoji may end in a zero byte; few letters do."""
    assert unmarked_wide(text.encode(encoding)) == encoding
