"""`piienc wrap-file` and `unwrap-file`: round trips with ourselves and with three others."""

import json
import os
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

DATA = b"id,email\n1,ada@example.com\n2,\xff\x00\r\nno text\n"
BLOCK = random.Random(4).randbytes(1 << 20)  # noqa: S311  # no secret
CURVE = ("EDDSA", "Curve: ed25519", "ECDH", "Curve: cv25519")
THREE = ("curve", "rsa", "third")
READERS = ["gpg", "sq", "pysequoia"]

_sequoia = pytest.mark.skipif(not shutil.which("sq"), reason="sq is not installed")


@pytest.fixture
def shop(office, partner):
    """Give an office with a file to wrap, and the partner's public and secret key files."""
    office.write("x.csv", DATA)
    for name in THREE:
        office.write(f"{name}.key", partner.export(name, secret=True))
    office.write("me.asc", office.run("keys", "export", "me").out)
    office.write("locked.asc", office.run("keys", "export", "locked").out)
    return office


def _arguments(names):
    return [argument for name in names for argument in ("--recipient", name)]


def _sq(*arguments):
    done = subprocess.run(["sq", *map(str, arguments)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def _read_by_gpg(shop, partner, file, name, signed):
    out = shop.folder / f"{name}.by-gpg"
    told = partner.run("--status-fd", "1", "--output", out, "--decrypt", file)
    assert (b"GOODSIG" in told) == signed
    return out.read_bytes()


def _read_by_sq(shop, partner, file, name, signed):
    del partner
    check = ["--signer-cert", shop.folder / "me.asc"] if signed else []
    return _sq("decrypt", "--recipient-key", shop.folder / f"{name}.key", *check, file)


def _read_by_pysequoia(shop, partner, file, name, signed):
    import pysequoia

    del partner
    secret = pysequoia.Tsk.from_file(str(shop.folder / f"{name}.key"))
    me = pysequoia.Cert.from_file(str(shop.folder / "me.asc"))
    check = (lambda _: [me]) if signed else None
    read = pysequoia.decrypt(file.read_bytes(), secret.decryptor(), check)
    assert len(read.valid_sigs) == signed
    return read.bytes


def _write_by_gpg(shop, partner, source, target, signed):
    sign = ["--sign", "--local-user", "curve@example.com"] if signed else []
    partner.run(*sign, "--output", target, "--recipient", "me@example.com", "--encrypt", source)


def _write_by_sq(shop, partner, source, target, signed):
    del partner
    sign = ["--signer-key", shop.folder / "curve.key"] if signed else []
    recipient = ["--recipient-cert", shop.folder / "me.asc"]
    _sq("encrypt", *recipient, *sign, "--output", target, source)


def _write_by_pysequoia(shop, partner, source, target, signed):
    import pysequoia

    del partner
    signer = pysequoia.Tsk.from_file(str(shop.folder / "curve.key")).signer() if signed else None
    me = pysequoia.Cert.from_file(str(shop.folder / "me.asc"))
    made = pysequoia.encrypt(source.read_bytes(), recipients=[me], signer=signer)
    target.write_bytes(made)


def _read(program):
    return globals()[f"_read_by_{program}"]


@pytest.mark.parametrize("program", ["gpg", pytest.param("sq", marks=_sequoia), "pysequoia"])
@pytest.mark.parametrize("names", [("curve",), ("rsa",), THREE], ids=["curve", "rsa", "three"])
@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
@pytest.mark.parametrize("form", ["--armor", "--binary"])
def test_file_wrapped_here_is_read_by_others_byte_for_byte(
    shop, partner, program, names, signed, form
):
    """Each recipient reads it with any OpenPGP program, and sees whose signature it bears."""
    sign = ["--sign-with", "me"] if signed else []
    ended = shop.run("wrap-file", "x.csv", "x.out", *_arguments(names), form, *sign)
    assert ended.normal() == (
        0,
        "",
        f"piienc: wrapped for {', '.join(names)}{', signed by me' * signed} in T s: x.out\n",
    )
    armored = shop.read("x.out").startswith(b"-----BEGIN PGP MESSAGE-----\n")
    assert armored == (form == "--armor")
    for name in names:
        assert _read(program)(shop, partner, shop.folder / "x.out", name, signed) == DATA


@pytest.mark.parametrize("program", ["gpg", pytest.param("sq", marks=_sequoia), "pysequoia"])
@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
def test_file_wrapped_by_others_is_unwrapped_here(shop, partner, program, signed):
    """What any OpenPGP program writes for our key is read, and its signature checked."""
    write = globals()[f"_write_by_{program}"]
    write(shop, partner, shop.folder / "x.csv", shop.folder / "y.csv.pgp", signed)
    demand = ["--signed-by", "curve"] if signed else []
    ended = shop.run("unwrap-file", "y.csv.pgp", *demand)
    told = "signed by curve" if signed else "not signed"
    assert ended.normal() == (0, "", f"piienc: unwrapped in T s, {told}: y.csv\n")
    assert shop.read("y.csv") == DATA


@pytest.mark.parametrize("algorithm", ["rsa", "curve"])
def test_file_is_unwrapped_with_a_key_that_was_imported_with_its_secret(
    project, temp, partner, algorithm
):
    """Who has used gpg until now brings the key pair along, RSA or of a curve."""
    project.write("x.csv", DATA)
    project.write("pair.asc", partner.export(algorithm, secret=True))
    done = project.run("keys", "import-pgp", "mine", "pair.asc", "--with-secret", "--quiet")
    assert done.normal() == (0, "", "")
    assert project.run("wrap-file", "x.csv", "-r", "mine", "--sign-with", "mine").code == 0
    ended = project.run("unwrap-file", "x.csv.pgp", "y.csv", "--signed-by", "mine")
    assert ended.normal() == (0, "", "piienc: unwrapped in T s, signed by mine: y.csv\n")
    assert project.read("y.csv") == DATA


@pytest.mark.parametrize("form", ["--armor", "--binary"])
@pytest.mark.parametrize("data", [b"", b"x", BLOCK * 5], ids=["empty", "one byte", "5 MB"])
def test_stream_goes_there_and_back(office, partner, form, data):
    """Standard input to standard output, of any size; nothing but data is on it."""
    wrapped = subprocess.run(
        office.command("wrap-file", "-", "-", "-r", "me", "-r", "curve", "--sign-with", "me", form),
        input=data,
        cwd=office.folder,
        capture_output=True,
        check=True,
    )
    assert partner.run("--decrypt", stdin=wrapped.stdout) == data
    unwrapped = subprocess.run(
        office.command("unwrap-file", "-", "-", "--signed-by", "me"),
        input=wrapped.stdout,
        cwd=office.folder,
        capture_output=True,
        check=True,
    )
    assert unwrapped.stdout == data
    assert b"signed by me: -\n" in unwrapped.stderr


@pytest.mark.parametrize("size", [0, 5 << 20])
@pytest.mark.parametrize("form", ["--armor", "--binary"])
def test_file_of_any_size_comes_back(office, size, form):
    """An empty file is a file too, and a large one is as good as a small one."""
    office.write("x.bin", BLOCK * (size >> 20))
    assert office.run("wrap-file", "x.bin", "x.pgp", "-r", "me", form, "--quiet").code == 0
    assert office.run("unwrap-file", "x.pgp", "y.bin", "--quiet").normal() == (0, "", "")
    assert office.read("y.bin") == office.read("x.bin")


def test_file_that_unwrap_writes_and_that_wrap_writes_are_their_owners_alone(office):
    """Both are made with mode 0600."""
    office.write("x.csv", DATA)
    office.run("wrap-file", "x.csv", "-r", "me")
    office.run("unwrap-file", "x.csv.pgp", "y.csv")
    for name in ("x.csv.pgp", "y.csv"):
        assert (office.folder / name).stat().st_mode & 0o777 == 0o600


def _facts(name, data):
    from hashlib import sha256

    return {"name": name, "bytes": len(data), "sha256": sha256(data).hexdigest()}


def test_receipts_tell_counts_hashes_and_keys(office, ring):
    """A script gets all that it needs to know, and no value."""
    office.write("x.csv", DATA)
    pins = {name: (ring / "recipients" / f"{name}.fingerprint").read_text().strip() for name in
            ("me", "curve", "rsa")}  # fmt: skip
    keys = {name: {"name": name, "fingerprint": pin} for name, pin in pins.items()}
    arguments = ["-r", "me", "-r", "rsa", "-r", "me", "--sign-with", "me", "--armor", "--json"]
    ended = office.run("wrap-file", "x.csv", "x.asc", *arguments)
    assert (ended.code, ended.err) == (0, "")
    assert isinstance(ended.document["seconds"], float)
    assert ended.document | {"seconds": 0} == {
        "schema_version": 1,
        "ok": True,
        "step": "wrap-file",
        "input": _facts("x.csv", DATA),
        "outputs": [_facts("x.asc", office.read("x.asc"))],
        "recipients": [keys["me"], keys["rsa"]],
        "signed_by": keys["me"],
        "profile": "generic",
        "cipher": "AES256",
        "compression": "none",
        "armor": True,
        "seconds": 0,
        "warnings": [],
        "audit": office.mark(),
    }
    ended = office.run("unwrap-file", "x.asc", "y.csv", "--json")
    assert (ended.code, ended.err) == (0, "")
    (signature,) = ended.document["signatures"]
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", signature["made"])
    assert ended.document | {"seconds": 0, "signatures": []} == {
        "schema_version": 1,
        "ok": True,
        "step": "unwrap-file",
        "input": _facts("x.asc", office.read("x.asc")),
        "output": _facts("y.csv", DATA),
        "signatures": [],
        "seconds": 0,
        "warnings": [],
        "audit": office.mark(),
    }
    assert signature | {"made": 0} == {"key": keys["me"], "trust": "good", "made": 0}


def test_receipt_goes_aside_where_standard_output_carries_the_data(office):
    """One stream is the message, the other the document."""
    done = subprocess.run(
        office.command("wrap-file", "-", "-", "-r", "me", "--json"),
        input=DATA,
        cwd=office.folder,
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stderr)["outputs"] == [_facts("-", done.stdout)]


@pytest.mark.parametrize(
    ("source", "wrapped", "arguments"),
    [
        ("x.csv", "x.csv.pgp", []),
        ("x.csv", "x.csv.pgp", ["--armor"]),
        ("x", "x.pgp", []),
        ("sub/x.csv.gz", "sub/x.csv.gz.pgp", []),
        ("x.csv", "x.csv.asc", ["--profile", "mine"]),
    ],
)
def test_output_without_a_name_gets_the_sources_and_the_extension(
    office, source, wrapped, arguments
):
    """There and back, the name of the file is the user's own."""
    office.write("piienc.toml", '[profiles.mine]\nbased_on = "generic"\nextension = ".asc"\n')
    (office.folder / "sub").mkdir()
    office.write(source, DATA)
    assert office.run("wrap-file", source, "-r", "me", *arguments).code == 0
    office.write(source, b"old")
    assert office.run("unwrap-file", wrapped, "--force").code == 0
    assert office.read(source) == DATA


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["unwrap-file", "x.csv"], "where to? no output is named"),
        (["unwrap-file", "-"], "where to? no output is named"),
        (["wrap-file", "-", "-r", "me"], "where to? no output is named"),
        (["wrap-file", "x.csv"], "for whom? no recipient is named"),
        (["wrap-file", "x.csv", "-r", "../me"], "'../me' cannot be a key's name"),
    ],
)
def test_command_that_leaves_out_what_must_be_said_is_wrong_usage(office, arguments, message):
    """No name is guessed where there is nothing to guess it from."""
    office.write("x.csv", DATA)
    with office.unchanged():
        ended = office.run(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"piienc: error: {message}\n")


