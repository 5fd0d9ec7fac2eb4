"""Random Parquet files, of every type that Arrow writes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any, NamedTuple

import pyarrow as pa

from differential.csv_random import random_mark, random_run
from differential.parquet_case import ParquetCase, ParquetColumn
from differential.texts import Texts

CODECS = ("none", "snappy", "gzip", "zstd", "lz4", "brotli")
UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
ZONES = (None, None, "UTC", "+05:30", "Europe/Berlin", "America/New_York", "Asia/Kathmandu")
DAY = 86_400
FIRST_DAY, LAST_DAY = -719_162, 2_932_896  # of the years 1 to 9999
LARGEST = (1 << 63) - 1

Make = Callable[[Random], Any]


class Kind(NamedTuple):
    """A type, the schema's name of it, if there is one, and what makes a value."""

    type: pa.DataType
    schema: str | None
    make: Make


def random_parquet(random: Random) -> ParquetCase:
    """Return a Parquet file of any kind that is valid."""
    columns, makers = _columns(random)
    count = 700 if random.random() < 0.04 else random.choice((0, 1, 2, 3, 5, 8, 12, 20, 40))
    nulls = [random.choice((0, 0, 0.1, 0.5, 1)) for _ in columns]
    rows = tuple(
        tuple(
            None if make is None or random.random() < share else make(random)
            for make, share in zip(makers, nulls, strict=True)
        )
        for _ in range(count)
    )
    columns = tuple(
        replace(column, nullable=_has_null(column, number, rows) or random.random() < 0.7)
        for number, column in enumerate(columns)
    )
    run = random_run(random, unit=random.choice((0, 1, 2, 3, 7, 64)), stream=False)
    own = any(column.mark and column.mark.context is not None for column in columns)
    run = replace(run, by_record=not own and random.random() < 0.3)
    if run.door in ("flow", "api") and random.random() < 0.15:
        run = replace(run, only=random.choice([n for n, c in enumerate(columns) if c.mark]))
    if run.door == "flow" and len(columns) > 1 and random.random() < 0.1:
        run = replace(run, omitted=random.randrange(len(columns)))
    elif run.door == "flow" and random.random() < 0.4:
        run = replace(run, door="table", rotated=False, others=False)  # the test writes the file
    codec = random.choice(CODECS)
    return ParquetCase(
        columns,
        rows,
        group=max(1, random.choice((1 << 20, count // 2, count // 3 + 1, count // 7 + 1))),
        codec=codec,
        other_codec=random.choice((codec, codec, *CODECS)),
        dictionary=random.random() < 0.6,
        version=random.choice(("2.6", "2.6", "2.4", "1.0")),
        page_version=random.choice(("1.0", "1.0", "2.0")),
        statistics=random.random() < 0.8,
        page_index=random.random() < 0.2,
        arrow_schema=random.random() < 0.85,
        page=random.choice((1 << 20, 1 << 20, 64)),
        writer=random.choice(("pyarrow", "pyarrow", "pyarrow", "DuckDB", "polars")),
        facts=_facts(random),
        run=replace(run, unit=max(run.unit, count // 20) if run.unit else 0),
    )


def _has_null(column: ParquetColumn, number: int, rows: tuple[tuple[Any, ...], ...]) -> bool:
    return column.kind == pa.null() or any(row[number] is None for row in rows)


def _facts(random: Random) -> tuple[tuple[str, str], ...]:
    """Return some metadata."""
    if random.random() < 0.6:
        return ()
    return tuple((f"key {number}", random.choice(("", "ü", "{}", "a" * 99))) for number in range(2))


def _columns(random: Random) -> tuple[tuple[ParquetColumn, ...], list[Make | None]]:
    count = random.choice((1, 2, 2, 3, 4, 5, 7, 10))
    chosen = [random.random() < 0.6 for _ in range(count)]
    chosen[random.randrange(count)] = True
    columns, makers = [], []
    for number, marked in enumerate(chosen):
        kind = random_kind(random, marked=marked)
        mark = random_mark(random) if marked else None
        if mark and random.random() < 0.3:
            mark = replace(mark, binary=True)
        name = f"c{number}" if random.random() < 0.8 else f"Spalte {number}.ü"
        columns.append(
            ParquetColumn(
                name,
                kind.schema,
                mark,
                kind=kind.type,
                facts=_facts(random),
                listed=marked or random.random() < 0.9,
            )
        )
        makers.append(None if kind.type == pa.null() else kind.make)
    return tuple(columns), makers


def random_kind(random: Random, *, marked: bool) -> Kind:
    """Return a type: any that can be marked, or any at all."""
    makers = [_whole, _real, _text, _text, _bytes, _decimal, _date, _timestamp, _time, _other]
    if random.random() < 0.25:
        return _dictionary(random)
    if not marked and random.random() < 0.25:
        return _nested(random)
    return random.choice(makers)(random)


def _whole(random: Random) -> Kind:
    bits, signed = random.choice((8, 16, 32, 64)), random.random() < 0.7
    kind = getattr(pa, f"{'' if signed else 'u'}int{bits}")()
    least, most = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)

    def make(random: Random) -> int:
        return random.choice((least, most, 0, 1, random.randint(least, most), random.randrange(9)))

    return Kind(kind, "integer", make)


def _real(random: Random) -> Kind:
    code, kind = random.choice((("e", pa.float16()), ("f", pa.float32()), ("d", pa.float64())))
    size = struct.calcsize(code)

    def make(random: Random) -> float:
        special = (0.0, -0.0, 1.0, 0.1, float("nan"), float("inf"), -float("inf"), 65504.0)
        anything = struct.unpack(code, random.randbytes(size))[0]
        near = struct.unpack(code, struct.pack(code, random.gauss(0, 100)))[0]
        return random.choice((anything, anything, near, random.choice(special)))

    return Kind(kind, "float", make)


def _text(random: Random) -> Kind:
    texts = Texts(random, "utf-8", ',"')
    kind = random.choice((pa.string(), pa.string(), pa.large_string(), pa.string_view()))
    return Kind(kind, "string", lambda _: texts.one())


def _bytes(random: Random) -> Kind:
    width = random.choice((1, 5, 16, 33))
    kind = random.choice((pa.binary(), pa.large_binary(), pa.binary(width), pa.binary_view()))
    lengths = (width,) if kind == pa.binary(width) else (0, 1, 15, 16, 17, 100, 513, 1025)
    return Kind(kind, "binary", lambda random: random.randbytes(random.choice(lengths)))


def _decimal(random: Random) -> Kind:
    make, most = random.choice(
        ((pa.decimal32, 9), (pa.decimal64, 18), (pa.decimal128, 38), (pa.decimal256, 76))
    )
    digits = random.randint(1, most)
    scale = random.randint(0, digits)

    def value(random: Random) -> Decimal:
        number = random.choice((0, 1, -1, 10**digits - 1, random.randrange(10**digits)))
        sign, figures, _ = Decimal(number).as_tuple()
        return Decimal((sign, figures, -scale))

    return Kind(make(digits, scale), "decimal", value)


def _date(random: Random) -> Kind:
    kind, size = random.choice(((pa.date32(), 1), (pa.date64(), DAY * 1000)))

    def make(random: Random) -> int:
        days = (FIRST_DAY, LAST_DAY, 0, -1, random.randint(-9999, 19_999))
        return random.choice((*days, random.randint(FIRST_DAY, LAST_DAY))) * size

    # Polars writes a date64 as a timestamp.
    return Kind(kind, "date" if size == 1 else None, make)


def _timestamp(random: Random) -> Kind:
    unit = random.choice(sorted(UNITS))
    size, zone = UNITS[unit], random.choice(ZONES)
    # A zone's local time must not be of another year than those.
    least, most = (FIRST_DAY + 2) * DAY * size, (LAST_DAY - 2) * DAY * size
    least, most = max(least, -LARGEST // 2), min(most, LARGEST // 2)

    def make(random: Random) -> int:
        now = random.randint(-(10**9), 2 * 10**9) * size + random.randrange(size)
        return random.choice((least, most, 0, -1, now, now, random.randint(least, most)))

    return Kind(pa.timestamp(unit, zone), "timestamp", make)


def _time(random: Random) -> Kind:
    unit = random.choice(sorted(UNITS))
    kind = pa.time32(unit) if unit in ("s", "ms") else pa.time64(unit)
    most = DAY * UNITS[unit] - 1
    return Kind(kind, None, lambda random: random.choice((0, most, random.randint(0, most))))


def _other(random: Random) -> Kind:
    unit = random.choice(sorted(UNITS))
    return random.choice(
        (
            Kind(pa.bool_(), "boolean", lambda random: random.random() < 0.5),
            Kind(pa.null(), None, lambda _: None),
            Kind(
                pa.duration(unit),
                None,
                lambda random: random.choice((0, -1, random.getrandbits(50))),
            ),
        )
    )


def _dictionary(random: Random) -> Kind:
    """Return a type with a dictionary: few values, many times."""
    index = random.choice((pa.int8(), pa.int16(), pa.int32(), pa.int64()))
    of = random.choice((_text, _text, _whole, _bytes, _date))(random)
    if pa.types.is_string_view(of.type) or pa.types.is_binary_view(of.type):
        of = of._replace(type=pa.string() if of.schema == "string" else pa.binary())
    few = [of.make(random) for _ in range(random.randint(1, 6))]
    kind = pa.dictionary(index, of.type, ordered=random.random() < 0.2)
    return Kind(kind, of.schema, lambda random: random.choice(few))


def _nested(random: Random) -> Kind:
    inner, make = random.choice(
        ((pa.int32(), lambda r: r.randrange(99)), (pa.string(), lambda r: r.choice("abü")))
    )
    some = partial(_some, make)
    return random.choice(
        (
            Kind(pa.list_(inner), None, some),
            Kind(pa.large_list(inner), None, some),
            Kind(pa.list_(inner, 2), None, lambda r: [make(r), make(r)]),
            Kind(
                pa.struct([("a", inner), ("b.c", inner)]),
                None,
                lambda r: {"a": make(r), "b.c": None},
            ),
            Kind(pa.map_(pa.string(), inner), None, lambda r: [("k", make(r))]),
            Kind(pa.list_(pa.struct([("a", pa.list_(inner))])), None, lambda r: [{"a": some(r)}]),
        )
    )


def _some(make: Make, random: Random) -> list[Any]:
    return [make(random) for _ in range(random.randrange(4))]
