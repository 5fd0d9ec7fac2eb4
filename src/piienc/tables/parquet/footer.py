"""The footer of a Parquet file, read before Arrow opens the file.

Arrow ends the whole process when it accesses an encrypted column chunk, and ignores annotations
that it has no type for. So the footer is read here first, by the Thrift definition of the format
(`parquet.thrift` of Apache Parquet), and Arrow's accessors of chunks are never used.
"""

from __future__ import annotations

import io
from enum import IntEnum
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct

from piienc.errors import InputError
from piienc.tables.parquet.thrift import Fields, read_struct
from piienc.tables.streams import not_parquet

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = b"PAR1"
_ENCRYPTED_MAGIC = b"PARE"
_TAIL = 8  # bytes: the footer's length, and the magic
_MOST_FOOTER = 1 << 30  # bytes; the format allows 4 GiB, and no writer comes near


class _FileFields(IntEnum):
    """Fields of `FileMetaData`."""

    SCHEMA, ROW_GROUPS, KEY_VALUES, ENCRYPTION = 2, 4, 5, 8


class _NodeFields(IntEnum):
    """Fields of `SchemaElement`."""

    TYPE, NAME, CHILDREN, CONVERTED, LOGICAL = 1, 4, 5, 6, 10


class _GroupFields(IntEnum):
    """Fields of `RowGroup`."""

    COLUMNS, ROWS, SORTING = 1, 3, 4


class _ColumnFields(IntEnum):
    """Fields of `ColumnChunk`."""

    FILE, FACTS, OFFSET_INDEX, CRYPTO, ENCRYPTED_FACTS = 1, 3, 4, 8, 9


class _MetaDataFields(IntEnum):
    """Fields of `ColumnMetaData`."""

    ENCODINGS, CODEC, KEY_VALUES, STATISTICS = 2, 4, 8, 12
    ENCODING_STATS, BLOOM_OFFSET, BLOOM_LENGTH = 13, 14, 15
    VALUES, BYTES, SIZES = 5, 6, 16


_PHYSICAL = (
    *("BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE"),
    *("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"),
)
_LOGICAL = {
    1: "STRING",
    2: "MAP",
    3: "LIST",
    4: "ENUM",
    5: "DECIMAL",
    6: "DATE",
    7: "TIME",
    8: "TIMESTAMP",
    10: "INTEGER",
    11: "UNKNOWN",
    12: "JSON",
    13: "BSON",
    14: "UUID",
    15: "FLOAT16",
    16: "VARIANT",
    17: "GEOMETRY",
    18: "GEOGRAPHY",
}
_CONVERTED = (
    *("STRING", "MAP", "MAP", "LIST", "ENUM", "DECIMAL", "DATE", "TIME", "TIME"),
    *("TIMESTAMP", "TIMESTAMP", *["INTEGER"] * 8, "JSON", "BSON", "INTERVAL"),
)
"""Older annotations, by the names of those that took their place."""
_ENCODINGS = {
    0: "PLAIN",
    2: "PLAIN_DICTIONARY",
    3: "RLE",
    4: "BIT_PACKED",
    5: "DELTA_BINARY_PACKED",
    6: "DELTA_LENGTH_BYTE_ARRAY",
    7: "DELTA_BYTE_ARRAY",
    8: "RLE_DICTIONARY",
    9: "BYTE_STREAM_SPLIT",
}
_BY_DICTIONARY = {2, 8}
_CODECS = ("NONE", "SNAPPY", "GZIP", "LZO", "BROTLI", "LZ4 of Hadoop", "ZSTD", "LZ4")
_DATA_PAGE, _DATA_PAGE_V2 = 0, 3


class Element(Struct, frozen=True):
    """A column of values, at any depth.

    Attributes:
        path: the names that lead to it.
        physical: the physical type.
        annotation: the logical type; "" if there is none.
        in_utc: for times of day and timestamps, whether they are adjusted to UTC.
        outer: the annotations of the groups around it.
    """

    path: tuple[str, ...]
    physical: str
    annotation: str
    in_utc: bool
    outer: tuple[str, ...] = ()


