"""The layout of a Parquet file: kept if Arrow's writer can keep it, else named in a warning.

To see what the writer makes of a schema, it writes a file without rows, whose footer is compared
with the source's.
"""

from __future__ import annotations

import io
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace
from pyarrow import parquet as pq
from pyarrow import types

from piienc.tables.parquet.footer import Chunk, Element, Footer, read_footer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from piienc.tables.table import Output

_FLAGS = (
    "use_deprecated_int96_timestamps",
    "store_decimal_as_integer",
    "write_time_adjusted_to_utc",
)
"""What Arrow's writer is told for all columns at once."""
_OF_THEIR_OWN = frozenset(
    {"DELTA_BINARY_PACKED", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY", "BYTE_STREAM_SPLIT"}
)
"""Encodings that a column has only where its writer was told to."""
_MOST_DICTIONARY = 1 << 26  # bytes; behind the limit, a writer drops the dictionary and its order
_OLD_LZ4 = "LZ4 of Hadoop"
_FALSE_POSITIVES = 0.001  # how often a bloom filter does not exclude a value that is not there
_BITS_PER_VALUE = 14.61  # of such a filter
_MOST_VALUES = 1 << 22  # of a filter: 8 MiB
_MOST_OF_FILE = 1 << 26  # values of all filters: Arrow holds these in memory until the file ends
_KEPT = frozenset({"", "MAP", "LIST"})


class Layout(Struct, frozen=True):
    """How an output is written.

    Attributes:
        options: as `ParquetWriter` takes them.
        pairs: for each unchanged column of values, its path in the output and its chunk in the
            source.
        lost: the properties that the writer cannot keep, each with its column.
    """

    options: dict[str, Any]
    pairs: tuple[tuple[tuple[str, ...], Chunk], ...]
    lost: tuple[tuple[str, str], ...]

    def warnings(self, written: Footer) -> tuple[str, ...]:
        """Return what is not in the output as it was in the source, once for each kind."""
        after = dict(zip((leaf.path for leaf in written.leaves), written.chunks, strict=False))
        losses = list(self.lost)
        for path, before in self.pairs:
            if path in after:
                losses += ((what, path[0]) for what in _lost_of_chunk(before, after[path]))
        columns: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for what, column in losses:
            columns[what][column] = None
        return tuple(
            f"not kept in Parquet: {what} ({', '.join(map(repr, names))})"
            for what, names in columns.items()
        )


def layout(source: Footer, schema: pa.Schema, output: Output) -> Layout:
    """Lay an output out as its source is."""
    options: dict[str, Any] = {"store_schema": False}  # the sink does
    plain = output.schema if output.decrypted else schema
    flags, losses = _flags(source, plain, output, options)
    options |= flags
    probe = _probe(output.schema, options)
    changed = output.ciphertext | output.decrypted
    chunks = _by_column(source.leaves, source.chunks)
    paths = _by_column(probe.leaves, [leaf.path for leaf in probe.leaves])
    pairs = [
        (path, chunk)
        for column, column_paths in paths.items()
        for path, chunk in _aligned(column_paths, chunks.get(column, []))
    ]
    kept = tuple((path, chunk) for path, chunk in pairs if path[0] not in changed)
    dictionaries = {field.name for field in output.schema if types.is_dictionary(field.type)}
    options |= _of_chunks(pairs, kept, dictionaries, output)
    options["bloom_filter_options"] = _bloom_filters(source, kept, output) or None
    if any(output.schema.field(name).type.ordered for name in dictionaries):
        options["dictionary_pagesize_limit"] = _MOST_DICTIONARY
    options |= _of_file(source, [leaf.path for leaf in probe.leaves], changed)
    losses += [
        ("the codec LZ4 of Hadoop, now LZ4_RAW", p[0]) for p, c in kept if c.codec == _OLD_LZ4
    ]
    if len(options.get("sorting_columns") or ()) < len(source.sorting):
        names = [source.leaves[each.leaf].path[0] for each in source.sorting]
        losses += [("the note that rows are sorted", name) for name in names if name in changed]
    return Layout(options, kept, tuple(losses))


def _flags(
    source: Footer, plain: pa.Schema, output: Output, options: Mapping[str, Any]
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return the flags by which no column becomes another than it was, and what is lost still."""
    probe = _probe(plain, options)
    before = _by_column(source.leaves, source.leaves)
    for column, leaves in _by_column(probe.leaves, probe.leaves).items():
        if column in output.int96:
            as_int96 = {"physical": "INT96", "annotation": "", "in_utc": False}
            before[column] = [replace(leaf, **as_int96) for leaf in leaves]
        elif column in output.decrypted:
            before[column] = leaves
    for column in output.left_out:
        before.pop(column, None)
    flags: dict[str, Any] = {}
    losses = _lost(before, probe)
    for flag in _FLAGS:
        if not losses:
            break
        other = _lost(before, _probe(plain, {**options, **flags, flag: True}))
        if {*other} < {*losses}:
            flags[flag], losses = True, other
    return flags, losses


def _probe(schema: pa.Schema, options: Mapping[str, Any]) -> Footer:
    """Return the footer of a file without rows."""
    file = io.BytesIO()
    pq.ParquetWriter(file, schema, **options).close()
    return read_footer(file, "")


def _by_column(leaves: Iterable[Element], facts: Iterable[Any]) -> dict[str, list[Any]]:
    """Return what belongs to each top-level column, in the order of its leaves."""
    columns: defaultdict[str, list[Any]] = defaultdict(list)
    for leaf, fact in zip(leaves, facts, strict=False):
        columns[leaf.path[0]].append(fact)
    return dict(columns)


def _aligned(there: Sequence[Any], here: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Pair up a column's leaves; where an old layout of lists has others, all are as the first."""
    if len(there) == len(here):
        yield from zip(there, here, strict=True)
    elif here:
        yield from ((each, here[0]) for each in there)


def _lost(before: Mapping[str, list[Element]], probe: Footer) -> list[tuple[str, str]]:
    """Return which meanings of the columns are lost, each with its column."""
    after = _by_column(probe.leaves, probe.leaves)
    return [
        (what, column)
        for column, leaves in before.items()
        for what in _lost_of_column(leaves, after.get(column, []))
    ]


def _lost_of_column(before: Sequence[Element], after: Sequence[Element]) -> Iterator[str]:
    for name in {each for leaf in before for each in leaf.outer} - _KEPT:
        yield f"the annotation {name}"
    if [len(leaf.path) for leaf in before] != [len(leaf.path) for leaf in after]:
        yield "the layers of an older layout of lists and maps"
    for old, new in zip(before, after, strict=False):
        # A signed integer of 32 or 64 bits is what such a column means without an annotation, too.
        bare = old.annotation == "INTEGER" and not new.annotation and old.physical == new.physical
        if old.annotation and old.annotation != new.annotation and not bare:
            yield f"the annotation {old.annotation}"
        elif old.physical != new.physical:
            yield f"the storage as {old.physical}, now {new.physical}"
        elif old.annotation and old.in_utc != new.in_utc:
            yield f"whether {old.annotation} is in UTC"


def _lost_of_chunk(before: Chunk, after: Chunk) -> Iterator[str]:
    for encoding in sorted((before.encodings & _OF_THEIR_OWN) - after.encodings):
        yield f"the encoding {encoding}"
    if before.has_dictionary and not after.has_dictionary:
        yield "the encoding by a dictionary"
    if before.has_page_index and not after.has_page_index:
        yield "the page index"
    if before.bloom_bytes is not None and after.bloom_bytes is None:
        yield "the bloom filter"
    if before.has_metadata:
        yield "keys and values of column chunks"


def _of_chunks(
    pairs: Iterable[tuple[tuple[str, ...], Chunk]],
    kept: Collection[tuple[tuple[str, ...], Chunk]],
    dictionaries: set[str],
    output: Output,
) -> dict[str, Any]:
    """Return the options of single columns; of ciphertext, none but the codec."""
    codecs = {
        _dotted(path): chunk.codec if chunk.codec != _OLD_LZ4 else "LZ4" for path, chunk in pairs
    }
    if not codecs:
        return {}
    with_dictionary = [
        _dotted(path)
        for path, chunk in pairs
        if path[0] in dictionaries or (chunk.has_dictionary and (path, chunk) in kept)
    ]
    encodings = {
        _dotted(path): own.pop()
        for path, chunk in kept
        if len(own := {*(chunk.encodings & _OF_THEIR_OWN)}) == 1
        and _dotted(path) not in with_dictionary
    }
    return {
        "compression": codecs,
        "use_dictionary": with_dictionary or False,
        "write_statistics": [
            _dotted(path)
            for path, chunk in pairs
            if path[0] in output.decrypted
            or (chunk.has_statistics and path[0] not in output.ciphertext)
        ]
        or False,
        "column_encoding": encodings or None,
    }


def _bloom_filters(
    source: Footer, kept: Iterable[tuple[tuple[str, ...], Chunk]], output: Output
) -> dict[str, dict[str, Any]]:
    """Return the options of the filters: of those of the source, and of those of ciphertext.

    For each row group, Arrow makes them as large as is said here, and in the end as small as the
    distinct values allow.
    """
    wanted = dict.fromkeys(output.bloom_filters, source.most_rows) | {
        _dotted(path): _values_of(chunk.bloom_bytes) or source.most_rows
        for path, chunk in kept
        if chunk.bloom_bytes is not None
    }
    limited = {name: min(values, _MOST_VALUES) for name, values in wanted.items()}
    share = min(1, _MOST_OF_FILE / max(1, len(source.listed) * sum(limited.values())))
    return {
        name: {"ndv": max(1, int(values * share)), "fpp": _FALSE_POSITIVES}
        for name, values in limited.items()
    }


def _values_of(size: int) -> int:
    """Return how many values make a filter of this size: a power of two, and its header."""
    return int((1 << size.bit_length() >> 1) * 8 / _BITS_PER_VALUE)


def _of_file(
    source: Footer, paths: Sequence[tuple[str, ...]], changed: frozenset[str]
) -> dict[str, Any]:
    """Return the options of the whole file; `changed`: the columns of other values than before."""
    sorting = []
    for each in source.sorting:
        path = source.leaves[each.leaf].path
        if path[0] in changed or path not in paths:
            break  # what stands behind it is sorted only where this one is equal
        sorting.append(pq.SortingColumn(paths.index(path), each.descending, each.nulls_first))
    return {
        "data_page_version": "2.0" if any(c.second_pages for c in source.chunks) else "1.0",
        "write_page_index": any(chunk.has_page_index for chunk in source.chunks),
        "sorting_columns": sorting or None,
    }


def _dotted(path: tuple[str, ...]) -> str:
    return ".".join(path)
