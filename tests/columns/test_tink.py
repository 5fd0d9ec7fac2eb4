"""Google Tink as the second implementation, in both directions."""

import json
from base64 import b64decode, b64encode

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from piienc.columns import BadCells, ColumnCipher
from piienc.errors import AuthenticationError, KeyAccessError
from piienc.keys import Keyset, Mode, Prefix, Status, dump, generate, parse

MODES, PREFIXES = st.sampled_from(Mode), st.sampled_from(Prefix)
CELLS = st.lists(st.binary(max_size=80), min_size=1, max_size=12)
CONTEXTS = st.text(max_size=40)
LONG = [bytes([length % 256]) * length for length in (511, 512, 513, 1023, 1024, 1025, 70_000)]


class Tink:
    """A keyset as Tink has it."""

    def __init__(self, document):
        from tink import aead, daead, json_proto_keyset_format, secret_key_access

        aead.register()
        daead.register()
        handle = json_proto_keyset_format.parse(document, secret_key_access.TOKEN)
        if "AesSivKey" in document:
            siv = handle.primitive(daead.DeterministicAead)
            self.encrypt, self.decrypt = (
                siv.encrypt_deterministically,
                siv.decrypt_deterministically,
            )
        else:
            gcm = handle.primitive(aead.Aead)
            self.encrypt, self.decrypt = gcm.encrypt, gcm.decrypt


def made_by_tink(mode, prefix=Prefix.TINK):
    """A fresh keyset from Tink's own template, as JSON."""
    import tink
    from tink import aead, daead, json_proto_keyset_format, secret_key_access

    aead.register()
    daead.register()
    template = (
        daead.deterministic_aead_key_templates.AES256_SIV
        if mode is Mode.SEARCHABLE
        else aead.aead_key_templates.AES256_GCM
    )
    handle = tink.new_keyset_handle(template)
    document = json.loads(json_proto_keyset_format.serialize(handle, secret_key_access.TOKEN))
    document["key"][0]["outputPrefixType"] = prefix.value
    return json.dumps(document)


def column(keyset, context="email", *, text=True):
    return ColumnCipher(keyset, context, text=text, label="email")


def we_encrypt(keyset, cells, context, *, text=True):
    stored = column(keyset, context, text=text).encrypt(pa.array(cells, pa.binary())).to_pylist()
    return [b64decode(cell, validate=True) for cell in stored] if text else stored


def we_decrypt(keyset, stored, context, *, text=True):
    array = pa.array([b64encode(cell).decode() for cell in stored] if text else stored)
    return column(keyset, context, text=text).decrypt(array, text=False).to_pylist()


@given(mode=MODES, prefix=PREFIXES, cells=CELLS, context=CONTEXTS, text=st.booleans())
def test_tink_reads_every_cell_we_write(mode, prefix, cells, context, text):
    """A receiver with nothing but Tink and the keyset reads the column."""
    keyset = generate(mode, prefix)
    tink = Tink(dump(keyset))
    stored = we_encrypt(keyset, cells, context, text=text)
    assert [tink.decrypt(cell, context.encode()) for cell in stored] == cells


@given(mode=MODES, prefix=PREFIXES, cells=CELLS, context=CONTEXTS, text=st.booleans())
def test_tink_writes_cells_that_we_read(mode, prefix, cells, context, text):
    """A column written by Tink is read by us, by bulk and not cell by cell."""
    keyset = generate(mode, prefix)
    tink = Tink(dump(keyset))
    stored = [tink.encrypt(cell, context.encode()) for cell in cells]
    assert we_decrypt(keyset, stored, context, text=text) == cells


@pytest.mark.parametrize("prefix", Prefix)
@pytest.mark.parametrize("mode", Mode)
def test_tink_agrees_on_long_cells(mode, prefix):
    """The same holds on both sides of the length from which OpenSSL has a cell to itself."""
    keyset = generate(mode, prefix)
    tink = Tink(dump(keyset))
    stored = we_encrypt(keyset, LONG, "notes")
    assert [tink.decrypt(cell, b"notes") for cell in stored] == LONG
    assert we_decrypt(keyset, [tink.encrypt(cell, b"notes") for cell in LONG], "notes") == LONG


@given(prefix=PREFIXES, cells=CELLS, context=CONTEXTS)
def test_tink_searchable_cells_equal_ours(prefix, cells, context):
    """Deterministic encryption leaves no choice: both write the same bytes."""
    keyset = generate(Mode.SEARCHABLE, prefix)
    tink = Tink(dump(keyset))
    theirs = [tink.encrypt(cell, context.encode()) for cell in cells]
    assert we_encrypt(keyset, cells, context) == theirs


@given(mode=MODES, prefix=PREFIXES, cells=CELLS, context=CONTEXTS)
@settings(max_examples=25)
def test_tink_keyset_of_its_own_serves_us(mode, prefix, cells, context):
    """A keyset that Tink made parses here, and both sides read each other under it."""
    document = made_by_tink(mode, prefix)
    tink, keyset = Tink(document), parse(document)
    assert keyset.mode is mode
    assert we_decrypt(keyset, [tink.encrypt(c, context.encode()) for c in cells], context) == cells
    stored = we_encrypt(keyset, cells, context)
    assert [tink.decrypt(cell, context.encode()) for cell in stored] == cells


