"""The published vectors of tests/vectors/, through the kernels."""

import json
import os
from pathlib import Path

import pyarrow as pa
import pytest

from piienc.base.secret import SecretBytes
from piienc.columns import BadCells, ColumnCipher
from piienc.errors import AuthenticationError, KeyAccessError
from piienc.keys import Keyset, Mode, Prefix

FOLDER = Path(__file__).parents[1] / "vectors" / "v1"
OTHERS = [b"", b"a", b"b" * 15, b"c" * 16, b"d" * 17, b"e" * 40, b"f" * 513]
unhex = bytes.fromhex


class Context(str):
    """A context of any bytes: a vector's associated data need not be UTF-8."""

    __slots__ = ()

    def encode(self, *_):
        """Return the bytes that the context was made of."""
        return unhex(self)


def vectors(*names, **wanted):
    """The vectors of some files that have the given members, as parameters."""
    for name in names:
        for vector in json.loads((FOLDER / f"{name}.json").read_text())["vectors"]:
            if all(vector[member] in values for member, values in wanted.items()):
                yield pytest.param(vector, id=vector["id"])


VALID, INVALID = {"outcome": ["valid"]}, {"outcome": ["invalid"]}
SIV_FILES, GCM_FILES = ("wycheproof-aes-siv", "openssl-siv"), ("wycheproof-aes-gcm", "nist-gcm")


def siv(**wanted):
    """The vectors of AES-256-SIV with one component of associated data."""
    found = vectors(*SIV_FILES, keySize=[512], **wanted)
    return [each for each in found if len(each.values[0]["ads"]) == 1]


def gcm(*sizes, **wanted):
    return list(vectors(*GCM_FILES, keySize=sizes, **wanted))


def context_of(vector):
    return unhex(vector["ads"][0] if "ads" in vector else vector["aad"])


def cipher_of(vector, *, text=False):
    mode = Mode.SEARCHABLE if "ads" in vector else Mode.SEALED
    keyset = Keyset.single(mode, SecretBytes(unhex(vector["key"])), Prefix.RAW)
    return ColumnCipher(keyset, Context(context_of(vector).hex()), text=text, label="vector")


def sealed_of(vector):
    body, tag = unhex(vector["ciphertext"]), unhex(vector["tag"])
    return tag + body if "ads" in vector else unhex(vector["iv"]) + body + tag


