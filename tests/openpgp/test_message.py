"""What the head of a file tells: held against gpg, Sequoia and hand-made packets."""

import contextlib
import io
import re
import subprocess
import sys
import tracemalloc
import zlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.errors import PgpError
from piienc.openpgp.packets import HIDDEN, Container, is_openpgp, read_message
from piienc.openpgp.packets.facts import LiteralPacket, Recipient
from piienc.openpgp.packets.packets import Tag

MDC = Container("mdc", 18, 1, None, None)
LARGE = 32_000_000
TEXT = b"text of a message\n"


def _read(data):
    return read_message(io.BytesIO(data), "x.pgp")


def _packet(tag, body):
    return bytes([0xC0 | tag, 255]) + len(body).to_bytes(4, "big") + body


# Version 3, a key id, X25519, and what only its owner can use.
PKESK = _packet(1, bytes.fromhex("03 0123456789abcdef 19") + bytes(41))
SKESK = _packet(3, bytes.fromhex("04 09 00 08"))
SEIPD1 = _packet(18, b"\x01" + bytes(40))
LITERAL = _packet(11, b"b\x05x.csv\x00\x00\x00\x00" + TEXT)
ONE_PASS = _packet(4, bytes.fromhex("03 00 0a 16 fedcba9876543210 01"))


# --- against gpg


@pytest.mark.parametrize("armor", [[], ["--armor"]], ids=["binary", "armored"])
@pytest.mark.parametrize(
    "recipients",
    [["rsa"], ["curve"], ["rsa", "curve", "other"]],
    ids=" ".join,
)
def test_recipients_are_those_that_gpg_lists(gnupg_home, recipients, armor):
    """Each by its encryption subkey, in order, with the algorithm."""
    options = [option for name in recipients for option in ("-r", f"{name}@example.com")]
    data = gnupg_home.run(*armor, "--encrypt", *options, stdin=TEXT)
    message = _read(data)
    listed = re.findall(r"version (\d), algo (\d+), keyid (\w+)", gnupg_home.listing(data))
    algorithms = {"1": "RSA", "18": "ECDH"}
    assert message.recipients == tuple(
        Recipient(key_id, None, algorithms[number], int(version))
        for version, number, key_id in listed
    )
    assert [r.key_id for r in message.recipients] == [
        gnupg_home.key_ids(name)[1] for name in recipients
    ]
    assert (message.armored, message.passphrases) == (bool(armor), 0)
    # GnuPG 2.3 and later make keys that ask for AEAD, and then write its packet.
    (tag,) = re.findall(r" tag=(18|20) ", gnupg_home.listing(data))
    container = {"18": MDC, "20": Container("aead", 20, 1, "AES-256", "OCB")}[tag]
    assert message.container == container
    assert message.packets == ("pkesk",) * len(recipients) + (Tag(int(tag)).name.lower(),)


def test_hidden_recipient_has_no_key_id(gnupg_home):
    """Who sends with -R says nothing about the receiver but the algorithm."""
    data = gnupg_home.run("-e", "-R", "curve", "-r", "rsa", stdin=TEXT)
    found = {(r.key_id, r.algorithm) for r in _read(data).recipients}
    assert found == {(HIDDEN, "ECDH"), (gnupg_home.key_ids("rsa")[1], "RSA")}


def test_passphrase_is_counted(gnupg_home):
    """A message may open to a passphrase, and to a key as well."""
    alone = _read(gnupg_home.run("-c", "--s2k-count", "1024", stdin=TEXT))
    assert (alone.passphrases, alone.recipients, alone.container) == (1, (), MDC)
    both = gnupg_home.run("-c", "-e", "-r", "rsa", "--s2k-count", "1024", stdin=TEXT)
    assert (_read(both).passphrases, len(_read(both).recipients)) == (1, 1)


@pytest.mark.parametrize("algorithm", ["zip", "zlib", "bzip2", "uncompressed"])
@pytest.mark.parametrize("armor", [[], ["--armor"]], ids=["binary", "armored"])
def test_message_that_is_not_encrypted_is_looked_into(gnupg_home, algorithm, armor):
    """Compression, name and date stand in the open."""
    options = ["--compress-algo", algorithm, "--set-filename", "häuser.csv"]
    data = gnupg_home.run(*armor, *options, "--store", stdin=TEXT * 1000)
    message = _read(data)
    compressed = algorithm != "uncompressed"
    assert message.compression == (algorithm if compressed else None)
    assert message.container is None
    assert message.literal.format == "binary"
    assert message.literal.file_name == "häuser.csv"
    assert abs((message.literal.date - datetime.now(UTC)).total_seconds()) < 60
    assert message.packets == ("compressed",) * compressed + ("literal",)


