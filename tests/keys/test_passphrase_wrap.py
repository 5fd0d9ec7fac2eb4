from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.base.secret import SecretBytes
from piienc.errors import KeyAccessError
from piienc.keys import (
    Keyset,
    Mode,
    dump,
    generate,
)
from piienc.keys.text import encode_base64
from piienc.keys.wraps.passphrase import (
    CHEAPEST_FOR_TESTS_ONLY,
    MAX_ITERATIONS,
    MAX_LANES,
    MAX_MEMORY_KIB,
    RFC_9106_LOW_MEMORY,
    Argon2Profile,
    facts,
    recognizes,
    unwrap,
    wrap,
)

PASSPHRASE = SecretBytes(b"open sesame")
KEYSET = generate(Mode.SEALED)
WRAPPED = wrap(KEYSET, PASSPHRASE, CHEAPEST_FOR_TESTS_ONLY)
PASSPHRASES = st.binary(min_size=1, max_size=80).map(SecretBytes)


@given(st.from_type(Keyset), PASSPHRASES)
def test_wrap_then_unwrap_any_keyset_is_identity(keyset, passphrase):
    """Any keyset comes back under any passphrase."""
    document = wrap(keyset, passphrase, CHEAPEST_FOR_TESTS_ONLY)
    assert unwrap(document, passphrase) == keyset


def test_wrap_default_profile_is_the_second_choice_of_rfc_9106():
    """Unless told otherwise, a guess costs 3 passes over 64 MiB."""
    document = wrap(KEYSET, PASSPHRASE)
    kdf = json.loads(document)["kdf"]
    assert (kdf["iterations"], kdf["lanes"], kdf["memory_kib"]) == (3, 4, 65536)
    assert unwrap(document, PASSPHRASE) == KEYSET


@given(st.from_type(Keyset))
def test_facts_of_any_keyset_gives_its_facts(keyset):
    """What may be shown needs no passphrase."""
    document = wrap(keyset, PASSPHRASE, CHEAPEST_FOR_TESTS_ONLY)
    assert recognizes(document)
    assert facts(document) == keyset.facts


def test_wrap_twice_gives_different_salt_nonce_and_ciphertext():
    """Nothing random is used twice."""
    first, second = (
        json.loads(wrap(KEYSET, PASSPHRASE, CHEAPEST_FOR_TESTS_ONLY)) for _ in range(2)
    )
    assert first["kdf"]["salt"] != second["kdf"]["salt"]
    assert first["cipher"]["nonce"] != second["cipher"]["nonce"]
    assert first["ciphertext"] != second["ciphertext"]


def test_wrap_document_holds_no_key_in_clear():
    """The wrapped document does not contain the Tink keyset's value."""
    value = json.loads(dump(KEYSET))["key"][0]["keyData"]["value"]
    assert value not in WRAPPED
    assert value[:12] not in WRAPPED


def test_wrap_empty_passphrase_is_refused():
    """An empty passphrase is a mistake, such as an empty variable."""
    with pytest.raises(KeyAccessError, match="passphrase is empty"):
        wrap(KEYSET, SecretBytes(b""), CHEAPEST_FOR_TESTS_ONLY)


@given(PASSPHRASES)
def test_unwrap_other_passphrase_does_not_open(passphrase):
    """No other passphrase opens it."""
    if passphrase != PASSPHRASE:
        with pytest.raises(KeyAccessError, match="passphrase does not open"):
            unwrap(WRAPPED, passphrase)


def test_unwrap_empty_passphrase_does_not_open():
    """Nor does none at all."""
    with pytest.raises(KeyAccessError, match="passphrase does not open"):
        unwrap(WRAPPED, SecretBytes(b""))