def by_openssl(vector, cells):
    """The cells under the vector's key, encrypted by OpenSSL alone."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV

    key, context = unhex(vector["key"]), context_of(vector)
    if "ads" in vector:
        return [AESSIV(key).encrypt(cell, [context]) for cell in cells]
    ivs = [bytes([number]) * 12 for number in range(len(cells))]
    aead = AESGCM(key)
    return [iv + aead.encrypt(iv, cell, context) for iv, cell in zip(ivs, cells, strict=True)]


def binary(cells):
    return pa.array(cells, pa.binary())


def test_vectors_files_hold_the_promised_number():
    """No vector is lost between the files and the tests."""
    assert [len(siv(**VALID)), len(siv(**INVALID))] == [40, 108]
    assert [len(gcm(256, **VALID)), len(gcm(256, **INVALID))] == [39 + 125, 27 + 50]
    assert [len(gcm(128, **VALID)), len(gcm(128, **INVALID))] == [40 + 100, 27 + 25]


@pytest.mark.parametrize("vector", siv(**VALID))
def test_siv_vector_valid_is_encrypted_bit_for_bit(vector):
    """The core's output is the vector's, alone and among other cells."""
    cipher, plain = cipher_of(vector), unhex(vector["plaintext"])
    assert cipher.encrypt(binary([plain])).to_pylist() == [sealed_of(vector)]
    batch = cipher.encrypt(binary([*OTHERS, plain, None, *OTHERS]))
    assert batch[len(OTHERS)].as_py() == sealed_of(vector)


@pytest.mark.parametrize("vector", gcm(256, **VALID))
def test_gcm_vector_valid_is_encrypted_bit_for_bit(vector, monkeypatch):
    """With the vector's IV for a random one, the core's output is the vector's."""
    iv, plain = unhex(vector["iv"]), unhex(vector["plaintext"])
    monkeypatch.setattr(os, "urandom", lambda size: (iv * (size // len(iv) + 1))[:size])
    cipher = cipher_of(vector)
    assert cipher.encrypt(binary([plain])).to_pylist() == [sealed_of(vector)]
    batch = cipher.encrypt(binary([*OTHERS, plain, None, *OTHERS]))
    assert batch[len(OTHERS)].as_py() == sealed_of(vector)


@pytest.mark.parametrize("vector", [*siv(**VALID), *gcm(256, 128, **VALID)])
def test_vector_valid_decrypts_to_its_plaintext(vector):
    """The core opens what the vector says it opens, alone and among other cells."""
    cipher, plain = cipher_of(vector), unhex(vector["plaintext"])
    assert cipher.decrypt(binary([sealed_of(vector)]), text=False).to_pylist() == [plain]
    others = by_openssl(vector, OTHERS)
    batch = binary([*others, sealed_of(vector), None, *others])
    assert cipher.decrypt(batch, text=False).to_pylist() == [*OTHERS, plain, None, *OTHERS]


@pytest.mark.parametrize("vector", [*siv(**INVALID), *gcm(256, 128, **INVALID)])
def test_vector_invalid_is_refused(vector):
    """The core refuses what the vector says is forged, and no cell beside it."""
    cipher = cipher_of(vector)
    with pytest.raises(BadCells) as alone:
        cipher.decrypt(binary([sealed_of(vector)]), text=False)
    assert isinstance(alone.value.located(1), AuthenticationError)
    others = by_openssl(vector, OTHERS)
    with pytest.raises(BadCells) as caught:
        cipher.decrypt(binary([*others, None, sealed_of(vector), *others]), text=False)
    assert str(caught.value.located(1)).startswith(f"vector, row {len(OTHERS) + 2}: ")


def test_vectors_valid_as_base64_decrypt_to_their_plaintext():
    """The same holds where cells are stored as text."""
    from base64 import b64encode

    for each in [*siv(**VALID), *gcm(256, 128, **VALID)]:
        vector = each.values[0]
        cells = pa.array([b64encode(sealed_of(vector)).decode()])
        plain = cipher_of(vector, text=True).decrypt(cells, text=False).to_pylist()
        assert plain == [unhex(vector["plaintext"])], vector["id"]


@pytest.mark.parametrize("vector", gcm(128, **VALID)[::20])
def test_gcm_key_of_128_bits_encrypts_nothing(vector):
    """An AES-128 key reads old cells only."""
    with pytest.raises(KeyAccessError, match="decrypt only"):
        cipher_of(vector).encrypt(binary([b"new"]))


SPARK_KEY = SecretBytes(b"abcdefghijklmnop")


def test_spark_example_decrypts_through_a_column():
    """What Spark's aes_encrypt documents as its output is a cell of a RAW 16-byte key."""
    keyset = Keyset.single(Mode.SEALED, SPARK_KEY, Prefix.RAW)
    cipher = ColumnCipher(keyset, "", text=True, label="spark")
    cells = pa.array(["4A5jOAh9FNGwoMeuJukfllrLdHEZxA2DyuSQAWz77dfn", None])
    assert cipher.decrypt(cells, text=True).to_pylist() == ["Spark", None]


@pytest.mark.parametrize("vector", list(vectors("spark")))
def test_spark_vector_decrypts_as_raw_bytes(vector):
    """The vector's file and Spark's documentation agree."""
    assert unhex(vector["key"]) == SPARK_KEY.reveal()
    plain = cipher_of(vector).decrypt(binary([sealed_of(vector)]), text=True)
    assert plain.to_pylist() == ["Spark"]


def test_spark_key_of_128_bits_encrypts_nothing():
    """Under Spark's short key nothing new is written, not even an empty batch."""
    keyset = Keyset.single(Mode.SEALED, SPARK_KEY, Prefix.RAW)
    cipher = ColumnCipher(keyset, "", text=True, label="spark")
    for cells in (["Spark"], [None], []):
        with pytest.raises(KeyAccessError, match="decrypt only"):
            cipher.encrypt(pa.array(cells, pa.string()))
