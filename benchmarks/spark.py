"""Spark beside itself: an identity `mapInArrow`, Spark's own `aes_encrypt`, and piienc.

    make benchspark          # or, with PySpark on PYTHONPATH:
    .venv/bin/python benchmarks/spark.py [--rows N] [--repeats N]

One session of local[2], warm, in turns; Parquet to Parquet, and into nothing (`noop`). What piienc
has made must come back; and a worker's peak memory is that of the largest Python process below the
Java one.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from generate import KEYS, PERSONAL, generate_parquet, write_schema
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812  # as all of Spark's users call it

import piienc.spark
from piienc.keys import KeyFolder, Mode
from piienc.keys import generate as generate_key

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

BATCH = 65_536
KEY = "0123456789abcdef0123456789abcdef"  # of Spark's own function


def session(folder: Path) -> SparkSession:
    """Start Spark."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master("local[2]")
    for name, value in {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "3g",
        "spark.local.dir": str(folder),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.execution.arrow.maxRecordsPerBatch": str(BATCH),
    }.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def identity(df: DataFrame) -> DataFrame:
    """Return a DataFrame whose batches go through Python, and come back."""
    return df.mapInArrow(lambda batches: batches, df.schema)


def by_spark(df: DataFrame, names: list[str], *, encrypt: bool) -> DataFrame:
    """Return a DataFrame encrypted, or decrypted, by Spark's own functions."""
    for name in names:
        if encrypt:
            cell = F.base64(F.aes_encrypt(F.col(name).cast("string"), F.lit(KEY), F.lit("GCM")))
        else:
            cell = F.aes_decrypt(F.unbase64(F.col(name)), F.lit(KEY), F.lit("GCM")).cast("string")
        df = df.withColumn(name, cell)
    return df


class Peaks(threading.Thread):
    """Looks for the largest Python process below this one."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.largest = 0

    def run(self) -> None:
        """Look, again and again."""
        while True:
            for status in Path("/proc").glob("[0-9]*/status"):
                try:
                    facts = dict(line.split(":", 1) for line in status.read_text().splitlines())
                    command = status.with_name("cmdline").read_bytes()
                except (OSError, ValueError):
                    continue
                if b"pyspark.daemon" in command or b"pyspark/daemon" in command:
                    peak = int(facts.get("VmHWM", "0 kB").split()[0]) << 10
                    self.largest = max(self.largest, peak)
            time.sleep(0.1)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    names = [*PERSONAL]
    folder = Path(tempfile.mkdtemp(prefix="spark-bench-"))
    file = folder / "profiles.parquet"
    generate_parquet(file, given.rows, group_rows=1 << 17)
    where = {name: folder / name for name in ("schema", "keys", "state")}
    write_schema(where["schema"])
    for name, mode in KEYS.items():
        KeyFolder(where["keys"]).create(name, generate_key(Mode(mode)), None)
    peaks = Peaks()
    peaks.start()
    spark = session(folder)
    try:
        plain = spark.read.parquet(str(file))
        rows = plain.count()
        ours, theirs = str(folder / "ours"), str(folder / "theirs")
        encrypted = piienc.spark.encrypt(plain, **where)
        with piienc.spark.actions():
            encrypted.write.parquet(ours)
        by_spark(plain, names, encrypt=True).write.parquet(theirs)
        stored = spark.read.parquet(ours)
        decrypted = piienc.spark.decrypt(stored, **where)
        if decrypted.exceptAll(plain).count() or plain.exceptAll(decrypted).count():
            raise SystemExit("what was encrypted does not come back")
        ways: dict[str, DataFrame] = {
            "identity": identity(plain),
            "aes_encrypt": by_spark(plain, names, encrypt=True),
            "piienc encrypt": encrypted,
            "identity, of ciphertext": identity(stored),
            "aes_decrypt": by_spark(spark.read.parquet(theirs), names, encrypt=False),
            "piienc decrypt": decrypted,
        }
        for sink in ("parquet", "noop"):
            taken: dict[str, list[float]] = {name: [] for name in ways}
            for number in range(given.repeats + 1):
                order = list(ways)
                for name in order if number % 2 else reversed(order):
                    writer = ways[name].write.mode("overwrite").format(sink)
                    started = time.perf_counter()
                    writer.save(str(folder / "out")) if sink == "parquet" else writer.save()
                    if number:
                        taken[name].append(time.perf_counter() - started)
            print(f"into {sink}, {rows:,} rows, {given.repeats} runs in turns")
            for name, seconds in taken.items():
                print(f"  {name:24} {median(seconds):6.2f} s")
            for verb in ("encrypt", "decrypt"):
                own = median(taken[f"piienc {verb}"])
                spark_s = median(taken[f"aes_{verb}"]) / own
                alone = [own / median(taken[name]) for name in ways if "identity" in name]
                print(
                    f"  {verb}: {spark_s:.1f} times as fast as Spark's; {alone[0]:.2f} times an "
                    f"identity of plaintext, {alone[1]:.2f} of ciphertext"
                )
        print(f"a worker's peak: {peaks.largest / 1e6:.0f} MB")
    finally:
        spark.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