def test_short_rsa_and_a_near_end_are_warned_of(office):
    """The file is wrapped, and what needs care soon is said, also in the receipt."""
    office.write("x.csv", DATA)
    ended = office.run("wrap-file", "x.csv", "-r", "weak", "-r", "soon", "-r", "curve", "--quiet")
    assert ended.code == 0
    told = re.sub(r"20\d\d-\d\d-\d\d", "DATE", ended.err)
    assert told == (
        "piienc: warning: the key weak is RSA 2048: 3072 bits are advised\n"
        "piienc: warning: the key soon expires on DATE: ask for a new one\n"
    )
    ended = office.run("wrap-file", "x.csv", "y.pgp", "-r", "weak", "--json")
    assert ended.document["warnings"] == ["the key weak is RSA 2048: 3072 bits are advised"]


def test_passphrase_of_the_signer_and_of_the_reader_is_taken_from_anywhere(office, monkeypatch):
    """By file, by descriptor, by environment: as for every other key."""
    office.write("x.csv", DATA)
    read, write = os.pipe()
    os.write(write, office.read("passphrase"))
    os.close(write)
    wrap = ["wrap-file", "x.csv", "-r", "locked", "--sign-with", "locked", "--quiet"]
    assert office.run(*wrap, "--passphrase-fd", read).normal() == (0, "", "")
    os.close(read)
    unwrap = ["unwrap-file", "x.csv.pgp", "--signed-by", "locked", "--quiet"]
    assert office.run(*unwrap, "a.csv", "--passphrase-file", "passphrase").normal() == (0, "", "")
    monkeypatch.setenv("PIIENC_PASSPHRASE", office.read("passphrase").decode().strip())
    assert office.run(*unwrap, "b.csv").normal() == (0, "", "")
    assert office.read("a.csv") == office.read("b.csv") == DATA


