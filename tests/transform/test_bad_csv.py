"""CSV that cannot be used: refused with its place, without a value, leaving nothing."""

import bz2
import gzip
import lzma
import time

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.errors import InputError
from piienc.tables import UnitSize

C = "CANARY-4711"
HEAD = "id,email,note\n"
ROW = f"{C},{C},{C}\n"
BROKEN = f'"{C}\n{C}",{C},"{C}\n\n"\n'  # one record on four lines


@pytest.fixture(params=[0, 32, 75])
def units(request):
    """Give small blocks too, so that places are counted across them."""
    return UnitSize(csv_bytes=request.param)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (HEAD + f"{C},{C}\n", r"line 2\b"),
        (HEAD + f"{C},{C},{C},{C}\n", r"line 2\b"),
        (HEAD + f"{C}\n", r"line 2\b"),
        (HEAD + f"{ROW}{ROW}{C},{C},\n{C},{C}\n", r"line 5\b"),
        (HEAD + f"{BROKEN}{C},{C}\n", r"line 6\b"),
        (HEAD + f"{BROKEN}{BROKEN}{ROW}{C},{C}\n{ROW}", r"line 11\b"),
        (HEAD + ROW * 50 + f"{C},{C}\n", r"line 52\b"),
        (HEAD + f"\n\n{C},{C}", r"line 4\b"),
        (HEAD.replace("\n", "\r\n") + f"{C},{C},{C}\r\n{C},{C}\r\n", r"line 3\b"),
        ('"id","email",note\n' + f"{C},{C}\n", r"line 2\b"),
    ],
)
def test_ragged_row_is_refused_with_its_line(shop, units, data, place):
    """The line is the file's own, also behind line breaks in quotes and across blocks."""
    shop.write("x.csv", data)
    with shop.refused(InputError, place, r"x\.csv"):
        shop.encrypt("x.csv", "y.csv", units=units)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (HEAD + f'{C},{C}"{C},{C}\n', r"line 2\b"),
        (HEAD + f'{C},"{C}"{C},{C}\n', r"line 2\b"),
        (HEAD + f'{ROW}{C},"{C}" ,{C}\n', r"line 3\b"),
        (HEAD + f'{ROW}{C}, "{C}",{C}\n', r"line 3\b"),
        (HEAD + f'{BROKEN}{C},{C},{C}"\n{ROW}', r"line 6\b"),
        (HEAD + ROW * 30 + f'{C},5" pipe,{C}\n' + ROW * 30, r"line 32\b"),
        (HEAD + ROW * 30 + f'{C},5"",{C}\n' + ROW * 30, r"line 32\b"),
    ],
)
def test_quote_in_the_middle_of_a_field_is_refused_with_its_line(shop, units, data, place):
    """A lenient reader would move the rest of the row into other columns."""
    shop.write("x.csv", data)
    with shop.refused(InputError, place, "quote"):
        shop.encrypt("x.csv", "y.csv", units=units)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (HEAD + f'{C},"{C},{C}\n', r"line 2\b"),
        (HEAD + f'{ROW}{C},{C},"', r"line 3\b"),
        (HEAD + f'{BROKEN}{ROW}{C},"{C}\n' + ROW * 20, r"line 7\b"),
    ],
)
def test_quoted_field_without_end_is_refused_with_the_line_of_its_beginning(
    shop, units, data, place
):
    """What is looked for is the quote that begins the field, not the end of the file."""
    shop.write("x.csv", data)
    with shop.refused(InputError, place):
        shop.encrypt("x.csv", "y.csv", units=units)


