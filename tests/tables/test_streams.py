"""Compressed streams: told by their content, read whole, or refused."""

import bz2
import gzip
import io
import lzma
import subprocess

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.errors import InputError
from piienc.storage.hashing import HashingReader
from piienc.tables.streams import Compressed, Decompressed


def _zstd(data):
    return pa.compress(data, "zstd", asbytes=True)


PACK = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress, "zstd": _zstd}
UNPACK = {
    "gz": gzip.decompress,
    "bz2": bz2.decompress,
    "xz": lzma.decompress,
    "zst": lambda data: pa.CompressedInputStream(pa.BufferReader(data), "zstd").read(),
}
TOOLS = {"gzip": "gzip", "bzip2": "bzip2", "xz": "xz", "zstd": "zstd"}
TEXT = b"id,name\n" + b"".join(b"%d,Ann\n" % number for number in range(5000))


def _read(data, size=1 << 16, name="x"):
    stream = Decompressed(HashingReader(io.BytesIO(data)), name)
    pieces = []
    while piece := stream.read(size):
        pieces.append(piece)
        assert len(piece) <= size
    return stream.compression, b"".join(pieces)


@pytest.mark.parametrize("name", ["x.csv", "-", "x.csv.gz", "x.csv.bz2", "x"])
@pytest.mark.parametrize("kind", PACK)
def test_compression_is_told_by_the_content_whatever_the_name(kind, name):
    """Also where the suffix promises another compression."""
    assert _read(PACK[kind](TEXT), name=name) == (kind, TEXT)


@pytest.mark.parametrize("name", ["x.csv.gz", "x.csv.zst", "x.csv.bz2", "x.csv.xz"])
def test_plain_text_under_a_name_that_promises_compression_is_read(name):
    """Browsers decompress what they fetch and leave its suffix."""
    assert _read(TEXT, name=name) == (None, TEXT)


@pytest.mark.parametrize("kind", PACK)
@given(parts=st.lists(st.binary(max_size=40), min_size=1, max_size=5), size=st.integers(1, 50))
def test_all_members_are_read_one_behind_the_other(kind, parts, size):
    """Empty ones among them, and in pieces of any size."""
    text = [b"a,b\n", *parts]
    assert _read(b"".join(map(PACK[kind], text)), size) == (kind, b"".join(text))


@pytest.mark.parametrize("kind", TOOLS)
def test_what_the_standard_tool_writes_in_several_members_is_read(kind):
    """As `cat a.gz b.gz` makes of two exports."""
    half = len(TEXT) // 2
    packed = b"".join(
        subprocess.run([TOOLS[kind], "-c"], input=part, capture_output=True, check=True).stdout
        for part in (TEXT[:half], TEXT[half:])
    )
    assert _read(packed) == (kind, TEXT)


def test_zstd_behind_a_skippable_frame_is_read():
    """Which is what pzstd writes first."""
    skippable = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"size"
    assert _read(skippable + _zstd(TEXT)) == ("zstd", TEXT)


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz"])
@pytest.mark.parametrize("zeros", [1, 4, 512, 3 << 20])
def test_zeros_behind_the_last_member_are_padding(kind, zeros):
    """Tapes and block devices leave them, and gzip itself passes over them."""
    assert _read(PACK[kind](TEXT) + bytes(zeros)) == (kind, TEXT)
    assert _read(PACK[kind](TEXT) + bytes(zeros) + PACK[kind](b"more\n"))[1] == TEXT + b"more\n"


@pytest.mark.parametrize("kind", PACK)
@pytest.mark.parametrize("behind", [b"garbage", b"\0garbage", b"\x1f", b"\n", TEXT])
def test_garbage_behind_the_last_member_is_refused(kind, behind):
    """It could be rows."""
    with pytest.raises(InputError, match=f"x: cannot be read: damaged or cut-off {kind} data"):
        _read(PACK[kind](TEXT) + behind)


@pytest.mark.parametrize("kind", PACK)
@given(data=st.data())
def test_data_that_is_cut_off_anywhere_is_refused(kind, data):
    """In the second member, too."""
    first, second = PACK[kind](TEXT), PACK[kind](b"a,b\n")
    cut = data.draw(st.integers(len(first) + 1, len(first + second) - 1) | st.integers(12, 40))
    with pytest.raises(InputError, match="damaged or cut-off"):
        _read((first + second)[:cut])


@pytest.mark.parametrize(
    ("name", "left"), [("x.gz", b"\x1f"), ("x.zst", b"\x28\xb5"), ("x.bz2", b"BZh9"), ("x.xz", b"")]
)
def test_first_bytes_of_a_compressed_file_are_none_of_text(name, left):
    """Where the name promises what they begin."""
    with pytest.raises(InputError, match="damaged or cut-off"):
        _read(left, name=name)


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz"])
def test_checksums_are_checked(kind):
    """A flipped bit is never read as another value."""
    packed = bytearray(PACK[kind](TEXT))
    packed[len(packed) // 2] ^= 1
    with pytest.raises(InputError, match="damaged"):
        _read(bytes(packed))


@pytest.mark.parametrize("suffix", UNPACK)
@given(parts=st.lists(st.binary(max_size=60), max_size=4))
def test_what_is_written_has_the_compression_of_its_name(suffix, parts):
    """Read by the standard library."""
    out = io.BytesIO()
    out.close, whole = lambda: None, b"".join(parts)
    written = Compressed(out, f"x.csv.{suffix.upper()}")
    for part in parts:
        written.write(part)
    written.close()
    assert UNPACK[suffix](out.getvalue()) == whole


@pytest.mark.parametrize("outer", PACK)
@pytest.mark.parametrize(
    ("inner", "said"),
    [
        (gzip.compress(TEXT), "compressed twice: by {0}, and gzip inside"),
        (b"%PDF-1.7", "is a PDF document, compressed by {0}"),
        (bytes(257) + b"ustar\x0000", "is a tar archive, compressed by {0}"),
        (b"PAR1\x15\x00", "is a Parquet file, compressed by {0}"),
    ],
)
def test_what_is_compressed_is_told_by_its_content_too(outer, inner, said):
    """The file in the file has a name."""
    with pytest.raises(InputError, match=said.format(outer)):
        _read(PACK[outer](inner))


def test_memory_stays_flat_for_a_bomb():
    """A file of a few kilobytes makes no gigabyte in memory."""
    import tracemalloc

    packed = gzip.compress(bytes(64 << 20), 9)
    stream = Decompressed(HashingReader(io.BytesIO(b"" + packed)), "x")
    tracemalloc.start()
    while stream.read(1 << 20):
        pass
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()
