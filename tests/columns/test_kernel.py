"""The check of a kernel against OpenSSL, before its first use."""

import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from piienc.base.cells import SPARE, Cells
from piienc.columns import ColumnCipher
from piienc.columns.kernels import kernel
from piienc.columns.kernels.aes import BulkAes
from piienc.columns.kernels.bound_key import PREFIX, BoundKey
from piienc.columns.kernels.gcm import GcmKernel
from piienc.columns.kernels.kernel import make_kernel
from piienc.columns.kernels.siv import SivKernel
from piienc.errors import PiiencError
from piienc.keys import Mode, generate

KERNELS = {Mode.SEARCHABLE: SivKernel, Mode.SEALED: GcmKernel}
PARTS = [
    (Mode.SEARCHABLE, "head"),
    (Mode.SEARCHABLE, "body"),
    (Mode.SEALED, "head"),
    (Mode.SEALED, "body"),
    (Mode.SEALED, "tail"),
]
modes = pytest.mark.parametrize("mode", Mode)


def column(mode):
    return ColumnCipher(generate(mode), "email", text=True, label="email")


def changed(items):
    """The same items, with one bit of each byte changed."""
    flipped = np.ascontiguousarray(items).view(np.uint8) ^ np.uint8(0x10)
    return flipped.view(items.dtype).reshape(items.shape)


def assert_stops(mode):
    """No kernel is made, and no column encrypts or decrypts, as often as it is tried."""
    with pytest.raises(PiiencError, match="disagrees with OpenSSL") as caught:
        make_kernel(mode, generate(mode).primary, b"email")
    assert type(caught.value) is PiiencError
    assert caught.value.exit_code == 1
    cipher = column(mode)
    for _ in range(2):
        with pytest.raises(PiiencError, match="disagrees with OpenSSL"):
            cipher.encrypt(pa.array(["value"]))


@modes
@pytest.mark.parametrize("context", [b"", b"email", bytes(200)])
def test_kernel_that_agrees_is_made(mode, context):
    """On a sound machine the check is not noticed."""
    assert isinstance(make_kernel(mode, generate(mode).primary, context), KERNELS[mode])


@modes
def test_kernel_of_wrong_aes_stops(mode, monkeypatch):
    """Bulk AES that gets one bit of its last block wrong is found out."""
    right = BulkAes.encrypt

    def wrong(self, blocks):
        made = right(self, blocks)
        made.reshape(-1)[-1:] = changed(made.reshape(-1)[-1:])
        return made

    monkeypatch.setattr(BulkAes, "encrypt", wrong)
    assert_stops(mode)


@pytest.mark.parametrize(("mode", "part"), PARTS)
def test_kernel_with_a_wrong_part_stops(mode, part, monkeypatch):
    """Head, ciphertext and tail are all held against OpenSSL."""
    break_kernel(monkeypatch, mode, part, lambda _: True)
    assert_stops(mode)


@pytest.mark.parametrize("blocks", [1, 2, 3, 4, 7])
@pytest.mark.parametrize(("mode", "part"), PARTS)
def test_kernel_wrong_for_one_number_of_blocks_stops(mode, part, blocks, monkeypatch):
    """Cells of few blocks and of several are checked."""
    break_kernel(monkeypatch, mode, part, lambda group: len(group.blocks) == blocks)
    assert_stops(mode)


def break_kernel(monkeypatch, mode, part, concerned):
    """Let a mode's kernel get a part wrong for some of the groups."""
    right = KERNELS[mode].seal

    def wrong(self, group):
        head, tail = right(self, group)
        if concerned(group):
            if part == "head":
                head = changed(head)
            elif part == "tail":
                tail = changed(tail)
            else:
                group.blocks[...] = changed(group.blocks)
        return head, tail

    monkeypatch.setattr(KERNELS[mode], "seal", wrong)


