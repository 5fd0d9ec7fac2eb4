"""What holds for a column, whatever stands in it."""

import random
import sys
import threading
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import example, given, settings
from hypothesis import strategies as st

from piienc.columns import BadCells, ColumnCipher
from piienc.errors import InputError
from piienc.keys import Keyset, Mode, Prefix, generate

KEYSETS = {(mode, prefix): generate(mode, prefix) for mode in Mode for prefix in Prefix}
KINDS = [pa.string(), pa.large_string(), pa.binary(), pa.large_binary()]
TEXTS = st.lists(st.none() | st.text(max_size=60), max_size=30)
BYTES = st.lists(st.none() | st.binary(max_size=80), max_size=30)
OVERHEAD = {
    (Mode.SEARCHABLE, Prefix.TINK): 5 + 16,
    (Mode.SEARCHABLE, Prefix.RAW): 16,
    (Mode.SEALED, Prefix.TINK): 5 + 12 + 16,
    (Mode.SEALED, Prefix.RAW): 12 + 16,
}


def column(mode, prefix=Prefix.TINK, *, text=True, context="email"):
    return ColumnCipher(KEYSETS[mode, prefix], context, text=text, label="email")


def is_text(kind):
    return kind in (pa.string(), pa.large_string())


def is_large(kind):
    return kind in (pa.large_string(), pa.large_binary())


def stored_type(kind, *, text):
    """The type of the cells that a column of some type is encrypted to."""
    return KINDS[is_large(kind) + 2 * (not text)]


@st.composite
def arrays(draw):
    """An array of one of the four types, with nulls and empty cells."""
    kind = draw(st.sampled_from(KINDS))
    return pa.array(draw(TEXTS if is_text(kind) else BYTES), kind)


columns = st.builds(
    column,
    st.sampled_from(Mode),
    st.sampled_from(Prefix),
    text=st.booleans(),
    context=st.text(max_size=20),
)


@given(cipher=columns, array=arrays())
@example(cipher=column(Mode.SEARCHABLE), array=pa.array([""]))
@example(cipher=column(Mode.SEALED), array=pa.array([None, "", None, "\0"]))
def test_column_encrypted_decrypts_to_itself(cipher, array):
    """Text, bytes, null and empty come back as the type they had."""
    stored = cipher.encrypt(array)
    stored.validate(full=True)
    assert [c.is_valid for c in stored] == [c.is_valid for c in array]
    back = cipher.decrypt(stored, text=is_text(array.type))
    back.validate(full=True)
    assert back.type == array.type
    assert back.equals(array)


@given(array=arrays(), text=st.booleans(), key=st.sampled_from(list(KEYSETS)))
def test_column_encrypted_has_the_promised_form(array, text, key):
    """Base64 of RFC 4648 or raw bytes, of the promised length, with the key's prefix."""
    stored = column(*key, text=text).encrypt(array)
    assert stored.type == stored_type(array.type, text=text)
    plain = [
        None if c is None else c.encode() if isinstance(c, str) else c for c in array.to_pylist()
    ]
    for cell, value in zip(stored.to_pylist(), plain, strict=True):
        assert (cell is None) == (value is None)
        if cell is not None:
            raw = b64decode(cell, validate=True) if text else cell
            assert len(raw) == len(value) + OVERHEAD[key]
            assert raw.startswith(KEYSETS[key].primary.output_prefix)


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("text", [True, False])
@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("cells", [[], [None], [None] * 9])
def test_column_without_values_keeps_length_and_type(cells, mode, text, kind):
    """An empty batch and one of nulls alone pass in both directions."""
    cipher, array = column(mode, text=text), pa.array(cells, kind)
    stored = cipher.encrypt(array)
    assert stored.type == stored_type(kind, text=text)
    assert stored.to_pylist() == cells
    back = cipher.decrypt(stored, text=is_text(kind))
    assert back.type == kind
    assert back.to_pylist() == cells


@given(
    mode=st.sampled_from(Mode),
    text=st.booleans(),
    lengths=st.lists(st.integers(0, 100_000), min_size=1, max_size=3),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=15)
