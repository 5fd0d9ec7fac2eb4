"""Faults put into a copy of piienc on purpose: the fuzzer must find each, and within a minute.

    python -m differential.planted            seconds and files until the fuzzer has found each
    python -m differential.planted --proof    whether piienc's own proof stops the run before that

With `--proof`, it is counted how many runs ended with exit code 1, and how many wrong files
appeared. The proof reads a sample, so it misses some: a fault counts as stopped if nine in ten of
the runs that it has harmed were stopped, and none of them left anything behind. Where it cannot
see a fault, the fault says why; a fault that only has files refused needs no proof.

Each copy with a fault in the compiled core gets a core of its own, built by cargo.
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
from pwd import getpwuid
from typing import TYPE_CHECKING

from differential.faults import FAULTS, WITHOUT_PROOF

if TYPE_CHECKING:
    from differential.faults import Fault, Patch

TESTS = Path(__file__).resolve().parents[1]
STOPPED = 0.89  # of the runs that a fault has harmed
SOURCE = TESTS.parent / "src"


def planted(folder: Path, patches: tuple[Patch, ...]) -> Path:
    """Copy the sources, with faults; return what is to stand in PYTHONPATH.

    Raises:
        ValueError: the source has changed, so that a fault has no place any more.
    """
    copy = folder / "src"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__", "target"))
    for file, old, new in patches:
        path = copy / file
        text = path.read_text("utf-8")
        if text.count(old) != 1:
            raise ValueError(f"{file} has {text.count(old)} times: {old}")
        path.write_text(text.replace(old, new), "utf-8")
    return copy


def build_core(copy: Path) -> None:
    """Compile the core of a copy into it."""
    crate = copy / "core"
    command = ["cargo", "build", "--quiet", "--release", "--locked", "--offline"]
    # A fault may leave something unused. Under the tests' own HOME, rustup would find no toolchain.
    more = {"RUSTFLAGS": "-A warnings", "HOME": getpwuid(os.getuid()).pw_dir}
    subprocess.run(command, cwd=crate, env=os.environ | more, check=True)
    made = crate / "target" / "release" / "libpiienc_core.so"
    made = made if made.exists() else made.with_suffix(".dylib")
    shutil.copy(made, copy / "piienc" / "core" / "_core.so")


def trial(mode: str, patches: tuple[Patch, ...], seconds: float, seed: int) -> dict[str, object]:
    """Run files through a copy with faults, in a process of its own; return what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = planted(Path(folder), patches)
        if any(patch.is_compiled for patch in patches):
            build_core(path)
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
    return 0 if all(caught) else 1


def _find(fault: Fault, seconds: float, seed: int) -> bool:
    found = trial("find", (fault.patch, *WITHOUT_PROOF), seconds, seed)
    told = f"found after {found['seconds']:.1f} s, {found['files']} files: {found['what']}"
    print(f"{fault.name}\n  {told if found['what'] else 'NOT FOUND'}", flush=True)
    return bool(found["what"])


def _prove(fault: Fault, seconds: float, seed: int) -> bool:
    found = trial("prove", (fault.patch,), seconds, seed)
    harmed = found["stopped"] + found["wrong"]
    stopped = found["stopped"] > STOPPED * harmed and not found["left"]
    refused = found["refused"] and not harmed and "files are refused, and nothing is written"
    told = "stopped" if stopped else fault.unseen or refused or "NOT STOPPED"
    print(
        f"{fault.name}\n  {told}: of {found['files']} files, "
        f"{found['stopped']} stopped, {found['wrong']} wrong, {found['refused']} refused, "
        f"{found['left']} left something behind\n"
        f"  {found['what']}",
        flush=True,
    )
    return bool(stopped or fault.unseen or refused)


if __name__ == "__main__":
    sys.exit(main())
