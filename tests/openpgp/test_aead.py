"""A recipient whose key asks for AEAD still gets the packet that every receiver can read."""

from __future__ import annotations

import hashlib
import io
import re
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from piienc.errors import PgpError
from piienc.keys.openpgp.folder import PgpFolder
from piienc.keys.openpgp.gpg import Gpg
from piienc.openpgp.encryptor import WrapRequest
from piienc.openpgp.gpg.wrap import MessageFormat, require_as_meant
from piienc.openpgp.packets import Container, read_message
from piienc.openpgp.wrap import wrap_file
from piienc.receivers import load
from piienc.storage import FileSource, FileTarget

CURVE = ("EDDSA", "Curve: ed25519", "ECDH", "Curve: cv25519")
# RFC 9580, 5.2.3.32, and the draft that GnuPG goes by: a modification detection code, and AEAD.
_FEATURES, _MDC_AND_AEAD = re.compile(rb"\x02\x1e[\x01\x07]"), b"\x02\x1e\x03"
MDC = Container("mdc", 18, 1, None, None)


def _packets(data):
    """Take old-format packets apart: the kind and the body."""
    found = []
    while data:
        kind, width = (data[0] & 0x3F) >> 2, 1 << (data[0] & 3)
        end = 1 + width + int.from_bytes(data[1 : 1 + width], "big")
        found.append((kind, data[1 + width : end]))
        data = data[end:]
    return found


def _packet(kind, body):
    return bytes([0x80 | kind << 2 | 1]) + len(body).to_bytes(2, "big") + body


def _mpi(data):
    number = int.from_bytes(data, "big")
    return number.bit_length().to_bytes(2, "big") + data.lstrip(b"\0")