def test_signatures_tell_who_made_them(gnupg_home):
    """Before the data, detached, and around a text; several of them too."""
    rsa, curve = (gnupg_home.key_ids(name)[0] for name in ("rsa", "curve"))
    both = ["-u", "rsa", "-u", "curve", "--digest-algo", "SHA512"]
    for arguments, detached in ([["-s"], False], [["-b"], True], [["--clear-sign"], True]):
        message = _read(gnupg_home.run(*arguments, *both, stdin=TEXT))
        found = {(s.key_id, s.algorithm, s.hash) for s in message.signatures}
        assert found == {(rsa, "RSA", "SHA-512"), (curve, "EdDSA", "SHA-512")}
        assert message.is_detached == detached
        assert (message.literal is None) == detached
    assert _read(gnupg_home.run("-b", "-u", "rsa", stdin=TEXT)).signatures[0].fingerprint[-16:] == (
        rsa
    )


def test_keys_are_not_taken_for_messages(gnupg_home):
    """Public and secret keys are told apart, with ids and fingerprints as gpg has them."""
    listed = gnupg_home.run("--with-colons", "--list-keys").decode()
    fingerprints = re.findall(r"\nfpr:+([0-9A-F]{40}):", listed)
    for arguments, secret in ([["--export"], False], [["--export-secret-keys"], True]):
        for armor in ([], ["--armor"]):
            message = _read(gnupg_home.run(*armor, *arguments))
            assert [key.fingerprint for key in message.keys] == fingerprints
            assert [key.key_id for key in message.keys] == [f[-16:] for f in fingerprints]
            assert [key.subkey for key in message.keys] == [False, True] * 3
            assert {key.secret for key in message.keys} == {secret}
            assert message.has_secret_key is secret
            assert (message.user_ids, message.container, message.signatures) == (3, None, ())


def test_message_cut_off_in_its_head_is_refused(gnupg_home):
    """At every byte; behind the head, nothing is read, so nothing is missed."""
    options = ["-r", "rsa", "-r", "curve", "-R", "other"]
    data = gnupg_home.run("-e", *options, stdin=TEXT)
    ((offset, tag),) = re.findall(r"# off=(\d+) .* tag=(18|20) ", gnupg_home.listing(data))
    head = int(offset) + {"18": 3, "20": 6}[tag]  # with its length, and its version and algorithms
    for end in range(head):
        with pytest.raises(PgpError, match=r"^x\.pgp: "):
            _read(data[:end])
    assert _read(data[:head]) == _read(data)


def test_keys_cut_off_anywhere_but_between_packets_are_refused(gnupg_home):
    """A file of keys is read to its end."""
    data = gnupg_home.run("--export", "curve")
    between = {int(off) for off in re.findall(r"# off=(\d+)", gnupg_home.listing(data))}
    for end in range(len(data)):
        if end in between - {0}:
            assert _read(data[:end]).keys
        else:
            with pytest.raises(PgpError):
                _read(data[:end])


@pytest.mark.parametrize("arguments", [["-e", "-r", "curve"], ["-s", "-u", "curve"]])
@pytest.mark.parametrize("armor", [[], ["--armor"]], ids=["binary", "armored"])
def test_of_a_large_message_the_head_alone_is_read(gnupg_home, arguments, armor):
    """Memory stays flat, and so does what is read of the file."""
    options = ["--compress-algo", "none"]
    data = gnupg_home.run(*armor, *options, *arguments, stdin=bytes(LARGE))
    stream = io.BytesIO(data)
    tracemalloc.start()
    try:
        message = read_message(stream, "x")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert message.container or message.literal
    assert peak < 1 << 20
    assert stream.tell() < 1 << 20 < len(data)


