"""Encrypt the marked columns of a Parquet dataset with Spark, or decrypt them.

    spark-submit protect.py SOURCE TARGET --schema schema.toml --keys /mnt/keys \
        --passphrase-file /mnt/passphrase [--decrypt]

The driver and all workers need piienc (`pip install piienc`), and the key folder and the passphrase
file at the same paths: see docs/spark.md.
"""

from __future__ import annotations

import argparse
import sys

from pyspark.sql import SparkSession

import piienc.spark
from piienc.errors import PiiencError


def main() -> int:
    """Run it, and return an exit code: those of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", help="a Parquet dataset, such as s3a://bucket/customers/")
    parser.add_argument("target", help="where the new one is written; it must not be there")
    parser.add_argument("--schema", required=True)
    parser.add_argument("--keys", required=True)
    parser.add_argument("--passphrase-file")
    parser.add_argument("--state", default=".piienc", help="keep it from run to run")
    parser.add_argument("--decrypt", action="store_true")
    given = parser.parse_args()
    where = {
        "schema": given.schema,
        "keys": given.keys,
        "passphrase_file": given.passphrase_file,
        "state": given.state,
    }
    # Larger batches than Spark's 10,000 rows take a third less time.
    builder = SparkSession.builder.appName("piienc")
    builder = builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", "65536")
    spark = builder.getOrCreate()
    step = piienc.spark.decrypt if given.decrypt else piienc.spark.encrypt
    try:
        with piienc.spark.actions():
            step(spark.read.parquet(given.source), **where).write.parquet(given.target)
    except PiiencError as error:
        print(f"protect.py: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return error.exit_code
    finally:
        spark.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
