"""Text in every supported encoding: read, written back to the same bytes, or refused."""

import codecs
import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.base.charsets import SUPPORTED, canonical, is_exact
from piienc.core import Strings, Unreadable
from piienc.errors import InputError
from piienc.storage.hashing import HashingReader
from piienc.tables.csv.parts import _growth
from piienc.tables.csv.text import (
    TextReader,
    TextWriter,
    encoding_of,
    recoded,
)
from piienc.tables.streams import Compressed, Decompressed

WORDS = 'id,name\n1,Ann\r\n"a ""b""",\'|;\t\n'
LETTERS = "äöüßéèñçøåłšžőąěğışțâ€£§АБвгдёїұαβγאבגدرไทย漢字かなカナ東京中文國語한국어가각힣ｱｲ😀𠀋ー"
WIDE = ("utf-16", "utf-32")


def _letters(encoding):
    """Return those that an encoding writes as what it reads."""
    return [each for each in LETTERS if each.encode(encoding, "ignore").decode(encoding) == each]


def _text(encoding, count=400):
    """Return text of what the encoding has, in no order."""
    chosen = random.Random(encoding).choices([*_letters(encoding), *WORDS, "\n", ","], k=count)  # noqa: S311
    return WORDS + "".join(chosen)


def _stream(data):
    return Decompressed(HashingReader(io.BytesIO(data)), "x.csv")


def _read(data, encoding, size):
    stream = _stream(data)
    reader = TextReader(stream, "x.csv", encoding_of(stream, encoding))
    pieces = []
    while piece := reader.read(size):
        pieces.append(piece)
    return pieces


def _write(pieces, encoding):
    out = io.BytesIO()
    writer = TextWriter(Compressed(out, "x.csv"), encoding)
    for piece in pieces:
        writer.write(piece)
    writer.close()
    return out.getvalue()


@pytest.mark.parametrize("size", [1, 2, 3, 5, 64, 1 << 20])
@pytest.mark.parametrize("encoding", SUPPORTED)
def test_every_encoding_is_read_and_written_as_python_does_whole(encoding, size):
    """In blocks that cut characters and escapes, and flushed at the end."""
    text = _text(encoding)
    data = text.encode(encoding)
    pieces = _read(data, encoding, size)
    read = b"".join(pieces).decode()
    assert read.removeprefix("\ufeff") == text
    # A mark tells the order, which is the file's own from then on.
    found = encoding_of(_stream(data), encoding)
    assert _write(pieces, found) == data


@pytest.mark.parametrize("encoding", SUPPORTED)
def test_every_character_of_a_block_ends_flushed(encoding):
    """Whatever the last character is."""
    for letter in _letters(encoding):
        data = f"a\n{letter}".encode(encoding)
        assert _write(_read(data, encoding, 1), encoding_of(_stream(data), encoding)) == data


@pytest.mark.parametrize("encoding", [name for name in SUPPORTED if is_exact(name)])
def test_exact_encodings_have_one_code_for_each_character(encoding):
    """And the other way round: this is why they are not proved while they are read."""
    if encoding.startswith("utf"):
        return  # strict by their standards: overlong forms and lone surrogates are refused
    read = {}
    for octet in range(256):
        code = bytes([octet])
        try:
            read[code] = code.decode(encoding)
        except UnicodeDecodeError:
            continue
        assert read[code].encode(encoding) == code
    assert len(set(read.values())) == len(read)


@pytest.mark.parametrize("encoding", SUPPORTED)
def test_no_encoding_writes_one_character_as_another(encoding):
    """Where Python's codec would, it is refused."""
    wrong = 0
    for number in (*range(1, 0xD800), *range(0xE000, 0xFFFE)):
        letter = chr(number)
        try:
            data = letter.encode(encoding)
        except UnicodeEncodeError:
            continue
        if data.decode(encoding, "ignore") != letter:
            wrong += 1
            with pytest.raises(InputError, match="cannot write"):
                _write([letter.encode()], encoding)
    assert not wrong or not is_exact(encoding)


@pytest.mark.parametrize(
    ("encoding", "row"),
    [
        ("cp932", b"\xfa\x54"),  # the not sign, of IBM's extensions; written as 81 CA
        ("cp932", b"\xed\x40"),  # of NEC's selection; written as FA 5C
        ("cp950", b"\xa1\xc3"),
        ("iso2022_jp", b"\x1b$B\x1b(B"),  # an escape for nothing
        ("iso2022_jp", b"\x1b(Ja\x1b(B"),
        ("big5hkscs", b"\x88\x62\x88\x62"),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1 << 16])
def test_bytes_come_back_as_they_were_or_are_refused_with_their_line(encoding, row, size):
    """CP932 has two or three codes for some characters."""
    data = b"id,name\n1,Ann\n2," + row + b"\n3,Bo\n"
    back = row.decode(encoding).encode(encoding)
    if back == row:
        assert _write(_read(data, encoding, size), encoding) == data
        return
    with pytest.raises(InputError, match=rf"x.csv: line 3: bytes that {encoding} would") as caught:
        _read(data, encoding, size)
    assert "iconv" in caught.value.hint


