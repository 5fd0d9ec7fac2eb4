from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.base.secret import SecretBytes
from piienc.errors import KeyAccessError
from piienc.keys import Key, Keyset, Mode, Prefix, Status, dump, generate, read_material

SECRET = hashlib.sha512(b"a key of the tests").digest()
PIECE = hashlib.sha512(b"another").digest()[:16]

FORMS = {
    "raw": bytes,
    "hex": lambda key: key.hex().encode(),
    "HEX": lambda key: key.hex().upper().encode(),
    "wrapped hex": lambda key: key.hex("\n", 30).encode(),
    "base64": base64.b64encode,
    "base64 unpadded": lambda key: base64.b64encode(key).rstrip(b"="),
    "base64 URL-safe": base64.urlsafe_b64encode,
    "base64 URL-safe unpadded": lambda key: base64.urlsafe_b64encode(key).rstrip(b"="),
    "base64 on many lines": base64.encodebytes,
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("prefix", Prefix)
def test_read_material_known_form_gives_the_key(form, mode, prefix):
    """Every form of the same bytes makes a keyset of that one key."""
    key = SECRET[: mode.key_size]
    keyset = read_material(form(key), mode, prefix)
    assert keyset.primary.material.reveal() == key
    assert (keyset.mode, keyset.primary.prefix) == (mode, prefix)
    assert keyset.keys == keyset.enabled == (keyset.primary,)


@pytest.mark.parametrize("form", [form for name, form in FORMS.items() if name != "raw"])
@pytest.mark.parametrize("mode", Mode)
def test_read_material_text_among_white_space_gives_the_key(form, mode):
    """The line break that editors and `echo` leave is no part of a key in text."""
    key = SECRET[: mode.key_size]
    keyset = read_material(b" \t" + form(key) + b"\r\n", mode)
    assert keyset.primary.material.reveal() == key


@given(st.sampled_from(Mode), st.data())
def test_read_material_random_bytes_are_never_taken_for_text(mode, data):
    """Raw keys may begin or end in white space, or with the bracket of a JSON object."""
    size = mode.key_size
    start = data.draw(st.sampled_from([b"{", b" {", b"\n", b""]))
    key = (start + data.draw(st.binary(min_size=size, max_size=size)))[: size - 2] + b"\x80\n"
    try:
        keyset = read_material(key, mode)
    except KeyAccessError as error:
        assert "repeats one byte" in str(error)  # noqa: PT017  # drawn, if seldom
    else:
        assert keyset.primary.material.reveal() == key


@given(st.from_type(Keyset))
def test_read_material_tink_keyset_is_taken_whole(keyset):
    """A Tink keyset keeps its ids, statuses and prefixes, whatever prefix is asked for."""
    strong = tuple(
        Key(key.key_id, SecretBytes(SECRET[: len(key.material)]), key.status, key.prefix)
        for key in keyset.keys
    )
    keyset = Keyset(keyset.mode, keyset.primary_id, strong)
    assert read_material(b"\n" + dump(keyset).encode(), keyset.mode, Prefix.RAW) == keyset


def test_read_material_tink_keyset_of_other_mode_is_refused():
    """A sealed keyset does not become a searchable one."""
    with pytest.raises(KeyAccessError, match="is sealed, not searchable"):
        read_material(dump(generate(Mode.SEALED)).encode(), Mode.SEARCHABLE)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("size", [0, 1, 16, 24, 31, 33, 48, 63, 65, 96, 128])
@pytest.mark.parametrize("mode", Mode)
def test_read_material_wrong_size_is_refused_with_the_sizes(form, size, mode):
    """The error tells the sizes wanted and the length got, and nothing of the content."""
    data = form((SECRET + PIECE * 4)[:size])
    with pytest.raises(KeyAccessError) as caught:
        read_material(data, mode)
    error = caught.value
    if "half of what" not in str(error) and "printable" not in str(error):
        assert str(error).startswith(f"{len(data)} bytes that are no {mode} key")
        size = mode.key_size
        padded = len(base64.b64encode(bytes(size)))
        short = len(base64.b64encode(bytes(size)).rstrip(b"="))
        sizes = f"{size} raw bytes, {2 * size} hex digits, {short} or {padded} characters of base64"
        assert sizes in error.hint
    assert not data[:8] or data[:8].decode("latin-1") not in f"{error} {error.hint}"


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
@pytest.mark.parametrize("mode", Mode)
def test_read_material_half_key_in_hex_is_refused(mode, ending):
    """Hex digits as many as the key's bytes are a key of half the size, not a raw key."""
    half = SECRET[: mode.key_size // 2]
    with pytest.raises(KeyAccessError, match=f"key of {len(half)} bytes written in hex"):
        read_material(half.hex().encode() + ending, mode)


@pytest.mark.parametrize("mode", Mode)
def test_read_material_half_key_in_hex_in_base64_is_refused(mode):
    """The same mistake is found under base64, where secret stores put it."""
    half = SECRET[: mode.key_size // 2].hex().encode()
    with pytest.raises(KeyAccessError, match="all hex digits"):
        read_material(base64.b64encode(half), mode)


@pytest.mark.parametrize("mode", Mode)
def test_read_material_words_are_refused_unless_in_hex(mode):
    """A sentence is no random key; who means it, says so in hex."""
    words = b"correct horse battery staple and six others that are never used"[: mode.key_size]
    words = words.ljust(mode.key_size, b"!")
    with pytest.raises(KeyAccessError, match="a text, not a random key"):
        read_material(words, mode)
    assert read_material(words.hex().encode(), mode).primary.material.reveal() == words


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("byte", [b"\x00", b"\xff", b"a"])
def test_read_material_one_byte_repeated_is_refused(form, mode, byte):
    """A key of zeros, or of any other single byte, is a placeholder."""
    with pytest.raises(KeyAccessError):
        read_material(form(byte * mode.key_size), mode)


@pytest.mark.parametrize("material", [SECRET[:32] + bytes(32), bytes(32) + SECRET[:32]])
def test_read_material_siv_half_of_zeros_is_refused(material):
    """Each half of an AES-SIV key is a key."""
    with pytest.raises(KeyAccessError, match="repeats one byte"):
        read_material(material, Mode.SEARCHABLE)


def test_read_material_siv_halves_equal_are_refused():
    """The MAC key and the CTR key of AES-SIV are independent."""
    with pytest.raises(KeyAccessError, match="halves of the key are equal"):
        read_material(SECRET[:32] * 2, Mode.SEARCHABLE)


def test_read_material_tink_keyset_with_a_weak_key_is_refused():
    """A weak key is refused in every form, also where it is not the primary."""
    keys = tuple(
        Key(key_id, SecretBytes(material), Status.ENABLED, Prefix.TINK)
        for key_id, material in [(1, SECRET[:32]), (2, bytes(32))]
    )
    with pytest.raises(KeyAccessError, match="repeats one byte"):
        read_material(dump(Keyset(Mode.SEALED, 1, keys)).encode(), Mode.SEALED)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-1] + b"*",
        lambda text: text[:-2] + b"B=",  # stray bits
        lambda text: text + b"=",
        lambda text: b"+/-_" + text[4:],
        lambda text: text[:-1] + b"\xff",
    ],
)
def test_read_material_malformed_base64_is_refused(spoil):
    """What no encoder writes is not guessed at."""
    with pytest.raises(KeyAccessError, match=r"4[45] bytes that are no sealed key"):
        read_material(spoil(base64.b64encode(SECRET[:32])), Mode.SEALED)


def test_read_material_hex_with_one_wrong_digit_is_refused():
    """A mistyped digit is not passed over."""
    with pytest.raises(KeyAccessError, match="64 bytes that are no sealed key"):
        read_material(SECRET[:32].hex().encode()[:-1] + b"g", Mode.SEALED)
