"""Text that is cut at some of its bytes without being decoded: only where no code has them."""

import codecs

import pytest

from piienc.base.charsets import EAST_ASIAN, SUPPORTED, is_in_place

MARKS = [
    chr(octet) for octet in range(1, 0x80) if not chr(octet).isalnum() and octet not in b"\r\n"
]
USUAL = ',"'


def _insides(encoding):
    """All bytes that stand behind the first one of some code, by what the codec itself does."""
    found = set()
    for number in (*range(0xD800), *range(0xE000, 0x110000)):
        found.update(chr(number).encode(encoding, "ignore")[1:])
    beginnings = [b""]
    while beginnings:  # codes that are read, and never written, have up to three bytes
        longer = []
        for beginning in beginnings:
            for octet in range(256):
                code = beginning + bytes([octet])
                try:
                    text = codecs.getincrementaldecoder(encoding)().decode(code)
                except UnicodeDecodeError:
                    continue
                found.update(code[1:] if text else b"")
                if not text and len(code) < (2 if encoding == "gb18030" else 3):
                    longer.append(code)
        beginnings = longer
    return found


@pytest.mark.parametrize("encoding", sorted({*EAST_ASIAN} - {"iso2022_jp"}))
def test_text_is_cut_at_no_byte_that_another_code_has(encoding):
    """Held against every code that Python's codec writes or reads."""
    inside = _insides(encoding)
    ends = {*b"\r\n"}
    for mark in MARKS:
        if is_in_place(encoding, mark):
            assert not inside & {ord(mark), *ends}
    for letter in "¦、。é":
        code = letter.encode(encoding, "ignore")
        assert not code or not is_in_place(encoding, USUAL + letter)


NO_ASCII = ("cp037", "cp273", "cp424", "cp500", "cp864", "cp1026", "cp1140")
SINGLE = [n for n in SUPPORTED if n not in EAST_ASIAN and not n.startswith("utf")]


@pytest.mark.parametrize("encoding", SINGLE)
def test_text_of_single_bytes_is_cut_if_it_has_ascii(encoding):
    """All but EBCDIC and a code page whose percent sign is an Arabic one."""
    read = "".join(bytes([octet]).decode(encoding, "replace") for octet in range(256))
    assert is_in_place(encoding, USUAL) == (read[:128] == bytes(range(128)).decode())
    assert is_in_place(encoding, USUAL) == (encoding not in NO_ASCII)
    for letter in read[128:].replace("\ufffd", ""):
        assert is_in_place(encoding, letter) == is_in_place(encoding, USUAL)


@pytest.mark.parametrize(
    ("encoding", "marks", "others", "expected"),
    [
        ("utf-8", USUAL + "¦、", "", True),
        ("utf-16-le", USUAL, "", False),
        ("cp037", USUAL, "", False),
        ("iso2022_jp", USUAL, "", False),
        ("johab", USUAL, "", False),
        ("euc_jp", "|\\", "", True),
        ("shift_jis", USUAL + ";\t#'", "", True),
        ("shift_jis", "|", "", False),
        ("cp932", USUAL + "\\", "", False),
        ("gb18030", USUAL + "1", "", False),
        ("iso8859-1", "¦", "né", True),
        ("iso8859-1", USUAL, "—", False),  # no file of this encoding can hold it
        ("ascii", "¦", "", False),
    ],
)
def test_encoding_and_marks_decide(encoding, marks, others, expected):
    """Those of a file together."""
    assert is_in_place(encoding, marks, others) is expected


@pytest.mark.parametrize("encoding", EAST_ASIAN)
def test_usual_marks_cut_all_that_has_ascii_for_itself(encoding):
    """Comma and double quote are never a part of another character."""
    assert is_in_place(encoding, USUAL) == (encoding not in ("iso2022_jp", "johab"))
