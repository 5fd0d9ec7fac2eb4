"""`piienc keys` for OpenPGP keys: whole outputs, with fingerprints and dates left out."""

import json
import os
import re
import stat
import subprocess
from pathlib import Path
from unittest.mock import ANY

import pytest

CURVE = ("EDDSA", "Curve: ed25519", "ECDH", "Curve: cv25519")
KEYS_OF_RFC_9580 = Path(__file__).parents[1] / "keys" / "data"
QUICK = ["--algorithm", "ed25519", "--no-passphrase"]


def _stable(text):
    text = re.sub(r"\b([0-9A-F]{4} ){9}[0-9A-F]{4}\b", "GROUPS", text)
    text = re.sub(r"\b[0-9A-F]{40}\b", "FINGERPRINT", text)
    return re.sub(r"\b20\d\d-\d\d-\d\d\b", "DATE", text)


def _grouped(fingerprint):
    return " ".join(fingerprint[at : at + 4] for at in range(0, 40, 4))


def _generate(project, name="k", *more):
    arguments = [*QUICK, *more] if "--passphrase-file" not in more else [*QUICK[:2], *more]
    return project.run("keys", "generate-pgp", name, "--email", f"{name}@example.com", *arguments)


def test_generate_tells_what_was_made_and_what_to_do_with_it(project, temp):
    """Name, algorithm, end and fingerprint; nothing is on standard output."""
    ended = _generate(project)
    assert (ended.code, ended.out, _stable(ended.err)) == (
        0,
        "",
        (
            "piienc: OpenPGP key k, Ed25519, until DATE: k <k@example.com>\n"
            "piienc: fingerprint GROUPS\n"
            "piienc: send your partners the public key: piienc keys export k\n"
            "piienc: keep a copy of keys/gnupg in a safe place: without it, nothing is unwrapped\n"
        ),
    )


def test_generate_makes_rsa_3072_unless_told_otherwise(project, temp):
    """And gives it no end if that is said."""
    made = ["keys", "generate-pgp", "k", "--email", "k@example.com", "--no-passphrase"]
    ended = project.run(*made, "--expires", "never", "--real-name", "Exports: EU")
    assert ended.code == 0
    assert ended.err.startswith(
        "piienc: OpenPGP key k, RSA 3072, without an end: Exports: EU <k@example.com>\n"
    )


def test_generate_quiet_says_nothing_and_json_says_it_in_a_document(project, temp):
    """A script gets all facts without parsing a sentence."""
    assert _generate(project, "a", "--quiet").normal() == (0, "", "")
    ended = _generate(project, "b", "--json")
    assert (ended.code, ended.err) == (0, "")
    key = ended.document["key"]
    told = {"schema_version": 1, "ok": True, "key": key, "audit": project.mark()}
    assert ended.document == told
    assert _facts(key, "b", "pair") == key


def _facts(key, name, kept):
    """Return what a key of `CURVE` tells of itself; what is random is taken from the key."""

    def part(number, algorithm, uses):
        told = (key["primary"], *key["subkeys"])[number]
        assert told["fingerprint"].endswith(told["key_id"])
        assert re.fullmatch(r"[0-9A-F]{40}", told["keygrip"])
        stable = {"algorithm": algorithm, "is_rsa": False, "state": "valid", "uses": uses}
        return told | stable

    return {
        "name": name,
        "primary": part(0, "Ed25519", ["sign", "certify"]),
        "subkeys": [part(1, "Curve25519", ["encrypt"])],
        "user_ids": [f"{name} <{name}@example.com>"],
        "secrets": [part["key_id"] for part in (key["primary"], *key["subkeys"]) if kept == "pair"],
        "secret": kept == "pair",
        "fingerprint": key["primary"]["fingerprint"],
        "state": "valid",
        "uses": ["encrypt", "sign", "certify"],
    }


