"""What may befall a key folder: exchanged certificates, old copies, loose modes; and parts."""

import base64
import json
import subprocess
import sys

import pytest

from piienc.keys.openpgp.armor import dearmor

CURVE = ("EDDSA", "Curve: ed25519", "ECDH", "Curve: cv25519")
_USER_ID, _SUBKEY, _SIGNATURE = 13, 14, 2
# GnuPG's "ring trust" packet, in which a keyring notes that a signature was found good.
_NOTHING_CHECKED, _CHECKED_GOOD = b"\xb0\x02\x00\x00", b"\xb0\x02\x00\x03"


def _packets(data):
    """Take old-format packets apart: kind, whole packet, body."""
    found = []
    while data:
        kind, width = (data[0] & 0x3F) >> 2, 1 << (data[0] & 3)
        end = 1 + width + int.from_bytes(data[1 : 1 + width], "big")
        found.append((kind, data[:end], data[1 + width : end]))
        data = data[end:]
    return found


def _forged(victim, attacker, victims_print, attackers_print, *, noted):
    """Return the victim's certificate with the attacker's subkey, and notes that all is good."""
    good, nothing = (_CHECKED_GOOD, _NOTHING_CHECKED) if noted else (b"", b"")
    marks = {_SIGNATURE: good, _USER_ID: nothing}
    out = b"".join(whole + marks.get(kind, b"") for kind, whole, _ in _packets(victim)[:3])
    theirs = _packets(attacker)
    subkey = next(whole for kind, whole, _ in theirs if kind == _SUBKEY)
    binding = theirs[-1][2].replace(attackers_print, victims_print)
    binding = binding.replace(attackers_print[-8:], victims_print[-8:])
    head = bytes([0x80 | _SIGNATURE << 2 | 1]) + len(binding).to_bytes(2, "big")
    return out + subkey + head + binding + good


@pytest.mark.parametrize("noted", [False, True])
def test_subkey_that_was_put_into_a_stored_certificate_is_not_used(office, new_gpg, noted):
    """The pinned primary key has not signed it, whatever the file says of its own signatures."""
    wanted = json.loads(office.run("keys", "fingerprint", "curve", "--json").out)["key"]
    path = office.folder / "keys/recipients/curve.asc"
    attackers = new_gpg.generate("evil", CURVE)
    forged = _forged(
        dearmor(path.read_bytes()),
        new_gpg.export("evil", armor=False),
        bytes.fromhex(wanted["fingerprint"]),
        bytes.fromhex(attackers),
        noted=noted,
    )
    text = base64.encodebytes(forged).decode()
    block = "PGP PUBLIC KEY BLOCK-----"
    path.write_text(f"-----BEGIN {block}\n\n{text}-----END {block}\n")
    office.write("x.csv", b"id\n1\n")
    ended = office.run("wrap-file", "x.csv", "-r", "curve")
    assert ended.code == 5
    assert "nothing can be encrypted to curve" in ended.err
    assert not (office.folder / "x.csv.pgp").exists()


def test_revocation_under_one_name_holds_for_the_key_under_every_name(office, new_gpg):
    """An old copy of the same certificate does not bring the key back."""
    new_gpg.generate("them", CURVE)
    office.write("old.asc", new_gpg.export("them"))
    new_gpg.revoke("them")
    office.write("new.asc", new_gpg.export("them"))
    office.write("x.csv", b"id\n1\n")
    assert office.run("keys", "import-pgp", "first", "new.asc").code == 0
    assert office.run("keys", "import-pgp", "second", "old.asc").code == 0
    listed = json.loads(office.run("keys", "list", "--json").out)["pgp_keys"]
    states = {key["name"]: key["state"] for key in listed}
    assert (states["first"], states["second"]) == ("revoked", "revoked")
    for names in (["first"], ["second"], ["first", "second"], ["second", "first"]):
        recipients = [word for name in names for word in ("-r", name)]
        ended = office.run("wrap-file", "x.csv", *recipients)
        assert ended.code == 5, ended.err


@pytest.mark.parametrize("loose", ["gnupg", "gnupg/private-keys-v1.d", "a key"])
def test_secret_keys_that_others_may_read_are_refused(office, loose):
    """The same holds for OpenPGP keys as for AES keysets."""
    keys = office.folder / "keys"
    if loose == "a key":
        next((keys / "gnupg/private-keys-v1.d").glob("*.key")).chmod(0o644)
    else:
        (keys / loose).chmod(0o755)
    office.write("x.csv", b"id\n1\n")
    ended = office.run("wrap-file", "x.csv", "-r", "curve", "--sign-with", "me")
    assert ended.code == 5
    assert "others than its owner may get at it" in ended.err


def _small(office):
    office.write("piienc.toml", '[profiles.small]\nsize_limit = "20 kB"\ncompression = "none"\n')


def _rows(count):
    return b"id,text\n" + b"".join(b"%d,%064d\n" % (row, row) for row in range(count))


def test_parts_of_a_larger_earlier_run_do_not_stay(office):
    """Otherwise old rows would be sent with the new ones."""
    _small(office)
    wrap = ("wrap-file", "x.csv", "-r", "me", "--profile", "small")

    def parts():
        return sorted(path.name for path in office.folder.glob("x.part-*"))

    office.write("x.csv", _rows(1500))
    assert office.run(*wrap).code == 0
    before = parts()
    office.write("x.csv", _rows(600))
    assert office.run(*wrap).code == 12
    assert parts() == before
    assert office.run(*wrap, "--force").code == 0
    assert len(parts()) < len(before)
    rows = b"".join(
        office.start("unwrap-file", name, "-", "-q").out.partition("\n")[2].encode()
        for name in parts()
    )
    assert b"id,text\n" + rows == _rows(600)


@pytest.mark.parametrize("name", ["x.zip", "x.bin", "x.jsonl", "x"])
def test_file_that_is_no_table_is_not_split(office, name):
    """Its receiver could not put it together again."""
    _small(office)
    office.write(name, _rows(600))
    with office.unchanged():
        ended = office.run("wrap-file", name, "-r", "me", "--profile", "small")
    assert ended.code == 12
    assert "cannot be split: only CSV files are split by rows" in ended.err


def test_message_from_a_named_pipe_is_unwrapped_to_standard_output(office):
    """It can be read but once, and is decrypted twice."""
    office.write("x.csv", b"id\n1\n")
    assert office.run("wrap-file", "x.csv", "-r", "me").code == 0
    program = f"{sys.executable} -m piienc unwrap-file <(cat x.csv.pgp) - -q"
    ran = subprocess.run(
        ["bash", "-c", program], cwd=office.folder, capture_output=True, check=False, timeout=60
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"id\n1\n", b"")


def test_two_keys_can_be_made_at_once(office):
    """They share a GnuPG home, and neither ends the other's agent."""
    make = [sys.executable, "-m", "piienc", "keys", "generate-pgp"]
    more = ["--email", "x@example.com", "--algorithm", "ed25519", "--no-passphrase", "-q"]
    started = [
        subprocess.Popen([*make, f"new{number}", *more], cwd=office.folder) for number in range(4)
    ]
    assert [process.wait(60) for process in started] == [0, 0, 0, 0]
