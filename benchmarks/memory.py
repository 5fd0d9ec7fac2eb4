"""Tables in memory beside their Parquet files, in one process; and a stream, in one of its own.

.venv/bin/python benchmarks/memory.py stream FILE SCHEMA KEYS TIMES
"""

from __future__ import annotations

import sys
import time
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import pyarrow as pa
from processes import HERE, peak
from pyarrow import parquet as pq

import piienc
from report import show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STREAMED = 10  # times the rows of the file
MEGA = 1_000_000


def bench_memory(
    source: Path, schema: Path, keys: Path, work: Path, repeats: int
) -> dict[str, object]:
    """Measure `encrypt_table` and `decrypt_table` beside the same for files, and print it."""
    where = {"schema": schema, "keys": keys, "state": work / "memory-state"}
    table, file = pq.read_table(source), work / "memory.parquet"
    encrypted = piienc.encrypt_table(table, **where)
    if not piienc.decrypt_table(encrypted, **where).equals(table):
        raise SystemExit("a table does not come back")
    ways: dict[str, Callable[[], object]] = {
        "encrypt_file": lambda: piienc.encrypt_file(source, file, overwrite=True, **where),
        "encrypt_table": lambda: piienc.encrypt_table(table, **where),
        "decrypt_table": lambda: piienc.decrypt_table(encrypted, **where),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(repeats + 1):
        for name, run in ways.items():
            started = time.perf_counter()
            run()
            if number:  # the first round fills caches
                taken[name].append(time.perf_counter() - started)
    file.unlink()
    whole = median(taken["encrypt_file"])
    show(
        f"in memory, {table.num_rows:,} rows, {repeats} runs in turns",
        ("", "median s", "/ encrypt_file"),
        [(name, f"{median(t):.2f}", f"{median(t) / whole:.2f}") for name, t in taken.items()],
    )
    held = peak([sys.executable, HERE / "memory.py", "stream", source, schema, keys, str(STREAMED)])
    rows = STREAMED * table.num_rows
    show("a stream, peak memory, MB", ("", "MB"), [(f"{rows:,} rows", f"{held / MEGA:.0f}")])
    return {"seconds": taken, "stream": {"rows": rows, "peak": held}}


def stream(source: Path, schema: Path, keys: Path, times: int) -> None:
    """Encrypt a stream that holds a file several times, and count its rows."""
    file = pq.ParquetFile(source)

    def batches() -> Iterator[pa.RecordBatch]:
        for _ in range(times):
            yield from file.iter_batches()

    with closing(file):
        reader = pa.RecordBatchReader.from_batches(file.schema_arrow, batches())
        encrypted = piienc.encrypt_table(
            reader, schema=schema, keys=keys, state=keys.parent / "memory-state"
        )
        if sum(batch.num_rows for batch in encrypted) != times * file.metadata.num_rows:
            raise SystemExit("rows are lost")


if __name__ == "__main__":
    stream(*map(Path, sys.argv[2:5]), int(sys.argv[5]))
