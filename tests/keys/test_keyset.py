from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.base.secret import SecretBytes
from piienc.errors import KeyAccessError
from piienc.keys import Key, Keyset, Mode, Prefix, Status, generate


def _key(key_id=1, size=32, status=Status.ENABLED, prefix=Prefix.TINK):
    return Key(key_id, SecretBytes(b"k" * size), status, prefix)


@pytest.mark.parametrize(("mode", "size"), [(Mode.SEARCHABLE, 64), (Mode.SEALED, 32)])
def test_generate_mode_makes_one_enabled_key_of_its_size(mode, size):
    """A fresh keyset has one enabled primary key as long as the mode needs."""
    keyset = generate(mode)
    assert keyset.keys == (keyset.primary,) == keyset.enabled
    assert len(keyset.primary.material) == size
    assert 1 <= keyset.primary_id < 2**32
    assert keyset.primary.prefix is Prefix.TINK


def test_generate_twice_makes_different_keys():
    """No two keysets share material or id."""
    first, second = generate(Mode.SEALED), generate(Mode.SEALED)
    assert first.primary.material != second.primary.material
    assert first.primary_id != second.primary_id


@pytest.mark.parametrize(("drawn", "key_id"), [(0, 1), (-1, 2**32 - 1)])
def test_generate_any_drawn_number_makes_a_possible_id(monkeypatch, drawn, key_id):
    """Tink's ids are 1 to 2^32-1: the least and the most that can be drawn are among them."""
    monkeypatch.setattr("secrets.randbelow", lambda count: range(count)[drawn])
    assert generate(Mode.SEALED).primary_id == key_id


def test_output_prefix_tink_is_version_and_big_endian_id():
    """A TINK key's cells begin with 0x01 and the id."""
    assert _key(0x01020304).output_prefix == b"\x01\x01\x02\x03\x04"


def test_fingerprint_is_of_the_material_alone():
    """A state folder has counted cells by it: it must never change."""
    first, again = _key(key_id=1), _key(key_id=2, prefix=Prefix.RAW)
    expected = hashlib.sha256(b"piienc: which key\0" + b"k" * 32).hexdigest()[:32]
    assert first.fingerprint == again.fingerprint == expected
    assert _key(size=64).fingerprint != expected


def test_output_prefix_raw_is_empty():
    """A RAW key's cells begin with nothing."""
    assert _key(prefix=Prefix.RAW).output_prefix == b""


def test_enabled_keys_of_all_statuses_leaves_out_the_others():
    """Only enabled keys may decrypt."""
    keys = (_key(1), _key(2, status=Status.DISABLED), _key(3, 0, Status.DESTROYED), _key(4))
    keyset = Keyset(Mode.SEALED, 4, keys)
    assert [key.key_id for key in keyset.enabled] == [1, 4]
    assert keyset.primary is keys[3]


@pytest.mark.parametrize(
    ("mode", "primary", "keys", "problem"),
    [
        (Mode.SEALED, 1, (), "no key"),
        (Mode.SEALED, 0, (_key(0),), "not in 1"),
        (Mode.SEALED, 2**32, (_key(2**32),), "not in 1"),
        (Mode.SEALED, -1, (_key(-1),), "not in 1"),
        (Mode.SEALED, 1, (_key(1), _key(1)), "two keys"),
        (Mode.SEALED, 2, (_key(1),), "missing"),
        (Mode.SEALED, 1, (_key(status=Status.DISABLED),), "not enabled"),
        (Mode.SEALED, 1, (_key(size=0, status=Status.DESTROYED),), "not enabled"),
        (Mode.SEALED, 1, (_key(size=64),), "has 64 bytes, not 32 or 16"),
        (Mode.SEALED, 1, (_key(size=24),), "has 24 bytes, not 32 or 16"),
        (Mode.SEARCHABLE, 1, (_key(size=32),), "has 32 bytes, not 64"),
        (Mode.SEALED, 1, (_key(1), _key(2, 0)), "has 0 bytes"),
        (Mode.SEALED, 1, (_key(1), _key(2, 32, Status.DESTROYED)), "has 32 bytes, not 0"),
    ],
)
def test_keyset_not_valid_is_refused(mode, primary, keys, problem):
    """A keyset that cannot be used as it stands is never made."""
    with pytest.raises(KeyAccessError, match=problem):
        Keyset(mode, primary, keys)


def test_encryption_key_aes_128_is_refused():
    """A 16-byte key reads old cells and writes none."""
    keyset = Keyset(Mode.SEALED, 1, (_key(size=16),))
    with pytest.raises(KeyAccessError, match="decrypt only"):
        _ = keyset.encryption_key


@pytest.mark.parametrize("mode", Mode)
def test_encryption_key_full_size_is_the_primary(mode):
    """A key of full size may encrypt."""
    keyset = generate(mode)
    assert keyset.encryption_key is keyset.primary


@given(st.from_type(Keyset))
def test_facts_any_keyset_leave_out_nothing_but_material(keyset):
    """The facts name every key, its status, its prefix and its size."""
    facts = keyset.facts
    assert (facts.mode, facts.primary_id) == (keyset.mode, keyset.primary_id)
    for fact, key in zip(facts.keys, keyset.keys, strict=True):
        shown = (fact.key_id, fact.status, fact.prefix, fact.bits)
        assert shown == (key.key_id, key.status, key.prefix, 8 * len(key.material))


@pytest.mark.parametrize("show", [repr, str, lambda keyset: repr(keyset.facts)])
def test_keyset_shown_hides_its_material(show):
    """Neither repr nor str of a keyset holds key bytes."""
    keyset = Keyset(Mode.SEALED, 1, (_key(),))
    assert "kkk" not in show(keyset)
