"""What must stay bounded: the time of wide tables, and the memory of small files that are large.

Wide tables have the same number of cells in each column, so ten times the columns should take
about ten times as long. The bomb has one long value in every row, which is a few kilobytes in
the file.
"""

from __future__ import annotations

import random
from statistics import median
from typing import TYPE_CHECKING

import pyarrow as pa
from generate import KEYS
from processes import PIIENC, Job, peak, run, side_by_side
from pyarrow import parquet as pq

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

COLUMNS = (500, 5000)
_ROWS = 50
_VALUE = 10**6  # bytes
_BOMB_ROWS = 2000


class _Wide:
    """A table of marked columns, half of them under a key of each mode."""

    def __init__(self, work: Path, keys: Path, columns: int) -> None:
        self._work, self._keys = work, keys
        self._names = [f"column{number:05}" for number in range(columns)]
        self.source = work / f"wide-{columns}.csv"
        draw = random.Random(columns)  # the same file each time
        rows = ([str(draw.randrange(10**9)) for _ in self._names] for _ in range(_ROWS))
        lines = (",".join(row) + "\n" for row in (self._names, *rows))
        self.source.write_text("".join(lines), encoding="ascii")
        self._schema = write_schema(work / f"wide-{columns}.toml", self._names)

    def jobs(self, suffix: str, repeats: int) -> list[Job]:
        """Return what is timed on files of a format."""
        source = self.source.with_suffix(suffix)
        encrypted = source.with_stem(f"{source.stem}-encrypted")
        if suffix == ".parquet":
            head, *rows = (line.split(",") for line in self.source.read_text("ascii").splitlines())
            columns = map(list, zip(*rows, strict=True))
            pq.write_table(pa.table(dict(zip(head, columns, strict=True))), source)
        run(self.command("encrypt-file", source, encrypted))
        out, report = source.with_stem(f"{source.stem}-out"), source.with_suffix(".json")
        verify = [*self.command("verify", encrypted), "-o", f"json={report}"]
        commands = {
            "encrypt": (self.command("encrypt-file", source, out), out),
            "decrypt": (self.command("decrypt-file", encrypted, out), out),
            "verify": (verify, report),
            "verify-against": ([*verify, "--against", source], report),
        }
        return [
            Job(f"{suffix[1:]} {name} {len(self._names)}", command, target, _there, repeats)
            for name, (command, target) in commands.items()
        ]

    def command(self, verb: str, *files: Path) -> list[str | Path]:
        """Return a command of piienc."""
        state = self._work / f"state-{len(self._names)}"
        where = ("--schema", self._schema, "--keys", self._keys, "--state", state)
        return [PIIENC, verb, *files, *where, "--quiet", "--no-input"]


def write_schema(path: Path, names: Sequence[str]) -> Path:
    """Write a schema that marks all columns, under all keys in turn."""
    keys = list(KEYS)
    lines = [f'name = "{path.stem}"', "version = 1"]
    for number, name in enumerate(names):
        lines += [f"[columns.{name}]", 'type = "string"', f'encrypt = "{keys[number % len(keys)]}"']
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def time_wide(work: Path, keys: Path, repeats: int) -> dict[str, dict[int, list[float]]]:
    """Time each command on each number of columns, side by side."""
    taken: dict[str, dict[int, list[float]]] = {}
    tables = {columns: _Wide(work, keys, columns) for columns in COLUMNS}
    for suffix in (".csv", ".parquet"):
        jobs = [job for table in tables.values() for job in table.jobs(suffix, repeats)]
        for name, seconds in side_by_side(jobs).wall.items():
            what, _, columns = name.rpartition(" ")
            taken.setdefault(what, {})[int(columns)] = seconds
    return taken


def _there(path: Path) -> None:
    path.stat()


def ratio(times: dict[int, list[float]]) -> float:
    """Return how many times longer the larger number of columns takes."""
    few, many = COLUMNS
    return median(times[many]) / median(times[few])


def measure_bomb(work: Path, keys: Path) -> dict[str, int]:
    """Return the peak memory of each command for one value of 1 MB in 2,000 rows, in bytes."""
    source, encrypted = work / "bomb.parquet", work / "bomb-encrypted.parquet"
    clear, report = work / "bomb-clear.parquet", work / "bomb.json"
    schema = write_schema(work / "bomb.toml", ["value"])
    indices = pa.array([0] * _BOMB_ROWS, pa.int32())
    value = pa.DictionaryArray.from_arrays(indices, pa.array(["x" * _VALUE]))
    pq.write_table(pa.table({"value": value}), source, store_schema=False)
    where = ("--schema", schema, "--keys", keys, "--state", work / "state-bomb")
    all_of_them = (*where, "--quiet", "--no-input")
    verify = [PIIENC, "verify", encrypted, *all_of_them, "-o", f"json={report}", "--force"]
    commands: dict[str, list[str | Path]] = {
        "encrypt": [PIIENC, "encrypt-file", source, encrypted, *all_of_them],
        "decrypt": [PIIENC, "decrypt-file", encrypted, clear, *all_of_them],
        "verify": verify,
        "verify-against": [*verify, "--against", source],
        "inspect": [PIIENC, "inspect", source, "--keys", keys],
        "schema infer": [PIIENC, "schema", "infer", source, "-o", work / "inferred.toml"],
    }
    found = {name: peak(command) for name, command in commands.items()}
    for path in (encrypted, clear):
        path.unlink()
    return found
