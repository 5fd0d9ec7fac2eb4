"""Receipts and reports of jobs, kept in the state folder. They hold no value of a cell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from piienc.base.files import make_private_folder, new_file
from piienc.report.receipt import SCHEMA_VERSION
from piienc.state.transfers import now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from piienc.jobs.context import JobContext
    from piienc.report.model import Report
    from piienc.report.receipt import SentFile
    from piienc.state import JobEntry


def keep_report(report: Report, context: JobContext, unique: str) -> Path:
    """Keep what a verification found, and return where.

    Raises:
        IncompleteError: it cannot be written.
    """
    return _keep(context, "reports", f"{_stamp(report.time)}-{unique}.json", report.document())


def keep_receipt(entry: JobEntry, files: Sequence[SentFile], context: JobContext) -> Path:
    """Keep what was done with a source, and return where; writing it twice does no harm.

    Raises:
        IncompleteError: it cannot be written.
    """
    document = {
        "schema_version": SCHEMA_VERSION,
        "ok": True,
        "step": "send",
        "job": context.job.name,
        "time": now(),
        "source": {"name": entry.source, "bytes": entry.size, "sha256": entry.sha256},
        "number": entry.number,
        "destination": str(context.endpoint.url),
        "files": [
            wrapped | {"transfer": file.transfer, "trigger": file.trigger, "outcome": file.outcome}
            for wrapped, file in zip(entry.wrapped, files, strict=True)
        ],
        "steps": json.loads(entry.facts),
    }
    name = f"{_stamp(entry.begun)}-{entry.id}.json"
    return _keep(context, "receipts", name, context.with_position(document))


def _stamp(time: str) -> str:
    return time.replace("-", "").replace(":", "")


def _keep(context: JobContext, kind: str, name: str, document: dict[str, object]) -> Path:
    folder = context.state / kind
    make_private_folder(context.state)
    make_private_folder(folder)
    with new_file(folder / name, overwrite=True, kept=True) as file:
        file.write(json.dumps(document, indent=2).encode() + b"\n")
    return folder / name
