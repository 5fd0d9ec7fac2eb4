"""Send the new exports of a job: a DAG for Airflow 3.

Airflow's workers need piienc and gpg, and a project that `piienc init` has made, in PROJECT. The
task may be retried: what was sent is not sent again, and a run that was killed is completed.
"""

from __future__ import annotations

import os
from pathlib import Path

from airflow.sdk import dag, task

PROJECT = Path(os.environ.get("PIIENC_PROJECT", "/srv/exports"))


def passphrase() -> bytes | None:
    """Read the keys' passphrase from the file that PASSPHRASE_FILE names, if it does."""
    file = os.environ.get("PASSPHRASE_FILE")
    return Path(file).read_bytes().rstrip(b"\n") if file else None


@task
def send(job: str) -> list[str]:
    """Verify, encrypt, wrap and deliver each new file; names go on, and never a value of a cell."""
    import piienc  # noqa: PLC0415  # the scheduler reads this file again and again

    receipt = piienc.send(job, config=PROJECT / "piienc.toml", passphrase=passphrase())
    failed = [f"{file.source}: {file.error.message}" for file in receipt.files if file.error]
    if failed:
        raise RuntimeError(f"exit code {receipt.exit_code}: {'; '.join(failed)}")
    return [name for file in receipt.files for name in file.names]


@dag(schedule="15 2 * * *", catchup=False, tags=["piienc"])
def customers() -> None:
    """Once a night."""
    send("customers")


customers()