@pytest.mark.parametrize("way", ["file", "descriptor", "environment"])
def test_generate_takes_the_passphrase_from_anywhere(project, temp, way):
    """As all commands do; the key is locked with it."""
    project.write("passphrase", b"open sesame\n")
    made = ["keys", "generate-pgp", "k", "--email", "k@example.com", *QUICK[:2], "--quiet"]
    read, write = os.pipe()
    os.write(write, b"open sesame\n")
    os.close(write)
    more = {
        "file": ["--passphrase-file", "passphrase"],
        "descriptor": ["--passphrase-fd", read],
        "environment": [],
    }[way]
    env = {"PIIENC_PASSPHRASE": "open sesame"} if way == "environment" else {}
    assert project.run(*made, *more, env=env).normal() == (0, "", "")
    os.close(read)
    project.write("x", b"x")
    ended = project.run("wrap-file", "x", "-r", "k", "--sign-with", "k", "--no-input")
    assert ended.code == 5
    assert ended.err.startswith("piienc: error: the key k is locked: it needs its passphrase\n")
    signed = ["wrap-file", "x", "-r", "k", "--sign-with", "k", "--quiet"]
    assert project.run(*signed, "--passphrase-file", "passphrase").normal() == (0, "", "")


def test_generate_without_a_word_about_the_passphrase_is_wrong_usage(project, temp):
    """Nobody can be asked, and "in clear" is never the default."""
    with project.unchanged():
        ended = project.run("keys", "generate-pgp", "k", "--email", "k@example.com")
    assert ended.normal() == (
        2,
        "",
        (
            "piienc: error: a new key needs a passphrase, and nobody can be asked\n"
            "piienc: hint: give --passphrase-file, --passphrase-fd or PIIENC_PASSPHRASE, "
            "or say --no-passphrase\n"
        ),
    )


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        (["--expires", "2"], 2, "'2' is no expiry"),
        (["--expires", "2y\n%no-protection"], 2, "'2y\\n%no-protection' is no expiry"),
        (["--real-name", "x\nPassphrase: y"], 2, "that cannot be a key's user id"),
        (["--algorithm", "rsa1024"], 2, "Invalid value for '--algorithm'"),
        (["--passphrase-file", "none"], 2, "--no-passphrase and a passphrase contradict each"),
    ],
)
def test_generate_of_what_cannot_be_made_is_refused(project, temp, more, code, message):
    """Before gpg sees any of it."""
    with project.unchanged():
        made = ["keys", "generate-pgp", "k", "--email", "k@example.com", *QUICK]
        ended = project.run(*made, *more)
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.startswith(f"piienc: error: {message}"), ended.err


@pytest.mark.parametrize("email", ["k", "k@e\nName-Email: x@y", "a b@c", "", "<k@example.com>"])
def test_generate_for_what_is_no_address_is_refused(project, temp, email):
    """A line break in it would be a parameter of gpg's."""
    with project.unchanged():
        ended = project.run("keys", "generate-pgp", "k", "--email", email, *QUICK)
    assert ended.normal() == (
        2,
        "",
        (
            "piienc: error: that cannot be a key's user id\n"
            "piienc: hint: give a name and an address: ops@example.com\n"
        ),
    )


def test_names_are_shared_by_both_kinds_of_keys(office):
    """An AES key's name is taken, and so is an OpenPGP key's."""
    office.write("rsa.asc", office.run("keys", "export", "rsa").out)
    told = "piienc: error: there is a key {0} already: keys/{1}\npiienc: hint: "
    for name, path, command in (
        ("look", "aes/look.json", ["generate-pgp", "look", "--email", "a@b.c", *QUICK]),
        ("look", "aes/look.json", ["import-pgp", "look", "rsa.asc"]),
        ("curve", "recipients/curve.asc", ["generate-pgp", "curve", "--email", "a@b.c", *QUICK]),
        (
            "curve",
            "recipients/curve.asc",
            ["generate-aes", "curve", "--mode", "sealed", "--no-passphrase"],
        ),
    ):
        with office.unchanged():
            ended = office.run("keys", *command)
        assert (ended.code, ended.out) == (12, "")
        assert ended.err.startswith(told.format(name, path)), ended.err