@pytest.mark.parametrize(
    ("encoding", "data", "place"),
    [
        ("utf-8", HEAD.encode() + f"{ROW}{C},".encode() + b"\xe9" + b",\n", r"line 3\b"),
        ("utf-8", HEAD.encode() + (ROW * 40).encode() + b",\xff,\n", r"line 42\b"),
        ("utf-8", HEAD.encode() + f"{BROKEN}{C},".encode() + b"\xc3,\n", r"line 6\b"),
        ("utf-8", HEAD.encode() + f"{C},{C},".encode() + b"\xe2\x82", r"line 2\b"),
        ("utf-8", HEAD.encode() + b"1,\xed\xa0\x80,\n", r"line 2\b"),
        ("utf-8", b"id,email,note\xe9\n" + ROW.encode(), r"line 1\b"),
        ("cp1252", HEAD.encode() + f"{ROW}{C},".encode() + b"\x81,\n", r"line 3\b"),
        ("cp1252", HEAD.encode() + (ROW * 40).encode() + b",\x81,\n", r"line 42\b"),
        ("utf-16", (HEAD + ROW).encode("utf-16") + b"\x00\xd8\x0a\x00", r"line 3\b"),
        ("utf-16", (HEAD + ROW).encode("utf-16")[:-1], r"line 2\b"),
    ],
)
def test_bytes_that_are_not_the_encoding_are_refused_with_their_line(
    shop, units, encoding, data, place
):
    """Undecodable bytes are never guessed at."""
    shop.write("x.csv", data)
    with shop.refused(InputError, place, encoding):
        shop.encrypt("x.csv", "y.csv", shop.schema(csv={"encoding": encoding}), units=units)


@pytest.mark.parametrize(
    ("header", "patterns"),
    [
        ("id,email", ["'note'"]),
        ("id,note,phone", ["'email'", "'phone'"]),
        ("id,email,note,phone", ["'phone'"]),
        ("id,email,note,phone,phone", ["'phone'"]),
        ("id,email,email,note", ["'email'"]),
        ("ID,email,note", ["'id'"]),
        ("id, email,note", ["'email'"]),
    ],
)
def test_header_that_does_not_fit_the_schema_is_refused_by_name(shop, header, patterns):
    """Missing, unknown and doubled columns are named."""
    cells = ",".join([C] * (header.count(",") + 1))
    shop.write("x.csv", f"{header}\n{cells}\n")
    with shop.refused(InputError, *patterns):
        shop.encrypt("x.csv", "y.csv")
    with shop.refused(InputError, *patterns):
        shop.decrypt("x.csv", "y.csv", shop.schema())


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"\r\n\r\n", b"   \n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"]
)
def test_empty_file_is_refused(shop, data):
    """Without a header there is no table."""
    shop.write("x.csv", data)
    with shop.refused(InputError, r"x\.csv"):
        shop.encrypt("x.csv", "y.csv")


def test_file_without_header_is_refused_without_showing_its_first_row(shop):
    """The first row of a file without a header is data, so it must not be quoted."""
    shop.write("x.csv", f"{C}1,{C}2,{C}3\n" + ROW)
    with shop.refused(InputError, "'email'"):
        shop.encrypt("x.csv", "y.csv")


def test_file_without_header_and_with_equal_cells_is_refused_without_showing_them(shop):
    """The same, where two cells of the first row are equal."""
    shop.write("x.csv", ROW * 2)
    with shop.refused(InputError):
        shop.encrypt("x.csv", "y.csv")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_header_ending_in_a_lone_carriage_return_lets_no_row_pass_in_clear(shop, end):
    """Rows behind a line end that we do not know are never copied as if they were header."""
    shop.write("x.csv", f"id,email,note\r1,{C},{C}{end}2,{C},{C}{end}")
    with shop.refused(InputError):
        shop.encrypt("x.csv", "y.csv")


@pytest.mark.parametrize("rows", [f"1,{C}\n", f'1,"{C}"\n', f'1,{C}"\n2,{C}\n'])
def test_header_with_a_stray_quote_lets_no_row_pass_in_clear(shop, rows):
    """A quote in the middle of a name is refused like one in the middle of a field."""
    columns = {'na"me': {"type": "string"}, "email": {"type": "string", "encrypt": "look"}}
    shop.write("x.csv", f'na"me,email\n{rows}')
    with shop.refused(InputError):
        shop.encrypt("x.csv", "y.csv", shop.schema(columns))


