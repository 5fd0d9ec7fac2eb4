"""Measure piienc against a plain copy and against loops over cells: one run, all tables.

    .venv/bin/python benchmarks/run.py [--rows N] [--repeats N] [--slow-repeats N] [--quick]
                                       [--json FILE]

What is timed is checked first: a decrypted file must have the bytes of the original, and what
the loops encrypt must be readable by piienc, and the other way round.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import sys
import tempfile
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import pyarrow as pa
from bounds import COLUMNS, measure_bomb, ratio, time_wide
from cells import tabulate
from envelope import measure_memory as measure_envelope_memory
from envelope import time_envelope
from generate import KEYS, generate, generate_parquet, write_schema
from lookup import measure_look_ups
from memory import bench_memory
from processes import HERE, PIIENC, Job, Taken, peak, rival, run, side_by_side, timed
from pyarrow import csv as arrow_csv
from pyarrow import parquet as pq
from send import SMALL as SENT_FILES
from send import measure_send

from remote import FAR as FAR_SIZES
from remote import FILES, NEAR, SMALL, measure_remote_memory, time_remote
from report import Rows, show

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = HERE / "data"
LOOPS = ("csvloop", "tinkloop")
GROUPS = {"one group a million rows": None, "128k rows a group": 1 << 17}
STARTS = 15
LARGER = 5  # times the rows, in the large file
LOOK_UP = 10  # times the rows, in the file of look-ups
MEGA = 1_000_000

Times = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Bench:
    """One run: where its files are, and how often programs are repeated."""

    rows: int
    repeats: int
    slow_repeats: int
    work: Path
    schema: Path

    @property
    def keys(self) -> Path:
        """The key folder, of this run alone."""
        return self.work / "keys"

    def encrypt(self, source: Path, target: Path) -> list[str | Path]:
        """Return the command that encrypts."""
        return self._piienc("encrypt-file", source, target)

    def decrypt(self, source: Path, target: Path) -> list[str | Path]:
        """Return the command that decrypts."""
        return self._piienc("decrypt-file", source, target)

    def verify(self, source: Path, report: Path, original: Path | None = None) -> list[str | Path]:
        """Return the command that verifies, and compares with the original if there is one."""
        against = ("--against", original) if original else ()
        return [*self._piienc("verify", source), "-o", f"json={report}", *against]

    def _piienc(self, verb: str, *files: Path) -> list[str | Path]:
        where = ("--schema", self.schema, "--keys", self.keys, "--state", self.work / "state")
        return [PIIENC, verb, *files, *where, "--quiet", "--no-input"]


def time_csv(bench: Bench, source: Path, *, large: bool = False) -> Taken:
    """Time the CSV programs; on a large file, the copy and what piienc changes alone."""
    encrypted = bench.work / "encrypted.csv"
    run(bench.encrypt(source, encrypted))
    digest, table = _sha256(source), partial(_csv_table, source)

    def same_bytes(path: Path) -> None:
        _require(_sha256(path) == digest, path)

    def same_cells(path: Path, *, empty_is_null: bool = True) -> None:
        with_nulls = {"empty_is_null": empty_is_null}
        _require(_csv_table(path, **with_nulls).equals(table(**with_nulls)), path)

    def decrypts_to(check: Callable[[Path], None], path: Path) -> None:
        _require(_sha256(path) != digest, path)
        clear = bench.work / "checked.csv"
        run(bench.decrypt(path, clear))
        check(clear)
        clear.unlink()

    def sealed_by_others(path: Path) -> None:
        clear, columns = bench.work / "checked.csv", ("phone", "name")  # sealed ones of the schema
        run([*bench.decrypt(path, clear), "--columns", ",".join(columns)])
        tables = (_csv_table(each, empty_is_null=False) for each in (clear, source))
        # ClickHouse does not keep the order of rows.
        found, expected = (
            table.select(columns).sort_by([(name, "ascending") for name in columns])
            for table in tables
        )
        _require(found.equals(expected), path)
        clear.unlink()

    def passed(path: Path) -> None:
        report = json.loads(path.read_text(encoding="utf-8"))
        _require(report["ok"] and report["rows"] == bench.rows, path)

    def job(
        name: str,
        command: Callable[[Path], list[str | Path]],
        check: Callable[[Path], None],
        repeats: int,
    ) -> Job:
        target = bench.work / f"{name.replace(' ', '-')}.csv"
        return Job(name, command(target), target, check, repeats)

    fast, slow = bench.repeats, bench.slow_repeats
    jobs = [
        job(
            "copy",
            lambda out: rival("copy", source, out),
            partial(same_cells, empty_is_null=False),
            fast,
        ),
        job(
            "piienc encrypt",
            lambda out: bench.encrypt(source, out),
            partial(decrypts_to, same_bytes),
            fast,
        ),
        job("piienc decrypt", lambda out: bench.decrypt(encrypted, out), same_bytes, fast),
        job("piienc verify", lambda out: bench.verify(encrypted, out), passed, fast),
        job(
            "piienc verify-against", lambda out: bench.verify(encrypted, out, source), passed, fast
        ),
    ]
    if find_spec("chdb"):
        program = partial(rival, "clickhouse", source, keys=bench.keys)
        jobs.append(job("clickhouse encrypt", program, sealed_by_others, fast))
    for name in LOOPS:
        program = partial(rival, keys=bench.keys)
        jobs += [
            job(
                f"{name} encrypt",
                partial(program, f"{name}-encrypt", source),
                partial(decrypts_to, same_cells),
                slow,
            ),
            job(
                f"{name} decrypt", partial(program, f"{name}-decrypt", encrypted), same_cells, slow
            ),
        ]
    taken = side_by_side(jobs[:3] if large else jobs)
    encrypted.unlink()
    return taken


def time_parquet(bench: Bench, source: Path) -> Taken:
    """Time the Parquet programs."""
    encrypted = bench.work / "encrypted.parquet"
    run(bench.encrypt(source, encrypted))
    original = pq.read_table(source)

    def same_table(path: Path) -> None:
        _require(pq.read_table(path).equals(original), path)

    def decrypts(path: Path) -> None:
        _require(not pq.read_table(path).equals(original), path)
        clear = bench.work / "checked.parquet"
        run(bench.decrypt(path, clear))
        same_table(clear)
        clear.unlink()

    out = bench.work / "out.parquet"
    taken = side_by_side(
        [
            Job("copy", rival("copy-parquet", source, out), out, same_table, bench.repeats),
            Job("piienc encrypt", bench.encrypt(source, out), out, decrypts, bench.repeats),
            Job("piienc decrypt", bench.decrypt(encrypted, out), out, same_table, bench.repeats),
        ]
    )
    encrypted.unlink()
    return taken


def measure_memory(bench: Bench, source: Path) -> dict[str, int]:
    """Return the peak memory of a copy, of encrypting and of decrypting, in bytes."""
    kind = source.suffix
    encrypted, clear = bench.work / f"peak-encrypted{kind}", bench.work / f"peak-clear{kind}"
    program = "copy-parquet" if kind == ".parquet" else "copy"
    found = {"copy": peak(rival(program, source, clear))}
    clear.unlink()
    found["encrypt"] = peak(bench.encrypt(source, encrypted))
    found["decrypt"] = peak(bench.decrypt(encrypted, clear))
    report = bench.work / "peak-report.json"
    found["verify"] = peak(bench.verify(encrypted, report))
    report.unlink()
    found["verify-against"] = peak(bench.verify(encrypted, report, source))
    report.unlink()
    if kind == ".csv":
        _require(_sha256(clear) == _sha256(source), clear)
    encrypted.unlink()
    clear.unlink()
    return found


def measure_cells(bench: Bench, source: Path) -> list[dict[str, object]]:
    """Measure the engine, in a process that is bound to one core."""
    result = bench.work / "cells.json"
    repeats = ("--repeats", str(bench.repeats), "--json", result)
    run([sys.executable, HERE / "cells.py", source, *repeats])
    return json.loads(result.read_text(encoding="utf-8"))


def measure_start() -> Times:
    """Time `piienc --help`, and Python doing nothing."""
    commands = {"piienc --help": [PIIENC, "--help"], "python -c pass": [sys.executable, "-c", ""]}
    for command in commands.values():
        run(command)
    taken: Times = {name: [] for name in commands}
    for _ in range(STARTS):
        for name, command in commands.items():
            taken[name].append(timed(command)[0])
    return taken


def bench_envelope(bench: Bench, source: Path) -> dict[str, object]:
    """Measure wrapping and unwrapping, and print how they compare with gpg."""
    encrypted = bench.work / "plain.csv"
    run(bench.encrypt(source, encrypted))
    taken, size = time_envelope(encrypted, bench.work, bench.repeats)
    rows: Rows = []
    for name, seconds in taken.items():
        plain = taken["gpg " + name.partition(" ")[2]]
        # Of each round by itself: a slow minute of the machine hits both in it.
        ratios = [theirs / ours for theirs, ours in zip(plain, seconds, strict=True)]
        rows.append(
            (
                name,
                f"{median(seconds):.2f}",
                f"{min(seconds):.2f}-{max(seconds):.2f}",
                f"{size / MEGA / median(seconds):.0f}",
                f"{median(ratios):.2f}",
                f"{min(ratios):.2f}-{max(ratios):.2f}",
            )
        )
    heads = ("", "median s", "range s", "MB/s", "speed / gpg's", "range")
    show(f"OpenPGP, {size / MEGA:.0f} MB, {bench.repeats} runs", heads, rows)
    memory = measure_envelope_memory(encrypted, bench.work)
    show(
        "OpenPGP, peak memory, MB",
        ("", "wrap", "unwrap"),
        [
            (name, *(f"{peaks[way] / MEGA:.0f}" for way in ("wrap", "unwrap")))
            for name, peaks in memory.items()
        ],
    )
    return {"times": taken, "memory": memory}


def bench_remote(bench: Bench) -> dict[str, object]:
    """Measure push and pull, and print how they compare with OpenSSH's own sftp."""
    taken = time_remote(bench.repeats)
    sizes = {"up": NEAR, "down": NEAR, f"far {FILES} files": FILES * SMALL}
    sizes |= {f"far {name}": size for name, size in FAR_SIZES.items()}
    rows: Rows = []
    for name, seconds in taken.items():
        what = name.partition(" ")[2]
        ratios = [
            theirs / ours for theirs, ours in zip(taken[f"sftp {what}"], seconds, strict=True)
        ]
        rows.append(
            (
                name,
                f"{median(seconds):.2f}",
                f"{min(seconds):.2f}-{max(seconds):.2f}",
                f"{sizes[what] / MEGA / median(seconds):.0f}",
                f"{median(ratios):.2f}",
                f"{min(ratios):.2f}-{max(ratios):.2f}",
            )
        )
    heads = ("", "median s", "range s", "MB/s", "speed / sftp's", "range")
    show("piienc push and pull, 512 MiB; far: 50 ms of delay each way", heads, rows)
    memory = measure_remote_memory()
    show(
        "SFTP, peak memory, MB",
        ("", "push", "pull"),
        [
            (name, *(f"{peaks[way] / MEGA:.0f}" for way in ("push", "pull")))
            for name, peaks in memory.items()
        ],
    )
    return {"times": taken, "memory": memory}


