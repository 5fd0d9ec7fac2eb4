"""Armor: told from binary, decoded as a stream, and refused where it is broken."""

import base64
import io
import textwrap
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.errors import PgpError
from piienc.keys.openpgp.armor import dearmor, dearmored, is_armored

DATA = b"\xcb\xff" + bytes(range(256)) * 40  # begins as a packet does
BEGIN, END = "-----BEGIN PGP MESSAGE-----", "-----END PGP MESSAGE-----"


def _armor(data=DATA, *, headers=(), width=64, checksum="=abcd", line_end="\n"):
    lines = textwrap.wrap(base64.b64encode(data).decode(), width)
    footer = [checksum] if checksum else []
    return line_end.join([BEGIN, *headers, "", *lines, *footer, END, ""]).encode()


@pytest.mark.parametrize("size", range(1, 8))
@pytest.mark.parametrize("checksum", ["", "=abcd", "=", "=not base64"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_armor_is_decoded_with_any_padding_checksum_and_line_end(size, checksum, line_end):
    """RFC 9580, 6.1: no reader refuses armor because of its checksum."""
    data = DATA[:size]
    made = _armor(data, checksum=checksum.split(" ")[0], line_end=line_end)
    assert dearmor(made) == data


@pytest.mark.parametrize("width", [1, 3, 60, 76, 1 << 20])
def test_armor_is_decoded_with_lines_of_any_length(width):
    """Some programs write it in one line."""
    assert dearmor(_armor(width=width)) == DATA


@pytest.mark.parametrize(
    "around",
    [
        ("", ""),
        ("Hello,\n\nsee below.\n\n", "\nRegards\n"),
        ("\ufeff", ""),
        ("\n" * 1000, "-----BEGIN PGP MESSAGE-----\n"),
    ],
)
def test_text_around_the_armor_is_passed_over(around):
    """It may come in a mail."""
    made = around[0].encode() + _armor(headers=["Version: x", "Comment:"]) + around[1].encode()
    assert is_armored(made)
    assert dearmor(made) == DATA


class _Short(io.BytesIO):
    """A stream that gives less than it has, as one of a network does."""

    def read(self, size=-1, /):
        return super().read(min(size, 40_000))


@pytest.mark.parametrize(("before", "found"), [(0, True), (60_000, True), (66_000, False)])
def test_armor_is_looked_for_within_the_first_64_kib(before, found):
    """A mail may stand before it; a long text holds none."""
    made = _Short(b"x" * before + b"\n" + _armor())
    if found:
        assert dearmored(made).read() == DATA
    else:
        with pytest.raises(PgpError, match="no OpenPGP file"):
            dearmored(made)


@pytest.mark.parametrize(
    ("headers", "length", "taken"),
    [(63, 64, True), (64, 64, False), (1, 4095, True), (1, 5000, False)],
)
def test_headers_have_63_lines_of_4_kib_at_the_most(headers, length, taken):
    """Whatever is longer is no armor, and is not kept in memory."""
    made = _armor(headers=["Comment: ".ljust(length - 1, "x")] * headers)
    if taken:
        assert dearmor(made) == DATA
    else:
        with pytest.raises(PgpError, match="no blank line behind its headers"):
            dearmor(made)


@pytest.mark.parametrize(("blank", "taken"), [(0, True), (900, True), (1100, False)])
def test_armor_ends_within_1_kib_of_its_base64(blank, taken):
    """Also where 64 KiB, which are read at a time, end between the two."""
    data = bytes(49_151)  # 65,536 characters, the last of which is the padding
    made = _armor(data, width=1 << 20, checksum="\n" * blank)
    if taken:
        assert dearmor(made) == data
    else:
        with pytest.raises(PgpError, match="its last line is broken"):
            dearmor(made)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_trailing_white_space_does_not_matter(line_end):
    """RFC 9580, 6.2: a reader ignores what mail programs add to a line."""
    made = _armor(line_end=line_end).replace(line_end.encode(), b" \t" + line_end.encode())
    assert dearmor(made) == DATA


@pytest.mark.parametrize("data", [DATA, b"\x80"])
def test_binary_comes_back_as_it_is(data):
    """Who wants the packets need not know which of the two a file is."""
    assert not is_armored(data)
    assert dearmor(data) == data


def test_armor_by_gpg_is_decoded(partner):
    """Of a message, a key and a signature, as gpg decodes it itself."""
    for arguments in (["-e", "-r", "rsa"], ["--export"], ["-b", "-u", "curve"]):
        made = partner.run("-a", "--comment", "a: b", *arguments, stdin=DATA)
        assert is_armored(made)
        assert dearmor(made) == partner.run("--dearmor", stdin=made)
    cleartext = partner.run("--clear-sign", "-u", "curve", stdin=b"- text\n" * 20_000)
    assert dearmor(cleartext)[:1] == b"\x88"


@pytest.mark.parametrize("data", [b"", b"id,email\n1,a@example.com\n", BEGIN.encode()[:-1], b"\n"])
def test_text_without_armor_is_refused(data):
    """It is no OpenPGP, which is told at once."""
    assert not is_armored(data)
    with pytest.raises(PgpError, match="no OpenPGP file"):
        dearmored(io.BytesIO(data))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (END, "", "ends in the middle"),
        (END, END.replace("MESSAGE", "SIGNATURE"), "do not belong together"),
        (END, "-----END", "last line is broken"),
        ("\n\n", "\n", "no blank line"),
        ("AAEC", "A EC", "its base64 or"),
        ("AAEC", "AA=C", "last line is broken"),
        ("AAEC", "AA*C", "its base64 or"),
        ("AAEC", "AAÄC", "its base64 or"),
    ],
)
def test_malformed_armor_is_refused(old, new, message):
    """The error says what is wrong with it."""
    made = _armor(b"\xcb\x00\x00\x00\x01\x02", checksum="").decode()
    changed = made.replace(old, new, 1)
    assert changed != made
    with pytest.raises(PgpError, match=message) as caught:
        dearmor(changed.encode())
    assert "AAEC" not in str(caught.value)


def test_armor_cut_off_anywhere_is_refused():
    """No shorter armor passes for a whole one."""
    made = _armor(DATA[:50], headers=["Version: x"])
    for end in range(len(made) - 2):
        with pytest.raises(PgpError):
            dearmor(made[:end])


def test_signed_text_without_its_signature_is_refused():
    """RFC 9580, 7: the signature's armor stands behind the text."""
    text = b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nhello\n"
    with pytest.raises(PgpError, match="no signature behind the text"):
        dearmor(text)


@given(st.binary(min_size=1, max_size=500), st.integers(1, 90))
def test_what_is_armored_comes_back(data, width):
    """All bytes, in lines of all lengths."""
    assert dearmor(_armor(data, width=width)) == data


class _Endless(io.RawIOBase):
    """An armor of many megabytes that is never in memory."""

    def __init__(self, lines):
        self._left, self._start = lines, (BEGIN + "\n\n").encode()

    def readable(self):
        return True

    def read(self, size=-1, /):
        if self._start:
            start, self._start = self._start, b""
            return start
        count = min(self._left, max(1, size // 65))
        self._left -= count
        return (b"A" * 64 + b"\n") * count or (END + "\n").encode() * (size > 100)


def test_memory_stays_flat_and_short_reads_do_not_matter():
    """Forty megabytes of armor pass through less than one."""
    lines = 600_000
    reader = dearmored(_Endless(lines))
    tracemalloc.start()
    try:
        count = sum(len(piece) for piece in iter(lambda: reader.read(1 << 16), b""))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == lines * 48
    assert peak < 1 << 20
