from __future__ import annotations

import base64
import hashlib
import json

import pytest
import tink
from hypothesis import given
from hypothesis import strategies as st
from tink import aead, daead, json_proto_keyset_format, secret_key_access

from piienc.base.secret import SecretBytes
from piienc.errors import KeyAccessError
from piienc.keys import Key, Keyset, Mode, Prefix, Status, dump, generate, parse

SIV = "type.googleapis.com/google.crypto.tink.AesSivKey"
GCM = "type.googleapis.com/google.crypto.tink.AesGcmKey"
SECRET = hashlib.sha512(b"a key of the tests").digest()


def _entry(key_id=1, url=GCM, value=b"\x1a\x20" + SECRET[:32], **changes):
    data = {
        "typeUrl": url,
        "value": base64.b64encode(value).decode(),
        "keyMaterialType": "SYMMETRIC",
    }
    entry = {"keyData": data, "status": "ENABLED", "keyId": key_id, "outputPrefixType": "TINK"}
    return entry | changes


def _document(*entries, primary=1, **more):
    return json.dumps({"primaryKeyId": primary, "key": entries} | more)


def _key(key_id, material, status=Status.ENABLED, prefix=Prefix.TINK):
    return Key(key_id, SecretBytes(material), status, prefix)


@given(st.from_type(Keyset))
def test_dump_then_parse_any_keyset_is_identity(keyset):
    """What is written is read back, key for key."""
    assert parse(dump(keyset)) == keyset
    assert parse(dump(keyset).encode()) == keyset


def test_dump_siv_key_has_tinks_bytes():
    """The value is the protobuf field 2 with 64 bytes."""
    keyset = Keyset(Mode.SEARCHABLE, 7, (_key(7, SECRET),))
    assert json.loads(dump(keyset)) == {
        "primaryKeyId": 7,
        "key": [_entry(7, SIV, b"\x12\x40" + SECRET)],
    }


def test_dump_destroyed_key_has_no_value():
    """Nothing of it is left."""
    keyset = Keyset(Mode.SEALED, 1, (_key(1, SECRET[:32]), _key(2, b"", Status.DESTROYED)))
    destroyed = json.loads(dump(keyset))["key"][1]
    assert destroyed == _entry(2, value=b"", status="DESTROYED")


def test_dump_gcm_key_has_tinks_bytes():
    """The value is the protobuf field 3 with 32 bytes."""
    keyset = Keyset(Mode.SEALED, 1, (_key(1, SECRET[:32]),))
    assert json.loads(dump(keyset)) == json.loads(_document(_entry()))


@pytest.fixture(scope="module", autouse=True)
def _registered():
    daead.register()
    aead.register()


def _handle(document):
    return json_proto_keyset_format.parse(document, secret_key_access.TOKEN)


def _serialized(template):
    handle = tink.new_keyset_handle(template)
    return handle, json_proto_keyset_format.serialize(handle, secret_key_access.TOKEN)


@pytest.mark.parametrize("prefix", Prefix)
def test_dump_searchable_rotated_keyset_is_read_by_tink(prefix):
    """Tink encrypts with the primary of a set of ours that has keys of every status."""
    keys = (
        _key(1, b"\x01" + SECRET[1:], prefix=Prefix.RAW),
        _key(2, SECRET, prefix=prefix),
        _key(3, b"\x03" + SECRET[1:], Status.DISABLED),
        _key(4, b"", Status.DESTROYED),
    )
    keyset = Keyset(Mode.SEARCHABLE, 2, keys)
    primitive = _handle(dump(keyset)).primitive(daead.DeterministicAead)
    cell = primitive.encrypt_deterministically(b"value", b"email")
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    own = keyset.primary.output_prefix + AESSIV(SECRET).encrypt(b"value", [b"email"])
    assert cell == own