@pytest.mark.parametrize("header", [f'id,email,"note\n1,{C},{C}\n', f'"id,email,note\n{ROW}'])
def test_header_with_a_quote_that_never_ends_is_refused(shop, header):
    """A header without an end would take all rows with it."""
    shop.write("x.csv", header)
    with shop.refused(InputError):
        shop.encrypt("x.csv", "y.csv")


def test_record_longer_than_the_limit_is_refused_with_its_line(shop):
    """A quote that is never closed must not fill the memory."""
    shop.write("x.csv", HEAD + ROW + f'{C},"' + f"{C}\n" * 2000 + '",\n')
    with shop.refused(InputError, r"line 3\b"):
        shop.encrypt("x.csv", "y.csv", units=UnitSize(csv_bytes=256, longest=4096))


PLAIN = (HEAD + ROW * 50).encode()
PACKED = {
    "csv.gz": gzip.compress(PLAIN),
    "csv.zst": pa.compress(PLAIN, "zstd", asbytes=True),
    "csv.bz2": bz2.compress(PLAIN),
    "csv.xz": lzma.compress(PLAIN),
}


@pytest.mark.parametrize("suffix", PACKED)
@given(data=st.data())
def test_compressed_file_cut_off_anywhere_is_refused(bench, suffix, data):
    """A download that broke off is never taken for a shorter file."""
    whole = PACKED[suffix]
    cut = data.draw(st.one_of(st.integers(0, len(whole) - 1), st.just(len(whole) - 1)))
    source = bench.write(f"cut.{suffix}", whole[:cut])
    (bench.folder / "cut-out.csv").unlink(missing_ok=True)
    with bench.refused(InputError, f"cut.{suffix}"):
        bench.encrypt(source.name, "cut-out.csv")


@pytest.mark.parametrize("suffix", PACKED)
@pytest.mark.parametrize("change", ["checksum", "garbage"])
def test_compressed_file_that_is_damaged_is_refused(shop, suffix, change):
    """Checksums are checked, and what follows the end is not passed over."""
    whole = PACKED[suffix]
    damaged = {
        "checksum": whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:],
        "garbage": whole + b"garbage",
    }
    if (suffix, change) == ("csv.zst", "checksum"):
        damaged["checksum"] = whole[:20] + bytes([whole[20] ^ 0xFF]) + whole[21:]
    shop.write(f"x.{suffix}", damaged[change])
    with shop.refused(InputError, f"x.{suffix}"):
        shop.encrypt(f"x.{suffix}", "y.csv")


def test_decrypted_text_that_the_encoding_lacks_is_refused_by_its_place(shop):
    """Text that a file's encoding has no bytes for is the data's fault, not a bug."""
    shop.write("x.csv", "id,email,note\n1,€,€\n")
    shop.encrypt("x.csv", "y.csv")
    with shop.refused(InputError, "latin-1"):
        shop.decrypt("y.csv", "z.csv", shop.schema(csv={"encoding": "latin-1"}))


def test_stray_quote_in_a_long_header_is_refused_at_once(shop):
    """Looking for the header's end is one pass, however long it takes to find none."""
    shop.write("x.csv", 'id,5" pipe,name\n' + "1,2,3\n" * 300_000)
    started = time.process_time()
    with shop.refused(InputError, r"line 1\b"):
        shop.encrypt("x.csv", "y.csv")
    assert time.process_time() - started < 10  # it was minutes


def test_header_field_that_never_ends_is_refused_by_its_line(shop):
    """An unclosed quote in the header is bad input, whatever its length."""
    shop.write("x.csv", 'id,email,"note\n' + f"{C},{C},{C}\n" * 20_000)
    with shop.refused(InputError, r"line 1\b"):
        shop.encrypt("x.csv", "y.csv")