@pytest.mark.parametrize("by_stdin", [False, True])
@pytest.mark.parametrize("armor", [True, False], ids=["armored", "binary"])
def test_import_shows_the_fingerprint_and_pins_it(project, temp, partner, armor, by_stdin):
    """The user is told to compare it, by another way."""
    data = partner.export("rsa", armor=armor)
    project.write("rsa.key", data)
    source, stdin = ("-", data) if by_stdin else ("rsa.key", b"")
    ended = project.run("keys", "import-pgp", "acme", source, stdin=stdin)
    pin = partner.fingerprint("rsa")
    assert ended.normal() == (
        0,
        "",
        (
            "piienc: OpenPGP key acme, RSA 3072, without an end: rsa <rsa@example.com>\n"
            f"piienc: fingerprint {_grouped(pin)}\n"
            "piienc: compare the fingerprint with its owner, by another way, before you send "
            "anything\n"
        ),
    )
    assert project.read("keys/recipients/acme.fingerprint") == f"{pin}\n".encode()
    for name in ("acme.fingerprint", "acme.asc"):
        path = project.folder / "keys" / "recipients" / name
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_import_with_the_right_fingerprint_needs_no_comparing(project, temp, partner):
    """It was done by whoever gave it; another one is refused."""
    project.write("rsa.key", partner.export("rsa"))
    right, wrong = partner.fingerprint("rsa"), partner.fingerprint("curve")
    ended = project.run("keys", "import-pgp", "acme", "rsa.key", "--fingerprint", _grouped(right))
    assert ended.code == 0
    assert "compare" not in ended.err
    with project.unchanged():
        ended = project.run("keys", "import-pgp", "new", "rsa.key", "--fingerprint", wrong)
    assert ended.normal() == (
        5,
        "",
        (
            f"piienc: error: the file holds the key {right}, and not {wrong}\n"
            "piienc: hint: do not use it; ask the key's owner, by another way, which one is "
            "right\n"
        ),
    )
    ended = project.run("keys", "import-pgp", "new", "rsa.key", "--fingerprint", right[-16:])
    assert (ended.code, ended.out) == (2, "")


def test_import_of_another_key_under_the_same_name_is_refused(office, partner):
    """With --force, it takes the old one's place."""
    office.write("third.asc", partner.export("third"))
    with office.unchanged():
        ended = office.run("keys", "import-pgp", "curve", "third.asc")
    assert ended.normal() == (
        12,
        "",
        (
            f"piienc: error: there is another key curve already: {partner.fingerprint('curve')}\n"
            "piienc: hint: if its owner has told you of the new key, by another way, say --force\n"
        ),
    )
    ended = office.run("keys", "import-pgp", "curve", "third.asc", "--force", "--quiet")
    assert ended.normal() == (0, "", "")
    told = office.run("keys", "fingerprint", "curve").out
    assert told == f"{_grouped(partner.fingerprint('third'))}\n"


def test_import_of_the_same_key_renews_it(project, temp, new_gpg):
    """A later expiry is taken over without a question."""
    fingerprint = new_gpg.generate("acme", CURVE, "10d")
    project.write("a.asc", new_gpg.export("acme"))
    assert project.run("keys", "import-pgp", "acme", "a.asc", "--quiet").normal() == (0, "", "")
    new_gpg.run("--quick-set-expire", fingerprint, "0")
    new_gpg.run("--quick-set-expire", fingerprint, "0", "*")
    project.write("a.asc", new_gpg.export("acme"))
    ended = project.run("keys", "import-pgp", "acme", "a.asc")
    assert ended.code == 0
    assert "without an end" in ended.err


