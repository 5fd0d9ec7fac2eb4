"""Cells a second on one core: piienc's engine against loops over cryptography's AEADs.

    python benchmarks/cells.py profiles.csv [--rows N] [--repeats N] [--json FILE]

All four personal columns of the file go through each mode, as base64 text, in batches as large
as those that `encrypt-file` works on. Times are the medians of several interleaved repeats, of
all columns added up. Before anything is timed, each side must open what the other has sealed.
`PIIENC_CORE=off` measures the plain engine.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import pyarrow as pa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from generate import PERSONAL
from pyarrow import csv as arrow_csv

from piienc.columns import strings_of
from piienc.core import ColumnKey, Strings, engine
from piienc.keys import Keyset, Mode, generate
from report import Rows, show

if TYPE_CHECKING:
    from collections.abc import Callable

_BATCH = 35_000  # rows in a 4 MiB block of this file


class EngineColumn:
    """A column by piienc's engine, in batches."""

    def __init__(self, keyset: Keyset, name: str) -> None:
        key = keyset.primary
        self._engine = engine()
        self._key = ColumnKey(str(keyset.mode), key.material, name.encode(), key.output_prefix)

    def encrypt(self, batches: list[Strings]) -> list[Strings]:
        """Encrypt the column."""
        return [self._engine.seal(batch, self._key, text=True) for batch in batches]

    def decrypt(self, batches: list[Strings]) -> list[Strings]:
        """Decrypt the column."""
        return [self._engine.open(batch, [self._key], text=True).cells for batch in batches]


class SivLoop:
    """A column by `AESSIV`, a cell at a time."""

    def __init__(self, keyset: Keyset, name: str) -> None:
        self._siv = AESSIV(keyset.primary.material.reveal())
        self._prefix, self._context = keyset.primary.output_prefix, [name.encode()]

    def encrypt(self, cells: list[bytes]) -> list[bytes]:
        """Encrypt the column."""
        encode, encrypt = base64.b64encode, self._siv.encrypt
        prefix, context = self._prefix, self._context
        return [encode(prefix + encrypt(cell, context)) for cell in cells]

    def decrypt(self, texts: list[bytes]) -> list[bytes]:
        """Decrypt the column."""
        decode, decrypt = base64.b64decode, self._siv.decrypt
        skip, context = len(self._prefix), self._context
        return [decrypt(decode(text)[skip:], context) for text in texts]


class GcmLoop:
    """A column by `AESGCM`, a cell at a time."""

    def __init__(self, keyset: Keyset, name: str) -> None:
        self._gcm = AESGCM(keyset.primary.material.reveal())
        self._prefix, self._context = keyset.primary.output_prefix, name.encode()

    def encrypt(self, cells: list[bytes]) -> list[bytes]:
        """Encrypt the column."""
        encode, encrypt, random = base64.b64encode, self._gcm.encrypt, os.urandom
        prefix, context = self._prefix, self._context
        texts = []
        for cell in cells:
            iv = random(12)
            texts.append(encode(prefix + iv + encrypt(iv, cell, context)))
        return texts

    def decrypt(self, texts: list[bytes]) -> list[bytes]:
        """Decrypt the column."""
        decode, decrypt = base64.b64decode, self._gcm.decrypt
        begin, context = len(self._prefix), self._context
        end = begin + 12
        cells = []
        for text in texts:
            raw = decode(text)
            cells.append(decrypt(raw[begin:end], raw[end:], context))
        return cells


class Column:
    """A column of the file under one key: its cells for both sides, clear and sealed."""

    def __init__(self, name: str, array: pa.Array, keyset: Keyset) -> None:
        """Seal the column by both sides, and hold them against each other."""
        self.batches = [strings_of(array.slice(n, _BATCH)) for n in range(0, len(array), _BATCH)]
        self.cells = _bytes(self.batches)
        self.engine = EngineColumn(keyset, name)
        self.loop = (SivLoop if keyset.mode is Mode.SEARCHABLE else GcmLoop)(keyset, name)
        self.sealed_batches = self.engine.encrypt(self.batches)
        self.sealed_cells = self.loop.encrypt(self.cells)
        texts = _bytes(self.sealed_batches)
        _require(keyset.mode is Mode.SEALED or texts == self.sealed_cells)
        _require(self.loop.decrypt(texts) == self.cells)
        _require(_bytes(self.engine.decrypt([Strings.of(self.sealed_cells)])) == self.cells)
        _require(_bytes(self.engine.decrypt(self.sealed_batches)) == self.cells)


