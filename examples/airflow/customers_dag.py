"""Encrypt the day's export, verify it, wrap it and deliver it: a DAG for Airflow 3.

Airflow's workers need piienc and gpg, and a project that `piienc init` has made, in PROJECT. Each
task and the whole run may be retried: what is wrapped is not encrypted anew, and what was delivered
is not sent again. Paths go from task to task, and never a value of a cell.
"""

from __future__ import annotations

import os
from pathlib import Path

from airflow.sdk import dag, task

PROJECT = Path(os.environ.get("PIIENC_PROJECT", "/srv/exports"))
CONFIG = PROJECT / "piienc.toml"
SCHEMA = PROJECT / "schema.toml"


def wrapped_of(encrypted: Path) -> Path:
    """Return what a file is called when it is wrapped."""
    return encrypted.with_name(f"{encrypted.name}.pgp")


def passphrase() -> bytes | None:
    """Read the keys' passphrase from the file that PASSPHRASE_FILE names, if it does."""
    file = os.environ.get("PASSPHRASE_FILE")
    return Path(file).read_bytes().rstrip(b"\n") if file else None


@task
def encrypt(export: str) -> str:
    """Encrypt the marked columns, and hold the result to the original."""
    import piienc  # noqa: PLC0415  # the scheduler reads this file again and again
    from piienc.errors import VerificationError  # noqa: PLC0415  # likewise

    target = PROJECT / "outgoing" / Path(export).name
    if wrapped_of(target).exists():
        return str(target)
    target.parent.mkdir(mode=0o700, exist_ok=True)
    secret = passphrase()
    piienc.encrypt_file(
        export, target, schema=SCHEMA, config=CONFIG, passphrase=secret, overwrite=True
    )
    report = piienc.verify(target, schema=SCHEMA, against=export, config=CONFIG, passphrase=secret)
    if not report.ok:
        raise VerificationError(f"{target.name}: {report.errors} findings")
    return str(target)


@task
def wrap(encrypted: str) -> str:
    """Wrap the file for the partner."""
    import piienc  # noqa: PLC0415  # as above

    wrapped = wrapped_of(Path(encrypted))
    if not wrapped.exists():
        piienc.wrap_file(encrypted, wrapped, recipients=["partner"], config=CONFIG)
    Path(encrypted).unlink(missing_ok=True)
    return str(wrapped)


@task
def deliver(wrapped: str) -> None:
    """Deliver what is wrapped; what was delivered already is skipped."""
    import piienc  # noqa: PLC0415  # as above

    receipt = piienc.push([wrapped], to="partner", config=CONFIG)
    if receipt.exit_code:
        raise RuntimeError(f"piienc push: exit code {receipt.exit_code}")


@dag(schedule="15 2 * * *", catchup=False, tags=["piienc"])
def customers() -> None:
    """Once a night."""
    export = str(PROJECT / "exports" / "customers-{{ ds }}.csv")
    deliver(wrap(encrypt(export)))


customers()