class Chunk(Struct, frozen=True):
    """How a row group stores a column of values.

    Attributes:
        encodings: of its data pages, as far as they are told apart; else of all its pages.
        codec: its compression.
        has_statistics: whether they are in the footer.
        has_page_index: whether there is one.
        bloom_bytes: the size of its bloom filter; 0 where it is not told; None without one.
        second_pages: whether it has data pages of version 2.
        has_metadata: whether it has keys and values of its own.
    """

    encodings: frozenset[str]
    codec: str
    has_statistics: bool
    has_page_index: bool
    bloom_bytes: int | None
    second_pages: bool
    has_metadata: bool

    @property
    def has_dictionary(self) -> bool:
        """Whether its values are numbers of a dictionary."""
        return any(encoding.endswith("DICTIONARY") for encoding in self.encodings)


class ChunkSize(Struct, frozen=True):
    """How large a chunk is that holds strings by their numbers in a dictionary.

    Attributes:
        leaf: its column of values.
        values: how many it has, nulls included.
        bytes: it has in the file, decompressed.
        plain_bytes: of all its strings; None where it is not told.
    """

    leaf: int
    values: int
    bytes: int
    plain_bytes: int | None


class Sorting(Struct, frozen=True):
    """A column of values that row groups are sorted by."""

    leaf: int
    descending: bool
    nulls_first: bool


class Footer(Struct, frozen=True):
    """What a footer says.

    Attributes:
        leaves: the columns of values, in order.
        metadata: keys and values.
        chunks: how the first row group with rows stores each of them; none without rows.
        sorting: what all row groups are sorted by.
        most_rows: of a row group.
        encrypted: whether Parquet's own encryption was used.
        elsewhere: whether its rows are in other files: it is the summary of a folder.
        listed: for each row group, its chunks of strings with a dictionary.
    """

    leaves: tuple[Element, ...]
    metadata: dict[bytes, bytes]
    chunks: tuple[Chunk, ...]
    sorting: tuple[Sorting, ...]
    most_rows: int
    encrypted: bool
    elsewhere: bool = False
    listed: tuple[tuple[ChunkSize, ...], ...] = ()