# --- against Sequoia


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("profile", ["RFC4880", "RFC9580"])
@pytest.mark.parametrize("armor", [False, True])
def test_messages_by_sequoia_are_read(profile, armor):
    """A second implementation, which makes packets of version 6 and SEIPD of version 2."""
    sequoia = pytest.importorskip("pysequoia")
    key = sequoia.Tsk.generate("a <a@example.com>", profile=getattr(sequoia.Profile, profile))
    certificate = key.extract_certificate()
    keys = _read(bytes(certificate)).keys
    assert keys[0].fingerprint == certificate.fingerprint.upper()
    assert _read(bytes(key)).has_secret_key
    assert _read(bytes(key)).keys[0].fingerprint == keys[0].fingerprint

    message = _read(sequoia.encrypt(TEXT, recipients=[certificate], armor=armor))
    (recipient,) = message.recipients
    assert message.armored is armor
    assert message.container == Container("seipd2", 18, 2, "AES-256", "OCB")
    assert recipient.version == 6
    assert (recipient.key_id, recipient.fingerprint) in {(k.key_id, k.fingerprint) for k in keys}

    for mode in ("INLINE", "DETACHED", "CLEAR"):
        made = sequoia.sign(key.signer(), TEXT, mode=getattr(sequoia.SignatureMode, mode))
        (signature,) = _read(made).signatures
        assert signature.key_id in {k.key_id for k in keys}
        assert signature.algorithm == ("EdDSA" if profile == "RFC4880" else "Ed25519")
    assert _read(sequoia.encrypt(TEXT, passwords=["sesame"])).passphrases == 1


# --- hand-made


@pytest.mark.parametrize(
    ("packet", "container"),
    [
        ("d4 05 01 09 02 10 00", Container("aead", 20, 1, "AES-256", "OCB")),
        ("d4 05 01 07 01 10 00", Container("aead", 20, 1, "AES-128", "EAX")),
        ("d2 05 02 09 03 06 00", Container("seipd2", 18, 2, "AES-256", "GCM")),
        ("d2 05 02 08 63 06 00", Container("seipd2", 18, 2, "AES-192", "unknown (99)")),
        ("d2 e9 01" + "00" * 511, Container("mdc", 18, 1, None, None)),
        ("c9 02 00 00", Container("unprotected", 9, None, None, None)),
        ("a7 00 00", Container("unprotected", 9, None, None, None)),
    ],
)
def test_container_tells_cipher_and_mode_where_it_shows_them(packet, container):
    """RFC 9580, 5.7 and 5.13; GnuPG's packet 20."""
    message = _read(PKESK + bytes.fromhex(packet))
    assert message.container == container
    assert message.recipients == (Recipient("0123456789ABCDEF", None, "X25519", 3),)


@pytest.mark.parametrize(
    ("body", "fingerprint"),
    [
        ("06 15 04" + "ab" * 12 + "0123456789abcdef" + "12", "AB" * 12 + "0123456789ABCDEF"),
        ("06 21 06" + "0123456789abcdef" + "cd" * 24 + "1a", "0123456789ABCDEF" + "CD" * 24),
    ],
)
def test_recipients_of_version_6_have_fingerprints(body, fingerprint):
    """RFC 9580, 5.1.2 and 5.5.4: the id is the end of an old one, the start of a new one."""
    found = _read(_packet(1, bytes.fromhex(body)) + SEIPD1).recipients[0]
    assert (found.key_id, found.fingerprint) == ("0123456789ABCDEF", fingerprint)
    assert (found.algorithm, found.version) == ("ECDH" if body.endswith("12") else "X448", 6)


def test_recipients_that_cannot_be_told_are_counted():
    """A hidden one of version 6, and one of a version to come."""
    hidden, unknown = _packet(1, b"\x06\x00\x19"), _packet(1, b"\x09\x00")
    assert _read(hidden + unknown + SEIPD1).recipients == (
        Recipient(HIDDEN, None, "X25519", 6),
        Recipient(HIDDEN, None, "unknown (version 9)", 9),
    )


def test_literal_without_a_date_has_none():
    """Zero stands for no date: RFC 9580, 5.9."""
    assert _read(LITERAL).literal == LiteralPacket("binary", "x.csv", None)


def test_old_signature_tells_its_key():
    """Version 3, of PGP 5 and older."""
    body = bytes.fromhex("03 05 00 12345678 fedcba9876543210 11 02 abcd")
    (signature,) = _read(_packet(2, body)).signatures
    assert (signature.key_id, signature.algorithm, signature.hash) == (
        "FEDCBA9876543210",
        "DSA",
        "SHA-1",
    )


