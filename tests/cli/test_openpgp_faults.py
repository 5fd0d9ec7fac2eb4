"""Wrapping and unwrapping that fails: no output, no plaintext, no process, no secret is left."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import subprocess
import threading
import time
import zlib
from pathlib import Path

import pytest

from piienc.openpgp.packets.packets import Tag, written

CANARY = b"CANARY-4711"
SMALL = b"id,email\n" + CANARY + b"\n"
LARGE = b"".join(CANARY + random.Random(n).randbytes(2000) for n in range(2000))  # noqa: S311  # no secret
CURVE = ("EDDSA", "Curve: ed25519", "ECDH", "Curve: cv25519")
TO_ME = ["--compress-algo", "none", "--recipient", "me@example.com", "--encrypt"]
UNWRAP_ENDS = [("file", "file"), ("file", "-"), ("-", "file"), ("-", "-")]

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="it looks into /proc")


@pytest.fixture(scope="session")
def messages(ring, partner):
    """Make messages for `me`, signed by `curve`: a small and a large one."""
    del ring  # it has given our keys to the partner
    sign = ["--local-user", "curve@example.com", "--sign"]
    return {
        "small": partner.run(*sign, *TO_ME, stdin=SMALL),
        "large": partner.run(*sign, *TO_ME, stdin=LARGE),
    }


@pytest.fixture
def desk(office, monkeypatch):
    """Give an office that works in an empty folder; sources, keys and state are outside of it."""
    monkeypatch.setenv("PIIENC_STATE", str(office.folder / "state"))
    for name in ("out", "in"):
        (office.folder / name).mkdir()
    office.write("in/small", SMALL)
    office.write("in/large", LARGE)
    office.folder /= "out"
    return office


def _contents(folder):
    """Return all files with their content, but for what the audit log keeps beside the keys."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in files if folder / "audit" not in path.parents}


def _write_passphrase(desk, passphrase):
    path = desk.folder.parent / "in" / "wrong"
    path.write_text(passphrase)
    path.chmod(0o600)


@contextlib.contextmanager
def _nothing_left(desk, temp):
    """Check that no file is new or changed, and that no plaintext is anywhere."""
    watched = (desk.folder, desk.folder.parent / "keys", temp)
    before = [_contents(folder) for folder in watched]
    yield
    after = [_contents(folder) for folder in watched]
    assert after == before
    assert not any(CANARY in data for files in after for data in files.values())


def _fails(desk, temp, *arguments, code, stdin=b"", message="", env=None, start=False):
    """Run a command that must fail with a code, leave nothing, and quote nothing."""
    run = desk.start if start else desk.run
    with _nothing_left(desk, temp):
        ended = run(*arguments, "--keys", "../keys", stdin=stdin, env=env)
    assert ended.code in (code if isinstance(code, tuple) else (code,)), ended
    assert ended.out == ""
    assert re.match(f"piienc: error: .*{message}", ended.err), ended.err
    assert "\npiienc: hint: " in ended.err
    assert CANARY.decode() not in ended.err
    return ended


def _unwrap_fails(desk, temp, data, *more, code, message="", ends=UNWRAP_ENDS, **options):
    """Unwrap a message from everywhere to everywhere, which must fail."""
    (desk.folder.parent / "in" / "bad.pgp").write_bytes(data)
    for source, target in ends:
        named = "../in/bad.pgp" if source == "file" else "-"
        to = "x.csv" if target == "file" else "-"
        stdin = data if source == "-" else b""
        _fails(
            desk, temp, "unwrap-file", named, to, *more,
            code=code, message=message, stdin=stdin, **options,
        )  # fmt: skip


@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.parametrize("cut", [0.5, -1, -20, -300])
def test_truncated_message_leaves_nothing(desk, temp, messages, size, cut):
    """Also where megabytes were decrypted before the end was missed."""
    whole = messages[size]
    data = whole[: int(len(whole) * cut)] if cut == 0.5 else whole[:cut]
    _unwrap_fails(desk, temp, data, code=(5, 6, 7) if size == "small" else 6)