@modes
def test_kernel_is_checked_once_for_a_column(mode, monkeypatch):
    """The check costs once, not with every batch."""
    made = []
    right = KERNELS[mode].__init__
    monkeypatch.setattr(
        KERNELS[mode], "__init__", lambda self, *args: (made.append(1), right(self, *args))[1]
    )
    cipher = column(mode)
    for _ in range(3):
        cipher.decrypt(cipher.encrypt(pa.array(["value"])), text=True)
    assert made == [1]


@modes
def test_kernel_that_opens_forgeries_stops(mode, monkeypatch):
    """A kernel that takes everything for authentic is found out before it decrypts."""
    right = KERNELS[mode].open
    monkeypatch.setattr(KERNELS[mode], "open", lambda self, *args: right(self, *args) | np.bool_(1))
    with pytest.raises(PiiencError, match="disagrees with OpenSSL"):
        make_kernel(mode, generate(mode).primary, b"email")


@pytest.mark.parametrize("mode", Mode)
def test_kernel_of_a_run_is_made_once_for_each_key(mode, monkeypatch):
    """Also where threads ask at once; another key has another, though it bears the same id."""
    made = []
    real = kernel.make_kernel
    monkeypatch.setattr(kernel, "make_kernel", lambda *what: made.append(what) or real(*what))
    key, other = generate(mode).primary, generate(mode).primary
    other = replace(other, key_id=key.key_id)
    kernels = kernel.Kernels()
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: kernels.of(mode, key, b"email"), range(20)))
    assert len(found) == len(made) == 1
    asked = [kernels.of(mode, *each) for each in ((key, b"phone"), (other, b"email"))]
    assert len({*found, *asked}) == 3
    assert len(made) == 2


CONTEXTS = st.binary(max_size=70)


@modes
@given(contexts=st.lists(CONTEXTS, min_size=2, max_size=5), cell=st.binary(max_size=300))
def test_kernels_of_one_key_encrypt_each_in_its_own_context(mode, contexts, cell):
    """What is sealed in a context is what OpenSSL opens in it, whichever was asked for first."""
    kernels, key = kernel.Kernels(), generate(mode).primary
    for context in contexts:
        bound = BoundKey(mode, key, context, text=False, kernels=kernels)
        buffer = np.frombuffer(cell + bytes(SPARE), np.uint8)
        (sealed,) = bound.seal(Cells(buffer, np.zeros(1, np.int64), np.array([len(cell)])))
        raw = sealed.one(0)[PREFIX:]
        if mode is Mode.SEARCHABLE:
            assert AESSIV(key.material.reveal()).decrypt(raw, [context]) == cell
        else:
            assert AESGCM(key.material.reveal()).decrypt(raw[:12], raw[12:], context) == cell


@modes
@given(bit=st.integers(0, 127))
def test_kernel_in_a_further_context_that_gets_one_bit_of_it_wrong_stops(mode, bit):
    """One cell is enough to see every bit of what depends on the context."""
    kernels, key = kernel.Kernels(), generate(mode).primary
    in_context, context = KERNELS[mode].in_context, bytes(16)

    def wrong(self, context):
        """Seal in a context that differs in one bit from that of OpenSSL."""
        other = (int.from_bytes(context) ^ (1 << bit)).to_bytes(16)
        seal, open_one = in_context(self, other).seal, in_context(self, context).open_one
        return SimpleNamespace(seal=seal, open_one=open_one)

    kernels.of(mode, key, b"email")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(KERNELS[mode], "in_context", wrong)
        with pytest.raises(PiiencError, match="disagrees with OpenSSL"):
            kernels.of(mode, key, context)


def test_powers_of_a_hash_key_are_right_where_threads_ask_for_them_at_once():
    """The tables of a key are shared by all its columns, and by all threads."""
    wanted = list(range(1, 34))
    alone = GcmKernel(bytes(32), b"")
    right = [alone._power(power) for power in wanted]
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(20):
            shared = GcmKernel(bytes(32), b"")
            with ThreadPoolExecutor(4) as pool:
                asked = [pool.submit(shared._power, power) for power in wanted]
                assert [each.result() for each in asked] == right
    finally:
        sys.setswitchinterval(switch)