def bench_send(bench: Bench, source: Path) -> dict[str, object]:
    """Measure a whole job, and print how it compares with its stages and with its rival."""
    found = measure_send(
        source, bench.schema, bench.keys, bench.rows, bench.repeats, bench.slow_repeats
    )
    taken = found.times
    stages = ("verify", "encrypt-file", "wrap-file", "push")
    longest = max(median(taken[stage]) for stage in stages)
    show(
        f"piienc send, {source.stat().st_size / MEGA:.0f} MB; {SENT_FILES} files: a twentieth each",
        ("", "median s", "range s", "time / longest stage's", "cores busy"),
        [
            (
                name,
                f"{median(seconds):.2f}",
                f"{min(seconds):.2f}-{max(seconds):.2f}",
                f"{median(seconds) / longest:.2f}",
                f"{median(found.busy[name]):.0%}" if name in found.busy else "",
            )
            for name, seconds in taken.items()
        ],
    )
    print(f"piienc send, peak memory: {found.memory / MEGA:.0f} MB\n")
    return {"times": taken, "memory": found.memory, "busy": found.busy}


def bench_bounds(bench: Bench) -> dict[str, object]:
    """Measure what must stay bounded, and print it."""
    taken = time_wide(bench.work, bench.keys, bench.slow_repeats)
    few, many = COLUMNS
    heads = ("", *(f"{columns:,}: median s" for columns in COLUMNS), f"time / that of {few}")
    show(
        f"marked columns, 50 cells in each, {bench.slow_repeats} runs; {many // few} is linear",
        heads,
        [
            (name, *(f"{median(times[each]):.2f}" for each in COLUMNS), f"{ratio(times):.1f}")
            for name, times in taken.items()
        ],
    )
    memory = measure_bomb(bench.work, bench.keys)
    show(
        "Parquet, one value of 1 MB in 2,000 rows, peak memory, MB",
        ("", *memory),
        [("58 kB", *(f"{size / MEGA:.0f}" for size in memory.values()))],
    )
    return {"wide": taken, "bomb": memory}


