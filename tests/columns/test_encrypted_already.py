"""Nothing is encrypted twice."""

from base64 import b64encode

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from piienc.base.secret import SecretBytes
from piienc.columns import BadCells, ColumnCipher
from piienc.errors import PolicyError
from piienc.keys import Keyset, Mode, Prefix, Status, generate

PLAIN = ["ada@example.org", "", "grace@example.org"]
OVERHEAD = {Mode.SEARCHABLE: 5 + 16, Mode.SEALED: 5 + 12 + 16}
modes = pytest.mark.parametrize("mode", Mode)
texts = pytest.mark.parametrize("text", [True, False], ids=["base64", "raw"])


def column(keyset, *, text=True, context="email"):
    return ColumnCipher(keyset, context, text=text, label="email")


def with_old(mode, status, prefix=Prefix.TINK):
    """An old keyset, and a new one in which its key has a status."""
    old, new = generate(mode, prefix), generate(mode)
    material = SecretBytes(b"") if status is Status.DESTROYED else old.primary.material
    key = replace(old.primary, status=status, material=material)
    return old, Keyset(mode, new.primary_id, (key, new.primary))


def refused(cipher, cells):
    """The error for a batch that holds encrypted cells."""
    with pytest.raises(BadCells) as caught:
        cipher.encrypt(cells)
    error = caught.value.located(1)
    assert isinstance(error, PolicyError)
    return str(error)


@modes
@texts
@pytest.mark.parametrize("prefix", Prefix)
def test_column_encrypted_already_is_refused(mode, text, prefix):
    """To run encryption a second time is refused, with a TINK prefix or by trial."""
    keyset = generate(mode, prefix)
    cipher = column(keyset, text=text)
    once = cipher.encrypt(pa.array([None, *PLAIN]))
    message = refused(column(keyset, text=text), once)
    assert "encrypted already" in message
    assert message.startswith("email, row ")
    assert (str(keyset.primary_id) in message) is (prefix is Prefix.TINK)


@modes
@texts
@pytest.mark.parametrize("length", [0, 1, 600, 2000])
def test_cell_encrypted_already_among_plain_ones_is_refused(mode, text, length):
    """One encrypted cell in a plain column is found, wherever it stands."""
    cipher = column(generate(mode), text=text)
    kind = pa.string() if text else pa.binary()
    [cell] = cipher.encrypt(pa.array(["x" * length])).to_pylist()
    plain = pa.array(PLAIN * 20).cast(kind).to_pylist()
    batch = pa.array([*plain, None, cell, *plain], kind)
    assert refused(cipher, batch).startswith("email, row 62: ")
    assert refused(cipher, batch.slice(60)).startswith("email, row 2: ")


@modes
@texts
@pytest.mark.parametrize("status", Status)
def test_cell_under_any_key_of_the_set_is_refused(mode, text, status):
    """Cells of older keys count, disabled and destroyed ones included."""
    old, current = with_old(mode, status)
    once = column(old, text=text).encrypt(pa.array(PLAIN))
    assert f"under key id {old.primary_id}" in refused(column(current, text=text), once)


@modes
@texts
def test_cell_of_an_enabled_raw_key_beside_the_primary_is_refused(mode, text):
    """Where the primary has a prefix and an older key none, both ways are gone."""
    old, current = with_old(mode, Status.ENABLED, Prefix.RAW)
    once = column(old, text=text).encrypt(pa.array(PLAIN))
    assert "encrypted already" in refused(column(current, text=text), once)


@modes
@texts
def test_cell_of_another_column_is_refused(mode, text):
    """The prefix tells of the key, so a cell moved from another column is found too."""
    keyset = generate(mode)
    once = column(keyset, text=text, context="phone").encrypt(pa.array(PLAIN))
    assert "encrypted already" in refused(column(keyset, text=text), once)


@modes
@texts
def test_column_refused_counts_no_key_as_used(mode, text):
    """Nothing was encrypted, and nothing is said to be."""
    keyset = generate(mode)
    once = column(keyset, text=text).encrypt(pa.array(PLAIN))
    cipher = column(keyset, text=text)
    refused(cipher, once)
    assert cipher.used_key_ids == set()


def passes(cipher, cells):
    array = pa.array(cells)
    asked = array.type == pa.string()
    return cipher.decrypt(cipher.encrypt(array), text=asked).equals(array)


@modes
def test_text_that_looks_similar_is_encrypted(mode):
    """Text that begins like a cell's base64, but cannot be one, is a value like any other."""
    keyset = generate(mode)
    prefix, room = keyset.primary.output_prefix, OVERHEAD[mode] - 5
    begin = b64encode(prefix).decode()[:6]
    cell = column(keyset).encrypt(pa.array(["x"]))[0].as_py()
    similar = [
        begin,
        begin + "@example.org",
        begin + "A" * 200 + "!",
        begin + "A" * 201,
        b64encode(prefix).decode(),
        b64encode(prefix + bytes(room - 1)).decode(),
        b64encode(bytes([2]) + prefix[1:] + bytes(room)).decode(),
        b64encode(prefix[:4] + bytes([prefix[4] ^ 1]) + bytes(room)).decode(),
        "\n" + cell,
        cell + "\n",
        cell + " ",
        cell.rstrip("=") + "-",
        f"see {cell}",
    ]
    assert passes(column(keyset), similar)


@modes
def test_bytes_that_look_similar_are_encrypted(mode):
    """Bytes too short for a cell, or with another id, are values like any others."""
    keyset = generate(mode)
    prefix, room = keyset.primary.output_prefix, OVERHEAD[mode] - 5
    similar = [
        prefix[:4],
        prefix,
        prefix + bytes(room - 1),
        b"\x00" + prefix[1:] + bytes(room),
        b"\x02" + prefix[1:] + bytes(room),
        prefix[:4] + bytes([prefix[4] ^ 0x80]) + bytes(room),
        b" " + prefix + bytes(room),
    ]
    assert passes(column(keyset, text=False), similar)
    assert "row 2" in refused(
        column(keyset, text=False), pa.array([b"plain", prefix + bytes(room)])
    )


@modes
@texts
def test_cells_of_a_foreign_key_are_encrypted(mode, text):
    """What another set's key made is a value: this set knows nothing of it."""
    foreign = column(generate(mode), text=text).encrypt(pa.array(PLAIN))
    cipher = column(generate(mode), text=text)
    assert cipher.decrypt(cipher.encrypt(foreign), text=text).equals(foreign)


@given(
    mode=st.sampled_from(Mode),
    prefix=st.sampled_from(Prefix),
    text=st.booleans(),
    tail=st.binary(max_size=60),
)
def test_values_under_the_prefix_are_refused_exactly_from_a_cells_length_on(
    mode, prefix, text, tail
):
    """The border between a value and a cell is the shortest cell."""
    keyset = generate(mode, prefix)
    raw = b"\x01" + keyset.primary_id.to_bytes(4, "big") + tail
    value = b64encode(raw).decode() if text else raw
    cipher = column(keyset, text=text)
    if prefix is Prefix.TINK and len(raw) >= OVERHEAD[mode]:
        refused(cipher, pa.array([value]))
    else:
        assert passes(cipher, [value])


@modes
@texts
def test_column_encrypted_in_the_other_form_of_storage_is_refused(mode, text):
    """A cell is a cell, whether the schema now stores base64 or raw bytes."""
    keyset = generate(mode)
    once = column(keyset, text=not text).encrypt(pa.array(PLAIN))
    assert "encrypted already" in refused(column(keyset, text=text), once)