@pytest.mark.parametrize("prefix", Prefix)
@pytest.mark.parametrize("size", [16, 32])
def test_dump_sealed_keyset_is_read_by_tink(prefix, size):
    """Tink decrypts with a keyset of ours what the bare primitive has encrypted."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    keyset = Keyset(Mode.SEALED, 9, (_key(9, SECRET[:size], prefix=prefix),))
    sealed = bytes(12) + AESGCM(SECRET[:size]).encrypt(bytes(12), b"value", b"email")
    primitive = _handle(dump(keyset)).primitive(aead.Aead)
    assert primitive.decrypt(keyset.primary.output_prefix + sealed, b"email") == b"value"


@pytest.mark.parametrize(
    ("template", "mode", "prefix"),
    [
        (daead.deterministic_aead_key_templates.AES256_SIV, Mode.SEARCHABLE, Prefix.TINK),
        (aead.aead_key_templates.AES256_GCM, Mode.SEALED, Prefix.TINK),
        (aead.aead_key_templates.AES256_GCM_RAW, Mode.SEALED, Prefix.RAW),
        (aead.aead_key_templates.AES128_GCM, Mode.SEALED, Prefix.TINK),
    ],
)
def test_parse_keyset_made_by_tink_is_read(template, mode, prefix):
    """A keyset that Tink has made is read, and written back as Tink wrote it."""
    handle, document = _serialized(template)
    keyset = parse(document)
    assert (keyset.mode, keyset.primary.prefix) == (mode, prefix)
    assert keyset.primary_id == handle.keyset_info().primary_key_id
    assert json.loads(dump(keyset)) == json.loads(document)


def test_parse_keyset_made_by_tink_opens_tinks_cells():
    """The material that is read is the key that Tink uses."""
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    handle, document = _serialized(daead.deterministic_aead_key_templates.AES256_SIV)
    cell = handle.primitive(daead.DeterministicAead).encrypt_deterministically(b"value", b"")
    key = parse(document).primary
    assert cell.startswith(key.output_prefix)
    assert AESSIV(key.material.reveal()).decrypt(cell[5:], [b""]) == b"value"


@pytest.mark.parametrize(
    "entry",
    [
        _entry(keyId="1"),
        _entry(someday={"a": [None, True, 1.5]}),
        _entry(value=b"\x08\x00\x1a\x20" + SECRET[:32]),
        _entry(value=b"\x1a\x20" + SECRET[:32] + b"\x08\x00\x22\x01x"),
    ],
    ids=["id as a string", "unknown member", "version 0", "reordered and unknown fields"],
)
def test_parse_tolerated_variant_gives_the_same_keyset(entry):
    """What other writers do differently changes nothing."""
    plain = parse(_document(_entry()))
    assert parse(_document(entry, note="unknown")) == plain


@pytest.mark.parametrize("spell", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("strip", [b"", b"="])
def test_parse_value_in_any_base64_is_read(spell, strip):
    """The JSON form of protobuf allows both alphabets, padded or not."""
    value = b"\x1a\x20" + b"\xfb\xff" * 16
    entry = _entry()
    entry["keyData"]["value"] = spell(value).rstrip(strip).decode()
    assert parse(_document(entry)).primary.material.reveal() == b"\xfb\xff" * 16


@pytest.mark.parametrize("last", range(64))
def test_parse_value_without_padding_may_end_with_any_letter(last):
    """Its last letter stands for six bits of the key."""
    key = bytes(15) + bytes([last])
    entry = _entry()
    entry["keyData"]["value"] = base64.b64encode(b"\x1a\x10" + key).decode()
    assert parse(_document(entry)).primary.material.reveal() == key


@pytest.mark.parametrize(
    "changes", [{}, {"keyData": {}}, {"keyData": None}, {"keyData": {"value": "!"}}]
)
def test_parse_destroyed_key_drops_its_material(changes):
    """Whatever is left in a destroyed key is not kept."""
    keyset = parse(_document(_entry(), _entry(2, status="DESTROYED", **changes)))
    assert keyset.keys[1] == _key(2, b"", Status.DESTROYED)


def _without(name):
    entry = _entry()
    del entry[name]
    return entry


def _data(**changes):
    entry = _entry()
    entry["keyData"] |= changes
    return entry


REFUSED = {
    "empty": "",
    "no JSON": "{",
    "a list": "[]",
    "no key member": "{}",
    "null": '{"primaryKeyId": 1, "key": null}',
    "no keys": _document(),
    "keys that are no objects": _document(1),
    "a name twice": '{"key": [], ' + _document(_entry())[1:],
    "deep nesting": "[" * 100_000,
    "a huge number": '{"key": [], "primaryKeyId": ' + "9" * 10_000 + "}",
    "snake case": _document(_entry()).replace("keyData", "key_data"),
    "two modes": _document(_entry(), _entry(2, SIV, b"\x12\x40" + SECRET)),
    "another type": _document(_entry(url=GCM.replace("Gcm", "Eax"))),
    "no type": _document(_data(typeUrl=None)),
    "no data": _document(_without("keyData")),
    "no status": _document(_without("status")),
    "an unknown status": _document(_entry(status="UNKNOWN_STATUS")),
    "no prefix": _document(_without("outputPrefixType")),
    "CRUNCHY": _document(_entry(outputPrefixType="CRUNCHY")),
    "LEGACY": _document(_entry(outputPrefixType="LEGACY")),
    "no id": _document(_without("keyId")),
    "a fractional id": _document(_entry(1.0)),
    "a boolean id": _document(_entry(True)),  # noqa: FBT003  # the value under test
    "an id too large": _document(_entry(2**32), primary=2**32),
    "an id too large, as a string": _document(_entry("9" * 5000)),
    "an id too large by a digit, as a string": _document(_entry("42949672951"), primary=2**32 - 1),
    "an id in other digits": _document(_entry("\u0661")),
    "an id in letters": _document(_entry("one")),
    "an id as Python spells numbers": _document(_entry("1_0"), primary=10),
    "no primary": json.dumps({"key": [_entry()]}),
    "another primary": _document(_entry(), primary=2),
    "a disabled primary": _document(_entry(status="DISABLED")),
    "a destroyed primary": _document(_entry(status="DESTROYED"), _entry(2)),
    "two keys of one id": _document(_entry(), _entry()),
    "asymmetric": _document(_data(keyMaterialType="ASYMMETRIC_PRIVATE")),
    "no base64": _document(_data(value="*")),
    "base64 with stray bits": _document(_data(value="EkB=")),
    "no material": _document(_data(value="")),
    "material in SIV's field": _document(_entry(value=b"\x12\x20" + SECRET[:32])),
    "material too short": _document(_entry(value=b"\x1a\x1f" + SECRET[:31])),
    "AES-192": _document(_entry(value=b"\x1a\x18" + SECRET[:24])),
    "truncated": _document(_entry(value=b"\x1a\x20" + SECRET[:31])),
    "version 1": _document(_entry(value=b"\x08\x01\x1a\x20" + SECRET[:32])),
}


@pytest.mark.parametrize("document", REFUSED.values(), ids=REFUSED)
def test_parse_document_that_is_no_keyset_is_refused(document):
    """Everything but a keyset that can be used raises, with no piece of it in the error."""
    with pytest.raises(KeyAccessError) as caught:
        parse(document)
    error = caught.value
    told = f"{error} {error.hint}"
    assert not any(secret in told for secret in (*_pieces(), "99999", "\u0661"))
    assert error.__cause__ is None
    assert error.__context__ is None


PROBLEMS = {
    "[]": "^the Tink keyset is not a JSON object",
    "{}": '"key" is missing or not a list',
    '{"key": 1}': '"key" is missing or not a list',
    json.dumps({"key": [_entry()]}): '"primaryKeyId" is missing or not a whole number',
    _document(_without("keyData")): '"keyData" is missing or not an object',
    _document(_without("status")): '"status" is missing or not a string',
    _document(): "the keyset has no key",
    REFUSED["two modes"]: "the keyset mixes AesSivKey and AesGcmKey",
    REFUSED["no material"]: "has 0 bytes, not 32 or 16",
}


@pytest.mark.parametrize(("document", "problem"), PROBLEMS.items(), ids=PROBLEMS.values())
def test_parse_tells_what_is_wrong(document, problem):
    """In the words of the format, and without a value."""
    with pytest.raises(KeyAccessError, match=problem):
        parse(document)


def _pieces():
    text = base64.b64encode(b"\x1a\x20" + SECRET[:32]).decode()
    return [text[start : start + 6] for start in range(len(text) - 5)]


@pytest.mark.parametrize("prefix", ["CRUNCHY", "LEGACY"])
def test_parse_other_prefix_type_names_what_is_possible(prefix):
    """The message says which prefix types there are."""
    with pytest.raises(KeyAccessError, match='"outputPrefixType" is none of TINK, RAW'):
        parse(_document(_entry(outputPrefixType=prefix)))


def test_parse_bytes_that_are_no_text_are_refused():
    """Bytes other than UTF-8 are no JSON."""
    with pytest.raises(KeyAccessError):
        parse(b"\xff{}")


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_parse_anything_raises_nothing_else(document):
    """Whatever is read, the error is ours."""
    with pytest.raises(KeyAccessError):
        parse(document)


@pytest.mark.parametrize("mode", Mode)
def test_dump_keyset_is_a_text_file(mode):
    """Laid out for people, with a line break at its end."""
    text = dump(generate(mode))
    assert text == json.dumps(json.loads(text), indent=2) + "\n"
