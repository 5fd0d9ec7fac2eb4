"""Faults put into a copy of piienc on purpose: the fuzzer must find each, and within a minute.

    python -m differential.planted            seconds and files until the fuzzer has found each
    python -m differential.planted --proof    whether piienc's own proof stops the run before that

With `--proof`, it is counted how many runs ended with exit code 1, and how many wrong files
appeared. The proof reads a sample, so it misses some: a fault counts as stopped if nine in ten of
the runs that it has harmed were stopped, and none of them left anything behind.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).resolve().parents[1]
STOPPED = 0.89  # of the runs that a fault has harmed
SOURCE = TESTS.parent / "src" / "piienc"


class Patch(NamedTuple):
    """A change of a file of the package; the old text stands there exactly once."""

    file: str
    old: str
    new: str


class Fault(NamedTuple):
    """A planted fault."""

    name: str
    patch: Patch


FAULTS = (
    Fault(
        "pieces reckoned, not counted: a quote moves later columns by a row",
        Patch(
            "tables/csv/records.py",
            "                index[change.rows, 2 * number + 1] = table.add_pool(change.fields)\n",
            "                first = table._count\n"
            "                index[change.rows, 2 * number + 1] = table.add_pool(change.fields)\n"
            "                table._count = first + 2 * len(change.rows)\n",
        ),
    ),
    Fault(
        "off by one at a block's border: the first byte of each later block is lost",
        Patch(
            "tables/csv/source.py",
            "            begun = [data[end:]]\n",
            "            begun = [data[end + 1 :]]\n",
        ),
    ),
    Fault(
        "an empty string is decrypted to null",
        Patch(
            "tables/csv/quoting.py",
            "    needs = part.lengths == 0\n",
            "    needs = part.lengths < 0\n",
        ),
    ),
    Fault(
        "a column is bound to the context of another",
        Patch(
            "transform/treatments/encrypt.py",
            "    mark = context.marks[place.name]\n",
            "    first = next(iter(context.marks.values()))\n"
            "    mark = replace(context.marks[place.name], context=first.context)\n",
        ),
    ),
    Fault(
        "the first two rows of a column are swapped",
        Patch(
            "base/cells.py",
            "    where[order] = np.arange(len(order))\n",
            "    where[order] = np.arange(len(order))\n    where[:2] = where[:2][::-1].copy()\n",
        ),
    ),
    Fault(
        "a last row without a line end is lost",
        Patch(
            "tables/csv/source.py",
            "            if end:\n                block = self._block",
            "            if end and not ended:\n                block = self._block",
        ),
    ),
    Fault(
        "doubled quotes are not made single",
        Patch(
            "tables/csv/quoting.py",
            "    return _made_single(Cells(fields.data, starts, lengths), doubled)\n",
            "    return Cells(fields.data, starts, lengths)\n",
        ),
    ),
    Fault(
        "line ends are translated where the encoding is not UTF-8, in values, too",
        Patch(
            "tables/csv/text.py",
            '        self._lines += text.count("\\n")\n        return text.encode()\n',
            '        self._lines += text.count("\\n")\n'
            '        return text.replace("\\r\\n", "\\n").encode()\n',
        ),
    ),
    Fault(
        "the first member of a compressed file is taken for all of it",
        Patch(
            "tables/streams.py",
            "        self._member, self._input = self._begin(), behind\n",
            "        self._member = None\n",
        ),
    ),
    Fault(
        "a dictionary is sorted before it is decoded",
        Patch(
            "columns/typed.py",
            "_written(array.dictionary_decode())",
            "_written(array.dictionary.sort().take(array.indices))",
        ),
    ),
    Fault(
        "nulls are shifted to the end of a slice",
        Patch(
            "columns/arrays.py",
            "        valid[rows] = True\n",
            "        valid[: len(rows)] = True\n",
        ),
    ),
)

# What takes piienc's own proof out, so that it does not find the faults before the fuzzer.
WITHOUT_PROOF = (
    Patch(
        "transform/run.py",
        "        self.proof.of_block(unit, records, written, table.format)\n",
        "",
    ),
    Patch("transform/run.py", "        self.proof.of_slice(batch, changed)\n", ""),
    Patch("transform/run.py", "    proof.of_whole(source.extent, size)\n", ""),
)


def planted(folder: Path, patches: tuple[Patch, ...]) -> Path:
    """Copy the package, with faults; return what is to stand in PYTHONPATH.

    Raises:
        ValueError: the source has changed, so that a fault has no place any more.
    """
    shutil.copytree(SOURCE, folder / "piienc", ignore=shutil.ignore_patterns("__pycache__"))
    for file, old, new in patches:
        path = folder / "piienc" / file
        text = path.read_text("utf-8")
        if text.count(old) != 1:
            raise ValueError(f"{file} has {text.count(old)} times: {old}")
        path.write_text(text.replace(old, new), "utf-8")
    return folder


def trial(mode: str, patches: tuple[Patch, ...], seconds: float, seed: int) -> dict[str, object]:
    """Run files through a copy with faults, in a process of its own; return what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = planted(Path(folder), patches)
        done = subprocess.run(
            [sys.executable, "-m", "differential.trial", mode, str(seconds), str(seed), str(path)],
            env={**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{TESTS}"},
            stdout=subprocess.PIPE,
            check=True,
        )
    return json.loads(done.stdout)


def main() -> int:
    """Try all faults; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m differential.planted")
    parser.add_argument("--proof", action="store_true", help="try piienc's own proof instead")
    parser.add_argument("--seconds", type=float, default=60, help="for each fault")
    parser.add_argument("--seed", type=int, default=1, help="of the first file")
    arguments = parser.parse_args()
    tell = _prove if arguments.proof else _find
    caught = [tell(fault, arguments.seconds, arguments.seed) for fault in FAULTS]
    print(f"{sum(caught)} of {len(caught)}")
    return 0 if all(caught) or arguments.proof else 1


def _find(fault: Fault, seconds: float, seed: int) -> bool:
    found = trial("find", (fault.patch, *WITHOUT_PROOF), seconds, seed)
    told = f"found after {found['seconds']:.1f} s, {found['files']} files: {found['what']}"
    print(f"{fault.name}\n  {told if found['what'] else 'NOT FOUND'}", flush=True)
    return bool(found["what"])


def _prove(fault: Fault, seconds: float, seed: int) -> bool:
    found = trial("prove", (fault.patch,), seconds, seed)
    harmed = found["stopped"] + found["wrong"]
    stopped = found["stopped"] > STOPPED * harmed and not found["left"]
    print(
        f"{fault.name}\n  {'stopped' if stopped else 'NOT STOPPED'}: of {found['files']} files, "
        f"{found['stopped']} stopped, {found['wrong']} wrong, {found['refused']} refused, "
        f"{found['left']} left something behind\n"
        f"  {found['what']}",
        flush=True,
    )
    return bool(stopped)


if __name__ == "__main__":
    sys.exit(main())