@pytest.mark.parametrize("mode", Mode)
def test_tink_reads_no_cell_of_another_context(mode):
    """The context is Tink's associated data, not a thing of our own."""
    from tink import TinkError

    keyset = generate(mode)
    [stored] = we_encrypt(keyset, [b"value"], "email")
    with pytest.raises(TinkError):
        Tink(dump(keyset)).decrypt(stored, b"phone")


@st.composite
def rotated(draw):
    """A keyset of several enabled keys, and the same with each of its keys as the primary."""
    mode = draw(MODES)
    prefixes = draw(st.lists(PREFIXES, min_size=2, max_size=4))
    keys = tuple(generate(mode, prefix).primary for prefix in prefixes)
    each = [Keyset(mode, key.key_id, keys) for key in keys]
    return draw(st.sampled_from(each)), each


@given(sets=rotated(), cells=CELLS)
def test_tink_keyset_rotated_reads_cells_of_all_keys(sets, cells):
    """Older enabled keys still decrypt, RAW and TINK ones mixed in one column, as in Tink."""
    current, each = sets
    tink = Tink(dump(current))
    ours = [cell for keyset in each for cell in we_encrypt(keyset, cells, "email")]
    theirs = [Tink(dump(keyset)).encrypt(cell, b"email") for keyset in each for cell in cells]
    mixed = [cell for pair in zip(ours, theirs, strict=True) for cell in pair]
    expected = [cell for cell in cells * len(each) for _ in range(2)]
    assert we_decrypt(current, mixed, "email") == expected
    assert [tink.decrypt(cell, b"email") for cell in mixed] == expected


@given(sets=rotated(), cells=CELLS)
def test_tink_keyset_rotated_encrypts_under_the_primary_alone(sets, cells):
    """New cells are the primary's: its owner reads them without the other keys."""
    current, _ = sets
    alone = Keyset(current.mode, current.primary_id, (current.primary,))
    stored = we_encrypt(current, cells, "email")
    assert [Tink(dump(alone)).decrypt(cell, b"email") for cell in stored] == cells
    assert all(cell.startswith(current.primary.output_prefix) for cell in stored)


def with_old(mode, status, prefix=Prefix.TINK):
    """A keyset of an old key alone, and a rotated one in which that key has a status."""
    old, new = generate(mode, prefix), generate(mode)
    key = replace(old.primary, status=status)
    return old, Keyset(mode, new.primary_id, (key, new.primary))


@pytest.mark.parametrize("mode", Mode)
def test_tink_cells_under_a_disabled_key_are_refused(mode):
    """A disabled key is named, with the rows that need it; Tink refuses the same cells."""
    from tink import TinkError

    old, current = with_old(mode, Status.DISABLED)
    stored = [Tink(dump(old)).encrypt(b"old", b"email"), *we_encrypt(current, [b"new"], "email")]
    assert we_decrypt(current, stored[1:], "email") == [b"new"]
    with pytest.raises(BadCells) as caught:
        we_decrypt(current, [stored[1], stored[0]], "email")
    error = caught.value.located(10)
    assert isinstance(error, KeyAccessError)
    assert str(error).startswith("email, row 11: ")
    assert str(old.primary_id) in str(error)
    with pytest.raises(TinkError):
        Tink(dump(current)).decrypt(stored[0], b"email")


@pytest.mark.parametrize("mode", Mode)
def test_tink_cells_under_a_disabled_raw_key_are_not_authentic(mode):
    """Without a prefix nothing tells whose cell it is: it is refused all the same."""
    old, current = with_old(mode, Status.DISABLED, Prefix.RAW)
    with pytest.raises(BadCells) as caught:
        we_decrypt(current, [Tink(dump(old)).encrypt(b"old", b"email")], "email")
    assert isinstance(caught.value.located(1), AuthenticationError)


@pytest.mark.parametrize("mode", Mode)
def test_tink_cell_of_another_version_is_not_taken_for_a_disabled_keys(mode):
    """A prefix is 01 and the id; with another first byte the id says nothing."""
    old, current = with_old(mode, Status.DISABLED)
    [stored] = we_encrypt(old, [b"old"], "email")
    with pytest.raises(BadCells) as caught:
        we_decrypt(current, [b"\x02" + stored[1:]], "email")
    assert isinstance(caught.value.located(1), AuthenticationError)


@pytest.mark.parametrize("mode", Mode)
def test_tink_key_enabled_again_decrypts_again(mode):
    """To disable a key loses nothing."""
    old, current = with_old(mode, Status.ENABLED)
    assert we_decrypt(current, we_encrypt(old, [b"old"], "email"), "email") == [b"old"]


@pytest.mark.parametrize("mode", Mode)
def test_tink_cells_of_a_key_that_is_gone_are_not_authentic(mode):
    """A cell whose key the set never had is refused as foreign."""
    stored = we_encrypt(generate(mode), [b"value"], "email")
    with pytest.raises(BadCells) as caught:
        we_decrypt(generate(mode), stored, "email")
    assert isinstance(caught.value.located(1), AuthenticationError)


@pytest.mark.parametrize("mode", Mode)
def test_tink_used_key_ids_are_those_that_served(mode):
    """A column tells which keys it encrypted and decrypted under, for the receipt."""
    old, current = with_old(mode, Status.ENABLED)
    cipher = column(current)
    assert cipher.used_key_ids == set()
    cipher.decrypt(column(old).encrypt(pa.array(["old"])), text=True)
    assert cipher.used_key_ids == {old.primary_id}
    cipher.encrypt(pa.array(["new"]))
    assert cipher.used_key_ids == {old.primary_id, current.primary_id}