@given(st.integers(0, 8 * len(WRAPPED.encode()) - 1))
def test_unwrap_document_with_a_flipped_bit_is_refused(position):
    """Every bit of the document counts."""
    changed = bytearray(WRAPPED.encode())
    changed[position // 8] ^= 1 << position % 8
    with pytest.raises(KeyAccessError):
        unwrap(changed.decode("utf-8", "replace"), PASSPHRASE)


@given(st.integers(0, len(WRAPPED) - 1), st.characters(max_codepoint=127))
def test_unwrap_document_with_another_character_is_refused_or_says_the_same(position, character):
    """Only white space between the members may differ."""
    changed = WRAPPED[:position] + character + WRAPPED[position + 1 :]
    try:
        keyset = unwrap(changed, PASSPHRASE)
    except KeyAccessError:
        return
    assert json.loads(changed) == json.loads(WRAPPED)
    assert keyset == KEYSET


def _changed(*path, to):
    document = json.loads(WRAPPED)
    place = document
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = to
    return json.dumps(document)


AUTHENTICATED = {
    "another mode": (("keyset", "mode"), "searchable"),
    "another primary": (("keyset", "primary_id"), 1),
    "another status": (("keyset", "keys", 0, "status"), "DISABLED"),
    "another prefix": (("keyset", "keys", 0, "prefix"), "RAW"),
    "other bits": (("keyset", "keys", 0, "bits"), 128),
    "no keys": (("keyset", "keys"), []),
    "an unknown member": (("note",), "unknown"),
    "an unknown member inside": (("kdf", "note"), "unknown"),
    "another cost": (("kdf", "iterations"), 2),
    "another salt": (("kdf", "salt"), encode_base64(bytes(16))),
    "another nonce": (("cipher", "nonce"), encode_base64(bytes(12))),
    "a cut ciphertext": (("ciphertext",), encode_base64(bytes(16))),
    "no ciphertext": (("ciphertext",), ""),
}


@pytest.mark.parametrize(("path", "value"), AUTHENTICATED.values(), ids=AUTHENTICATED)
def test_unwrap_well_formed_change_does_not_open(path, value):
    """What the document says of itself is authenticated with the ciphertext."""
    with pytest.raises(KeyAccessError, match="or the file was changed"):
        unwrap(_changed(*path, to=value), PASSPHRASE)


MALFORMED = {
    "version": (("version",), 2),
    "version as a boolean": (("version",), True),
    "version as a string": (("version",), "1"),
    "format": (("format",), "something else"),
    "kdf": (("kdf", "name"), "scrypt"),
    "cipher": (("cipher", "name"), "rot13"),
    "no kdf": (("kdf",), None),
    "no iterations": (("kdf", "iterations"), 0),
    "many iterations": (("kdf", "iterations"), MAX_ITERATIONS + 1),
    "no lanes": (("kdf", "lanes"), 0),
    "many lanes": (("kdf", "lanes"), MAX_LANES + 1),
    "little memory": (("kdf", "memory_kib"), 7),
    "100 GiB": (("kdf", "memory_kib"), 100 << 20),
    "negative memory": (("kdf", "memory_kib"), -1),
    "fractional memory": (("kdf", "memory_kib"), 8.0),
    "short salt": (("kdf", "salt"), "AAAA"),
    "long nonce": (("cipher", "nonce"), encode_base64(bytes(16))),
    "salt in no base64": (("kdf", "salt"), "*" * 24),
    "salt unpadded": (("kdf", "salt"), encode_base64(bytes(16)).rstrip("=")),
    "unknown mode": (("keyset", "mode"), "open"),
    "keys of another type": (("keyset", "keys"), [1]),
    "an id of another type": (("keyset", "keys", 0, "id"), "1"),
}


@pytest.mark.parametrize(("path", "value"), MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize(
    "read", [facts, lambda document: unwrap(document, PASSPHRASE)], ids=["info", "unwrap"]
)
def test_wrapped_document_malformed_is_refused(read, path, value):
    """What is not of the format is refused before the passphrase is tried."""
    with pytest.raises(KeyAccessError) as caught:
        read(_changed(*path, to=value))
    assert "passphrase does not open" not in str(caught.value)


def test_unwrap_header_at_odds_with_the_keyset_is_refused(monkeypatch):
    """Even the passphrase's owner cannot make a file that lists other keys than it holds."""
    other = generate(Mode.SEALED)
    monkeypatch.setattr("piienc.keys.wraps.passphrase.tink.dump", lambda _: dump(other))
    document = wrap(KEYSET, PASSPHRASE, CHEAPEST_FOR_TESTS_ONLY)
    with pytest.raises(KeyAccessError, match="not what its file says"):
        unwrap(document, PASSPHRASE)


def test_wrapped_keyset_is_a_text_file():
    """Laid out for people, with a line break at its end."""
    text = wrap(KEYSET, PASSPHRASE, CHEAPEST_FOR_TESTS_ONLY)
    assert text == json.dumps(json.loads(text), indent=2) + "\n"


def test_unwrap_document_that_is_no_json_is_told():
    """It is called what it should be."""
    with pytest.raises(KeyAccessError, match=r"^the wrapped keyset is not a JSON object"):
        unwrap("[]", PASSPHRASE)


@pytest.mark.parametrize(
    "document", ["", "[]", "{}", "\x00", dump(KEYSET), '{"format": 1}', "[" * 100_000]
)
def test_recognizes_no_other_document(document):
    """What is no wrapped keyset is none, and asking raises nothing."""
    assert not recognizes(document)


def test_recognizes_a_later_version():
    """A later version is a wrapped keyset too, so that its error is the right one."""
    later = _changed("version", to=2)
    assert recognizes(later)
    with pytest.raises(KeyAccessError, match="of version 1") as caught:
        facts(later)
    assert "upgrade" in caught.value.hint


def test_aead_openssl_without_argon2id_is_told(monkeypatch):
    """An old OpenSSL is named as the cause."""
    from cryptography.exceptions import UnsupportedAlgorithm

    def unsupported(**_):
        raise UnsupportedAlgorithm("no Argon2")

    monkeypatch.setattr("cryptography.hazmat.primitives.kdf.argon2.Argon2id", unsupported)
    with pytest.raises(KeyAccessError, match="has no Argon2id"):
        unwrap(WRAPPED, PASSPHRASE)


@pytest.mark.parametrize("parameters", [(0, 1, 8), (1, 0, 8), (1, 2, 15), (1, 1, 1 << 30)])
def test_profile_out_of_bounds_is_refused(parameters):
    """No profile asks for what Argon2id cannot do, or a machine should not."""
    with pytest.raises(KeyAccessError, match="out of bounds"):
        Argon2Profile(*parameters)


@pytest.mark.parametrize(
    ("most", "too_much"),
    [
        ((16, 1, 8), (17, 1, 8)),
        ((1, 16, 128), (1, 17, 136)),
        ((1, 2, 16), (1, 2, 15)),
        ((1, 1, 1 << 20), (1, 1, (1 << 20) + 1)),
    ],
)
def test_profile_at_its_bounds_is_taken_and_beyond_them_refused(most, too_much):
    """A key file may ask for 16 passes, 16 lanes and 1 GiB, and for no more."""
    assert Argon2Profile(*most).memory_kib == most[2]
    with pytest.raises(KeyAccessError, match="out of bounds"):
        Argon2Profile(*too_much)


def test_profile_for_tests_is_the_least_that_argon2id_takes():
    """RFC 9106, 3.1: one pass, one lane, and 8 KiB for each."""
    cheapest = CHEAPEST_FOR_TESTS_ONLY
    assert (cheapest.iterations, cheapest.lanes, cheapest.memory_kib) == (1, 1, 8)


def test_profile_of_the_standard_is_within_the_bounds_for_files():
    """What we write, we read; the bounds leave room for dearer profiles."""
    assert RFC_9106_LOW_MEMORY.memory_kib < MAX_MEMORY_KIB


def test_import_keys_does_not_load_cryptography():
    """Listing keys or asking for help does not wait for OpenSSL."""
    program = "import sys, piienc.keys; print(any(m.split('.')[0] in {'cryptography', 'numpy', "
    program += "'pyarrow'} for m in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_two_threads_may_open_locked_keys_at_once(tmp_path):
    """OpenSSL 4.0 waits for ever where two derive at once, so it runs in a process of its own."""
    program = f"""
from pathlib import Path
from threading import Thread
from piienc.base.secret import SecretBytes
from piienc.keys import KeyFolder, Mode, Unlocker, generate
keys, secret = Path({str(tmp_path / "keys")!r}), SecretBytes(b"x")
KeyFolder(keys).create("a", generate(Mode.SEALED), secret)
load = lambda: KeyFolder(keys, Unlocker(lambda _: secret)).load("a")
threads = [Thread(target=load) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
    subprocess.run([sys.executable, "-c", program], timeout=120, check=True)
