"""What is written can be read: one limit for records, held on both sides."""

from __future__ import annotations

import gzip

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet as pq

from piienc.errors import InputError
from piienc.tables import UnitSize

LIMIT = 4096
SIZE = UnitSize(csv_bytes=512, longest=LIMIT)
LENGTHS = st.lists(st.integers(0, LIMIT), min_size=1, max_size=4)


def passes(act):
    """Whether it is not refused."""
    try:
        act()
    except InputError:
        return False
    return True


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "parquet"])
@given(lengths=LENGTHS, sealed=st.booleans())
def test_what_encrypts_decrypts(bench, suffix, lengths, sealed):
    """A record is refused before it is written, or else it comes back."""
    key = "seal" if sealed else "look"
    schema = bench.schema({"id": {"type": "string"}, "v": {"type": "string", "encrypt": key}})
    plain, between, back = (f"{name}.{suffix}" for name in ("plain", "between", "back"))
    table = pa.table({"id": [str(n) for n in range(len(lengths))], "v": ["x" * n for n in lengths]})
    if suffix == "parquet":
        pq.write_table(table, bench.folder / plain)
    else:
        rows = zip(table["id"].to_pylist(), table["v"].to_pylist(), strict=True)
        data = "id,v\n" + "".join(f"{n},{value or chr(34) * 2}\n" for n, value in rows)
        bench.write(plain, gzip.compress(data.encode()) if suffix.endswith("gz") else data)
    fits = passes(lambda: bench.encrypt(plain, between, schema, units=SIZE))
    grown = max(lengths) * 4 // 3
    if fits:
        bench.decrypt(between, back, schema, units=SIZE)
        assert grown <= LIMIT
    else:
        assert grown > LIMIT - 100  # id, delimiters, key id, IV and tag


def test_record_that_grows_too_long_is_refused_with_its_line(shop):
    """It would be read again by nobody."""
    shop.write("x.csv", "id,email,note\n1,a,b\n" + f"2,{'x' * 3900},\n" + "3,a,b\n")
    with shop.refused(InputError, r"x.csv: line 3: ", "4,096 bytes when it is written"):
        shop.encrypt("x.csv", "y.csv", units=SIZE)


def test_row_that_grows_too_long_is_refused_with_its_number(shop):
    """A row of Parquet has the same limit."""
    rows = {"id": ["1", "2", "3"], "email": ["a", "x" * 3900, "b"], "note": [None] * 3}
    pq.write_table(pa.table(rows), shop.folder / "x.parquet")
    with shop.refused(InputError, r"x.parquet, row 2: longer than 4,096 bytes when it is written"):
        shop.encrypt("x.parquet", "y.parquet", units=SIZE)


def test_decrypted_record_that_grows_too_long_is_refused(shop):
    """Quotes double where a value is text again: another program may have encrypted it so."""
    schema = shop.schema()
    value = '"' * 2600
    shop.write("x.csv", f'id,email,note\n1,"{value.replace(chr(34), chr(34) * 2)}",\n')
    shop.encrypt("x.csv", "y.csv", schema, units=UnitSize(longest=1 << 20))
    with shop.refused(InputError, "y.csv: line 2: "):
        shop.decrypt("y.csv", "z.csv", schema, units=SIZE)
