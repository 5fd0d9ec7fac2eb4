"""Files that nobody here made, there and back: python tests/samples/check.py FOLDER...

Each CSV and Parquet file below the folders is encrypted and decrypted by the program as users run
it, its first column that can be marked under a searchable key, and compared with the original:
Parquet by pyarrow and by DuckDB, CSV by Python's csv module. A file passes if it comes back, or is
refused by an error that names it; every refusal is listed, for somebody to judge. An abort, a bug
(exit code 1) or another value is a failure.

Good folders are clones of apache/parquet-testing, of max-mapper/csv-spectrum and of
uniVocity/csv-parsers-comparison.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PARQUET = {".parquet", ".pq"}
_TIMEOUT = 600  # seconds
_REFUSED = range(2, 13)  # exit codes that are no bug


@dataclass
class Outcome:
    """What became of a file, and what there is to say.

    It is `kept`; `named` is what a receipt has named as lost, and others read otherwise for it;
    `refused`; or `FAILED`.
    """

    file: Path
    kind: str
    column: str = ""
    what: str = ""


@dataclass
class Bench:
    """A folder with keys, where files are encrypted."""

    folder: Path

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run a piienc command."""
        command = [sys.executable, "-m", "piienc", *map(str, arguments), "--no-input"]
        return subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )

    def oracle(self, function: str, *arguments: object) -> Any:
        """Ask the oracle in a process of its own: a damaged file may abort it, too."""
        code = f"import json, sys, oracle; print(json.dumps(oracle.{function}(*sys.argv[1:])))"
        command = [sys.executable, "-c", code, *map(str, arguments)]
        done = subprocess.run(
            command,
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
        return json.loads(done.stdout) if done.returncode == 0 else None

    def check(self, number: int, file: Path) -> Outcome:
        """Send a file there and back."""
        is_parquet = file.suffix in _PARQUET
        column = self._column(file)
        work = self.folder / f"{number}"
        work.mkdir()
        schema = work / "schema.toml"
        text = f'name = "sample-{number}"\nversion = 1\nextra_columns = "keep"\n'
        mark = json.dumps(column if column is not None else "no such column")
        kind = (self.oracle("kind", file, column) if is_parquet else None) or "string"
        schema.write_text(f'{text}[columns.{mark}]\ntype = "{kind}"\nencrypt = "look"\n')
        there, back = work / f"there{file.suffix}", work / f"back{file.suffix}"
        found = Outcome(file, "kept", column or "")
        for arguments in (
            ("encrypt-file", file, there, "--schema", schema),
            ("decrypt-file", there, back, *([] if is_parquet else ["--schema", schema])),
        ):
            done = self.run(*arguments)
            if done.returncode:
                found.what = f"{done.returncode}: {_said(done.stderr, file)}"
                refused = done.returncode in _REFUSED and arguments[0] == "encrypt-file"
                found.kind = "refused" if refused else "FAILED"
                return found
            found.what = found.what or _warnings(done.stderr)
        compare = "parquet_differs" if is_parquet else "csv_differs"
        differs = self.oracle(compare, file, there, back, column)
        if differs is None:
            differs = ["the oracle ended before it could compare"]
        if differs:
            # An annotation that was lost changes what DuckDB makes of the same bytes.
            is_named = "annotation" in found.what and all("DuckDB" in each for each in differs)
            found.kind = "named" if is_named else "FAILED"
            found.what = "; ".join([*differs, found.what])
        return found

    def _column(self, file: Path) -> str | None:
        if file.suffix in _PARQUET:
            column: str | None = self.oracle("first_column", file)
            return column
        with file.open(newline="", encoding="utf-8", errors="replace") as lines:
            header = next(csv.reader(lines), [])
        return header[0] if header else None


def _said(stderr: str, file: Path) -> str:
    """Return an error in a line, without the folder."""
    text = " ".join(stderr.replace(f"{file.parent}/", "").split())
    return text.removeprefix("piienc: error: ").partition(" piienc: hint:")[0] or "no word"


def _warnings(stderr: str) -> str:
    lines = [line.partition("warning: ")[2] for line in stderr.splitlines()]
    return "; ".join(filter(None, lines))


def main(folders: list[str]) -> int:
    """Check all files below the folders, and tell what became of them."""
    if not folders:
        print(__doc__, file=sys.stderr)
        return 2
    files = sorted(
        path
        for folder in folders
        for path in Path(folder).rglob("*")
        if path.suffix in {*_PARQUET, ".csv"} and path.is_file()
    )
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as threads:
        bench = Bench(Path(folder))
        made = bench.run("keys", "generate-aes", "look", "--mode", "searchable", "--no-passphrase")
        if made.returncode:
            print(made.stderr, file=sys.stderr)
            return 1
        outcomes = list(threads.map(bench.check, range(len(files)), files))
    for outcome in sorted(outcomes, key=lambda each: (each.kind, each.file)):
        if outcome.what or outcome.kind != "kept":
            print(f"{outcome.kind}  {outcome.file}  [{outcome.column}]  {outcome.what}")
    counts = Counter(outcome.kind for outcome in outcomes)
    print(", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "no files")
    return 1 if counts["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