def bench_look_ups(bench: Bench) -> dict[str, object]:
    """Measure look-ups of single values in an encrypted file, and print them."""
    rows = LOOK_UP * bench.rows
    found = measure_look_ups(bench.work, bench.keys, rows, bench.repeats, bench.slow_repeats)
    plain = found["without"]
    lines: Rows = []
    for name, each in found.items():
        faster = [old / new for old, new in zip(plain.look_up, each.look_up, strict=True)]
        lines.append(
            (
                name,
                f"{median(each.look_up):.3f}",
                f"{min(each.look_up):.3f}-{max(each.look_up):.3f}",
                f"{median(faster):.0f}x",
                f"{median(each.skipped):.0f} of {each.groups}",
                f"{median(each.encrypt):.1f}",
                f"{each.size / MEGA:.0f}",
            )
        )
    heads = ("", "median s", "range s", "faster", "groups skipped", "encrypt-file s", "MB")
    title = f"look-up of one value in {rows:,} encrypted rows by DuckDB, {bench.repeats} values"
    show(title, heads, lines)
    return {name: asdict(each) for name, each in found.items()}


def show_times(title: str, taken: Taken, size: int) -> None:
    """Print medians, and how they compare with the copy and with the loops."""
    medians = {name: median(seconds) for name, seconds in taken.wall.items()}
    cpu = {name: median(seconds) for name, seconds in taken.cpu.items()}
    loops = [name for name in LOOPS if f"{name} encrypt" in medians]
    rows: Rows = []
    for name, seconds in medians.items():
        who, _, way = name.partition(" ")
        against = (
            f"{slow / seconds:.1f}x"
            if who == "piienc" and (slow := medians.get(f"{loop} {way}"))
            else ""
            for loop in loops
        )
        rows.append(
            (
                name,
                f"{seconds:.2f}",
                f"{min(taken.wall[name]):.2f}-{max(taken.wall[name]):.2f}",
                f"{cpu[name]:.2f}",
                f"{size / MEGA / seconds:.0f}",
                f"{seconds / medians['copy']:.2f}",
                f"{cpu[name] / cpu['copy']:.2f}",
                *against,
            )
        )
    heads = ("", "median s", "range s", "CPU s", "MB/s", "time / copy's", "CPU / copy's")
    show(title, (*heads, *(f"vs {name}" for name in loops)), rows)


