"""What gpg tells: no line of it is forged or hidden, and its errors are told apart."""

import codecs
import io
import subprocess

import pytest

from piienc.keys.openpgp import gpg


class _Told:
    """A result that keeps the status lines."""

    def __init__(self):
        self.lines = []

    def handle_status(self, key, value):
        self.lines.append((key, value))


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\x85", "\v", "\f", "\x1c", "\r"])
def test_status_line_cannot_be_forged_by_what_stands_in_another(tmp_path, sign):
    """A notation or a name comes from outside; lines end with LF alone."""
    forged = f"[GNUPG:] NOTATION_DATA x{sign}[GNUPG:] VALIDSIG {'7' * 40}\n[GNUPG:] GOODMDC\n"
    told = _Told()
    with gpg.keyring(tmp_path, []) as session:
        stream = codecs.getreader("utf-8")(io.BytesIO(forged.encode()))
        session._read_response(stream, told)
    assert [key for key, _ in told.lines] == ["NOTATION_DATA", "GOODMDC"]


def test_status_line_that_is_no_text_does_not_hide_the_next(tmp_path):
    """Sequoia puts binary notations into its signatures."""
    told = _Told()
    with gpg.keyring(tmp_path, []) as session:
        raw = b"[GNUPG:] NOTATION_DATA \xff\xfe\xa2\n[GNUPG:] GOODSIG x\n"
        session._read_response(codecs.getreader("utf-8")(io.BytesIO(raw)), told)
    assert [key for key, _ in told.lines] == ["NOTATION_DATA", "GOODSIG"]
    assert told.stderr == "[GNUPG:] NOTATION_DATA \ufffd\ufffd\ufffd\n[GNUPG:] GOODSIG x"


def test_name_that_is_no_text_or_breaks_the_line_does_not_hide_the_next(tmp_path):
    """In a listing, too."""
    with gpg.keyring(tmp_path, []) as session:
        listed = session.result_map["list"](session)
        listed.data = b"cfg:a\xff\x1cb:\ncfg:c:\n"
        session._decode_result(listed)
    assert listed.data.decode().splitlines() == ["cfg:a\ufffd\ufffdb:", "cfg:c:"]


def test_release_is_what_gpg_tells_or_else_the_oldest_that_is_known(tmp_path):
    """It decides which packets are written."""
    told = subprocess.run(["gpg", "--version"], capture_output=True, check=True, text=True).stdout
    version = told.splitlines()[0].split()[-1]
    with gpg.keyring(tmp_path, []) as session:
        assert ".".join(map(str, session.release)) == version
    with gpg.keyring(tmp_path, []) as session:
        session.gpgbinary = "false"
        assert session.release == (2, 2)


def test_outcome_is_what_gpg_has_told(tmp_path):
    """Of a recipient that it does not know: error 9 of libgpg-error, "No public key"."""
    nobody = "0" * 40
    with gpg.keyring(tmp_path, []) as session:
        assert gpg.GpgStatus(session).returncode is None
        made = session.encrypt(b"x", [nobody])
        assert session.outcome is made
        assert (made.returncode, made.ok, made.data) == (2, False, b"")
        assert made.all("INV_RECP") == [["1", nobody]]
        assert made.has("END_ENCRYPTION", "FAILURE")
        assert not made.has("END_ENCRYPTION")
        assert (made.errors, made.codes) == ([["encrypt", "9"]], {9})


@pytest.mark.parametrize(
    ("line", "errors", "codes"),
    [  # doc/DETAILS of GnuPG; the upper half of a code's 32 bits tells which program it is from
        ("FAILURE sign 67108875", [["sign", "67108875"]], {11}),
        ("FAILURE decrypt 4294967295", [["decrypt", "4294967295"]], {65535}),
        ("ERROR keylist.getkey 9", [["keylist.getkey", "9"]], {9}),
        ("ERROR pkdecrypt_failed 11 more", [["pkdecrypt_failed", "11", "more"]], {11}),
        ("ERROR check_hijacking unknown", [["check_hijacking", "unknown"]], set()),
        ("ERROR alone", [["alone"]], set()),
        ("FAILURE", [[]], set()),
        ("FAILURE gpg-exit 33554433", [], set()),
        ("NODATA 1", [], set()),
    ],
)
def test_errors_are_told_apart_by_their_codes(tmp_path, line, errors, codes):
    """What is no number is no code, and that gpg has ended is no error by itself."""
    with gpg.keyring(tmp_path, []) as session:
        told = gpg.GpgStatus(session)
    keyword, _, arguments = line.partition(" ")
    told.handle_status(keyword, arguments)
    assert (told.errors, told.codes) == (errors, codes)
