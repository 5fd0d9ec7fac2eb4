"""What the tests of Spark share: keys, a schema, a session, and what may lie nowhere."""

from __future__ import annotations

import base64
import json
import os
import sys
from typing import TYPE_CHECKING

from pyspark.sql import SparkSession

from piienc.base.secret import SecretBytes
from piienc.keys import Key, KeyFolder, Keyset, Mode, Prefix, Status, generate

if TYPE_CHECKING:
    from pathlib import Path

PASSPHRASE = "a passphrase that is nowhere else"
SCHEMA = """
name = "people"
version = 1

[columns.id]
type = "integer"

[columns.email]
type = "string"
encrypt = "look"

[columns.phone]
type = "string"
encrypt = "seal"

[columns.born]
type = "date"
encrypt = "seal"
"""


def raw(mode: Mode) -> Keyset:
    """Return a keyset whose cells bear no prefix."""
    key = generate(mode).keys[0]
    bare = Key(key.key_id, key.material, Status.ENABLED, Prefix.RAW)
    return Keyset(mode, key.key_id, (bare,))


def configured(folder: Path, master: str, **more: str) -> SparkSession:
    """Start a session that keeps all that it writes in a folder."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    (folder / "events").mkdir(parents=True, exist_ok=True)
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(folder / "local"),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": (folder / "events").as_uri(),
        "spark.eventLog.compress": "false",
        "spark.sql.shuffle.partitions": "3",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "1000",
        **more,
    }
    builder = SparkSession.builder.master(master).appName("piienc")
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    return spark


def secrets_of(project: Path) -> list[bytes]:
    """Return all forms in which a secret may lie somewhere."""
    found = [PASSPHRASE.encode()]
    for folder in ("keys", "bare"):
        keys = KeyFolder(project / folder)
        keys.unlocker.passphrase = lambda _: SecretBytes(PASSPHRASE.encode())
        for name in keys.names():
            for key in keys.load(name).keys:
                data = key.material.reveal()
                found += [data, data.hex().encode(), base64.b64encode(data)[:-4]]
    return found


def told(state: Path) -> list[dict]:
    """Return the lines of the audit log."""
    return [
        json.loads(line)
        for path in sorted(state.rglob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
