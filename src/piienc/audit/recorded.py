"""The one place where a step gets into the audit log, and where history that is over ends.

with recorded("encrypt-file", settled, [("input", src), ("output", dst)]) as entry:
    receipt = ...
    entry.receipt(receipt)
"""

from __future__ import annotations

import contextlib
import signal
import warnings
from typing import TYPE_CHECKING

from piienc.audit.entry import AuditEntry
from piienc.errors import PiiencError, PolicyError, UsageError
from piienc.settings.outputs import require_output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from piienc.settings import Settings

_OUTPUT = "output"
INTERRUPTED = 128 + signal.SIGINT
_TREE: list[type[PiiencError]] = [PiiencError, *PiiencError.__subclasses__()]
_KINDS = {kind.exit_code: kind.kind for kind in _TREE}


@contextlib.contextmanager
def recorded(
    command: str,
    settled: Settings,
    files: Iterable[tuple[str, Path]] = (),
    *,
    schema: Path | None = None,
    keys: Iterable[str] = (),
    makes_keys: bool = False,
    usage: tuple[type[Exception], ...] = (),
    on_broken: Callable[[str], None] = warnings.warn,
) -> Iterator[AuditEntry]:
    """Record that a step begins, and how it ends, whatever ends it.

    Args:
        command: the name of the command that does it.
        settled: where the state folder is, and the key folder.
        files: those that are named, each with what it is to the command.
        schema: that which holds.
        keys: the names of keys that will be used, as far as they are known.
        makes_keys: the step makes the key folder, if it is not there.
        usage: others' errors that mean wrong usage.
        on_broken: called with a sentence if the audit log is not as it was written.

    Raises:
        ConfigError, KeyAccessError, IncompleteError: the log cannot be kept; no key has been used
            yet.
        PolicyError: an output would take the place of what is read, of a key or of the state.
    """
    entry = AuditEntry(
        command,
        state=settled.state_dir,
        keys=settled.keys_dir,
        makes_keys=makes_keys,
        on_broken=on_broken,
    )
    files = [*files]
    for role, path in files:
        entry.file(role, path)
    if schema is not None:
        entry.schema(schema)
    for name in keys:
        entry.key(name)
    entry.begin()
    try:
        reads = [path for role, path in files if role != _OUTPUT]
        for path in (path for role, path in files if role == _OUTPUT):
            require_output(path, settled, [*reads, schema])
        yield entry
    except BaseException as error:
        # The step's own error counts; a beginning without an end is in the log already.
        with contextlib.suppress(PiiencError):
            entry.end(*_ended_by(UsageError("") if isinstance(error, usage) else error))
        raise
    entry.end(*_outcome(entry.code, _KINDS.get(entry.code)))
    if settled.keep_history is not None:
        from piienc.state.retention import prune  # noqa: PLC0415  # start-up

        with contextlib.suppress(PiiencError, OSError):  # the next one tries again
            prune(settled.state_dir, settled.keep_history)


def _ended_by(error: BaseException) -> tuple[str, int, str | None]:
    """Return outcome, exit code and kind; never the message."""
    match error:
        case PiiencError():
            code, kind = error.exit_code, error.kind
        case KeyboardInterrupt():
            code, kind = INTERRUPTED, "interrupted"
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