def test_column_of_long_cells_decrypts_to_itself(mode, text, lengths, seed):
    """Length is no limit, and long cells stand beside short ones."""
    made = random.Random(seed)  # noqa: S311
    array = pa.array([b"", *(made.randbytes(length) for length in lengths), None, b"short"])
    cipher = column(mode, text=text)
    assert cipher.decrypt(cipher.encrypt(array), text=False).equals(array)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("edge", [16, 256, 512, 1024, 65_536, 100_000])
def test_column_around_an_edge_of_length_decrypts_to_itself(mode, edge):
    """Where the way of sorting or the kernel changes with length, nothing else does."""
    made = random.Random(edge)  # noqa: S311
    lengths = [edge - 2, edge - 1, edge, edge + 1, edge + 2, 3, 0, edge // 2]
    array = pa.array([made.randbytes(length) for length in lengths])
    cipher = column(mode)
    assert cipher.decrypt(cipher.encrypt(array), text=False).equals(array)
    if mode is Mode.SEARCHABLE:
        alone = [cipher.encrypt(array.slice(row, 1))[0].as_py() for row in range(len(array))]
        assert cipher.encrypt(array).to_pylist() == alone


@given(array=arrays(), text=st.booleans(), data=st.data())
def test_searchable_sliced_gives_the_same_cells(array, text, data):
    """A slice's cells are the slice of the cells, nulls and offsets included."""
    begin = data.draw(st.integers(0, len(array)))
    length = data.draw(st.integers(0, len(array) - begin))
    cipher = column(Mode.SEARCHABLE, text=text)
    whole = cipher.encrypt(array)
    part = cipher.encrypt(array.slice(begin, length))
    assert part.equals(whole.slice(begin, length))
    back = cipher.decrypt(whole.slice(begin, length), text=is_text(array.type))
    assert back.equals(array.slice(begin, length))


@given(array=arrays(), cuts=st.lists(st.integers(0, 30), max_size=5))
def test_searchable_chunked_gives_the_same_cells(array, cuts):
    """Where a column is cut into batches has no influence on its cells."""
    cipher = column(Mode.SEARCHABLE)
    edges = [0, *sorted(min(cut, len(array)) for cut in cuts), len(array)]
    chunks = [cipher.encrypt(array.slice(a, b - a)) for a, b in pairwise(edges)]
    assert pa.concat_arrays(chunks).equals(cipher.encrypt(array))


@given(array=arrays(), data=st.data(), text=st.booleans())
def test_sealed_sliced_decrypts_to_the_slice(array, data, text):
    """Slicing before or after encryption comes to the same values."""
    begin = data.draw(st.integers(0, len(array)))
    cipher = column(Mode.SEALED, text=text)
    kept = array.slice(begin)
    asked = is_text(array.type)
    assert cipher.decrypt(cipher.encrypt(kept), text=asked).equals(kept)
    assert cipher.decrypt(cipher.encrypt(array).slice(begin), text=asked).equals(kept)


def test_column_with_bytes_under_its_nulls_never_stores_them():
    """What Arrow leaves behind a null's validity bit does not pass into the output."""
    offsets = pa.py_buffer(b"".join(n.to_bytes(4, "little") for n in (0, 6, 12, 18)))
    data, valid = pa.py_buffer(b"firstxsecretlastxx"), pa.py_buffer(b"\x05")
    array = pa.Array.from_buffers(pa.string(), 3, [valid, offsets, data])
    assert array.to_pylist() == ["firstx", None, "lastxx"]
    for mode in Mode:
        cipher = column(mode, text=False)
        stored = cipher.encrypt(array)
        assert stored.buffers()[1].size >= 16
        assert stored.fill_null(b"")[1].as_py() == b""
        assert b"secret" not in stored.buffers()[2].to_pybytes()
        assert len(stored.buffers()[2]) == 2 * (6 + OVERHEAD[mode, Prefix.TINK])
        assert cipher.decrypt(stored, text=True).equals(array)


@given(values=st.lists(st.text(max_size=6), max_size=30), text=st.booleans())
def test_searchable_cells_are_equal_exactly_where_values_are(values, text):
    """Encrypted columns can be joined: equality is kept, both ways."""
    stored = column(Mode.SEARCHABLE, text=text).encrypt(pa.array(values, pa.string())).to_pylist()
    assert len(set(stored)) == len(set(values))
    assert len(set(zip(values, stored, strict=True))) == len(set(values))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_searchable_cells_are_the_same_for_every_arrow_type(kind):
    """A value's bytes are encrypted, whatever array they come in."""
    values = ["ada", None, "", "grace@example.org"]
    plain = values if is_text(kind) else [v if v is None else v.encode() for v in values]
    cipher = column(Mode.SEARCHABLE)
    assert (
        cipher.encrypt(pa.array(plain, kind)).to_pylist()
        == cipher.encrypt(pa.array(values)).to_pylist()
    )


def test_searchable_text_and_raw_bytes_are_one_ciphertext():
    """The two forms of storage differ by base64 alone."""
    array = pa.array(["ada", "", "x" * 2000])
    raw = column(Mode.SEARCHABLE, text=False).encrypt(array).to_pylist()
    armored = column(Mode.SEARCHABLE, text=True).encrypt(array).to_pylist()
    assert [b64decode(cell, validate=True) for cell in armored] == raw


@given(value=st.binary(max_size=600), text=st.booleans())
@settings(max_examples=20)
def test_sealed_cells_of_equal_values_differ(value, text):
    """Nobody sees from sealed cells which of them hold the same value."""
    cipher = column(Mode.SEALED, text=text)
    array = pa.array([value] * 50)
    stored = cipher.encrypt(array).to_pylist() + cipher.encrypt(array).to_pylist()
    assert len(set(stored)) == 100


def test_sealed_ivs_of_a_large_column_are_all_different():
    """Each cell gets an IV of its own, long ones that OpenSSL encrypts too."""
    cipher = column(Mode.SEALED, text=False)
    array = pa.array([b"value"] * 20_000 + [b"long" * 500] * 100)
    ivs = {cell[5:17] for cell in cipher.encrypt(array).to_pylist()}
    assert len(ivs) == 20_100


def test_column_decrypted_that_is_no_text_names_its_rows():
    """What another program has encrypted may be no text: said so, not passed on."""
    cipher = column(Mode.SEARCHABLE)
    stored = cipher.encrypt(pa.array([b"ada", b"\xff\xfe", None, b"\xc3", "é".encode()]))
    with pytest.raises(BadCells) as caught:
        cipher.decrypt(stored, text=True)
    error = caught.value.located(1)
    assert isinstance(error, InputError)
    assert str(error) == "email, rows 2, 4: decrypted, but no UTF-8 text"
    assert cipher.decrypt(stored, text=False)[1].as_py() == b"\xff\xfe"


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 33, 511, 513, 1023, 1025, 3000])
def test_column_decrypted_that_is_no_text_is_found_in_cells_of_any_length(mode, length):
    """One byte that is no UTF-8, at either end or in the middle, among ASCII and real text."""
    cipher = column(mode)
    for place in {0, length // 2, length - 1}:
        bad = b"a" * place + b"\x80" + b"a" * (length - 1 - place)
        stored = cipher.encrypt(pa.array([b"ascii", "é".encode(), None, bad, b"a" * length]))
        with pytest.raises(BadCells) as caught:
            cipher.decrypt(stored, text=True)
        assert str(caught.value.located(1)).startswith("email, row 4: decrypted, but")


@pytest.mark.parametrize("mode", Mode)
def test_column_of_several_keys_that_is_no_text_names_its_rows(mode):
    """Whichever of the keys a cell is under, it has to be text."""
    keys = tuple(generate(mode).primary for _ in range(3))
    sets = [Keyset(mode, key.key_id, keys) for key in keys]
    columns = [ColumnCipher(each, "email", text=True, label="email") for each in sets]
    for odd in range(3):
        values = [b"\xff" if number == odd else b"ascii" for number in range(3)]
        stored = [c.encrypt(pa.array([v]))[0] for c, v in zip(columns, values, strict=True)]
        with pytest.raises(BadCells) as caught:
            columns[0].decrypt(pa.array([cell.as_py() for cell in stored]), text=True)
        assert str(caught.value.located(1)).startswith(f"email, row {odd + 1}: decrypted, but")


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("length", [1, 8, 256, 513, 2000])
def test_column_of_text_beyond_ascii_decrypts_to_itself(mode, length):
    """Letters of two, three and four bytes, across the borders of blocks."""
    array = pa.array(["é" * length, "a" + "語" * length, "🔑" * length, None, "ascii"])
    cipher = column(mode)
    assert cipher.decrypt(cipher.encrypt(array), text=True).equals(array)


def test_column_of_text_split_inside_a_letter_is_no_text():
    """Each cell is UTF-8 on its own: two halves of a letter in two cells are not."""
    cipher = column(Mode.SEARCHABLE)
    stored = cipher.encrypt(pa.array([b"\xc3", b"\xa9"]))
    with pytest.raises(BadCells) as caught:
        cipher.decrypt(stored, text=True)
    assert "rows 1, 2" in str(caught.value.located(1))


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("text", [True, False])
def test_column_used_by_many_threads_at_once_gives_right_results(mode, text):
    """One cipher serves all threads, from its very first batch."""
    cipher = column(mode, text=text, context="threads")
    made = random.Random(8)  # noqa: S311
    batches = [
        pa.array([made.choice([None, made.randbytes(made.randrange(200))]) for _ in range(300)])
        for _ in range(16)
    ]
    start = threading.Barrier(8)

    def work(number):
        if number < 8:
            start.wait(timeout=30)
        stored = cipher.encrypt(batches[number])
        return stored, cipher.decrypt(stored, text=False)

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(work, range(len(batches))))
    assert [back.equals(batch) for (_, back), batch in zip(done, batches, strict=True)] == [
        True
    ] * len(batches)
    alone = column(mode, text=text, context="threads")
    for (stored, _), batch in zip(done, batches, strict=True):
        assert alone.decrypt(stored, text=False).equals(batch)
        if mode is Mode.SEARCHABLE:
            assert alone.encrypt(batch).equals(stored)


