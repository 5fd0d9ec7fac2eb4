"""A table cut by rows: parts are whole, within the limit, and lose nothing."""

import csv
import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.errors import InputError
from piienc.storage.hashing import HashingReader
from piienc.tables import CsvFormat
from piienc.tables.csv.parts import parts
from piienc.tables.csv.source import open_csv
from piienc.tables.streams import Decompressed

HEADER = "id,note\n"


def cut(data: bytes, limit: int, form: CsvFormat | None = None, name="x.csv"):
    """Return the parts of a CSV file, and the rows that each says it has."""
    table = open_csv(Decompressed(HashingReader(io.BytesIO(data)), name), name, form or CsvFormat())
    made = []
    for part in parts(table, name, limit):
        pieces = []
        while piece := part.read(7):
            pieces.append(piece)
        made.append((b"".join(pieces), part.rows))
    return made


def rows_of(data: bytes, encoding="utf-8"):
    return list(csv.reader(io.StringIO(data.decode(encoding), newline="")))


fields = st.text(st.sampled_from('ab,"\n\r é'), max_size=12)
tables = st.lists(st.tuples(fields, fields), max_size=30)


def written(rows, line_end="\n"):
    """Write rows as CSV, all quoted, so that a field may hold anything."""
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator=line_end).writerows(rows)
    return out.getvalue()


@given(tables, st.integers(80, 400), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_parts_hold_all_rows_in_order_each_with_the_header(rows, limit, line_end, ended):
    """Whatever the fields hold, line breaks in quotes among it, no row is torn or lost."""
    data = ("id,note" + line_end + written(rows, line_end)).encode()
    if not ended and rows:
        data = data.removesuffix(line_end.encode())
    made = cut(data, limit)
    assert all(len(part) <= limit for part, _ in made)
    assert [rows_of(part)[0] for part, _ in made] == [["id", "note"]] * len(made)
    back = [row for part, _ in made for row in rows_of(part)[1:]]
    assert back == [list(row) for row in rows]
    assert [count for _, count in made] == [len(rows_of(part)) - 1 for part, _ in made]


def test_parts_are_as_full_as_they_can_be():
    """A receiver gets no more files than it must."""
    rows = [f"{number:04d},x\n" for number in range(100)]
    made = cut((HEADER + "".join(rows)).encode(), len(HEADER) + 10 * len(rows[0]) + 3)
    assert [count for _, count in made] == [10] * 10


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("utf-8", ""), ("utf-8", "\ufeff"), ("latin-1", ""), ("shift_jis", ""), ("gb18030", "\ufeff")],
)
def test_limit_of_parts_is_exact_where_bytes_stay_as_they_are(encoding, mark):
    """The byte order mark counts, and so do characters in the file's own encoding."""
    letters = "表" if encoding in ("shift_jis", "gb18030") else "é"
    head, row = (mark + HEADER).encode(encoding), f"1,{letters}\n".encode(encoding)
    made = cut(head + 20 * row, len(head) + 5 * len(row), CsvFormat(encoding=encoding))
    assert made == [(head + 5 * row, 5)] * 4


def test_table_without_rows_is_one_part():
    """The header is worth sending."""
    assert cut(HEADER.encode(), 100) == [(HEADER.encode(), 0)]


def test_parts_keep_byte_order_mark_line_ends_and_encoding():
    """Each part is written as the whole was."""
    rows = "".join(f"{number};Zoë\r\n" for number in range(50))
    for encoding, mark in (("latin-1", b""), ("utf-8", b"\xef\xbb\xbf"), ("utf-16-le", b"")):
        data = mark + f"id;note\r\n{rows}".encode(encoding)
        made = cut(data, 120, CsvFormat(delimiter=";", encoding=encoding))
        head = mark + "id;note\r\n".encode(encoding)
        assert all(part.startswith(head) and len(part) <= 120 for part, _ in made)
        assert head + b"".join(part.removeprefix(head) for part, _ in made) == data


def test_parts_of_a_compressed_table_are_compressed():
    """A name that ends in .gz is a promise."""
    data = (HEADER + "".join(f"{number},x\n" for number in range(100))).encode()
    made = cut(gzip.compress(data), 200, name="x.csv.gz")
    plain = [gzip.decompress(part) for part, _ in made]
    assert HEADER.encode() + b"".join(p.removeprefix(HEADER.encode()) for p in plain) == data


def test_record_that_is_longer_than_a_part_is_refused_with_its_line():
    """It cannot be cut, and is not left out."""
    data = f"{HEADER}1,x\n2,{'y' * 300}\n3,z\n".encode()
    with pytest.raises(InputError, match="line 3: a record of this length alone"):
        cut(data, 100)


def test_quote_that_is_never_closed_is_refused_with_its_line():
    """The rest of the file would be one field, or be lost."""
    data = f'{HEADER}1,x\n2,"y\n3,z\n'.encode()
    with pytest.raises(InputError, match="line 3: a quoted field begins here and never ends"):
        cut(data, 100)


def test_parts_of_a_table_of_many_blocks_hold_all():
    """What is cut does not depend on how the file is read."""
    rows = "".join(f"{number},{'é' * 50}\n" for number in range(120_000))
    data = (HEADER + rows).encode()
    made = cut(data, 3_000_000)
    assert [len(part) <= 3_000_000 for part, _ in made] == [True] * 5
    head = HEADER.encode()
    assert head + b"".join(part.removeprefix(head) for part, _ in made) == data
