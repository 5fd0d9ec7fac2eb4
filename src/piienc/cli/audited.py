"""The one place where a command's outcome gets into the audit log: see `audit/entry.py`.

with audited("encrypt-file", settled, [("input", src), ("output", dst)]) as entry:
    receipt = ...
    entry.receipt(receipt)
ui.document(entry.attested(receipt.document()))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.exceptions import TyperException

from piienc.cli import ui

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from piienc.audit.entry import AuditEntry
    from piienc.settings import Settings


def audited(
    command: str,
    settled: Settings,
    files: Iterable[tuple[str, Path]] = (),
    *,
    schema: Path | None = None,
    keys: Iterable[str] = (),
    makes_keys: bool = False,
) -> AbstractContextManager[AuditEntry]:
    """Record that a command begins, and how it ends; Typer's own errors are wrong usage."""
    from piienc.audit.entry import recorded  # start-up

    return recorded(
        command,
        settled,
        files,
        schema=schema,
        keys=keys,
        makes_keys=makes_keys,
        usage=(TyperException,),
        on_broken=lambda sentence: ui.say(f"warning: {sentence}"),
    )