def test_message_for_a_locked_and_an_open_key_of_ours_needs_no_passphrase(office):
    """Any secret key that fits will do, and the open one asks nobody."""
    office.write("x.csv", DATA)
    office.run("wrap-file", "x.csv", "-r", "locked", "-r", "me")
    ended = office.run("unwrap-file", "x.csv.pgp", "y.csv", "--quiet")
    assert ended.normal() == (0, "", "")
    assert office.read("y.csv") == DATA


def test_two_names_for_one_key_are_one_recipient(office, partner):
    """Who has imported a key twice has not made a mistake yet."""
    office.write("x.csv", DATA)
    office.write("curve.asc", partner.export("curve"))
    assert office.run("keys", "import-pgp", "alias", "curve.asc").code == 0
    ended = office.run("wrap-file", "x.csv", "-r", "curve", "-r", "alias", "--quiet")
    assert ended.normal() == (0, "", "")
    assert partner.run("--decrypt", stdin=office.read("x.csv.pgp")) == DATA


def test_hidden_recipient_is_tried_with_our_keys(office, partner):
    """A message that does not tell whom it is for is opened all the same."""
    hidden = partner.run("--hidden-recipient", "me@example.com", "--encrypt", stdin=DATA)
    office.write("x.pgp", hidden)
    ended = office.run("unwrap-file", "x.pgp", "y.csv", "--quiet")
    assert ended.normal() == (0, "", "")
    assert office.read("y.csv") == DATA


