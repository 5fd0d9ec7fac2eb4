"""CSV in encodings that have ASCII's delimiters: all but the marked columns stays, to the byte.

The oracles are the bytes that were given, and Python's csv module with Python's codecs.
"""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.base.charsets import EAST_ASIAN, SUPPORTED, is_in_place
from piienc.errors import InputError
from piienc.tables import UnitSize

MAIL = {"mail": {"type": "string", "encrypt": "look"}}
COLUMNS = {"id": {"type": "string"}, "note": {"type": "string"}, **MAIL}
CELL = re.compile(rb"A[A-Za-z0-9+/]{28,}=*")
LETTERS = "äöüßéèñçøåłšžőąěğışțâ€£§АБвгдёїұ"
LETTERS += "αβγאבגدرไทย漢字表ソ能かなカナ東京中文國語許功한국어가각힣ｱｲ𠀋丂"
IN_PLACE = [name for name in SUPPORTED if is_in_place(name, ',"')]

STRANGE = {  # bytes that the codec does not know, or would write as others
    "cp1252": [b"\x81", b"\x8d", b"\x9d"],
    "latin-1": [b"\x80\x9f\xff"],
    "cp1251": [b"\x98"],
    "koi8-r": [b"\x80\xff"],
    "shift_jis": [b"\x83", b"\x83\x5c", b"\x95\x7c", b"\xfd\xff"],
    "cp932": [b"\xfa\x54", b"\xed\x40", b"\x81"],
    "gbk": [b"\x81", b"\xff", b"\x81\x5c\x81\x7c"],
    "gb18030": [b"\x81\x30\x81", b"\x81\x30", b"\x81\x30\x81\x30"],
    "big5": [b"\xa4", b"\xb3\x5c\xa5\x7c", b"\xff"],
    "euc_jp": [b"\x8f\xb0", b"\x8e", b"\xa4"],
    "euc_kr": [b"\xa4\xd4\xa4", b"\xb0"],
    "utf-8": [b"\xff", b"\xe2\x82", b"\xed\xa0\x80"],
    "ascii": [b"\x80"],
}


def _letters(encoding):
    return "".join(
        each for each in LETTERS if each.encode(encoding, "ignore").decode(encoding) == each
    )


def _schema(shop, encoding, columns=COLUMNS, **csv_):
    return shop.schema(columns, csv={"encoding": encoding, **csv_})


def _parsed(data, encoding):
    text = data.decode(encoding)
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


@pytest.mark.parametrize("size", [1, 5, 0])
@pytest.mark.parametrize("encoding", STRANGE)
def test_unmarked_bytes_stay_as_they_are_whatever_they_are(shop, encoding, size):
    """A code that is cut off by a delimiter among them, and in the names of columns."""
    mail = "x" + _letters(encoding)
    rows = [
        b"%d,%b,%b" % (at, code, mail.encode(encoding)) for at, code in enumerate(STRANGE[encoding])
    ]
    rows += [b'"%b","",' % code for code in STRANGE[encoding]]
    data = b"\n".join([b"id,note,mail", *rows, b""])
    form = {"units": UnitSize(csv_bytes=size)} if size else {}
    encrypted, back = shop.there_and_back(data, _schema(shop, encoding), **form)
    assert back == data
    assert CELL.sub(mail.encode(encoding).replace(b"\\", b"\\\\"), encrypted) == data
    assert len(CELL.findall(encrypted)) == len(STRANGE[encoding])


@given(
    encoding=st.sampled_from(IN_PLACE),
    rows=st.lists(st.tuples(*[st.text(LETTERS + ',"\r\n ab|\\', max_size=6)] * 3), max_size=12),
    size=st.sampled_from([1, 9, 64]),
)
def test_text_of_every_encoding_comes_back_and_others_read_it(bench, encoding, rows, size):
    """Values are encrypted as UTF-8, and written back as they were."""
    known = {*_letters(encoding), *',"\r\n ab|\\'}
    rows = [["".join(filter(known.__contains__, cell)) for cell in row] for row in rows]
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([COLUMNS, *rows])
    data = out.getvalue().encode(encoding)
    schema = _schema(bench, encoding)
    encrypted, back = bench.there_and_back(data, schema, units=UnitSize(csv_bytes=size))
    assert _parsed(back, encoding) == _parsed(data, encoding)
    assert [row[:2] for row in _parsed(encrypted, encoding)] == [[*COLUMNS][:2]] + [
        row[:2] for row in rows
    ]
    in_utf8, _ = bench.there_and_back(out.getvalue().encode(), _schema(bench, "utf-8"))
    assert [row[2] for row in _parsed(encrypted, encoding)] == [
        row[2] for row in _parsed(in_utf8, "utf-8")
    ]


@pytest.mark.parametrize("encoding", ["shift_jis", "cp932", "gbk", "big5", "gb18030"])
@pytest.mark.parametrize("form", [{"delimiter": "|"}, {"escape": "\\"}, {"quote": "`"}])
def test_delimiter_that_may_be_a_part_of_another_character_is_none_there(shop, encoding, form):
    """Such files are decoded; 表 of Shift JIS ends in 5C, ポ in 7C."""
    letters = _letters(encoding)
    mark = form.get("delimiter", ",")
    lines = [mark.join(COLUMNS), *(mark.join((each, each, each)) for each in letters)]
    data = "\n".join([*lines, ""]).encode(encoding)
    encrypted, back = shop.there_and_back(data, _schema(shop, encoding, **form))
    assert back == data
    assert len(CELL.findall(encrypted)) == len(letters)