def measure(path: Path, rows: int, repeats: int) -> list[dict[str, object]]:
    """Return what each mode does: cells, and seconds for each side and direction."""
    table = _read(path).slice(0, rows)
    measured: list[dict[str, object]] = []
    for mode in Mode:
        keyset = generate(mode)
        columns = [
            Column(name, table[name].combine_chunks(), keyset) for name in table.column_names
        ]
        work: dict[str, Callable[[Column], object]] = {
            "engine_encrypt": lambda column: column.engine.encrypt(column.batches),
            "engine_decrypt": lambda column: column.engine.decrypt(column.sealed_batches),
            "loop_encrypt": lambda column: column.loop.encrypt(column.cells),
            "loop_decrypt": lambda column: column.loop.decrypt(column.sealed_cells),
        }
        taken: dict[str, list[float]] = {name: [] for name in work}
        for _ in range(repeats):
            for name, run in work.items():
                taken[name].append(sum(_seconds(run, column) for column in columns))
        cells = sum(len(column.cells) for column in columns)
        found = {"engine": engine().name, "mode": mode.value, "cells": cells, "seconds": taken}
        measured.append(found)
    return measured


def tabulate(measured: list[dict[str, object]]) -> None:
    """Print cells a second, and the ratios."""
    rows: Rows = []
    for entry in measured:
        taken = {name: median(seconds) for name, seconds in entry["seconds"].items()}
        for way in ("encrypt", "decrypt"):
            ours, loop = taken[f"engine_{way}"], taken[f"loop_{way}"]
            rows.append(
                (
                    f"{entry['mode']} {way}",
                    f"{entry['cells'] / ours / 1e6:.2f}",
                    f"{entry['cells'] / loop / 1e6:.2f}",
                    f"{loop / ours:.1f}x",
                    f"{ours / taken['engine_encrypt']:.2f}",
                )
            )
    heads = ("one core", "engine, M cells/s", "loop, M cells/s", "speed-up", "time / encrypt's")
    name = f"the {measured[0]['engine']} engine and loops over cryptography, base64 included"
    show(name, heads, rows)


def _read(path: Path) -> pa.Table:
    options = arrow_csv.ConvertOptions(
        include_columns=list(PERSONAL),
        column_types=dict.fromkeys(PERSONAL, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    parse = arrow_csv.ParseOptions(newlines_in_values=True)
    return arrow_csv.read_csv(path, parse_options=parse, convert_options=options)


def _bytes(batches: list[Strings]) -> list[bytes]:
    """The non-null cells, one by one."""
    return [cell for batch in batches for cell in batch.to_list() if cell is not None]


def _seconds(run: Callable[[Column], object], column: Column) -> float:
    # Processor time, which on one core is the same, but for what others do there meanwhile.
    started = time.process_time()
    run(column)
    return time.process_time() - started


def _require(right: bool) -> None:  # noqa: FBT001  # reads as a sentence
    if not right:
        raise SystemExit("the engine and the loops disagree: there is nothing to time")


def main() -> None:
    """Measure on one core."""
    parser = argparse.ArgumentParser(description="Cells a second on one core.")
    parser.add_argument("path", type=Path, help="a file of generate.py")
    parser.add_argument("--rows", type=int, default=250_000, help="the first rows only")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", type=Path, metavar="FILE")
    said = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    pa.set_cpu_count(1)
    measured = measure(said.path, said.rows, said.repeats)
    tabulate(measured)
    if said.json:
        said.json.write_text(json.dumps(measured), encoding="utf-8")


if __name__ == "__main__":
    main()
