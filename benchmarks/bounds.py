"""What must stay bounded: the time of wide tables, and the memory of small files that are large.

Wide tables have the same number of cells in each column, so ten times the columns should take
about ten times as long. The bomb has one long value in every row, which is a few kilobytes in
the file.
"""

from __future__ import annotations

import random
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import pyarrow as pa
from generate import KEYS
from processes import PIIENC, Job, peak, run, side_by_side
from pyarrow import parquet as pq

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COLUMNS = (500, 5000)
_ROWS = 50
_VALUE = 10**6  # bytes
_BOMB_ROWS = 2000

Commands = dict[str, list[str | Path]]


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

    def commands(self, suffix: str) -> Commands:
        """Return what is timed, by name; each makes a file with this suffix or a report."""
        source = self.source.with_suffix(suffix)
        encrypted = source.with_stem(f"{source.stem}-encrypted")
        if suffix == ".parquet":
            rows = [line.split(",") for line in self.source.read_text("ascii").splitlines()]
            pq.write_table(pa.table(dict(zip(rows[0], zip(*rows[1:], strict=True)))), source)  # noqa: B905  # as long
        run(self.command("encrypt-file", source, encrypted))
        target, report = source.with_stem(f"{source.stem}-out"), source.with_suffix(".json")
        says = ("-o", f"json={report}")
        return {
            "encrypt": self.command("encrypt-file", source, target),
            "decrypt": self.command("decrypt-file", encrypted, target),
            "verify": [*self.command("verify", encrypted), *says],
            "verify-against": [*self.command("verify", encrypted), *says, "--against", source],
        }

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
        jobs = [
            _job(f"{suffix[1:]} {name} {columns}", command, work, repeats)
            for columns, table in tables.items()
            for name, command in table.commands(suffix).items()
        ]
        for name, seconds in side_by_side(jobs).items():
            what, _, columns = name.rpartition(" ")
            taken.setdefault(what, {})[int(columns)] = seconds
    return taken


def _job(name: str, command: list[str | Path], work: Path, repeats: int) -> Job:
    made: Callable[[Path], object] = lambda path: path.stat()  # noqa: E731  # it is there
    at = command.index("-o") + 1 if "-o" in command else 0
    target = work / str(command[at]).removeprefix("json=").rpartition("/")[2] if at else command[3]
    return Job(name, command, target, made, repeats)  # type: ignore[arg-type]


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
    commands: Commands = {
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