def test_signature_of_an_unknown_key_is_a_warning(office, new_gpg):
    """Nobody can tell what it is worth; the file is whole, and is unwrapped."""
    signer = new_gpg.generate("stranger", CURVE)
    new_gpg.run("--import", stdin=office.run("keys", "export", "me").out.encode())
    message = new_gpg.run("--sign", "-r", "me@example.com", "--encrypt", stdin=DATA)
    office.write("x.csv.pgp", message)
    ended = office.run("unwrap-file", "x.csv.pgp")
    assert ended.normal() == (
        0,
        "",
        (
            f"piienc: warning: the signature by {signer} is unknown\n"
            "piienc: unwrapped in T s, with a signature that proves nothing: x.csv\n"
        ),
    )
    assert office.read("x.csv") == DATA


def _encrypted_for_us(office, gpg, signed):
    """Encrypt what is signed already; nobody else than a signer's past self can sign it so."""
    gpg.run("--import", stdin=office.run("keys", "export", "me").out.encode())
    plain = ["--no-literal", "--compress-algo", "none"]
    return gpg.run(*plain, "-r", "me@example.com", "--encrypt", stdin=signed)


@pytest.mark.parametrize("end", ["expired", "revoked"])
def test_signature_of_a_key_that_has_ended_is_a_warning_and_never_enough(office, new_gpg, end):
    """It is told, and it does not do where a signature is demanded."""
    made = "20200101T000000"
    new_gpg.generate("signer", CURVE, "1y" if end == "expired" else "0", at=made)
    sign = ["--compress-algo", "none", "--local-user", "signer@example.com", "--sign"]
    signed = new_gpg.run(*sign, stdin=DATA, at=made)
    if end == "revoked":
        new_gpg.revoke("signer")
    office.write("signer.asc", new_gpg.export("signer"))
    assert office.run("keys", "import-pgp", "signer", "signer.asc", "--quiet").code == 0
    office.write("x.csv.pgp", _encrypted_for_us(office, new_gpg, signed))
    ended = office.run("unwrap-file", "x.csv.pgp", "--json")
    assert ended.code == 0, ended.err
    (signature,) = ended.document["signatures"]
    assert (signature["key"]["name"], signature["trust"]) == ("signer", end)
    assert ended.document["warnings"] == [
        f"the signature by {new_gpg.fingerprint('signer')} is {end}"
    ]
    with office.unchanged():
        ended = office.run("unwrap-file", "x.csv.pgp", "y.csv", "--signed-by", "signer")
    assert (ended.code, ended.out) == (6, "")
    assert f"its signature by signer is {end}\n" in ended.err