@pytest.mark.parametrize("encoding", [name for name in SUPPORTED if not is_exact(name)])
def test_every_pair_of_bytes_comes_back_or_is_refused(encoding):
    """All that the codec reads, one code after the other."""
    refused = 0
    for lead in range(0x80, 0x100):
        for trail in range(0x30, 0x100):
            data = b"a\n" + bytes([lead, trail]) + b"\n"
            try:
                text = data.decode(encoding)
            except UnicodeDecodeError:
                continue
            try:
                same = text.encode(encoding) == data
            except UnicodeEncodeError:
                same = False
            try:
                back = _write(_read(data, encoding, 8), encoding)
            except InputError:
                refused += 1
                assert not same
            else:
                assert back == data
    assert refused < 500


@pytest.mark.parametrize("encoding", ["ascii", "us-ascii", "646"])
def test_ascii_takes_no_utf_8(encoding):
    """By any of its names."""
    with pytest.raises(InputError, match="line 2: bytes that are not"):
        _read("a\né\n".encode(), encoding, 64)


@pytest.mark.parametrize("order", ["le", "be"])
@pytest.mark.parametrize("family", WIDE)
def test_order_of_a_marked_file_is_kept(family, order):
    """Python's own codec would write the machine's."""
    data = "\ufeffid,né\n".encode(f"{family}-{order}")
    assert encoding_of(_stream(data), family) == f"{family}-{order}"
    assert encoding_of(_stream(data), f"{family}-{order}") == f"{family}-{order}"


@pytest.mark.parametrize(
    ("data", "wanted", "said", "remedy"),
    [
        (
            "\ufeffid".encode("utf-16-le"),
            "utf-8",
            "is utf-16-le by its byte order mark",
            '"utf-16"',
        ),
        ("\ufeffid".encode("utf-16-be"), "utf-16-le", "is utf-16-be by its", '"utf-16"'),
        ("\ufeffid".encode("utf-32-le"), "utf-16", "is utf-32-le by its", '"utf-32"'),
        ("\ufeffid".encode(), "cp1252", "is utf-8 by its byte order mark", '"utf-8"'),
        ("id,name\n".encode("utf-16-be"), "utf-16", "has no byte order mark", '"utf-16-be"'),
        ("id,name\n".encode("utf-16-le"), "utf-8", "a zero byte beside each", '"utf-16-le"'),
        ("id,name\n".encode("utf-32-be"), "latin-1", "a zero byte beside each", '"utf-32-be"'),
    ],
)
def test_encoding_that_the_bytes_contradict_is_refused_with_the_right_one(
    data, wanted, said, remedy
):
    """What the bytes prove is named."""
    with pytest.raises(InputError, match=said) as caught:
        encoding_of(_stream(data), wanted)
    assert caught.value.hint.endswith(remedy)


@pytest.mark.parametrize("name", ["idna", "punycode", "utf-7", "rot13", "hex", "mbcs", "undefined"])
def test_what_is_no_encoding_of_files_is_not_supported(name):
    """Though Python has a codec of that name."""
    assert canonical(name) is None


def test_supported_encodings_have_pythons_own_names():
    """So that any of Python's names leads to one of them."""
    assert [codecs.lookup(name).name for name in SUPPORTED] == list(SUPPORTED)
    assert canonical("Latin1") == "iso8859-1"
    assert canonical("utf_8_sig") == "utf-8"


@pytest.mark.parametrize("encoding", SUPPORTED)
def test_growth_is_never_less_than_what_text_grows(encoding):
    """A part of a file is cut by it."""
    for letter in _letters(encoding):
        many = letter * 100
        assert len(many.encode(encoding)) <= _growth(encoding) * len(many.encode()) + 4


CONTROLS = bytes(range(32))
OCTETS = st.lists(st.sampled_from(b"ab\x00\x01\\|\x81\x83\x5c\x30\xa4\xe9\xfa\x54\xff"), max_size=4)
VALUES = st.lists(st.none() | OCTETS.map(bytes), max_size=8)


def _one(value, encoding):
    """What the codec alone makes of a value: UTF-8, or what is wrong with it."""
    try:
        text = value.decode(encoding)
    except UnicodeDecodeError:
        return False
    try:
        return text.encode() if text.encode(encoding) == value else True
    except UnicodeEncodeError:
        return True


@pytest.mark.parametrize("controls", [b"", CONTROLS])
@pytest.mark.parametrize(
    "encoding", ["iso8859-1", "cp1252", "shift_jis", "cp932", "gb18030", "big5"]
)
@given(values=VALUES)
def test_values_become_utf_8_as_each_of_them_would_alone(encoding, controls, values):
    """And back; or the first that does not is named, whatever stands before and behind it."""
    values = [controls, *values] if controls else values
    alone = [value if value is None else _one(value, encoding) for value in values]
    strings = Strings.of(values)
    bad = next((row for row, made in enumerate(alone) if isinstance(made, bool)), None)
    if bad is not None:
        with pytest.raises(Unreadable) as caught:
            recoded(strings, encoding, "utf-8")
        known = not isinstance(caught.value.__cause__, UnicodeDecodeError)
        assert (caught.value.row, known) == (bad, alone[bad])
        return
    made = recoded(strings, encoding, "utf-8")
    assert made.to_list() == alone
    assert recoded(made, "utf-8", encoding).to_list() == values


@pytest.mark.parametrize(
    ("encoding", "value"), [("cp1251", "ü"), ("shift_jis", "¥"), ("gbk", "😀")]
)
def test_value_that_an_encoding_would_write_as_another_is_named(encoding, value):
    """As the yen sign that becomes a backslash."""
    with pytest.raises(Unreadable) as caught:
        recoded(Strings.of([b"a", None, value.encode()]), "utf-8", encoding)
    assert caught.value.row == 2