def test_marker_padding_and_private_packets_are_passed_over():
    """RFC 9580, 4.3, 5.8 and 5.14."""
    between = _packet(10, b"PGP") + _packet(21, bytes(9)) + _packet(61, b"x")
    message = _read(between + PKESK + between + SEIPD1)
    ignored = ("marker", "padding", "unknown (61)")
    assert message.packets == (*ignored, "pkesk", *ignored, "seipd")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no OpenPGP file"),
        (b"id,email\n1,a@example.com\n", "no OpenPGP file"),
        (b"PAR1\x15\x04", "no OpenPGP file"),
        (b"\x89PNG\r\n\x1a\n", "no OpenPGP file"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "no OpenPGP file"),
        (b"\xc9\x02\x00\x00", "no OpenPGP file"),
        (PKESK, "ends where its encrypted data should begin"),
        (SKESK, "ends where its encrypted data should begin"),
        (ONE_PASS, "ends where its signed data should begin"),
        (_packet(8, b"\x00"), "ends where its compressed data should begin"),
        (_packet(8, b"\x01\x00"), "data is damaged|cut off"),
        (_packet(8, b"\x02" + zlib.compress(LITERAL)[:9]), "cut off"),
        (_packet(8, b"\x02" + bytes(20)), "data is damaged"),
        (_packet(8, b"\x03" + bytes(20)), "data is damaged"),
        (_packet(10, b"PGP"), "neither a message nor a key"),
        (PKESK + LITERAL, "a literal packet where none may stand"),
        (PKESK + _packet(33, b""), r"an? unknown \(33\) packet where none may stand"),
        (ONE_PASS + _packet(13, b"x"), "a user-id packet where none may stand"),
        (PKESK + _packet(18, b"\x03x"), "version, 3, is not known"),
        (PKESK + _packet(20, b"\x02x"), "version, 2, is not known"),
        (PKESK + _packet(18, b""), "too short"),
        (_packet(1, b"\x03abc"), "too short"),
        (_packet(1, b"\x06\x05\x04abcd\x12"), "fingerprint of no known size"),
        (_packet(2, bytes.fromhex("04 00 16 08 0002 0510 0000")), "subpackets do not fit"),
        (_packet(2, bytes.fromhex("06 00 1b 08 ffffffff")), "a field of 4294967295 bytes"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(data, message):
    """By name, with a hint, and never with anything but `PgpError`."""
    with pytest.raises(PgpError, match=message) as caught:
        _read(data)
    assert str(caught.value).startswith("x.pgp: ")
    assert caught.value.hint


def test_nesting_without_end_is_refused():
    """A file that holds itself would be read for ever."""
    data = LITERAL
    for _ in range(8):
        data = _packet(8, b"\x00" + data)
    assert _read(data).literal
    with pytest.raises(PgpError, match="one in the other"):
        _read(_packet(8, b"\x00" + data))


def test_packets_without_end_are_refused():
    """A list of recipients may not fill the memory."""
    with pytest.raises(PgpError, match="over 100,000 packets"):
        _read(SKESK * 100_001)


def test_packet_that_expands_without_end_is_read_in_flat_memory():
    """A megabyte of zip may be a gigabyte of nothing: it is passed over piece by piece."""
    long = b"\xfd\xff\x10\x00\x00\x00" + bytes(1 << 28)
    data = _packet(8, b"\x02" + zlib.compress(long))
    tracemalloc.start()
    try:
        with pytest.raises(PgpError, match="compressed data should begin"):
            _read(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20


@given(st.binary(max_size=400), st.sampled_from([b"", PKESK, ONE_PASS, _packet(6, b"")[:1]]))
def test_any_bytes_are_a_message_or_an_error(data, start):
    """Nothing but `PgpError` comes out of a file, whatever is in it."""
    with contextlib.suppress(PgpError):
        _read(start + data)


@given(st.data())
def test_any_changed_byte_gives_a_message_or_an_error(data):
    """The same for files that are nearly right."""
    whole = bytearray(ONE_PASS + _packet(8, b"\x02" + zlib.compress(LITERAL)))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(PgpError):
        _read(bytes(whole))


def test_is_openpgp_knows_both_forms(gnupg_home):
    """What `inspect` tells files apart by."""
    for arguments in (["-e", "-r", "rsa"], ["--export"], ["-b"], ["--store"], ["-s"]):
        for armor in ([], ["--armor"]):
            assert is_openpgp(gnupg_home.run(*armor, *arguments, stdin=TEXT))
    assert not is_openpgp(b"id,email\n")


def test_reading_a_message_imports_nothing_heavy():
    """A look at a message must be quick."""
    told = "import sys, piienc.openpgp.packets.message; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.decode().split()}
    assert not loaded & {"numpy", "pyarrow", "gnupg", "cryptography", "rich"}