def test_own_key_that_has_expired_still_opens_what_was_sent(project, temp, partner):
    """A key's end is an end to writing: old files stay readable."""
    project.write("pair.asc", partner.export("expired", secret=True))
    done = project.run("keys", "import-pgp", "old", "pair.asc", "--with-secret", "--quiet")
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith("piienc: warning: old is no recipient: the key old is expired")
    message = partner.run(
        "-r", "expired@example.com", "--encrypt", stdin=DATA, at="20200601T000000"
    )
    project.write("x.csv.pgp", message)
    assert project.run("unwrap-file", "x.csv.pgp", "--quiet").normal() == (0, "", "")
    assert project.read("x.csv") == DATA


def _own_profile(office, name, **demands):
    lines = [f"{key} = {json.dumps(value)}" for key, value in demands.items()]
    office.write("piienc.toml", "\n".join([f"[profiles.{name}]", *lines, ""]))


@pytest.mark.parametrize(
    ("demands", "arguments", "code", "message"),
    [
        ({"signing": "refused"}, ["--sign-with", "me"], 12, "mine rejects signed files"),
        ({"signing": "required"}, [], 12, "mine demands a signature"),
        ({"armor": True}, ["--binary"], 12, "the profile mine demands armor"),
        ({"armor": False}, ["--armor"], 12, "the profile mine demands binary files"),
        ({"algorithms": ["rsa"]}, [], 5, "the key curve is Curve25519, which mine does not take"),
        ({"algorithms": ["ecc"]}, ["-r", "rsa"], 5, "the key rsa is RSA 3072, which mine does not"),
        (
            {"min_rsa_bits": 4096},
            ["-r", "rsa"],
            5,
            "the key rsa is RSA 3072, and mine demands 4096 bits",
        ),
        ({"names": "[a-z]+"}, [], 12, "mine does not take a file of the name x.csv.pgp"),
        (
            {"extensions": [".pgp", ".gpg"]},
            ["OUT"],
            12,
            "mine does not take a file of the name OUT",
        ),
        ({"size_limit": "1 kB"}, [], 12, "the size limit of mine, 1,000 bytes, is too small"),
    ],
)
def test_what_the_receiver_does_not_take_is_refused(office, demands, arguments, code, message):
    """Before anything is written, by the profile's name and its demand."""
    _own_profile(office, "mine", **demands)
    office.write("x.csv", DATA)
    places = [*arguments] if arguments == ["OUT"] else []
    more = [] if places else arguments
    with office.unchanged():
        ended = office.run("wrap-file", "x.csv", *places, "-r", "curve", "--profile", "mine", *more)
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.startswith(f"piienc: error: {message}"), ended.err


