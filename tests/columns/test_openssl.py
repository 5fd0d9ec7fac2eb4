"""OpenSSL's own AEADs as the oracle, bit for bit."""

import random

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.columns import BadCells, ColumnCipher
from piienc.keys import Mode, Prefix, generate

CONTEXTS = [
    "",
    "a",
    "b" * 15,
    "c" * 16,
    "d" * 17,
    "e" * 64,
    "f" * 200,
    "é",
    "メールアドレス",
    "🔑" * 16,
    "nul\0and line\n",
]
LONGEST = 1200
_made = random.Random(5297)  # noqa: S311  # the same cells in every run
EVERY = [_made.randbytes(length) for length in range(LONGEST + 1)]


def column(mode, context="email"):
    """A column whose raw cells are the core's own output, and its key."""
    keyset = generate(mode, Prefix.RAW)
    cipher = ColumnCipher(keyset, context, text=False, label="email")
    return cipher, keyset.primary.material.reveal()


def binary(cells):
    return pa.array(cells, pa.binary())


def siv(key, cells, context="email"):
    """What OpenSSL makes of the cells: V, then the ciphertext."""
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    aead = AESSIV(key)
    return [aead.encrypt(cell, [context.encode()]) for cell in cells]


def gcm(key, cells, context="email"):
    """What OpenSSL makes of the cells: IV, ciphertext, tag."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    aead = AESGCM(key)
    ivs = [number.to_bytes(12, "big") for number in range(len(cells))]
    return [
        iv + aead.encrypt(iv, cell, context.encode()) for iv, cell in zip(ivs, cells, strict=True)
    ]


def opened_gcm(key, sealed, context="email"):
    """The cells that OpenSSL finds in our output."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    aead = AESGCM(key)
    return [aead.decrypt(cell[:12], cell[12:], context.encode()) for cell in sealed]


def shuffled(cells):
    return random.Random(len(cells)).sample(cells, len(cells))  # noqa: S311


def test_searchable_every_length_equals_openssl():
    """One batch of all lengths, in any order, is what AESSIV makes of each of its cells."""
    cipher, key = column(Mode.SEARCHABLE)
    cells = shuffled(EVERY)
    sealed = siv(key, cells)
    assert cipher.encrypt(binary(cells)).to_pylist() == sealed
    assert cipher.decrypt(binary(sealed), text=False).to_pylist() == cells


def test_searchable_every_length_alone_equals_openssl():
    """A batch of one cell is what AESSIV makes of it, for every length."""
    cipher, key = column(Mode.SEARCHABLE)
    for cell, sealed in zip(EVERY, siv(key, EVERY), strict=True):
        assert cipher.encrypt(binary([cell]))[0].as_py() == sealed
        assert cipher.decrypt(binary([sealed]), text=False)[0].as_py() == cell


def test_sealed_every_length_is_opened_by_openssl():
    """AESGCM decrypts a batch of all lengths to its cells."""
    cipher, key = column(Mode.SEALED)
    cells = shuffled(EVERY)
    assert opened_gcm(key, cipher.encrypt(binary(cells)).to_pylist()) == cells


def test_sealed_every_length_of_openssl_is_opened():
    """A batch of all lengths from AESGCM decrypts to its cells."""
    cipher, key = column(Mode.SEALED)
    cells = shuffled(EVERY)
    assert cipher.decrypt(binary(gcm(key, cells)), text=False).to_pylist() == cells


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    "lengths",
    [
        pytest.param([0], id="one empty"),
        pytest.param([0] * 1000, id="all empty"),
        pytest.param([7] * 1000, id="one length"),
        pytest.param([16] * 1000, id="one whole block"),
        pytest.param([100] * 10_000, id="many blocks"),
        pytest.param([15, 16, 17] * 300, id="around a block"),
        pytest.param([*range(600, 0, -1)], id="falling"),
        pytest.param([1] * 999 + [1200], id="one long among short"),
        pytest.param([1200] * 50 + [0], id="one empty among long"),
        pytest.param([0, 1200] * 50, id="by turns"),
    ],
)
def test_batch_of_any_shape_equals_openssl(mode, lengths):
    """Each cell comes out as it does alone, whatever stands beside it."""
    cells = [_made.randbytes(length) for length in lengths]
    cipher, key = column(mode)
    ours = cipher.encrypt(binary(cells)).to_pylist()
    if mode is Mode.SEARCHABLE:
        assert ours == siv(key, cells)
    else:
        assert opened_gcm(key, ours) == cells
    theirs = (siv if mode is Mode.SEARCHABLE else gcm)(key, cells)
    assert cipher.decrypt(binary(theirs), text=False).to_pylist() == cells