def test_column_that_refuses_in_one_thread_serves_the_others():
    """A forged batch does not disturb what other threads decrypt."""
    cipher = column(Mode.SEARCHABLE, context="threads")
    good = pa.array([f"value {n}" for n in range(500)])
    stored = cipher.encrypt(good)
    forged = pa.array([*stored.to_pylist()[:-1], "AAAA"])

    def work(number):
        try:
            return cipher.decrypt(forged if number % 2 else stored, text=True).equals(good)
        except BadCells as bad:
            return str(bad.located(1)).partition(":")[0]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(40))) == [True, "email, row 500"] * 20


@pytest.mark.parametrize("mode", list(Mode), ids=str)
def test_long_context_is_no_trouble(mode):
    """The length of a context is bounded by nothing but sense."""
    cipher = ColumnCipher(generate(mode), "c" * 20_000, text=True, label="column")
    cells = pa.array(["a", None, "b" * 40])
    assert cipher.decrypt(cipher.encrypt(cells), text=True).equals(cells)


def test_sealed_cells_of_threads_that_begin_together_are_authentic_to_openssl():
    """Also where the cells are of lengths that no thread has met before."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(12):
            keyset = generate(Mode.SEALED)
            cipher = ColumnCipher(keyset, "threads", text=False, label="a")
            batch = pa.array([bytes(length) for length in range(0, 512, 16)])
            with ThreadPoolExecutor(4) as pool:
                sealed = list(pool.map(cipher.encrypt, [batch] * 4))
            openssl = AESGCM(keyset.primary.material.reveal())
            for cell in (cell for made in sealed for cell in made.to_pylist()):
                openssl.decrypt(cell[5:17], cell[17:], b"threads")
    finally:
        sys.setswitchinterval(interval)