def test_signed_file_for_aws_transfer_is_refused(office):
    """AWS rejects signed files, and so do we, before they are sent."""
    office.write("x.csv", DATA)
    with office.unchanged():
        ended = office.run(
            "wrap-file", "x.csv", "-r", "rsa", "--profile", "aws-transfer", "--sign-with", "me"
        )
    assert ended.normal() == (
        12,
        "",
        "piienc: error: aws-transfer rejects signed files\npiienc: hint: leave --sign-with out\n",
    )


def test_compressed_file_for_audience_manager_is_refused(office):
    """Adobe takes no file that is both compressed and wrapped."""
    office.write("x.csv.gz", DATA)
    arguments = ["-r", "rsa", "--profile", "adobe-audience-manager"]
    with office.unchanged():
        ended = office.run("wrap-file", "x.csv.gz", *arguments)
    assert (ended.code, ended.out) == (12, "")
    assert "both compressed and wrapped" in ended.err


def test_profile_that_does_not_exist_is_refused(office):
    """The nearest name is told."""
    office.write("x.csv", DATA)
    ended = office.run("wrap-file", "x.csv", "-r", "rsa", "--profile", "aws-transfr")
    assert (ended.code, ended.out) == (3, "")
    assert "hint: did you mean aws-transfer?\n" in ended.err


@pytest.mark.parametrize(
    ("data", "compression"), [(b"0123456789" * 9999, "zip"), (BLOCK[:9999], "none")]
)
def test_file_is_compressed_only_where_that_helps(office, data, compression):
    """Ciphertext in base64 hardly shrinks; plain text does."""
    office.write("x.csv", data)
    ended = office.run("wrap-file", "x.csv", "-r", "me", "--json")
    assert ended.document["compression"] == compression
    assert (len(office.read("x.csv.pgp")) < len(data)) == (compression == "zip")
    office.run("unwrap-file", "x.csv.pgp", "y.csv")
    assert office.read("y.csv") == data


ROWS = b"".join(b'%d,"a, ""b""\n%s"\n' % (n, BLOCK[n * 9 : n * 9 + 40].hex().encode())
                for n in range(600))  # fmt: skip


@pytest.mark.parametrize("form", ["--armor", "--binary"])
def test_file_over_the_size_limit_is_split_into_parts_that_are_whole(office, form):
    """Each part has the header, whole rows, and a size that the receiver takes."""
    _own_profile(office, "mine", size_limit="20 kB", compression="none")
    office.write("x.csv", b"id,text\n" + ROWS)
    ended = office.run("wrap-file", "x.csv", "-r", "me", "--profile", "mine", form, "--json")
    assert ended.code == 0, ended.err
    names = [output["name"] for output in ended.document["outputs"]]
    assert names == [f"x.part-{number:04d}.csv.pgp" for number in range(1, len(names) + 1)]
    assert len(names) > 3
    assert ended.document["input"] == _facts("x.csv", office.read("x.csv"))
    rows = b""
    for name in names:
        assert len(office.read(name)) <= 20_000
        assert office.run("unwrap-file", name, "--quiet").normal() == (0, "", "")
        header, part = office.read(name.removesuffix(".pgp")).split(b"\n", 1)
        assert header == b"id,text"
        rows += part
    assert rows == ROWS