@pytest.mark.parametrize("size", [9, 0])
@pytest.mark.parametrize("encoding", ["shift_jis", "gb18030", "latin-1"])
def test_line_for_excel_tells_a_delimiter_that_may_be_a_part_of_another_character(
    shop, encoding, size
):
    """What was read until there is decoded after all."""
    mark = "\ufeff" if encoding == "gb18030" else ""
    data = f"{mark}sep=|\nid|note|mail\n1|{_letters(encoding)}|{_letters(encoding)}\n"
    form = {"units": UnitSize(csv_bytes=size)} if size else {}
    encrypted, back = shop.there_and_back(data.encode(encoding), _schema(shop, encoding), **form)
    assert back == data.encode(encoding)
    assert len(CELL.findall(encrypted)) == 1


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "cp1251"])
def test_delimiter_and_null_that_are_no_ascii_are_those_of_the_encoding(shop, encoding):
    """A broken bar is one byte there."""
    data = (
        "id¦note¦mail\n1¦\x81¦§\n§¦2¦x§y\n".encode(encoding, "surrogateescape")
        if encoding == "latin-1"
        else "id¦note¦mail\n1¦2¦§\n§¦2¦x§y\n".encode(encoding)
    )
    schema = _schema(shop, encoding, delimiter="¦", null=["§"])
    encrypted, back = shop.there_and_back(data, schema)
    assert back == data
    assert encrypted.startswith(data[: data.index(b"x")])  # null stays
    assert len(CELL.findall(encrypted)) == 1


@pytest.mark.parametrize(
    ("encoding", "value", "what"),
    [
        ("cp1252", b"\x81", "bytes that are not cp1252"),
        ("cp1251", b"\x98", "bytes that are not cp1251"),
        ("ascii", b"\xc3\xa9", "bytes that are not ascii"),
        ("gbk", b"\x81", "bytes that are not gbk"),
        ("gb18030", b"\x81\x30\x81", "bytes that are not gb18030"),
        ("euc_jp", b"\x8f\xb0", "bytes that are not euc_jp"),
        ("cp932", b"\xfa\x54", "bytes that cp932 would write back as others"),
        ("cp932", b"a\x81\x5c\xfa\x54", "bytes that cp932 would write back as others"),
        ("big5", b"\xa1\xfe", "bytes that big5 would write back as others"),
        ("big5hkscs", b"\x88\x62\x88\x62", None),
    ],
)
def test_value_of_other_bytes_is_refused_in_a_marked_column_with_its_line(
    shop, encoding, value, what
):
    """It could not be encrypted as text, or not come back as it was."""
    data = b"id,note,mail\n1,%b,a\n2,,%b\n" % (value, value)
    shop.write("x.csv", data)
    if what is None:
        assert shop.there_and_back(data, _schema(shop, encoding))[1] == data
        return
    with shop.refused(InputError, rf"x.csv: line 3: {what}"):
        shop.encrypt("x.csv", "y.csv", _schema(shop, encoding))


@pytest.mark.parametrize(
    ("encoding", "value"),
    [("latin-1", "€"), ("koi8-r", "ü"), ("shift_jis", "¥"), ("euc_jp", "‾"), ("gbk", "😀")],
)
def test_decrypted_value_that_the_encoding_lacks_is_refused_with_its_line(shop, encoding, value):
    """Also where Python would write another character, as a backslash for a yen sign."""
    shop.write("x.csv", f"id,note,mail\n1,,a\n2,,{value}\n")
    shop.encrypt("x.csv", "y.csv", _schema(shop, "utf-8"))
    with shop.refused(InputError, rf"y.csv: line 3: a decrypted value.* {encoding} cannot write"):
        shop.decrypt("y.csv", "z.csv", _schema(shop, encoding))


@pytest.mark.parametrize("encoding", ["cp1251", "shift_jis", "gb18030", "koi8-r"])
def test_names_are_those_of_the_encoding(shop, encoding):
    """And the header stays as it is."""
    name = _letters(encoding)[:4]
    columns = {"id": {"type": "string"}, name: {"type": "string", "encrypt": "look"}}
    data = f"id,{name}\n1,x{name}\n".encode(encoding)
    encrypted, back = shop.there_and_back(data, _schema(shop, encoding, columns))
    assert back == data
    assert encrypted.startswith(data.partition(b"\n")[0] + b"\n1,A")
    shop.write("x.csv", data.replace(b"id", b"\xff"))
    if encoding in EAST_ASIAN:
        with shop.refused(InputError, f"line 1: bytes that are not {encoding}"):
            shop.encrypt("x.csv", "y.csv", _schema(shop, encoding, columns))


def test_byte_order_mark_of_gb18030_is_kept(shop):
    """It has four bytes there."""
    data = "\ufeffid,note,mail\n1,表,表\n".encode("gb18030")
    encrypted, back = shop.there_and_back(data, _schema(shop, "gb18030"))
    assert (back, encrypted[:6]) == (data, data[:6])


def test_what_is_odd_is_told_by_the_encoding(shop):
    """NEL of Latin-1 is an ellipsis in CP1252; both have typographic quotes of their own."""
    shop.write("x.csv", b"id,note,mail\x85\n1,\x93a, b\x94,c\n")
    with shop.refused(InputError, r"the first line holds U\+0085"):
        shop.encrypt("x.csv", "y.csv", _schema(shop, "latin-1"))
    shop.write("x.csv", b"id,note,mail\n1,\x93a, b\x94,c\n")
    with shop.refused(InputError, "line 2: 4 fields.*: typographic quotes"):
        shop.encrypt("x.csv", "y.csv", _schema(shop, "cp1252"))