def read_footer(file: BinaryIO, name: str) -> Footer:
    """Read the footer of an open file, which is at its beginning then.

    Raises:
        InputError: there is none, it is damaged, Parquet's own encryption was used, or the rows
            are in other files.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _TAIL))
    tail = file.read(_TAIL)
    length = int.from_bytes(tail[:4], "little")
    if size >= _TAIL and tail[4:] == _ENCRYPTED_MAGIC:
        raise _encrypted(name)
    if tail[4:] != MAGIC or length > min(size - _TAIL, _MOST_FOOTER):
        raise not_parquet(name)
    file.seek(size - _TAIL - length)
    data = file.read(length)
    file.seek(0)
    try:
        footer = parse(data)
    except (ValueError, TypeError, AttributeError, LookupError):
        raise not_parquet(name) from None
    if footer.encrypted:
        raise _encrypted(name)
    if footer.elsewhere:
        raise InputError(
            f"{name} is the summary of other Parquet files, and has no rows of its own",
            hint="give the files themselves, or the folder that they are in",
        )
    return footer


def parse(data: bytes) -> Footer:
    """Read a footer.

    Raises:
        ValueError, TypeError, AttributeError, LookupError: it is damaged.
    """
    fields = read_struct(data)
    groups: list[Fields] = fields[_FileFields.ROW_GROUPS]
    all_chunks = [chunk for group in groups for chunk in group[_GroupFields.COLUMNS]]
    encrypted = _FileFields.ENCRYPTION in fields or any(
        _ColumnFields.CRYPTO in chunk or _ColumnFields.ENCRYPTED_FACTS in chunk
        for chunk in all_chunks
    )
    first = next((group for group in groups if group[_GroupFields.ROWS]), {})
    # The schema's tree stands flat: each node, then its children.
    elements = iter(fields[_FileFields.SCHEMA])
    root: Fields = next(elements, {})
    leaves = tuple(_children(elements, root[_NodeFields.CHILDREN]))
    chunks = () if encrypted else tuple(map(_chunk, first.get(_GroupFields.COLUMNS, [])))
    if chunks and len(chunks) != len(leaves):
        raise ValueError("a row group of other columns than the schema's")
    orders = {tuple(_sorted_by(group)) for group in groups}
    if any(not 0 <= each.leaf < len(leaves) for sorting in orders for each in sorting):
        raise ValueError("sorted by a column that is not there")
    return Footer(
        leaves,
        {each[1]: each.get(2, b"") for each in fields.get(_FileFields.KEY_VALUES, [])},
        chunks,
        orders.pop() if len(orders) == 1 else (),
        max((group[_GroupFields.ROWS] for group in groups), default=0),
        encrypted,
        elsewhere=any(_ColumnFields.FILE in chunk for chunk in all_chunks),
        listed=() if encrypted else tuple(tuple(_listed(group, leaves)) for group in groups),
    )


def _children(
    elements: Iterator[Fields],
    count: int,
    path: tuple[str, ...] = (),
    outer: tuple[str, ...] = (),
) -> Iterator[Element]:
    for _ in range(count):
        fields = next(elements, None)
        if fields is None:
            raise ValueError("a schema that ends too early")
        here = (*path, fields[_NodeFields.NAME].decode())
        annotation, in_utc = _annotation(fields)
        if fields.get(_NodeFields.CHILDREN):
            yield from _children(elements, fields[_NodeFields.CHILDREN], here, (*outer, annotation))
        else:
            yield Element(here, _PHYSICAL[fields[_NodeFields.TYPE]], annotation, in_utc, outer)


def _annotation(fields: Fields) -> tuple[str, bool]:
    """Return what values mean, and whether that is adjusted to UTC."""
    for number, facts in (fields.get(_NodeFields.LOGICAL) or {}).items():
        return _LOGICAL.get(number, f"of type {number}"), facts.get(1) is True
    converted = fields.get(_NodeFields.CONVERTED)
    name = "" if converted is None else _CONVERTED[converted]
    return name, name.startswith("TIME")


def _chunk(chunk: Fields) -> Chunk:
    """Return how a chunk is stored, by its `ColumnChunk`."""
    facts: Fields = chunk[_ColumnFields.FACTS]
    stats = [(each[1], each[2]) for each in facts.get(_MetaDataFields.ENCODING_STATS, [])]
    pages = [(kind, code) for kind, code in stats if kind in {_DATA_PAGE, _DATA_PAGE_V2}]
    codes = {code for _, code in pages} or {*facts[_MetaDataFields.ENCODINGS]}
    return Chunk(
        frozenset(_ENCODINGS.get(code, str(code)) for code in codes),
        _CODECS[facts[_MetaDataFields.CODEC]],
        has_statistics=_MetaDataFields.STATISTICS in facts,
        has_page_index=_ColumnFields.OFFSET_INDEX in chunk,
        bloom_bytes=int(facts.get(_MetaDataFields.BLOOM_LENGTH, 0))
        if _MetaDataFields.BLOOM_OFFSET in facts
        else None,
        second_pages=any(kind == _DATA_PAGE_V2 for kind, _ in pages),
        has_metadata=bool(facts.get(_MetaDataFields.KEY_VALUES)),
    )


def _listed(group: Fields, leaves: tuple[Element, ...]) -> Iterator[ChunkSize]:
    """Yield the sizes of those chunks of a row group that have strings and a dictionary."""
    for leaf, (element, chunk) in enumerate(zip(leaves, group[_GroupFields.COLUMNS], strict=False)):
        if element.physical != "BYTE_ARRAY":
            continue
        facts: Fields = chunk[_ColumnFields.FACTS]
        if not {*facts[_MetaDataFields.ENCODINGS]} & _BY_DICTIONARY:
            continue
        strings = facts.get(_MetaDataFields.SIZES, {}).get(1)
        yield ChunkSize(leaf, facts[_MetaDataFields.VALUES], facts[_MetaDataFields.BYTES], strings)


def _sorted_by(group: Fields) -> Iterator[Sorting]:
    for each in group.get(_GroupFields.SORTING, []):
        yield Sorting(each[1], each[2], each[3])


def damaged(name: str) -> InputError:
    """Return the refusal of a Parquet file whose footer can be read, and its rows cannot."""
    return InputError(
        f"{name} is damaged, or holds what Arrow does not read",
        hint="fetch or write the file again",
    )


def _encrypted(name: str) -> InputError:
    return InputError(
        f"{name} is encrypted by Parquet's own encryption (PME)",
        hint="decrypt it with what wrote it, Spark or pyarrow, and give the plain file",
    )