def asking_for_aead(secret):
    """Return the certificate of a secret key, with a self-signature that asks for AEAD."""
    (_, primary), (_, user_id), (_, signature), (_, subkey), (_, binding) = _packets(secret)
    # RFC 9580, 5.5: version, time, algorithm, curve, point; then how the secret is kept: in clear.
    public = 6 + 1 + primary[6] + 2 + 33
    assert primary[public] == 0
    bits = int.from_bytes(primary[public + 1 : public + 3], "big")
    seed = primary[public + 3 : public + 3 + (bits + 7) // 8].rjust(32, b"\0")
    primary = primary[:public]
    sub = 6 + 1 + subkey[6] + 2 + 33
    sub += 1 + subkey[sub]  # the key derivation's parameters

    # RFC 9580, 5.2.4: what is hashed is the key, the user id, and the signature's own beginning.
    hashed = signature[: 6 + int.from_bytes(signature[4:6], "big")]
    unhashed_at = len(hashed)
    hashed, found = _FEATURES.subn(_MDC_AND_AEAD, hashed)
    assert found == 1
    unhashed = signature[
        unhashed_at : unhashed_at
        + 2
        + int.from_bytes(signature[unhashed_at : unhashed_at + 2], "big")
    ]
    digest = hashlib.new({8: "sha256", 10: "sha512"}[signature[3]])
    digest.update(b"\x99" + len(primary).to_bytes(2, "big") + primary)
    digest.update(b"\xb4" + len(user_id).to_bytes(4, "big") + user_id)
    digest.update(hashed + b"\x04\xff" + len(hashed).to_bytes(4, "big"))
    signed = Ed25519PrivateKey.from_private_bytes(seed).sign(digest.digest())
    body = hashed + unhashed + digest.digest()[:2] + _mpi(signed[:32]) + _mpi(signed[32:])
    bodies = ((6, primary), (13, user_id), (2, body), (14, subkey[:sub]), (2, binding))
    return b"".join(_packet(kind, made) for kind, made in bodies)


@pytest.fixture
def keys(new_gpg, temp, tmp_path):
    """Give a key folder with a key that asks for AEAD, another one, and a signer."""
    made = PgpFolder(tmp_path / "keys")
    for name in ("modern", "other"):
        new_gpg.generate(name, CURVE)
        certificate = asking_for_aead(new_gpg.export(name, armor=False, secret=True))
        shown = new_gpg.run("--list-packets", stdin=certificate).decode()
        assert "features: 03" in shown
        made.take(name, certificate)
    made.generate("me", "me@example.com", algorithm="ed25519")
    return made


def _wrapped(keys, folder, *names, signer=None):
    source, target = folder / "x.csv", folder / "x.pgp"
    source.write_bytes(b"id\n1\n")
    wanted = WrapRequest(load("generic", {}), names, signer)
    wrap_file(FileSource(source), FileTarget(target), wanted, keys=keys)
    return target.read_bytes()


def test_key_that_asks_for_aead_gets_the_older_packet(new_gpg, keys, tmp_path):
    """Programs that know RFC 4880 alone stop at the newer one: packet 20, or version 2 of 18."""
    data = _wrapped(keys, tmp_path, "modern")
    assert read_message(io.BytesIO(data), "x.pgp").container == MDC
    assert new_gpg.run("--decrypt", stdin=data) == b"id\n1\n"


def test_keys_that_gpg_would_use_aead_for_get_all_else_as_ever(
    new_gpg, keys, tmp_path, monkeypatch
):
    """With the gpg that is there, be it old or new: recipients, cipher, signature and its hash."""
    before = {path.name: path.read_bytes() for path in (keys.path / "recipients").iterdir()}
    aead = SimpleNamespace(all=lambda _: [["3", "9", "2"]])  # what a new one tells of a trial
    monkeypatch.setattr(Gpg, "release", (2, 4, 4))
    monkeypatch.setattr(Gpg, "encrypt", lambda *_, **__: aead)
    data = _wrapped(keys, tmp_path, "modern", "other", signer="me")
    message = read_message(io.BytesIO(data), "x.pgp")
    assert message.container == MDC
    assert [recipient.key_id for recipient in message.recipients] == [
        key.encrypting[0].key_id for key in keys.load(["modern", "other"])
    ]
    new_gpg.run("--import", stdin=keys.export("me").encode())
    told = new_gpg.run("--status-fd", "1", "--decrypt", stdin=data).decode()
    assert "[GNUPG:] DECRYPTION_INFO 2 9" in told
    (valid,) = re.findall(r"VALIDSIG (.*)", told)
    assert valid.split()[7] == "10"  # SHA-512: RFC 9580, 9.5
    assert {path.name: path.read_bytes() for path in (keys.path / "recipients").iterdir()} == before


@pytest.fixture
def written(new_gpg, tmp_path):
    """Give a key, and what a message for it tells."""
    new_gpg.generate("k", CURVE)
    keys = PgpFolder(tmp_path / "keys")
    key = keys.take("k", new_gpg.export("k"))
    data = new_gpg.run("-r", "k@example.com", "--encrypt", stdin=b"x")
    message = read_message(io.BytesIO(data), "x")
    return key, replace(message, container=MDC)  # whatever this gpg has chosen


@pytest.mark.parametrize(
    "container",
    [
        Container("aead", 20, 1, "AES256", "OCB"),
        Container("seipd2", 18, 2, "AES256", "OCB"),
        Container("unprotected", 9, None, None, None),
        None,
    ],
)
def test_packet_that_the_profile_does_not_allow_is_refused(written, container):
    """A newer gpg may write it for such keys, and the receiver could not read it."""
    key, message = written
    require_as_meant(message, [key], MessageFormat())
    other = replace(message, container=container)
    with pytest.raises(PgpError, match="which the profile does not allow"):
        require_as_meant(other, [key], MessageFormat())
    if container and container.aead:
        require_as_meant(other, [key], MessageFormat(aead=True))


def test_message_for_anybody_else_is_refused(written):
    """Nobody who was not named may be able to read it, and everybody who was must be."""
    key, message = written
    somebody = replace(message.recipients[0], key_id="0123456789ABCDEF")
    for recipients in ((), (somebody,), (*message.recipients, somebody), message.recipients * 2):
        with pytest.raises(PgpError, match="gpg did not write what was asked for"):
            require_as_meant(replace(message, recipients=recipients), [key], MessageFormat())
    with pytest.raises(PgpError, match="another form"):
        require_as_meant(message, [key], MessageFormat(armor=True))