def test_import_of_a_secret_key_is_refused_unless_it_is_meant(project, temp, partner):
    """With --with-secret it becomes a key pair of our own."""
    project.write("pair.asc", partner.export("curve", secret=True))
    with project.unchanged():
        ended = project.run("keys", "import-pgp", "mine", "pair.asc")
    assert ended.normal() == (
        12,
        "",
        (
            "piienc: error: the file holds a secret key, and only its public part is needed here\n"
            "piienc: hint: ask for the public key; if the key is your own, say --with-secret\n"
        ),
    )
    ended = project.run("keys", "import-pgp", "mine", "pair.asc", "--with-secret", "--json")
    assert ended.document["key"]["secret"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no OpenPGP key: it is no OpenPGP file"),
        (b"CANARY-4711\n", "no OpenPGP key: it is no OpenPGP file"),
        (b"\x99CANARY-4711\n", "the file holds no OpenPGP key"),
        (b"-----BEGIN PGP PUBLIC KEY BLOCK-----\nCANARY-4711\n", "no OpenPGP key: malformed armor"),
        (b"\xc6\x2a\x06CANARY-4711\n", "the key is of version 6"),
        (b"x" * (5 << 20), "key is over 4 MiB, which is no key"),
    ],
)
def test_import_of_what_is_no_key_is_refused_without_quoting_it(project, temp, data, message):
    """Whatever it is, it may be private."""
    project.write("key", data)
    with project.unchanged():
        ended = project.run("keys", "import-pgp", "k", "key")
    assert (ended.code, ended.out) == (5, "")
    assert ended.err.startswith(f"piienc: error: {message}"), ended.err
    assert "CANARY" not in ended.err


@pytest.mark.parametrize(
    ("name", "what"), [("v6.pub.asc", "version 6"), ("x25519v4.pub.asc", "the algorithm Ed25519")]
)
def test_key_that_gpg_cannot_use_is_told_as_such(project, temp, name, what):
    """It is a whole and signed key, but of RFC 9580."""
    project.write("key", (KEYS_OF_RFC_9580 / name).read_bytes())
    with project.unchanged():
        ended = project.run("keys", "import-pgp", "k", "key")
    assert (ended.code, ended.out) == (5, "")
    assert ended.err.startswith(f"piienc: error: the key is of {what} (RFC 9580), "), ended.err
    assert (
        "which GnuPG cannot use\npiienc: hint: ask its owner for a key of version 4 by RFC 4880"
        in ended.err
    )


@pytest.mark.parametrize("secret", [True, False])
def test_key_that_cannot_encrypt_is_said_to_be_no_recipient(project, temp, partner, secret):
    """It signs, or is signed by, alone."""
    project.write("key", partner.export("signonly", secret=secret))
    more = ["--with-secret"] if secret else []
    ended = project.run("keys", "import-pgp", "k", "key", *more)
    assert ended.code == 0
    assert "piienc: warning: k is no recipient: nothing can be encrypted to k: " in ended.err


def test_import_of_several_keys_is_refused(project, temp, partner):
    """One name stands for one key."""
    project.write("keys.asc", partner.export("curve", "rsa"))
    with project.unchanged():
        ended = project.run("keys", "import-pgp", "k", "keys.asc")
    assert (ended.code, ended.out) == (5, "")
    assert ended.err.startswith("piienc: error: the file holds 2 keys\n")


def test_import_of_a_file_that_is_missing_is_refused(project, temp):
    """The path is told."""
    ended = project.run("keys", "import-pgp", "k", "none")
    assert ended.code == 4
    assert ended.err.startswith("piienc: error: cannot read none: No such file or directory\n")


@pytest.mark.parametrize("change", ["exchanged", "by hand", "gone"])
def test_certificate_that_is_not_the_pinned_one_is_never_used(office, partner, change):
    """Not to wrap, not to list, not to give out."""
    office.write("x.csv", b"CANARY-4711\n")
    recipients = office.folder / "keys" / "recipients"
    if change == "exchanged":
        (recipients / "curve.asc").write_bytes(partner.export("third"))
    elif change == "by hand":
        (recipients / "curve.fingerprint").unlink()
    else:
        (recipients / "curve.asc").unlink()
    for command in (
        ["wrap-file", "x.csv", "-r", "curve"],
        ["keys", "export", "curve"],
        ["keys", "fingerprint", "curve"],
    ):
        with office.unchanged():
            ended = office.run(*command)
        assert ended.code == (12 if command[1] == "export" and change == "gone" else 5), ended
        assert ended.out == ""


