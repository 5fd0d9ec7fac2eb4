"""CSV there and back: what is read is what was written, in any dialect."""

import csv
import gzip
import io

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from piienc.tables import UnitSize

TWO = {"a": {"type": "string"}, "b": {"type": "string", "encrypt": "look"}}
ONE = {"a": {"type": "string", "encrypt": "look"}}
PLAIN_ONE = {"a": {"type": "string"}, "b": {"type": "string", "encrypt": "seal"}}

# A line break alone at the end of a field's start is text like all else; a surrogate is none.
_texts = st.text(
    st.one_of(
        st.sampled_from(" ,;'\"\r\n\té€😀\u2028\ufeff\x00"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=12,
)


def _written(rows, header=("a", "b"), **dialect):
    file = io.StringIO(newline="")
    writer = csv.writer(file, **{"lineterminator": "\n", **dialect})
    writer.writerow(header)
    writer.writerows(rows)
    return file.getvalue()


def _parsed(data, encoding="utf-8", **dialect):
    return list(csv.reader(io.StringIO(data.decode(encoding), newline=""), **dialect))


@given(
    rows=st.lists(st.tuples(_texts, _texts), max_size=12),
    block=st.integers(len("a,b\n"), 64),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
@example(rows=[("\r", ""), ("", "\n"), ('"', '""')], block=8, quoting=0, line_end="\r\n")
def test_table_of_any_text_and_block_size_comes_back_equal(bench, rows, block, quoting, line_end):
    """Whatever csv.writer writes comes back as the same text, however the file is cut."""
    if any("\r" in cell for row in rows for cell in row):
        quoting = csv.QUOTE_ALL  # Python before 3.13 forgets to quote what ends in LF alone
    data = _written(rows, quoting=quoting, lineterminator=line_end).encode()
    units = UnitSize(csv_bytes=max(block, data.index(b"\n") + 1))
    encrypted, back = bench.there_and_back(data, bench.schema(TWO), units=units)
    assert _parsed(back) == _parsed(data)
    assert [row[0] for row in _parsed(encrypted)] == [row[0] for row in _parsed(data)]


@given(rows=st.lists(st.tuples(_texts, _texts), max_size=12), block=st.integers(4, 64))
def test_table_minimally_quoted_comes_back_byte_for_byte(bench, rows, block):
    """What is quoted where it must be, and no more, is written again in the same bytes."""
    special = set('",\r\n')

    def field(text):
        return f'"{text.replace(chr(34), 2 * chr(34))}"' if special & set(text) else text

    lines = [f"{field(a)},{field(b)}\n" for a, b in rows]
    data = ("a,b\n" + "".join(lines)).encode()
    units = UnitSize(csv_bytes=block)
    assert bench.there_and_back(data, bench.schema(TWO), units=units)[1] == data


THREE = {
    "a": {"type": "string", "encrypt": "seal"},
    "b": {"type": "string", "encrypt": "look"},
    "c": {"type": "string", "encrypt": "seal"},
}


def test_quote_in_an_earlier_marked_column_leaves_later_ones_in_their_rows(shop):
    """Decrypted cells with quotes are made anew, and are more pieces than the column has cells."""
    data = b'a,b,c\n"Ann ""A"" Lee",a@x,1\nBo,"b""@x",2\nCy,c@x,"3"""\n'
    assert shop.there_and_back(data, shop.schema(THREE))[1] == data


@given(rows=st.lists(st.tuples(_texts, _texts, _texts), max_size=12), block=st.integers(8, 64))
def test_several_marked_columns_of_any_text_come_back_equal(bench, rows, block):
    """Whatever stands in one marked column, the others keep their own values."""
    data = _written(rows, ("a", "b", "c"), quoting=csv.QUOTE_ALL).encode()
    units = UnitSize(csv_bytes=block)
    _, back = bench.there_and_back(data, bench.schema(THREE), units=units)
    assert _parsed(back) == _parsed(data)


@given(
    cells=st.lists(st.one_of(st.none(), _texts), max_size=12),
    block=st.integers(2, 32),
    marked=st.booleans(),
)
def test_one_column_with_nulls_and_any_block_size_comes_back(bench, cells, block, marked):
    """In a file of one column an empty line is a null, and none gets lost between blocks."""
    quoted = ("" if c is None else '"' + c.replace('"', '""') + '"' for c in cells)
    data = ("a\n" + "".join(f"{cell}\n" for cell in quoted)).encode()
    bench.write("one.csv", data)
    units = UnitSize(csv_bytes=block)
    receipt = bench.encrypt("one.csv", "one.enc.csv", bench.schema(ONE), units=units)
    bench.decrypt("one.enc.csv", "one.back.csv", bench.schema(ONE), units=units)
    assert (receipt.rows, receipt.columns["a"].nulls) == (len(cells), cells.count(None))
    assert _parsed(bench.read("one.back.csv"))[1:] == [[] if c is None else [c] for c in cells]


@pytest.mark.parametrize("block", [4, 9, 1 << 20])
def test_cell_beginning_with_byte_order_mark_keeps_it(bench, block):
    """U+FEFF is text everywhere but at the very beginning of the file."""
    data = "a,b\n\ufeffx,y\nx,\ufeffy\n\ufeff,\n\ufeffx,y\n".encode()
    units = UnitSize(csv_bytes=block)
    encrypted, back = bench.there_and_back(data, bench.schema(TWO), units=units)
    assert back == data
    assert encrypted.count(b"\n\xef\xbb\xbf") == 3


@pytest.mark.parametrize(
    "data",
    [
        'a,b\n1,"line one\nline two"\n',
        'a,b\n1,"line one\r\nline two"\n',
        'a,b\n"1\n\n2",x\n',
        'a,b\n1,"she said ""hi"""\n',
        'a,b\n"""",""""""\n',
        "a,b\n,\n",
        'a,b\n"",""\n',
        'a,b\n,""\n"",\n',
        "a,b\n1, spaces kept \n",
        "a,b\nNULL,NA\nnan,None\n",
        "a,b\n007,1e5\ntrue,2024-01-01\n",
        "a,b\n#no comment,\\n\n",
        "a,b\r\n1,2\r\n3,4\r\n",
        'a,b\r\n1,"x\r\ny"\r\n3,"x\ny"\r\n',
        "\ufeffa,b\n1,2\n",
        "\ufeffa,b\r\n1,2\r\n",
        '"a","b"\n1,2\n',
        '\ufeff"a",b\n1,2\n',
        "a,b\n",
        "a,b\r\n",
        "a,b\n\x1a,\x00\n",
    ],
)
def test_file_minimally_quoted_comes_back_byte_for_byte(shop, data):
    """Line breaks and quotes in fields, nulls, byte order mark and line ends are kept."""
    assert shop.there_and_back(data.encode(), shop.schema(TWO))[1] == data.encode()


def test_nulls_and_empty_strings_stay_apart_when_encrypted(shop):
    """A bare empty field is null and stays so; the empty string is a value and is encrypted."""
    data = b'a,b\n,\n"",""\n'
    encrypted, back = shop.there_and_back(data, shop.schema(TWO))
    null, empty = encrypted.splitlines()[1:]
    assert null == b","
    assert empty.startswith(b'"",A')
    assert back == data


def test_null_or_empty_in_unmarked_column_is_kept_in_the_encrypted_file(shop):
    """Columns that are not marked pass as they are written, also null against empty."""
    shop.write("x.csv", 'a,b\n,\n"",\n"q""q",\n"c,c",\n')
    shop.encrypt("x.csv", "y.csv", shop.schema(TWO))
    assert shop.read("y.csv") == b'a,b\n,\n"",\n"q""q",\n"c,c",\n'


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_file_of_header_only_keeps_it_and_counts_no_rows(shop, end):
    """A file without rows is a file: its header is kept, with a line end or without."""
    shop.write("x.csv", f"a,b{end}")
    receipt = shop.encrypt("x.csv", "y.csv", shop.schema(TWO))
    assert shop.read("y.csv") == f"a,b{end}".encode()
    assert (receipt.rows, receipt.columns["b"].cells, receipt.columns["b"].nulls) == (0, 0, 0)


@pytest.mark.parametrize("last", ["3,4", '3,"4"', "3,", ",4"])
def test_last_line_without_end_is_read_like_any_other(shop, last):
    """The last record needs no line end, and gets none."""
    _, back = shop.there_and_back(f"a,b\n1,2\n{last}".encode(), shop.schema(TWO))
    assert back.decode() == f"a,b\n1,2\n{last}".replace('"', "")


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_one_column_last_line_without_end_is_a_row_only_if_not_empty(shop, size):
    """Nothing behind the last line break is no row, also in a file of one column."""
    text = "a\n" + "\n" * (size - 1) + "x"
    shop.write("x.csv", text)
    assert shop.encrypt("x.csv", "y.csv", shop.schema(ONE)).rows == size
    shop.write("x2.csv", text + "\n")
    assert shop.encrypt("x2.csv", "y2.csv", shop.schema(ONE)).rows == size


def test_bytes_of_an_unmarked_column_are_kept_whatever_they_are(shop):
    """Nobody needs to know what they mean."""
    data = b"a,b\n\xff\x00\xc3,1\n\xe9,2\n"
    _, back = shop.there_and_back(data, shop.schema(TWO))
    assert back == data


def test_blank_lines_between_records_hold_no_rows_and_are_kept(shop):
    """With several columns an empty line is no record; lines and rows are counted apart."""
    data = b"a,b\n\n1,2\n\n\n3,4\n\n"
    _, back = shop.there_and_back(data, shop.schema(TWO))
    assert back == data


def test_file_of_blank_lines_only_has_no_rows(shop):
    """A header and nothing but line breaks is a table without rows."""
    shop.write("x.csv", "a,b\n\n\n")
    assert shop.encrypt("x.csv", "y.csv", shop.schema(TWO)).rows == 0


@pytest.mark.parametrize(
    ("dialect", "data"),
    [
        ({"delimiter": ";"}, 'a;b\n1,5;x,y\n"1;5";\'\n'),
        ({"delimiter": "\t"}, 'a\tb\n1,5\tx;y\n"1\t5"\t"""q"""\n'),
        ({"delimiter": "|"}, "a|b\n1,5|x;y\n"),
        ({"quote": "'"}, "a,b\n'1,5','it''s'\n\"q\",'\n'\n'',\n"),
        ({"delimiter": ";", "quote": "'"}, "a;b\n'1;5';\"\n''; \n"),
    ],
)
def test_dialect_of_the_schema_is_read_and_written(shop, dialect, data):
    """Delimiter and quote are the schema's, for reading and for writing."""
    schema = shop.schema(TWO, csv=dialect)
    encrypted, back = shop.there_and_back(data.encode(), schema)
    assert back == data.encode()
    reading = {"delimiter": dialect.get("delimiter", ","), "quotechar": dialect.get("quote", '"')}
    plain = [row[0] for row in _parsed(data.encode(), **reading)]
    assert [row[0] for row in _parsed(encrypted, **reading)] == plain


@pytest.mark.parametrize(
    "encoding",
    ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "shift_jis", "utf-8-sig"],
)
@pytest.mark.parametrize("block", [16, 1 << 20])
def test_encoding_of_the_schema_is_read_and_written(shop, encoding, block):
    """The file is decoded and encoded as the schema says, wherever a block ends."""
    text = "\u30bf" if encoding == "shift_jis" else "é"
    data = f'a,b\n{text},1\n"x\n{text}",{text * 9}\n,\n'
    schema = shop.schema(TWO, csv={"encoding": encoding})
    encrypted, back = shop.there_and_back(
        data.encode(encoding), schema, units=UnitSize(csv_bytes=block)
    )
    assert back == data.encode(encoding)
    plain = [row[:1] for row in csv.reader(io.StringIO(data, newline=""))]
    assert [row[:1] for row in _parsed(encrypted, encoding)] == plain


def test_utf_16_big_endian_with_mark_keeps_its_text(shop):
    """Which end comes first is the writer's choice, marked in the file."""
    data = b"\xfe\xff" + "a,b\né,ü\n".encode("utf-16-be")
    _, back = shop.there_and_back(data, shop.schema(TWO, csv={"encoding": "utf-16"}))
    assert back.decode("utf-16") == "a,b\né,ü\n"


def _packed(data, suffix):
    return gzip.compress(data) if suffix == "csv.gz" else pa.compress(data, "zstd", asbytes=True)


def _unpacked(data, suffix):
    if suffix == "csv.gz":
        return gzip.decompress(data)
    return pa.CompressedInputStream(pa.BufferReader(data), "zstd").read()


@pytest.mark.parametrize("suffix", ["csv.gz", "csv.zst"])
def test_compressed_file_is_readable_by_other_tools_both_ways(shop, suffix):
    """What gzip and zstd have written is read, and what is written they can read."""
    data = b"a,b\n" + b"".join(b"%d,cell %d\n" % (n, n) for n in range(5000))
    encrypted, back = shop.there_and_back(_packed(data, suffix), shop.schema(TWO), suffix)
    assert _unpacked(back, suffix) == data
    assert len(_parsed(_unpacked(encrypted, suffix))) == 5001


@pytest.mark.parametrize("suffix", ["csv.gz", "csv.zst"])
def test_compressed_file_of_several_parts_is_read_to_its_end(shop, suffix):
    """Compressed files may be put one behind the other."""
    shop.write(f"x.{suffix}", _packed(b"a,b\n1,2\n", suffix) + _packed(b"3,4\n", suffix))
    assert shop.encrypt(f"x.{suffix}", "y.csv", shop.schema(TWO)).rows == 2


def test_suffix_of_each_end_tells_its_own_compression(shop):
    """A compressed file may become a plain one, and the other way round."""
    shop.write("x.csv.gz", gzip.compress(b"a,b\n1,2\n"))
    shop.encrypt("x.csv.gz", "y.csv.zst", shop.schema(TWO))
    shop.decrypt("y.csv.zst", "z.csv", shop.schema(TWO))
    assert shop.read("z.csv") == b"a,b\n1,2\n"


def test_columns_in_another_order_than_the_schema_are_found_by_name(shop):
    """Only names count; the file's order is kept."""
    data = b"note,id,email\nn,1,e\n"
    encrypted, back = shop.there_and_back(data, shop.schema())
    assert back == data
    assert encrypted.splitlines()[1].split(b",")[1] == b"1"


@pytest.mark.parametrize("names", [["email"], ["note"], ["note", "email"]])
def test_decrypt_of_some_columns_leaves_the_rest_encrypted(shop, names):
    """Only the named columns are decrypted, all others pass as they are."""
    shop.write("x.csv", "id,email,note\n1,e,n\n,,\n")
    shop.encrypt("x.csv", "y.csv")
    receipt = shop.decrypt("y.csv", "z.csv", shop.schema(), columns=tuple(names))
    assert sorted(receipt.columns) == sorted(names)
    plain, sealed, back = (_parsed(shop.read(f"{f}.csv")) for f in "xyz")
    for number, name in enumerate(plain[0]):
        source = plain if name == "id" or name in names else sealed
        assert [row[number] for row in back] == [row[number] for row in source]


def test_equal_values_look_equal_only_if_searchable(shop):
    """Searchable columns can be joined, sealed ones tell nothing."""
    shop.write("x.csv", "id,email,note\n1,e,e\n2,e,e\n")
    shop.encrypt("x.csv", "y.csv")
    first, second = _parsed(shop.read("y.csv"))[1:]
    assert first[1] == second[1]
    assert first[2] != second[2]


def test_threads_of_any_number_keep_the_rows_in_order(shop):
    """Blocks are worked on side by side and written in order."""
    data = "a,b\n" + "".join(f"{n},cell {n}\n" for n in range(3000))
    shop.write("x.csv", data)
    units = UnitSize(csv_bytes=1 << 10)
    shop.encrypt("x.csv", "1.csv", shop.schema(TWO), threads=1, units=units)
    shop.encrypt("x.csv", "7.csv", shop.schema(TWO), threads=7, units=units)
    shop.decrypt("7.csv", "back.csv", shop.schema(TWO), threads=3, units=units)
    assert shop.read("1.csv") == shop.read("7.csv")
    assert shop.read("back.csv") == data.encode()


def test_cells_longer_than_a_block_come_back(shop):
    """A record may be longer than what is read at a time."""
    data = ('a,b\n1,"' + "x\n" * 3000 + '"\n2,y\n').encode()
    units = UnitSize(csv_bytes=256)
    assert shop.there_and_back(data, shop.schema(TWO), units=units)[1] == data


def test_extra_columns_pass_unchanged_where_the_schema_lets_them(shop):
    """With extra_columns = "keep", what the schema does not name is kept as it is."""
    data = b'x,a,b,y\n"1,5",2,3,\n'
    encrypted, back = shop.there_and_back(data, shop.schema(TWO, extra_columns="keep"))
    assert back == data
    assert encrypted.startswith(b'x,a,b,y\n"1,5",2,A')
