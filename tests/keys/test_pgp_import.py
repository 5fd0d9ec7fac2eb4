"""Key files that are taken in: pinned, renewed, and refused where they are not right."""

import os
import re
import shutil
from datetime import timedelta
from pathlib import Path

import pysequoia
import pytest

from piienc.errors import KeyAccessError, PgpError, PolicyError, UsageError
from piienc.keys.openpgp.armor import dearmor
from piienc.keys.openpgp.folder import PgpFolder
from piienc.keys.openpgp.key import KeyState, KeyUse

CURVE = ("EDDSA", "Curve: ed25519", "ECDH", "Curve: cv25519")
ALL_USES = (KeyUse.ENCRYPT, KeyUse.SIGN, KeyUse.CERTIFY)


@pytest.fixture
def folder(temp, tmp_path):
    """Give the OpenPGP keys of a key folder that is not there yet."""
    return PgpFolder(tmp_path / "keys")


def _listing(folder):
    if not folder.path.exists():
        return {}
    files = (path for path in folder.path.rglob("*") if path.is_file())
    # What gpg keeps for itself is not ours to compare.
    return {path: path.read_bytes() for path in files if "trustdb" not in path.name}


@pytest.mark.parametrize("armor", [True, False], ids=["armored", "binary"])
@pytest.mark.parametrize("name", ["curve", "rsa"])
def test_public_key_is_taken_in_and_pinned(folder, partner, name, armor):
    """What is kept is the certificate, armored, and its fingerprint beside it."""
    key = folder.take("acme", partner.export(name, armor=armor))
    assert (key.name, key.fingerprint) == ("acme", partner.fingerprint(name))
    assert key.user_ids == (f"{name} <{name}@example.com>",)
    assert key.uses == ALL_USES
    assert not key.secret
    pin = folder.path / "recipients" / "acme.fingerprint"
    assert pin.read_text() == f"{key.fingerprint}\n"
    assert folder.export("acme").startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----\n")
    assert not folder.home.exists()


def test_key_file_as_windows_saves_it_is_taken_in(folder, partner):
    """Text with a mark before it, and a carriage return at the end of each line."""
    data = b"\xef\xbb\xbf" + partner.export("curve").replace(b"\n", b"\r\n")
    assert folder.take("acme", data).fingerprint == partner.fingerprint("curve")
    with pytest.raises(KeyAccessError, match="the file holds 2 keys"):
        folder.take("acme", data + b"\xef\xbb\xbf" + partner.export("rsa"))


@pytest.mark.parametrize(
    ("name", "state", "uses"),
    [
        ("expired", KeyState.EXPIRED, ()),
        ("revoked", KeyState.REVOKED, ()),
        ("signonly", KeyState.VALID, (KeyUse.SIGN, KeyUse.CERTIFY)),
        ("staleonly", KeyState.VALID, (KeyUse.SIGN, KeyUse.CERTIFY)),
    ],
)
def test_key_that_has_ended_is_taken_in_and_shown_as_what_it_is(folder, partner, name, state, uses):
    """It may be wanted for old signatures; nothing is encrypted to it."""
    key = folder.take(name, partner.export(name))
    assert (key.state, key.uses) == (state, uses)
    with pytest.raises(KeyAccessError, match=name):
        key.require_encryption()


def test_other_key_of_the_same_name_is_refused_unless_it_is_meant(folder, partner):
    """A key that somebody has slipped in does not take the place of the partner's."""
    first = folder.take("acme", partner.export("curve")).fingerprint
    before = _listing(folder)
    with pytest.raises(PolicyError, match=f"another key acme already: {first}"):
        folder.take("acme", partner.export("third"))
    assert _listing(folder) == before
    assert folder.take("acme", partner.export("third"), overwrite=True).user_ids == (
        "third <third@example.com>",
    )
    assert len(folder.list()) == 1


def test_same_key_with_a_later_expiry_is_renewed(folder, new_gpg):
    """The owner has prolonged it: no question is asked."""
    new_gpg.generate("acme", CURVE, "30d")
    first = folder.take("acme", new_gpg.export("acme"))
    new_gpg.run("--quick-set-expire", first.fingerprint, "1y")
    new_gpg.run("--quick-set-expire", first.fingerprint, "1y", "*")
    renewed = folder.take("acme", new_gpg.export("acme"))
    assert renewed.fingerprint == first.fingerprint
    assert renewed.expires > first.expires + timedelta(days=300)
    assert folder.load(["acme"]) == [renewed]