def test_export_gives_the_public_key_to_a_partner(office, partner, new_gpg):
    """On standard output, in a file, or in a document; never the secret part."""
    ended = office.run("keys", "export", "me")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----\n")
    assert ended.out.endswith("-----END PGP PUBLIC KEY BLOCK-----\n")
    new_gpg.run("--import", stdin=ended.out.encode())
    assert new_gpg.fingerprint("me") == partner.fingerprint("me")
    assert new_gpg.run("--list-secret-keys") == b""
    assert office.run("keys", "export", "me", "-o", "me.asc").code == 0
    assert office.read("me.asc").decode() == ended.out
    told = office.run("keys", "export", "me", "--json")
    assert told.document == {
        "schema_version": 1,
        "ok": True,
        "key": {"name": "me", "public_key": ended.out},
        "audit": office.mark() | {"lines": office.mark()["lines"] - 1, "head": ANY},
    }
    with office.unchanged():
        assert office.run("keys", "export", "rsa", "-o", "me.asc").code == 12
    assert office.run("keys", "export", "rsa", "-o", "me.asc", "--force").code == 0


def test_fingerprint_is_shown_as_people_compare_it(office, partner):
    """In groups of four; as a document, with all that is known of the key."""
    pin = partner.fingerprint("me")
    assert office.run("keys", "fingerprint", "me").normal() == (0, f"{_grouped(pin)}\n", "")
    ended = office.run("keys", "fingerprint", "me", "--json")
    assert ended.document["key"]["fingerprint"] == pin
    ended = office.run("keys", "fingerprint", "mee")
    assert ended.normal() == (
        5,
        "",
        (
            "piienc: error: there is no key mee: keys/recipients/mee.asc is missing\n"
            "piienc: hint: did you mean me?\n"
        ),
    )


ROWS = [
    ["look", "searchable", "1111111111 (primary)", "AES-SIV, 512 bits", "enabled", "never",
     "encrypt decrypt", "in clear"],
    ["seal", "sealed", "2222222222 (primary)", "AES-GCM, 256 bits", "enabled", "never",
     "encrypt decrypt", "in clear"],
    ["curve", "pgp", "FINGERPRINT", "Ed25519", "valid", "never", "encrypt sign certify", "public"],
    ["expired", "pgp", "FINGERPRINT", "Ed25519", "expired", "DATE", "-", "public"],
    ["locked", "pgp", "FINGERPRINT", "Ed25519", "valid", "DATE", "encrypt sign certify", "pair"],
    ["me", "pgp", "FINGERPRINT", "Ed25519", "valid", "DATE", "encrypt sign certify", "pair"],
    ["revoked", "pgp", "FINGERPRINT", "Ed25519", "revoked", "never", "-", "public"],
    ["rsa", "pgp", "FINGERPRINT", "RSA 3072", "valid", "never", "encrypt sign certify", "public"],
    ["signonly", "pgp", "FINGERPRINT", "Ed25519", "valid", "never", "sign certify", "public"],
    ["soon", "pgp", "FINGERPRINT", "Ed25519", "valid", "DATE", "encrypt sign certify", "public"],
    ["staleonly", "pgp", "FINGERPRINT", "Ed25519", "valid", "never", "sign certify", "public"],
    ["third", "pgp", "FINGERPRINT", "Ed25519", "valid", "never", "encrypt sign certify", "public"],
    ["weak", "pgp", "FINGERPRINT", "RSA 2048", "valid", "never", "encrypt sign certify", "public"],
]  # fmt: skip


