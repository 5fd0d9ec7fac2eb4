"""CSV as other programs write it: the marked cells alone change, and all of it comes back."""

from __future__ import annotations

import re

import pytest

from piienc.errors import InputError

ONE = {"id": {"type": "string"}, "mail": {"type": "string", "encrypt": "look"}}
CELL = re.compile(rb"A[A-Za-z0-9+/]{33,}=*")

FILES = {
    "old Mac": ({}, b"id,mail\r1,ada@x\r2,\r"),
    "old Mac, with a line break in quotes": ({}, b'id,mail\r"1\r2","ada\r@x"\r'),
    "ended twice": ({}, b"id,mail\r\r\n1,ada@x\r\r\n2,bob@x\r\r\n"),
    "sep line": ({}, b"sep=;\r\nid;mail\r\n1;ada@x\r\n"),
    "sep line of a tab": ({}, b"sep=\t\nid\tmail\n1\tada@x\n"),
    "sep line of a space": ({}, b"sep= \r\nid mail\r\n1 ada@x\r\n"),
    "quoted sep line": ({}, b'"sep=\t"\nid\tmail\n1\tada@x\n'),
    "lines end in a delimiter": ({}, b"id,mail,\n1,ada@x,\n2,bob@x,\n"),
    "no quotes": ({"quote": "none"}, b'id,mail\n"1,ada"@x\n'),
    "lenient": ({"lenient": True}, b'id,mail\n1 "one",ada@x\n"1"2,bob@x\n'),
    "escapes": ({"escape": "\\"}, b'id,mail\n1\\,2,ada@x\n"1\\"",bob@x\n'),
    "null texts": ({"null": ["\\N", "NULL"]}, b"id,mail\n\\N,NULL\n1,ada@x\n,\\N\n"),
    "comments": ({"comment": "#"}, b"# by hand\nid,mail\n1,ada@x\n#,,,\n2,bob@x\n"),
    "lines before the header": ({"skip_rows": 2}, b'a title\n"\nid,mail\n1,ada@x\n'),
    "no header": ({"header": False}, b"1,ada@x\n2,bob@x\n"),
    "no header, behind comments": ({"header": False, "comment": "--"}, b"-- x\n1,ada@x\n"),
    "delimiter of two bytes": ({"delimiter": "||"}, b"id||mail\n1|2||ada@x\n"),
    "delimiter that is no ASCII": (
        {"delimiter": "\u00a6"},
        "id\u00a6mail\n1\u00a6ada@x\n".encode(),
    ),
    "blank lines": ({}, b"\nid,mail\n\n1,ada@x\n\n\n2,bob@x"),
}


@pytest.mark.parametrize("size", [1, 7, 0])
@pytest.mark.parametrize("kind", FILES)
def test_file_of_another_dialect_is_encrypted_and_comes_back(shop, kind, size):
    """Byte for byte, wherever blocks are cut; around the marked cells, nothing changes."""
    form, data = FILES[kind]
    encrypted, back = shop.there_and_back(data, shop.schema(ONE, csv=form), **_units(size))
    assert back == data
    assert b"ada" not in encrypted
    assert b"bob" not in encrypted
    cells = CELL.findall(encrypted)
    assert len(cells) == data.count(b"@x")
    rest = CELL.sub(b"*", encrypted)
    for line in data.splitlines(keepends=True):
        if b"@x" not in line and b"ada" not in line:
            assert line in rest


def test_escape_that_programs_read_in_several_ways_is_refused_in_a_marked_column(shop):
    """Nobody knows what is to be encrypted; elsewhere it stays as it is."""
    schema = shop.schema(ONE, csv={"escape": "\\"})
    shop.write("x.csv", "id,mail\n1\\n2,ada@x\n")
    shop.encrypt("x.csv", "y.csv", schema)
    for header in ("id,mail,\\N", "\\id,mail"):
        shop.write("x.csv", f"{header}\n1,a,b\n")
        with shop.refused(InputError, "line 1: a value has an escape before a letter"):
            shop.encrypt("x.csv", "z.csv", schema)
    shop.write("x.csv", "id,mail\n1,a\n2,ada\\n@x\n")
    with shop.refused(InputError, "line 3: a value has an escape before a letter"):
        shop.encrypt("x.csv", "z.csv", schema)


def test_decrypted_value_that_needs_quotes_is_refused_where_there_are_none(shop):
    """With its row; what was encrypted elsewhere may hold anything."""
    shop.write("x.csv", 'id,mail\n1,a\n2,"ada,@x"\n')
    shop.encrypt("x.csv", "y.csv", shop.schema(ONE))
    with shop.refused(InputError, "column 'mail', row 2: the value needs quotes"):
        shop.decrypt("y.csv", "z.csv", shop.schema(ONE, csv={"quote": "none"}))


@pytest.mark.parametrize("mark", [b"\xff", "§".encode(), b"1", b"A", b"=", b"+", b""])
def test_sep_line_of_what_can_be_no_delimiter_is_told(shop, mark):
    """It is no ASCII, or stands in cells."""
    shop.write("x.csv", b"sep=" + mark + b"\nid,mail\n1,ada@x\n")
    with shop.refused(InputError, "line 1 tells Excel the delimiter"):
        shop.encrypt("x.csv", "y.csv", shop.schema(ONE))


def _units(size):
    from piienc.tables import UnitSize

    return {"units": UnitSize(csv_bytes=size)} if size else {}
