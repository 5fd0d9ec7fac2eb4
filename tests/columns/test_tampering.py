"""Whatever is done to a stored cell, it is refused, and its row named."""

from base64 import b64decode, b64encode, urlsafe_b64encode
from string import ascii_lowercase, ascii_uppercase, digits

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from piienc.columns import BadCells, ColumnCipher
from piienc.errors import AuthenticationError
from piienc.keys import Keyset, Mode, Prefix, generate

BASE64 = ascii_uppercase + ascii_lowercase + digits + "+/"
OTHER_CHARACTERS = "=\n \0-_.é"
KEYSETS = {(mode, prefix): generate(mode, prefix) for mode in Mode for prefix in Prefix}
KEYS = st.sampled_from(list(KEYSETS))
CELLS = st.binary(max_size=70)
VALUES = [b"", b"a", b"ab", b"abc", b"b" * 16, b"c" * 17, b"d" * 40]
both = pytest.mark.parametrize("key", list(KEYSETS), ids="-".join)


def column(key, *, text=True, context="email"):
    keyset = key if isinstance(key, Keyset) else KEYSETS[key]
    return ColumnCipher(keyset, context, text=text, label="email")


def stored(key, values, *, text=True):
    return column(key, text=text).encrypt(pa.array(values, pa.binary())).to_pylist()


def listed(rows):
    """How a message names rows, from 1."""
    named = ", ".join(str(row) for row in rows[:10])
    more = f" and {len(rows) - 10} more in the rows that follow" if len(rows) > 10 else ""
    return f"row{'s' * (len(rows) > 1)} {named}{more}"


def assert_refused(cipher, cells, rows):
    """The batch is refused as not authentic, with exactly these rows, from 1."""
    with pytest.raises(BadCells) as caught:
        cipher.decrypt(pa.array(cells, cells_type(cells)), text=False)
    error = caught.value.located(1)
    assert isinstance(error, AuthenticationError)
    assert str(error).startswith(f"email, {listed(rows)}: ")


def cells_type(cells):
    return pa.string() if any(isinstance(cell, str) for cell in cells) else pa.binary()


def assert_each_refused(cipher, good, forgeries):
    """Each forgery is refused on its own between good cells, and all of them together."""
    forgeries = [forgery for forgery in forgeries if forgery != good]
    for forgery in forgeries:
        assert_refused(cipher, [good, forgery, None, good], [2])
    mixed = [cell for forgery in forgeries for cell in (good, forgery)]
    assert_refused(cipher, mixed, list(range(2, len(mixed) + 1, 2)))


@both
@pytest.mark.parametrize("value", [b"", b"a", b"ab"], ids=["two", "one", "no padding"])
def test_cell_as_text_with_any_other_character_raises(key, value):
    """Every character at every place, the padding's too, is one that counts."""
    cipher, [good] = column(key), stored(key, [value])
    assert_each_refused(
        cipher,
        good,
        {
            good[:place] + other + good[place + 1 :]
            for place in range(len(good))
            for other in BASE64 + OTHER_CHARACTERS
        },
    )


@both
@pytest.mark.parametrize("value", VALUES[:4])
def test_cell_as_text_cut_or_extended_raises(key, value):
    """Nothing may be missing, doubled or stand around a cell, white space least of all."""
    cipher, [good] = column(key), stored(key, [value])
    cut = [good[:length] for length in range(len(good))] + [good[n:] for n in range(1, len(good))]
    extended = [good + more for more in ("=", "==", "A", "AAAA", "A===", "\n", "\r\n", " ", good)]
    around = ["\n" + good, " " + good, "\ufeff" + good, f'"{good}"', good[:4] + "\n" + good[4:]]
    assert_each_refused(cipher, good, [*cut, *extended, *around])


@both
@pytest.mark.parametrize("value", VALUES)
def test_cell_as_raw_bytes_with_a_flipped_bit_raises(key, value):
    """Every bit of prefix, IV, ciphertext and tag counts."""
    cipher, [good] = column(key, text=False), stored(key, [value], text=False)
    number = int.from_bytes(good, "big")
    flipped = [(number ^ 1 << bit).to_bytes(len(good), "big") for bit in range(8 * len(good))]
    assert_each_refused(cipher, good, flipped)