def test_revocation_that_was_seen_once_stays(folder, new_gpg):
    """An old file of the key does not bring it back to life."""
    new_gpg.generate("acme", CURVE)
    old = new_gpg.export("acme")
    new_gpg.revoke("acme")
    folder.take("acme", old)
    assert folder.take("acme", new_gpg.export("acme")).state is KeyState.REVOKED
    assert folder.take("acme", old).state is KeyState.REVOKED
    assert folder.take("acme", old, overwrite=True).state is KeyState.REVOKED


@pytest.mark.parametrize("armor", [True, False], ids=["armored", "binary"])
def test_secret_key_is_refused_unless_it_is_meant(folder, partner, armor):
    """A partner who sends a secret key has made a mistake, and must know."""
    with pytest.raises(PolicyError, match="holds a secret key"):
        folder.take("acme", partner.export("curve", armor=armor, secret=True))
    assert not folder.path.exists()
    key = folder.take("acme", partner.export("curve", armor=armor, secret=True), secret=True)
    assert key.secret
    assert folder.export("acme").startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----\n")
    assert len(list((folder.home / "private-keys-v1.d").iterdir())) == 2


def test_secret_key_of_a_refused_name_is_not_kept(folder, partner):
    """What is refused leaves nothing behind, secret parts above all."""
    folder.take("acme", partner.export("rsa"))
    before = _listing(folder)
    with pytest.raises(PolicyError, match="another key acme"):
        folder.take("acme", partner.export("curve", secret=True), secret=True)
    assert _listing(folder) == before


@pytest.mark.parametrize("secret", [False, True])
@pytest.mark.parametrize("armor", [True, False], ids=["armored", "binary"])
def test_file_of_several_keys_is_refused(folder, partner, armor, secret):
    """Which of them is meant is not guessed, and none of them is kept."""
    data = partner.export("curve", "rsa", armor=armor, secret=secret)
    with pytest.raises(KeyAccessError, match="the file holds 2 keys"):
        folder.take("acme", data, secret=secret)
    assert not folder.path.exists()


@pytest.mark.parametrize("secret", [False, True])
def test_file_of_several_armors_is_refused(folder, partner, secret):
    """As `cat a.asc b.asc` makes it: the second key is not passed over, nor taken in unseen."""
    data = b"\n".join(partner.export(name, secret=secret) for name in ("curve", "rsa"))
    with pytest.raises(KeyAccessError, match="the file holds 2 keys"):
        folder.take("acme", data, secret=secret)
    assert not folder.path.exists()


def _broken(partner):
    whole = partner.export("curve", armor=False)
    return [whole[:100], whole[:60], whole[:100] + bytes([whole[100] ^ 1]) + whole[101:]]


@pytest.mark.parametrize("number", range(3))
def test_broken_key_is_refused_and_not_kept(folder, partner, number):
    """What gpg would not use is not pinned either."""
    with pytest.raises(KeyAccessError):
        folder.take("acme", _broken(partner)[number])
    assert folder.names() == []


def test_key_that_its_owner_has_not_signed_is_refused(folder, partner, monkeypatch, tmp_path):
    """Also by a gpg that is ready to take it in, as the GnuPG 2.4 of Debian is."""
    program = tmp_path / "gpg"
    program.write_text(f'#!/bin/sh\nexec {shutil.which("gpg")} --allow-non-selfsigned-uid "$@"\n')
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    whole = partner.export("curve", armor=False)
    key = 2 + whole[1]
    unsigned = whole[: key + 2 + whole[key + 1]]
    assert unsigned.endswith(b"curve <curve@example.com>")
    with pytest.raises(KeyAccessError, match="its owner has not signed it"):
        folder.take("acme", unsigned)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"\x00" * 100,
        b"\x99" * 100,
        b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n",
        b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n????",
        b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI me@host\n",
        b"x" * (5 << 20),
    ],
)
def test_file_that_is_no_key_is_refused(folder, data):
    """Whatever it is, it is not kept."""
    with pytest.raises(KeyAccessError):
        folder.take("acme", data)
    assert not folder.path.exists()


