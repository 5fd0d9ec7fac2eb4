"""The one place where a command's outcome gets into the audit log.

with audited("encrypt-file", settled, [("input", src), ("output", dst)]) as entry:
    receipt = ...
    entry.receipt(receipt)
ui.document(entry.attested(receipt.document()))
"""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

from typer.exceptions import TyperException

from piienc.cli import ui
from piienc.errors import PiiencError, PolicyError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from piienc.flow.audit import Entry
    from piienc.settings import Settings

_TREE: list[type[PiiencError]] = [PiiencError, *PiiencError.__subclasses__()]
_KINDS = {kind.exit_code: kind.kind for kind in _TREE}


@contextlib.contextmanager
def audited(
    command: str,
    settled: Settings,
    files: Iterable[tuple[str, Path]] = (),
    *,
    schema: Path | None = None,
    keys: Iterable[str] = (),
) -> Iterator[Entry]:
    """Record that a command begins, and how it ends, whatever ends it.

    Args:
        command: its name.
        settled: where the state folder is, and the key folder.
        files: those that are named, each with what it is to the command.
        schema: that which holds.
        keys: the names of keys that will be used, as far as they are known.

    Raises:
        ConfigError, KeyAccessError, AuthenticationError, IncompleteError: the log cannot be
            kept; no key has been used yet.
    """
    from piienc.flow.audit import Entry  # start-up

    entry = Entry(command, state=settled.state_dir, keys=settled.keys_dir)
    for role, path in files:
        entry.file(role, path)
    if schema is not None:
        entry.schema(schema)
    for name in keys:
        entry.key(name)
    entry.begin()
    try:
        yield entry
    except BaseException as error:
        # The command's own error counts; a beginning without an end is in the log already.
        with contextlib.suppress(PiiencError):
            entry.end(*_ended_by(error))
        raise
    entry.end(*_outcome(entry.code, _KINDS.get(entry.code)))


def _ended_by(error: BaseException) -> tuple[str, int, str | None]:
    """Return outcome, exit code and kind; never the message."""
    match error:
        case PiiencError():
            code, kind = error.exit_code, error.kind
        case TyperException():
            code, kind = UsageError.exit_code, UsageError.kind
        case KeyboardInterrupt():
            code, kind = ui.INTERRUPTED, "interrupted"
        case BrokenPipeError():
            code, kind = 128 + signal.SIGPIPE, "interrupted"
        case SystemExit():
            code, kind = error.code if isinstance(error.code, int) else 1, "terminated"
        case _:
            code, kind = PiiencError.exit_code, PiiencError.kind
    return _outcome(code, kind)


def _outcome(code: int, kind: str | None) -> tuple[str, int, str | None]:
    if code == 0:
        return "done", 0, None
    return "refused" if code == PolicyError.exit_code else "failed", code, kind