@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.parametrize("place", ["middle", -200, -22, -10, -1])
def test_flipped_byte_leaves_nothing(desk, temp, messages, size, place):
    """Wherever it is behind the head, it is found before anything appears."""
    data = bytearray(messages[size])
    data[len(data) // 2 if place == "middle" else place] ^= 1
    _unwrap_fails(desk, temp, bytes(data), code=6)


@pytest.mark.parametrize("place", range(0, 100, 5))
def test_flipped_byte_in_the_head_leaves_nothing(desk, temp, messages, place):
    """There stand the packets' kinds and lengths, the recipient and the session key."""
    data = bytearray(messages["large"])
    data[place] ^= 1
    _unwrap_fails(desk, temp, bytes(data), code=(5, 6, 7), ends=[("file", "file"), ("-", "-")])


def _literal(data):
    return b"\xcb" + bytes([len(data) + 6]) + b"b\0\0\0\0\0" + data


MORE = {
    "literal": lambda messages: _literal(b"forged"),  # noqa: ARG005  # like the others
    "message": lambda messages: messages["small"],
    "garbage": lambda messages: b"\xff" * 50,  # noqa: ARG005  # likewise
    "text": lambda messages: b"hello\n",  # noqa: ARG005  # likewise
}


@pytest.mark.parametrize("demand", [[], ["--signed-by", "curve"]])
@pytest.mark.parametrize("behind", MORE)
def test_what_follows_the_message_leaves_nothing(desk, temp, messages, behind, demand):
    """Nothing that was not encrypted comes out beside what was."""
    _unwrap_fails(
        desk, temp, messages["small"] + MORE[behind](messages), *demand, code=6,
        message="the (message is whole, but gpg does|signature is bad)",
    )  # fmt: skip


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("demand", [[], ["--signed-by", "curve"]])
def test_unsigned_data_beside_the_signed_leaves_nothing(desk, temp, partner, before, demand):
    """A signature is for all that comes out, or nothing does."""
    sign = ["--compress-algo", "none", "--local-user", "curve@example.com", "--sign"]
    signed = partner.run(*sign, stdin=SMALL)
    both = _literal(b"forged") + signed if before else signed + _literal(b"forged")
    message = partner.run("--no-literal", *TO_ME, stdin=both)
    _unwrap_fails(desk, temp, message, *demand, code=(6, 7))


def _padded(data, padding):
    """Return a compressed packet with more behind its data, as Sequoia's padding writes it."""
    squeeze = zlib.compressobj(0, wbits=-15)
    data = squeeze.compress(written(Tag.LITERAL, b"b" + bytes(5) + data)) + squeeze.flush()
    return written(Tag.COMPRESSED, b"\x01" + data + padding)


@pytest.mark.parametrize("data", [SMALL, LARGE[:405_264], LARGE], ids=len)
def test_padded_message_is_not_called_cut_off(desk, temp, partner, data):
    """It is whole, and GnuPG fails behind its data; only the sender can leave the padding out.

    By how data and padding fall into its buffers, gpg finds the hash at the end or misses it.
    """
    padding = random.Random(1).randbytes(4000)  # noqa: S311  # no secret
    message = partner.run("--no-literal", *TO_ME, stdin=_padded(data, padding))
    told = r"(the message is whole, but|gpg cannot read the message to its end:) .*padding.*\n"
    _unwrap_fails(desk, temp, message, code=6, message=told + ".* --compression none")


def test_padding_packets_do_no_harm(desk, partner):
    """Those of RFC 9580, 5.14, which GnuPG passes over."""
    padding = written(Tag.PADDING, b"=" * 4000)
    message = partner.run("--no-literal", *TO_ME, stdin=padding + _literal(SMALL) + padding)
    ended = desk.run("unwrap-file", "-", "-", "--keys", "../keys", stdin=message)
    assert (ended.code, ended.out) == (0, SMALL.decode())


@pytest.mark.parametrize(
    ("session_key", "container"),
    [
        (b"\x03" + bytes(8) + b"\x01" + bytes(40), b"\x02\x09\x02\x06" + bytes(90)),
        (b"\x06\x21\x06" + bytes(32) + b"\x19" + bytes(80), b"\x02\x09\x02\x06" + bytes(90)),
        (b"\x03" + b"\x01" * 8 + b"\x19" + bytes(80), b"\x01" + bytes(90)),
    ],
    ids=["aead", "version 6", "X25519"],
)
def test_message_in_the_ways_of_rfc_9580_is_told_as_such(desk, temp, session_key, container):
    """No release of GnuPG reads it; the sender can write another one."""
    data = written(Tag.PKESK, session_key) + written(Tag.SEIPD, container)
    _unwrap_fails(
        desk, temp, data, code=7,
        message=r".* is encrypted in a way of RFC 9580 that GnuPG cannot read\n.* by RFC 4880",
    )  # fmt: skip


def test_signature_of_an_algorithm_that_gpg_lacks_is_told_as_such(desk, temp, partner):
    """Ed25519 of RFC 9580 has another number than GnuPG's."""
    issuer = bytes([9, 16]) + b"12345678"
    made = b"\x04\x00\x1b\x0a\x00\x00" + len(issuer).to_bytes(2) + issuer + bytes(2 + 64)
    one_pass = b"\x03\x00\x0a\x1b12345678\x01"
    signed = (
        written(Tag.ONE_PASS_SIGNATURE, one_pass) + _literal(SMALL) + written(Tag.SIGNATURE, made)
    )
    message = partner.run("--no-literal", *TO_ME, stdin=signed)
    _unwrap_fails(desk, temp, message, code=6, message="the message is signed by a key of an algo")


def test_bad_signature_leaves_nothing(desk, temp, partner):
    """What was signed was something else."""
    sign = ["--compress-algo", "none", "--local-user", "curve@example.com", "--sign"]
    signed = partner.run(*sign, stdin=SMALL)
    forged = partner.run("--no-literal", *TO_ME, stdin=signed.replace(b"email", b"EMAIL"))
    _unwrap_fails(desk, temp, forged, code=6, message="the signature is bad")


@pytest.mark.parametrize("size", ["small", "large"])
def test_signature_by_somebody_else_leaves_nothing(desk, temp, messages, partner, size):
    """Neither another's signature nor none will do, and the message names them."""
    _unwrap_fails(
        desk, temp, messages[size], "--signed-by", "third", code=6,
        message=f"the message is not from the expected sender: it is signed by "
        f"{partner.fingerprint('curve')}, and not by third",
    )  # fmt: skip
    unsigned = partner.run(*TO_ME, stdin=SMALL if size == "small" else LARGE)
    _unwrap_fails(
        desk, temp, unsigned, "--signed-by", "curve", code=6,
        message="the message is not from the expected sender: it is not signed, but must be "
        "signed by curve",
    )  # fmt: skip


def test_signer_that_nobody_knows_is_refused_by_name(desk, temp, messages):
    """Before anything is decrypted."""
    _unwrap_fails(
        desk, temp, messages["small"], "--signed-by", "curv", code=5, message="there is no key curv"
    )


def test_signature_that_cannot_be_checked_does_not_do(desk, temp, new_gpg, ring):
    """An unknown key's signature is a warning, but never the one that was demanded."""
    new_gpg.generate("stranger", CURVE)
    new_gpg.run("--import", stdin=(ring / "recipients" / "me.asc").read_bytes())
    message = new_gpg.run("--sign", *TO_ME, stdin=SMALL)
    _unwrap_fails(
        desk, temp, message, "--signed-by", "curve", code=6, message="the message is not from"
    )


@pytest.mark.parametrize(
    "kind",
    ["empty", "text", "zeros", "random", "public", "secret", "signed", "clear", "detached",
     "symmetric", "literal"],
)  # fmt: skip
def test_file_that_is_no_encrypted_message_is_refused(desk, temp, partner, kind):
    """Each is PGP's business, and told as what it is."""
    sign = ["--local-user", "curve@example.com"]
    make = {
        "empty": lambda: b"",
        "text": lambda: SMALL * 100,
        "zeros": lambda: bytes(5000),
        "random": lambda: LARGE[11:5000],
        "public": lambda: partner.export("curve"),
        "secret": lambda: partner.export("curve", secret=True),
        "signed": lambda: partner.run(*sign, "--sign", stdin=SMALL),
        "clear": lambda: partner.run(*sign, "--clear-sign", stdin=SMALL),
        "detached": lambda: partner.run(*sign, "--detach-sign", stdin=SMALL),
        "symmetric": lambda: partner.run("--passphrase", "x", "--symmetric", stdin=SMALL),
        "literal": lambda: _literal(SMALL),
    }
    _unwrap_fails(desk, temp, make[kind](), code=7)


@pytest.mark.parametrize("size", ["small", "large"])
def test_message_for_somebody_else_leaves_nothing(desk, temp, partner, size):
    """The secret key is missing, and whom it is for is told."""
    data = SMALL if size == "small" else LARGE
    message = partner.run("-r", "curve@example.com", "--encrypt", stdin=data)
    _unwrap_fails(desk, temp, message, code=5, message=r"the message is for [0-9A-F]{16}: none of")
    hidden = partner.run("--hidden-recipient", "curve@example.com", "--encrypt", stdin=data)
    _unwrap_fails(desk, temp, hidden, code=5, ends=[("file", "file"), ("-", "-")])


@pytest.mark.parametrize("size", ["small", "large"])
def test_locked_key_opens_nothing_without_its_own_passphrase(desk, temp, partner, size):
    """Nobody can be asked, or the answer is wrong."""
    data = SMALL if size == "small" else LARGE
    message = partner.run("-r", "locked@example.com", "--encrypt", stdin=data)
    _unwrap_fails(
        desk, temp, message, code=5, message="the key locked is locked: it needs its passphrase"
    )
    for wrong, told in (
        ("wrong", "the passphrase is not the key's own"),
        (" x", "gpg cannot take"),
    ):
        _write_passphrase(desk, wrong)
        _unwrap_fails(
            desk, temp, message, "--passphrase-file", "../in/wrong", code=5, message=told,
            ends=[("file", "file"), ("-", "-")],
        )  # fmt: skip


WRAP_REFUSALS = [
    (["-r", "nobody"], "there is no key nobody"),
    (["-r", "me", "-r", "curv"], "there is no key curv"),
    (["-r", "expired"], "the key expired is expired since 2020-12-31"),
    (["-r", "me", "-r", "revoked"], "the key revoked is revoked"),
    (["-r", "signonly"], "nothing can be encrypted to signonly: it has no encryption subkey"),
    (
        ["-r", "staleonly"],
        "nothing can be encrypted to staleonly: its encryption subkey is expired",
    ),
    (["-r", "me", "--sign-with", "curve"], "curve cannot sign: its secret key is not in the key"),
    (["-r", "me", "--sign-with", "nobody"], "there is no key nobody"),
    (["-r", "me", "--sign-with", "locked"], "the key locked is locked: it needs its passphrase"),
    (
        ["-r", "me", "--sign-with", "locked", "--passphrase-file", "../in/wrong"],
        "the key locked is locked: the passphrase is missing or not its own",
    ),
]


@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.parametrize(("arguments", "message"), WRAP_REFUSALS)
def test_key_that_cannot_be_used_wraps_nothing(desk, temp, size, arguments, message):
    """By name, and but for a wrong passphrase before a byte is on standard output."""
    _write_passphrase(desk, "wrong")
    streams = [] if "--passphrase-file" in arguments else [("-", "-"), (f"../in/{size}", "-")]
    for source, target in ((f"../in/{size}", "x.pgp"), *streams):
        _fails(
            desk, temp, "wrap-file", source, target, *arguments,
            code=5, message=message, stdin=SMALL if source == "-" else b"",
        )  # fmt: skip


def test_error_is_a_document_with_json(desk, temp):
    """For scripts: code, kind, message and hint."""
    with _nothing_left(desk, temp):
        ended = desk.run(
            "wrap-file", "../in/small", "x", "-r", "revoked", "--keys", "../keys", "--json"
        )
    assert (ended.code, ended.err) == (5, "")
    error = ended.document["error"]
    assert (ended.document["ok"], error["code"], error["kind"]) == (False, 5, "key")
    assert error["message"].startswith("the key revoked is revoked")


def test_output_that_is_there_is_kept(desk, temp, messages):
    """Nothing is overwritten without being asked for, and a failure replaces nothing either."""
    desk.write("taken", b"mine")
    (desk.folder.parent / "in" / "good.pgp").write_bytes(messages["small"])
    (desk.folder.parent / "in" / "cut.pgp").write_bytes(messages["large"][:-1])
    told = "taken is there already"
    _fails(desk, temp, "wrap-file", "../in/small", "taken", "-r", "me", code=12, message=told)
    _fails(desk, temp, "unwrap-file", "../in/good.pgp", "taken", code=12, message=told)
    _fails(desk, temp, "unwrap-file", "../in/cut.pgp", "taken", "--force", code=6)
    _fails(desk, temp, "wrap-file", "../in/small", "taken", "-r", "revoked", "--force", code=5)
    assert (
        desk.run("unwrap-file", "../in/good.pgp", "taken", "--force", "--keys", "../keys").code == 0
    )
    assert desk.read("taken") == SMALL


@pytest.mark.parametrize("more", [[], ["--force"]])
@pytest.mark.parametrize("link", [None, "symlink", "hard"])
def test_output_that_is_the_input_is_refused(desk, temp, messages, link, more):
    """By whatever name."""
    source = desk.folder.parent / "in" / "x.pgp"
    source.write_bytes(messages["small"])
    target = source
    if link:
        target = desk.folder.parent / "in" / "link"
        target.symlink_to(source) if link == "symlink" else os.link(source, target)
    _fails(desk, temp, "unwrap-file", source, target, *more, code=12, message="the output")
    _fails(
        desk, temp, "wrap-file", source, target, "-r", "me", *more, code=12, message="the output"
    )
    assert source.read_bytes() == messages["small"]


@pytest.mark.parametrize("armor", [[], ["--armor"]])
@pytest.mark.parametrize("size", ["small", "large"])
def test_message_is_not_wrapped_twice(desk, temp, partner, armor, size):
    """A receiver would find a message where the data should be."""
    data = partner.run(*armor, *TO_ME, stdin=SMALL if size == "small" else LARGE)
    (desk.folder.parent / "in" / "x.pgp").write_bytes(data)
    for source, target in (("../in/x.pgp", "y.pgp"), ("-", "-")):
        _fails(
            desk, temp, "wrap-file", source, target, "-r", "me", code=12,
            stdin=data if source == "-" else b"", message=".* is encrypted by OpenPGP already",
        )  # fmt: skip


@pytest.mark.parametrize("verb", ["wrap-file", "unwrap-file"])
@pytest.mark.parametrize("source", ["none", ".", "/proc/self/mem", "none/x"])
def test_input_that_cannot_be_read_is_refused(desk, temp, verb, source):
    """A missing file, a folder, and a disk that fails."""
    to = ["-r", "me"] if verb == "wrap-file" else []
    for target in ("x", "-"):
        _fails(desk, temp, verb, source, target, *to, code=4, message="(cannot read|the input)")


def test_output_that_cannot_be_written_is_refused(desk, temp, messages):
    """The folder must be there."""
    (desk.folder.parent / "in" / "x.pgp").write_bytes(messages["small"])
    _fails(desk, temp, "wrap-file", "../in/small", "none/x", "-r", "me", code=9)
    _fails(desk, temp, "unwrap-file", "../in/x.pgp", "none/x", code=9)


@contextlib.contextmanager
def _small_disk(folder, spare=None):
    """Mount a disk of one megabyte, where this user may; fill it, but for some bytes to spare."""
    command = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "piienc-test", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        if spare is not None:
            (folder / "filler").write_bytes(bytes((1 << 20) - spare))
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("ends", [("file", "file"), ("-", "file")])
@pytest.mark.parametrize("verb", ["wrap-file", "unwrap-file"])
@pytest.mark.parametrize("size", ["small", "large"])
def test_full_disk_exits_with_9_and_leaves_nothing(desk, temp, messages, verb, size, ends):
    """One that is full from the start, and one that fills up in the middle."""
    data = {"wrap-file": {"small": SMALL, "large": LARGE}, "unwrap-file": messages}[verb][size]
    (desk.folder.parent / "in" / "x").write_bytes(data)
    to = ["-r", "me"] if verb == "wrap-file" else []
    with _small_disk(desk.folder, spare=0 if size == "small" else None):
        ended = _fails(
            desk, temp, verb, "../in/x" if ends[0] == "file" else "-", "y", *to, code=9,
            stdin=data if ends[0] == "-" else b"", start=True,
        )  # fmt: skip
    assert ended.err == (
        "piienc: error: cannot write y: No space left on device; nothing was left behind\n"
        "piienc: hint: make room on the disk and run the same command again\n"
    )


@pytest.mark.parametrize("verb", ["wrap-file", "unwrap-file"])
def test_full_standard_output_exits_with_9(desk, temp, messages, verb):
    """As a full disk behind `>` does it."""
    data = LARGE if verb == "wrap-file" else messages["large"]
    to = ["-r", "me"] if verb == "wrap-file" else []
    command = desk.command(verb, "-", "-", *to, "--keys", "../keys")
    with _nothing_left(desk, temp), Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command, cwd=desk.folder, input=data, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 9, done.stderr
    assert done.stderr.startswith(b"piienc: error: cannot write -: No space left on device\n")


@pytest.mark.parametrize("verb", ["wrap-file", "unwrap-file"])
def test_folder_for_temporary_files_that_fills_up_is_told(desk, temp, messages, verb):
    """A session of gpg keeps the certificates there, and no data."""
    (desk.folder.parent / "in" / "x.pgp").write_bytes(messages["small"])
    where = temp / "full"
    where.mkdir()
    source, to = ("x.pgp", [])
    if verb == "wrap-file":
        source, to = (
            "small",
            [
                f"--recipient={name}"
                for name in ("rsa", "weak", "curve", "me", "third", "soon", "locked")
            ],
        )
    try:
        with _small_disk(where, spare=4096):
            ended = _fails(
                desk, temp, verb, f"../in/{source}", "y", *to,
                code=9, env={"TMPDIR": str(where)}, start=True,
            )  # fmt: skip
    finally:
        where.rmdir()
    assert ended.err.startswith(
        "piienc: error: cannot write the folder for temporary files: No space left on device\n"
    )


def test_folder_for_temporary_files_that_is_full_is_passed_over(desk, temp):
    """The next one that Python knows of will do."""
    where = temp / "full"
    where.mkdir()
    try:
        with _small_disk(where, spare=0):
            command = ["wrap-file", "../in/small", "y", "-r", "me", "--keys", "../keys", "--quiet"]
            assert desk.start(*command, env={"TMPDIR": str(where)}).normal() == (0, "", "")
    finally:
        where.rmdir()


class Stopped:
    """A run that is stopped in its middle: its input stalls, so it is never done before."""

    def __init__(self, desk, temp, verb, data, *, passing=True):
        self.desk, self.temp, self.passing = desk, temp, passing
        to = ["-r", "me"] if verb == "wrap-file" else []
        source = "-" if passing else "../in/huge"
        self.process = subprocess.Popen(
            desk.command(verb, source, "y", *to, "--keys", "../keys", "--quiet"),
            cwd=desk.folder,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._feeder = threading.Thread(target=self._feed, args=(data if passing else b"",))
        self._feeder.start()
        self._wait_until_writing()

    def _feed(self, data):
        with contextlib.suppress(BrokenPipeError, ValueError):
            self.process.stdin.write(data[: -(1 << 16)])
            self.process.stdin.flush()

    def _wait_until_writing(self):
        """Wait for an open file in the folder that has grown."""
        for _ in range(6000):
            for descriptor in Path(f"/proc/{self.process.pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    named = os.readlink(descriptor)  # noqa: PTH115  # pathlib resolves it
                    if str(self.desk.folder) in named and descriptor.stat().st_size > 9999:
                        return
            assert self.process.poll() is None, self.process.stderr.read()
            time.sleep(0.002)
        pytest.fail("it never began to write")

    def end(self, number):
        """Send a signal; return the exit code and what was said."""
        self.process.send_signal(number)
        told = self.process.stderr.read()
        code = self.process.wait(30)
        self._feeder.join(30)
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stderr.close()
        return code, told.decode()


SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


@pytest.mark.parametrize("verb", ["wrap-file", "unwrap-file"])
@pytest.mark.parametrize(("number", "code"), SIGNALS, ids=["INT", "TERM"])
def test_signal_in_the_middle_leaves_nothing(desk, temp, messages, verb, number, code):
    """Who interrupts gets the shell's exit code and a short word; gpg and its agent end too."""
    data = LARGE if verb == "wrap-file" else messages["large"]
    with _nothing_left(desk, temp):
        ended, told = Stopped(desk, temp, verb, data).end(number)
    assert ended == code, told
    assert told in ("", "piienc: interrupted\n")


@pytest.mark.parametrize("verb", ["wrap-file", "unwrap-file"])
def test_run_after_a_kill_completes_and_sweeps(desk, temp, messages, verb):
    """SIGKILL cannot be caught: gpg's session stays, without plaintext, until the next run."""
    data = LARGE if verb == "wrap-file" else messages["large"]
    run = Stopped(desk, temp, verb, data)
    assert run.end(signal.SIGKILL) == (-signal.SIGKILL, "")
    assert list(desk.folder.iterdir()) == []
    (left,) = temp.iterdir()
    assert not any(CANARY in held for held in _contents(temp).values())
    os.utime(left, (time.time() - 3600,) * 2)
    (desk.folder.parent / "in" / "x").write_bytes(data)
    to = ["-r", "me"] if verb == "wrap-file" else []
    assert desk.run(verb, "../in/x", "y", *to, "--keys", "../keys").code == 0
    if verb == "unwrap-file":
        assert desk.read("y") == LARGE
    assert list(temp.iterdir()) == []


@pytest.fixture(scope="session")
def huge(ring, partner, tmp_path_factory):
    """Make a file that takes seconds to wrap, and a message that takes seconds to unwrap."""
    del ring
    folder = tmp_path_factory.mktemp("huge")
    with (folder / "wrap-file").open("wb") as file:
        file.write(LARGE)
        file.truncate(256 << 20)
    zip_ = ["--compress-algo", "zip", "--compress-level", "1", "-r", "me@example.com"]
    partner.run(*zip_, "-o", folder / "unwrap-file", "--encrypt", folder / "wrap-file")
    return folder


@pytest.mark.parametrize("verb", ["wrap-file", "unwrap-file"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_signal_between_two_files_leaves_nothing(desk, temp, huge, verb, number):
    """Where gpg itself reads and writes, it ends with us."""
    (desk.folder.parent / "in" / "huge").symlink_to(huge / verb)
    code, told = Stopped(desk, temp, verb, b"", passing=False).end(number)
    assert code in (dict(SIGNALS).get(number), -number), told
    assert list(desk.folder.iterdir()) == []
    assert not any(CANARY in held for held in _contents(temp).values())
    if number == signal.SIGKILL:
        for left in temp.iterdir():
            os.utime(left, (time.time() - 3600,) * 2)
        assert desk.run("keys", "list", "--keys", "../keys").code == 0
    assert list(temp.iterdir()) == []


class Watcher:
    """A thread that looks at the arguments of all processes, again and again."""

    def __init__(self, secret):
        self._secret, self._ended = secret, threading.Event()
        self.seen, self.gpgs = [], 0
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._ended.set()
        self._thread.join()

    def _watch(self):
        while not self._ended.is_set():
            for name in os.listdir("/proc"):  # noqa: PTH208  # it is twice as fast
                if not name.isdigit():
                    continue
                with contextlib.suppress(OSError):
                    held = Path(f"/proc/{name}/cmdline").read_bytes()
                    self.gpgs += held.startswith(b"gpg\0")
                    if self._secret in held:
                        self.seen.append(held)
            time.sleep(0.001)


def test_secret_never_appears_in_an_argument_list_or_in_what_is_said(desk, temp, messages):
    """Passphrases go by descriptors: watched in /proc while every command runs."""
    secret = (desk.folder.parent / "passphrase").read_bytes().strip()
    locked = ["--passphrase-file", "../passphrase", "--keys", "../keys"]
    make = ["keys", "generate-pgp", "new", "--email", "n@example.com", "--algorithm", "ed25519"]
    with Watcher(secret) as watcher:
        told = [
            desk.start(*make, *locked),
            desk.start(
                "wrap-file", "../in/large", "x", "-r", "locked", "--sign-with", "locked", *locked
            ),
            desk.start("unwrap-file", "x", "y", "--signed-by", "locked", *locked),
            desk.start("wrap-file", "../in/small", "z", "-r", "locked", *locked),
            desk.start("unwrap-file", "z", "-", *locked),
        ]
    assert [ended.code for ended in told] == [0, 0, 0, 0, 0]
    assert watcher.gpgs > 3
    assert watcher.seen == []
    assert not any(secret.decode() in ended.out + ended.err for ended in told)


def test_secret_never_appears_in_a_traceback(desk, temp, messages):
    """Even a bug, with PIIENC_DEBUG, tells places and no values."""
    prelude = (
        "import piienc.openpgp.unwrap as module\n"
        "def broken(*arguments, **named): raise ValueError(arguments, named, 'CANARY-4711')\n"
        "module.unwrap = broken\n"
    )
    (desk.folder.parent / "in" / "x.pgp").write_bytes(messages["small"])
    ended = desk.start(
        "unwrap-file", "../in/x.pgp", "y", "--keys", "../keys", "--passphrase-file",
        "../passphrase", env={"PIIENC_DEBUG": "1"}, prelude=prelude,
    )  # fmt: skip
    assert (ended.code, ended.out) == (1, "")
    assert "ValueError at" in ended.err
    assert " in broken\n" in ended.err
    assert "open sesame" not in ended.err
    assert "CANARY" not in ended.err


def test_secret_and_data_are_never_logged(desk, temp, messages):
    """With python-gnupg's own logger at its most talkative."""
    prelude = (
        "import logging, sys\n"
        "logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)\n"
        "logging.getLogger('gnupg').setLevel(logging.DEBUG)\n"
    )
    (desk.folder.parent / "in" / "x.pgp").write_bytes(messages["small"])
    told = [
        desk.start(*arguments, "--keys", "../keys", "--passphrase-file", "../passphrase",
                   prelude=prelude)
        for arguments in (
            ["wrap-file", "../in/small", "x", "-r", "locked", "--sign-with", "locked"],
            ["unwrap-file", "x", "y"],
            ["unwrap-file", "../in/x.pgp", "z"],
        )
    ]  # fmt: skip
    assert [ended.code for ended in told] == [0, 0, 0]
    for ended in told:
        assert "open sesame" not in ended.err
        assert "CANARY" not in ended.err