DATA = Path(__file__).with_name("data")
ED448 = dearmor((DATA / "x25519v4.pub.asc").read_bytes()).replace(b"\x1b", b"\x1c", 1)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ((DATA / "v6.pub.asc").read_bytes(), "version 6"),
        (b"\xc6\x2a\x06" + b"x" * 50, "version 6"),
        (b"\xc5\x2a\x06" + b"x" * 50, "version 6"),
        (b"\xc6\x2a\x05" + b"x" * 50, "version 5"),
        ((DATA / "x25519v4.pub.asc").read_bytes(), "the algorithm Ed25519"),
        (ED448, "the algorithm Ed448"),
    ],
)
def test_key_of_rfc_9580_is_told_as_such(folder, data, what):
    """GnuPG 2.2 passes over it, or lists it and cannot use it."""
    with pytest.raises(KeyAccessError) as caught:
        folder.take("acme", data)
    assert str(caught.value) == f"the key is of {what} (RFC 9580), which GnuPG cannot use"
    assert not folder.path.exists()


def test_armor_within_a_binary_key_is_text_like_others(folder):
    """A user id may hold whatever its owner likes."""
    user = "\n-----BEGIN PGP X-----\n-----BEGIN PGP Y-----\n <a@b.example>"
    certificate = pysequoia.Tsk.generate(user).extract_certificate()
    folder.take("acme", dearmor(str(certificate).encode()))
    assert folder.names() == ["acme"]


def test_message_is_no_key(folder, partner):
    """A message for us is not a key of the sender."""
    message = partner.run("--armor", "-r", "curve@example.com", "--encrypt", stdin=b"x")
    with pytest.raises(KeyAccessError, match="no OpenPGP key"):
        folder.take("acme", message)


def test_fingerprint_that_was_told_is_held_against_the_file(folder, partner):
    """However it is spelt; another key is refused by name."""
    mine, other = partner.fingerprint("curve"), partner.fingerprint("rsa")
    spaced = " ".join(mine[at : at + 4] for at in range(0, 40, 4))
    for told in (mine, mine.lower(), f"0x{mine}", spaced, spaced.replace(" ", ":")):
        folder.take("acme", partner.export("curve"), fingerprint=told)
    with pytest.raises(KeyAccessError, match=f"the file holds the key {mine}, and not {other}"):
        folder.take("new", partner.export("curve"), fingerprint=other)
    assert folder.names() == ["acme"]


@pytest.mark.parametrize("told", ["", "0x", "x" * 40, "KEYID", "LONG"])
def test_fingerprint_that_is_none_is_refused(folder, partner, told):
    """A key id can be forged, so it does not do."""
    mine = partner.fingerprint("curve")
    told = {"KEYID": mine[-16:], "LONG": mine + "0"}.get(told, told)
    with pytest.raises(UsageError, match="not a fingerprint"):
        folder.take("acme", partner.export("curve"), fingerprint=told)


def test_secret_key_that_gpg_has_not_taken_is_told(folder, partner, monkeypatch):
    """The public part alone would not decrypt, when it comes to it."""
    monkeypatch.setattr("piienc.keys.openpgp.folder.has_secret", lambda *_: False)
    with pytest.raises(PgpError, match="the public part of acme, and not the secret one"):
        folder.take("acme", partner.export("curve", secret=True), secret=True)


def test_file_of_over_4_mib_is_not_read(folder):
    """No certificate is so large."""
    for size, told in ((4 << 20, "no OpenPGP key"), ((4 << 20) + 1, "over 4 MiB")):
        with pytest.raises(KeyAccessError, match=told):
            folder.take("acme", b"x" * size)


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\x85"])
@pytest.mark.parametrize(
    "rest", ["pub", "", "sub", "fpr:::::::::7777777777777777777777777777777777777777:"]
)
def test_user_id_with_line_breaks_of_unicode_changes_nothing(folder, new_gpg, sign, rest):
    """A key's user id is from outside: it cannot pass for a line of gpg's listing."""
    new_gpg.run("--quick-gen-key", f"acme{sign}{rest}{sign}{rest} <acme@example.com>",
                "future-default", "default", "never")  # fmt: skip
    key = folder.take("acme", new_gpg.export("acme"))
    assert key.fingerprint == new_gpg.fingerprint("acme")
    assert key.uses == ALL_USES
    assert len(key.subkeys) == 1
    assert re.match("acme.", key.user_ids[0])
