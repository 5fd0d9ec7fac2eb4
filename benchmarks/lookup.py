"""Looking up one value in an encrypted Parquet file by DuckDB, with Bloom filters and without.

The engine has no key: it looks for the cell of a value. Each look-up must find its row.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa
from processes import PIIENC, run, timed
from pyarrow import compute as pc
from pyarrow import parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

GROUP = 125_000
FILTERS = {"with Bloom filters": (), "without": ("--no-bloom-filters",)}
_SCHEMA = """name = "lookup"
version = 1
[columns]
id = { type = "integer" }
email = { type = "string", encrypt = "lookup" }
country = { type = "string", encrypt = "lookup" }
amount = { type = "float" }
"""


@dataclass(slots=True)
class LookUp:
    """What was measured of a file.

    Attributes:
        encrypt: seconds of `encrypt-file`.
        look_up: seconds in the engine.
        size: bytes of the file.
        skipped: row groups that the engine has skipped, of each look-up.
        groups: all row groups.
    """

    encrypt: list[float] = field(default_factory=list)
    look_up: list[float] = field(default_factory=list)
    size: int = 0
    skipped: list[int] = field(default_factory=list)
    groups: int = 0


def measure_look_ups(
    work: Path, keys: Path, rows: int, repeats: int, slow_repeats: int
) -> dict[str, LookUp]:
    """Encrypt a file of some rows both ways, and look up values in both, in turn."""
    draw = random.Random(rows)
    source, schema = work / "lookup.parquet", work / "lookup.toml"
    _write(source, rows)
    schema.write_text(_SCHEMA, encoding="utf-8")
    make = [PIIENC, "keys", "generate-aes", "lookup", "--mode", "searchable", "--no-passphrase"]
    run([*make, "--keys", keys])
    where = ("--schema", schema, "--keys", keys, "--state", work / "state-lookup")
    paths = {name: work / f"lookup-{len(option)}.parquet" for name, option in FILTERS.items()}
    found = {name: LookUp() for name in FILTERS}
    for number in range(slow_repeats):
        for name in list(FILTERS)[:: -1 if number % 2 else 1]:
            paths[name].unlink(missing_ok=True)
            command = [PIIENC, "encrypt-file", source, paths[name], *where, "--quiet"]
            found[name].encrypt.append(timed([*command, *FILTERS[name]])[0])
    source.unlink()
    for name, path in paths.items():
        found[name].size = path.stat().st_size
    for number in range(repeats + 1):
        row = draw.randrange(rows)
        cell = _cell(paths["without"], row)
        for name in list(FILTERS)[:: -1 if number % 2 else 1]:
            seconds = _look_up(paths[name], cell, row)
            if number:  # a first one fills the system's cache
                found[name].look_up.append(seconds)
                skipped = _skipped(paths[name], cell)
                found[name].skipped.append(sum(skipped))
                found[name].groups = len(skipped)
    for path in paths.values():
        path.unlink()
    return found


def _write(path: Path, rows: int) -> None:
    """Write a file of distinct addresses in no order, and of few countries."""
    draw = np.random.default_rng(rows)
    numbers = pa.array(draw.permutation(rows)).cast(pa.string())
    table = {
        "id": np.arange(rows),
        "email": pc.binary_join_element_wise("person", numbers, "@example.com", ""),
        "country": pa.array(draw.integers(0, 200, rows)).cast(pa.string()),
        "amount": draw.random(rows),
    }
    pq.write_table(pa.table(table), path, row_group_size=GROUP)


def _cell(path: Path, row: int) -> str:
    group = pq.ParquetFile(path).read_row_group(row // GROUP, columns=["email"])
    return group["email"][row % GROUP].as_py()


def _look_up(path: Path, cell: str, row: int) -> float:
    """Return the seconds of a look-up in the engine."""
    with duckdb.connect() as engine:  # a new one, which has read nothing yet
        query = f"SELECT id, amount FROM '{path}' WHERE email = ?"  # noqa: S608  # our own path
        started = time.perf_counter()
        found = engine.execute(query, [cell]).fetchall()
        seconds = time.perf_counter() - started
    if [number for number, _ in found] != [row]:
        raise SystemExit(f"{path.name}: the look-up of row {row} found {found}")
    return seconds


def _skipped(path: Path, cell: str) -> list[bool]:
    """Return which row groups the engine skips; None, where there are no filters, is False."""
    probe = "SELECT bloom_filter_excludes FROM parquet_bloom_probe(?, 'email', ?)"
    return [bool(skipped) for (skipped,) in duckdb.execute(probe, [str(path), cell]).fetchall()]