def test_list_shows_aes_and_openpgp_keys_in_one_table(office):
    """With algorithm, size, end, and what each can do; no passphrase is needed."""
    ended = office.run("keys", "list")
    assert (ended.code, ended.err) == (0, "")
    lines = [
        re.split(r"\s{2,}", line.strip())
        for line in _stable(ended.out).splitlines()
        if line.strip()
    ]
    assert lines[0] == ["keys in keys"]
    assert lines[1] == ["name", "mode", "key", "algorithm", "status", "expires", "can", "kept"]
    assert lines[3:] == ROWS


def test_list_json_gives_all_facts_of_both_kinds(office, partner):
    """The same for scripts."""
    ended = office.run("keys", "list", "--json")
    assert (ended.code, ended.err) == (0, "")
    document = ended.document
    assert [key["name"] for key in document["keys"]] == ["look", "seal"]
    assert [key["name"] for key in document["pgp_keys"]] == [row[0] for row in ROWS[2:]]
    by_name = {key["name"]: key for key in document["pgp_keys"]}
    assert by_name["me"] == _facts(by_name["me"], "me", "pair")
    assert by_name["curve"] == _facts(by_name["curve"], "curve", "public")
    assert by_name["curve"]["fingerprint"] == partner.fingerprint("curve")
    assert by_name["curve"]["primary"]["expires"] is None
    assert by_name["expired"]["primary"]["expires"] == "2020-12-31T00:00:00Z"
    assert (by_name["rsa"]["primary"]["bits"], by_name["weak"]["primary"]["bits"]) == (3072, 2048)
    assert json.loads(ended.out) == document


@pytest.mark.parametrize(
    ("path", "mode", "cure"),
    [
        ("keys", 0o755, "chmod 0700 keys"),
        ("keys/recipients", 0o750, "chmod 0700 keys/recipients"),
        ("keys/recipients/curve.asc", 0o644, "chmod 0600 keys/recipients/curve.asc"),
    ],
)
def test_key_kept_carelessly_is_refused_with_the_cure(office, path, mode, cure):
    """Others may have exchanged it already."""
    office.write("x.csv", b"x")
    (office.folder / path).chmod(mode)
    told = f"piienc: error: {path} has mode {mode:04o}: others than its owner may get at it\n"
    for command in (["keys", "list"], ["wrap-file", "x.csv", "-r", "curve"]):
        with office.unchanged():
            assert office.run(*command).normal() == (5, "", f"{told}piienc: hint: {cure}\n")


def test_key_folder_nested_deeply_wraps_and_unwraps(project, temp):
    """The path of the agent's socket is a short one, wherever the keys are."""
    keys = project.folder.joinpath(*["a-folder-with-a-long-name"] * 10)
    assert len(str(keys)) > 250
    place = ["--keys", keys, "--quiet"]
    assert _generate(project, "k", *place).normal() == (0, "", "")
    project.write("x.csv", b"x")
    wrapped = project.run("wrap-file", "x.csv", "-r", "k", "--sign-with", "k", *place)
    assert wrapped.normal() == (0, "", "")
    ended = project.run("unwrap-file", "x.csv.pgp", "y.csv", "--signed-by", "k", *place)
    assert ended.normal() == (0, "", "")


def test_commands_of_keys_leave_nothing_and_nobody_behind(project, temp, partner):
    """As processes of their own, as scripts run them."""
    project.write("rsa.asc", partner.export("rsa", secret=True))
    for command in (
        ["generate-pgp", "k", "--email", "k@example.com", *QUICK],
        ["import-pgp", "rsa", "rsa.asc", "--with-secret"],
        ["list"],
        ["export", "k"],
        ["fingerprint", "rsa"],
    ):
        assert project.start("keys", *command).code == 0
        assert list(temp.iterdir()) == []
    done = subprocess.run(["ls", "-A", os.environ["HOME"]], capture_output=True, check=True)
    assert done.stdout == b""