LISTS = st.lists(st.one_of(st.none(), st.binary(max_size=70), st.sampled_from(EVERY)), max_size=40)


@given(cells=LISTS, context=st.text(max_size=50))
def test_searchable_any_batch_equals_openssl(cells, context):
    """The law behind the shapes: any cells, any context, nulls between them."""
    cipher, key = column(Mode.SEARCHABLE, context)
    expected = [None if c is None else siv(key, [c], context)[0] for c in cells]
    assert cipher.encrypt(binary(cells)).to_pylist() == expected


@given(cells=LISTS, context=st.text(max_size=50))
def test_sealed_any_batch_is_opened_by_openssl(cells, context):
    """The same for the mode that OpenSSL has to open."""
    cipher, key = column(Mode.SEALED, context)
    ours = cipher.encrypt(binary(cells))
    assert [c.is_valid for c in ours] == [c is not None for c in cells]
    plain = [c for c in cells if c is not None]
    assert opened_gcm(key, ours.drop_null().to_pylist(), context) == plain
    theirs = gcm(key, plain, context)
    assert cipher.decrypt(binary(theirs), text=False).to_pylist() == plain


@pytest.mark.parametrize("context", CONTEXTS, ids=ascii)
def test_context_of_any_length_equals_openssl(context):
    """The context goes in as UTF-8, an empty one as one empty component."""
    cells = EVERY[:70]
    cipher, key = column(Mode.SEARCHABLE, context)
    assert cipher.encrypt(binary(cells)).to_pylist() == siv(key, cells, context)
    cipher, key = column(Mode.SEALED, context)
    assert opened_gcm(key, cipher.encrypt(binary(cells)).to_pylist(), context) == cells
    assert cipher.decrypt(binary(gcm(key, cells, context)), text=False).to_pylist() == cells


def test_context_empty_is_not_no_context():
    """RFC 5297 tells no component from an empty one, and Tink has the empty one."""
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    cipher, key = column(Mode.SEARCHABLE, "")
    with pytest.raises(BadCells):
        cipher.decrypt(binary([AESSIV(key).encrypt(b"value", None)]), text=False)
    with pytest.raises(BadCells):
        cipher.decrypt(binary([AESSIV(key).encrypt(b"value", [])]), text=False)


def test_context_not_normalised_is_another_context():
    """Two ways to write é are two contexts: bytes are compared, not letters."""
    keyset = generate(Mode.SEARCHABLE)
    composed = ColumnCipher(keyset, "\xe9", text=True, label="email")
    decomposed = ColumnCipher(keyset, "e\u0301", text=True, label="email")
    with pytest.raises(BadCells):
        decomposed.decrypt(composed.encrypt(pa.array(["value"])), text=True)


def test_searchable_counter_that_carries_equals_openssl():
    """Of enough cells, the counters of some carry from byte to byte."""
    cipher, key = column(Mode.SEARCHABLE)
    cells = [number.to_bytes(4, "big") * 17 for number in range(20_000)]
    sealed = siv(key, cells)
    carry = sum(cell[14:16] >= b"\xff\xfc" for cell in sealed)
    assert cipher.encrypt(binary(cells)).to_pylist() == sealed, f"{carry} carry over two bytes"