@both
@pytest.mark.parametrize("value", VALUES)
def test_cell_as_raw_bytes_cut_or_extended_raises(key, value):
    """A cell's length counts as well."""
    cipher, [good] = column(key, text=False), stored(key, [value], text=False)
    cut = [good[:length] for length in range(len(good))] + [good[n:] for n in range(1, len(good))]
    extended = [good + b"\0", b"\0" + good, good + good, good + bytes(16)]
    assert_each_refused(cipher, good, [*cut, *extended])


@both
@pytest.mark.parametrize("length", [511, 513, 1023, 1025, 5000])
def test_cell_long_with_a_changed_byte_raises(key, length):
    """The same on both sides of the length from which OpenSSL has a cell to itself."""
    cipher, [good] = column(key, text=False), stored(key, [b"x" * length], text=False)
    places = [0, 4, 5, 16, 17, len(good) // 2, len(good) - 17, len(good) - 16, len(good) - 1]
    changed = [good[:p] + bytes([good[p] ^ 0x40]) + good[p + 1 :] for p in places]
    assert_each_refused(cipher, good, [*changed, good[:-1], good + b"\0", good[:60]])


@given(key=KEYS, value=CELLS, data=st.data())
def test_cell_as_text_changed_at_random_raises(key, value, data):
    """The law behind the tables: any cell, any place, any other character."""
    cipher, [good] = column(key), stored(key, [value])
    place = data.draw(st.integers(0, len(good) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda c: c != good[place]))
    assert_refused(cipher, [good, good[:place] + other + good[place + 1 :]], [2])


@given(key=KEYS, text=st.text(max_size=100))
def test_cell_of_any_text_that_we_did_not_write_raises(key, text):
    """Plain text in a marked column is not taken for a cell."""
    good = stored(key, [b"value"])[0]
    assert_refused(column(key), [good, text, good], [2])


@given(key=KEYS, raw=CELLS)
def test_cell_of_any_bytes_that_we_did_not_write_raises(key, raw):
    """Neither are bytes, raw or as base64, with the right prefix or without."""
    prefix = KEYSETS[key].primary.output_prefix
    for cell in (raw, prefix + raw):
        assert_refused(column(key, text=False), [cell], [1])
        assert_refused(column(key), [b64encode(cell).decode()], [1])


@both
def test_cell_as_text_with_unused_bits_set_raises(key):
    """Base64 that decodes to the same bytes, but is not the one that we write, is refused."""
    padded = [cell for cell in stored(key, VALUES[:3]) if cell.endswith("=")]
    assert {cell.count("=") for cell in padded} == {1, 2}
    for good in padded:
        body, padding = good.rstrip("="), good[len(good.rstrip("=")) :]
        last = BASE64.index(body[-1])
        spare = range(1, 1 << 2 * len(padding))
        forged = [body[:-1] + BASE64[last + more] + padding for more in spare]
        assert {b64decode(cell) for cell in forged} == {b64decode(good)}
        assert_each_refused(column(key), good, forged)


@both
def test_cell_as_text_in_another_alphabet_raises(key):
    """URL-safe base64, or base64 without its padding, is not what we write."""
    cipher = column(key)
    for value in (b"value %d" % number for number in range(100)):
        good = stored(key, [value])[0]
        other = urlsafe_b64encode(b64decode(good)).decode()
        if other != good:
            assert_refused(cipher, [other], [1])
        if good.endswith("="):
            assert_refused(cipher, [good.rstrip("=")], [1])


@given(key=KEYS, values=st.lists(CELLS, min_size=1, max_size=9), a=st.text(), b=st.text())
def test_cells_moved_to_another_context_raise(key, values, a, b):
    """A cell belongs to its column: no other context opens it."""
    moved = column(key, context=a).encrypt(pa.array(values)).to_pylist()
    if a == b:
        assert column(key, context=b).decrypt(pa.array(moved), text=False).to_pylist() == values
    else:
        assert_refused(column(key, context=b), moved, list(range(1, len(values) + 1)))


@pytest.mark.parametrize(
    ("a", "b"),
    [("email", "Email"), ("email", "email "), ("", "\0"), ("", " "), ("a", "a\0"), ("\0" * 16, "")],
)
@both
def test_cells_moved_to_a_similar_context_raise(key, a, b):
    """Letter case, spaces and zeros count: contexts are compared as bytes."""
    moved = column(key, context=a).encrypt(pa.array(VALUES)).to_pylist()
    assert_refused(column(key, context=b), moved, list(range(1, len(VALUES) + 1)))


def with_id_of(keyset, other):
    """A keyset's key under the id of another's, so that the prefix fits."""
    key = replace(keyset.primary, key_id=other.primary_id)
    return Keyset(keyset.mode, key.key_id, (key,))


@both
def test_cells_of_another_key_raise(key):
    """A key opens its own cells only, be the prefix another's or the same."""
    cells = stored(key, VALUES)
    other = generate(*key)
    for keyset in (other, with_id_of(other, KEYSETS[key])):
        assert_refused(column(keyset), cells, list(range(1, len(VALUES) + 1)))


@pytest.mark.parametrize("prefix", Prefix)
@pytest.mark.parametrize("mode", Mode)
def test_cells_of_the_other_mode_raise(mode, prefix):
    """A searchable cell is no sealed one, under one key id as well."""
    [other] = [each for each in Mode if each is not mode]
    cells = stored((other, prefix), VALUES)
    keyset = with_id_of(generate(mode, prefix), KEYSETS[other, prefix])
    assert_refused(column(keyset), cells, list(range(1, len(VALUES) + 1)))


@both
def test_cells_in_the_other_form_of_storage_raise(key):
    """Raw bytes where base64 is expected are refused, and the other way round."""
    rows = list(range(1, len(VALUES) + 1))
    assert_refused(column(key, text=False), stored(key, VALUES, text=True), rows)
    assert_refused(column(key, text=True), stored(key, VALUES, text=False), rows)


@given(
    key=KEYS,
    values=st.lists(st.none() | CELLS, min_size=1, max_size=40),
    text=st.booleans(),
    data=st.data(),
)
def test_batch_with_bad_cells_names_their_rows_and_no_other(key, values, text, data):
    """Whichever cells are forged, however long they are: these rows are named."""
    cells = stored(key, values, text=text)
    present = [row for row, cell in enumerate(cells) if cell is not None]
    bad = sorted(data.draw(st.sets(st.sampled_from(present)))) if present else []
    for row in bad:
        raw = b64decode(cells[row]) if text else cells[row]
        raw = raw[:-1] + bytes([raw[-1] ^ data.draw(st.integers(1, 255))])
        cells[row] = b64encode(raw).decode() if text else raw
    cipher = column(key, text=text)
    if bad:
        assert_refused(cipher, cells, [row + 1 for row in bad])
    else:
        array = pa.array(cells, cells_type(cells))
        assert cipher.decrypt(array, text=False).to_pylist() == values


@both
def test_batch_with_cells_exchanged_decrypts_as_exchanged(key):
    """Within a column a cell is not bound to its row: that is not promised."""
    cells = stored(key, [b"first", b"second"])
    back = column(key).decrypt(pa.array(cells[::-1]), text=False)
    assert back.to_pylist() == [b"second", b"first"]


@both
def test_sliced_batch_with_a_bad_cell_counts_from_the_slice(key):
    """Rows count from the beginning of what was given."""
    cells = pa.array([*stored(key, VALUES), "forged", *stored(key, VALUES)])
    with pytest.raises(BadCells) as caught:
        column(key).decrypt(cells.slice(len(VALUES) - 1), text=False)
    assert str(caught.value.located(101)).startswith("email, row 102: ")