def show_memory(found: dict[str, dict[str, int]]) -> None:
    """Print peaks of memory."""
    rows = [
        (name, *(f"{size / MEGA:.0f}" for size in peaks.values())) for name, peaks in found.items()
    ]
    ways = list(next(iter(found.values())))[1:]
    show("peak memory, MB", ("", "copy", *(f"piienc {way}" for way in ways)), rows)


def show_start(taken: Times) -> None:
    """Print how long a start takes."""
    rows = [
        (name, f"{median(times):.3f}", f"{min(times):.3f}-{max(times):.3f}")
        for name, times in taken.items()
    ]
    show(f"start, {STARTS} runs", ("", "median s", "range s"), rows)


def machine() -> dict[str, object]:
    """Return where and with what this is measured."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    packages = ("piienc", "pyarrow", "numpy", "cryptography", "tink")
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def bench_all(bench: Bench, *, quick: bool) -> dict[str, object]:
    """Measure everything, printing each table as soon as it is known."""
    where = machine()
    print(", ".join(f"{name} {value}" for name, value in where.items()), end="\n\n")
    source = _kept(f"profiles-{bench.rows}.csv", lambda path: generate(path, bench.rows))
    size = source.stat().st_size
    found: dict[str, object] = {"machine": where, "rows": bench.rows, "bytes": size}

    def bench_csv(source: Path, *, large: bool = False) -> None:
        taken, size = time_csv(bench, source, large=large), source.stat().st_size
        title = f"CSV, {size / MEGA:.0f} MB"
        show_times(title, taken, size)
        found[title] = asdict(taken)

    bench_csv(source)

    memory = {f"CSV, {bench.rows:,} rows": measure_memory(bench, source)}
    parquet_times = found["parquet"] = {}
    for name, group_rows in GROUPS.items():
        parquet = _kept(
            f"profiles-{bench.rows}-{group_rows or 'default'}.parquet",
            lambda path, group_rows=group_rows: generate_parquet(
                path, bench.rows, group_rows=group_rows
            ),
        )
        taken = time_parquet(bench, parquet)
        parquet_times[name] = asdict(taken)
        parquet_size = parquet.stat().st_size
        show_times(f"Parquet, {name}, {parquet_size / MEGA:.0f} MB", taken, parquet_size)
        memory[f"Parquet, {name}"] = measure_memory(bench, parquet)
    found["in memory"] = bench_memory(parquet, bench.schema, bench.keys, bench.work, bench.repeats)

    if not quick:
        large = bench.work / "large.csv"
        generate(large, LARGER * bench.rows)
        bench_csv(large, large=True)
        memory[f"CSV, {LARGER * bench.rows:,} rows"] = measure_memory(bench, large)
        large.unlink()
    found["memory"] = memory
    show_memory(memory)

    if not quick:
        found["look-ups"] = bench_look_ups(bench)
    found["bounds"] = bench_bounds(bench)
    found["pgp"] = bench_envelope(bench, source)
    found["sftp"] = bench_remote(bench)
    found["send"] = bench_send(bench, source)
    found["cells"] = measure_cells(bench, source)
    tabulate(found["cells"])
    found["start"] = measure_start()
    show_start(found["start"])
    return found


def main() -> None:
    """Make the data and the keys, and measure."""
    parser = argparse.ArgumentParser(description="Measure piienc against a copy and loops.")
    parser.add_argument("--rows", type=int, default=MEGA)
    parser.add_argument("--repeats", type=int, default=7, help="timed runs of the fast programs")
    parser.add_argument("--slow-repeats", type=int, default=2, help="timed runs of the loops")
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"without the files of {LARGER}x and {LOOK_UP}x the rows",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all times there, too")
    said = parser.parse_args()
    DATA.mkdir(exist_ok=True)
    _forget_other_data()
    with tempfile.TemporaryDirectory(prefix="run-", dir=DATA) as folder:
        work = Path(folder)
        schema = work / "schema.toml"
        write_schema(schema)
        bench = Bench(said.rows, said.repeats, said.slow_repeats, work, schema)
        for name, mode in KEYS.items():
            make = [PIIENC, "keys", "generate-aes", name, "--mode", mode, "--no-passphrase"]
            run([*make, "--keys", bench.keys])
        found = bench_all(bench, quick=said.quick)
    if said.json:
        said.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def _kept(name: str, make: Callable[[Path], None]) -> Path:
    """Return a file of data, made at the first need; a broken-off one is made again."""
    path = DATA / name
    if not path.exists():
        growing = DATA / f"growing-{name}"
        make(growing)
        growing.replace(path)
    return path


def _forget_other_data() -> None:
    """Remove what another version of the generator has made."""
    stamp, digest = DATA / "generator.sha256", _sha256(HERE / "generate.py")
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != digest:
        for path in DATA.glob("profiles-*"):
            path.unlink()
        stamp.write_text(digest, encoding="utf-8")


def _csv_table(path: Path, *, empty_is_null: bool) -> pa.Table:
    with path.open("rb") as file:
        names = file.readline().decode().replace('"', "").rstrip("\n").split(",")
    convert = arrow_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=empty_is_null,
    )
    parse = arrow_csv.ParseOptions(newlines_in_values=True)
    return arrow_csv.read_csv(path, parse_options=parse, convert_options=convert)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _require(right: bool, path: Path) -> None:  # noqa: FBT001  # reads as a sentence
    if not right:
        raise SystemExit(f"{path.name}: not the expected content: there is nothing to time")


if __name__ == "__main__":
    main()