def test_parts_of_an_earlier_run_are_kept_unless_all_may_be_replaced(office):
    """A mixture of two runs would be sent as one; with --force, none of the old ones stays."""
    _own_profile(office, "mine", size_limit="20 kB", compression="none")
    office.write("x.csv", b"id,text\n" + ROWS)
    office.write("x.part-0099.csv.pgp", b"mine")
    wrap = ["wrap-file", "x.csv", "-r", "me", "--profile", "mine"]
    with office.unchanged():
        ended = office.run(*wrap)
    assert (ended.code, ended.out) == (12, "")
    assert "there are parts of an earlier run: x.part-0099.csv.pgp\n" in ended.err
    ended = office.run(*wrap, "--force", "--json")
    assert ended.code == 0
    names = {output["name"] for output in ended.document["outputs"]}
    assert {path.name for path in office.folder.glob("*.pgp")} == names


def test_parts_appear_together_or_not_at_all(office):
    """A row behind the first parts that cannot be read takes them along."""
    _own_profile(office, "mine", size_limit="20 kB", compression="none")
    office.write("x.csv", b"id,text\n" + ROWS + b'1,"this quote never ends\n')
    with office.unchanged():
        ended = office.run("wrap-file", "x.csv", "-r", "me", "--profile", "mine")
    assert (ended.code, ended.out) == (4, "")
    assert "line 1202" in ended.err


@pytest.mark.parametrize(("source", "target"), [("-", "x.pgp"), ("x.csv", "-"), ("x.parquet", "x")])
def test_what_cannot_be_split_is_refused_over_the_size_limit(office, source, target):
    """A stream and a Parquet file have no parts."""
    import pyarrow as pa
    from pyarrow import parquet as pq

    _own_profile(office, "mine", size_limit="20 kB", compression="none")
    office.write("x.csv", b"id,text\n" + ROWS)
    cells = [BLOCK[n * 9 : n * 9 + 40].hex() for n in range(600)]
    pq.write_table(pa.table({"id": cells}), office.folder / "x.parquet")
    with office.unchanged():
        ended = office.start(
            "wrap-file", source, target, "-r", "me", "--profile", "mine", stdin=ROWS
        )
    assert ended.code == 12, ended.err


def test_read_only_key_folder_wraps_and_unwraps(office):
    """A key folder may be mounted so that nothing can be written to it."""
    keys = office.folder / "keys"
    kept = Path(f"{keys}-kept")
    keys.rename(kept)
    keys.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "piienc-test", str(keys)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a folder, and to root no mode is read-only")
    try:
        shutil.copytree(kept, keys, dirs_exist_ok=True)
        subprocess.run(["mount", "-o", "remount,ro", str(keys)], check=True)
        office.write("x.csv", DATA)
        arguments = ["-r", "me", "--sign-with", "locked", "--passphrase-file", "passphrase"]
        ended = office.run("wrap-file", "x.csv", *arguments, "--quiet")
        assert ended.normal() == (0, "", "")
        ended = office.run("unwrap-file", "x.csv.pgp", "y.csv", "--quiet")
        assert ended.normal() == (0, "", "")
        assert office.read("y.csv") == DATA
    finally:
        subprocess.run(["umount", "-l", str(keys)], check=True)


def test_users_own_gnupg_is_never_touched(office):
    """The home folder stays empty."""
    office.write("x.csv", DATA)
    office.run("wrap-file", "x.csv", "-r", "me", "--sign-with", "me")
    assert office.run("unwrap-file", "x.csv.pgp", "y.csv", "--signed-by", "me").code == 0
    assert list(Path.home().iterdir()) == []


def test_message_that_holds_no_data_is_refused(office, new_gpg):
    """It is authentic, and an empty file would pass for what was sent."""
    office.write("x.csv.pgp", _encrypted_for_us(office, new_gpg, b"\xca\x03PGP"))
    with office.unchanged():
        ended = office.run("unwrap-file", "x.csv.pgp")
    assert (ended.code, ended.out) == (6, "")
