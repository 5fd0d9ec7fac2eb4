"""A step in the audit log, from its beginning to its end.

with recorded("encrypt-file", settings, [("input", src), ("output", dst)]) as entry:
    receipt = ...
    entry.receipt(receipt)

What goes into the log are names, hashes, counts and key ids; never a value.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import to_builtins

from piienc.audit.access import user_name
from piienc.audit.log import AuditLog
from piienc.base.printable import as_text
from piienc.errors import IncompleteError, PiiencError, PolicyError
from piienc.settings.outputs import require_output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from piienc.audit.facts import AnyReceipt
    from piienc.audit.head import LogPosition
    from piienc.audit.keys import AuditKey
    from piienc.settings import Settings

_OUTPUT = "output"
_TREE: list[type[PiiencError]] = [PiiencError, *PiiencError.__subclasses__()]
_KINDS = {kind.exit_code: kind.kind for kind in _TREE}


class AuditEntry:
    """One run of a command: a line when it begins, before any key is used, and one at its end.

    A beginning without an end is a run that was killed.
    """

    def __init__(
        self,
        command: str,
        *,
        state: Path,
        keys: Path,
        makes_keys: bool = False,
        on_warning: Callable[[str], object] = lambda _: None,
    ) -> None:
        """Say what is begun; see `recorded`."""
        self._keys_folder = keys
        self._makes_keys = makes_keys
        self._signer: AuditKey | None = None
        self._log = AuditLog(state, self._signing, on_warning)
        self._facts = {
            "schema_version": 2,
            "run": os.urandom(8).hex(),
            "user": user_name(os.getuid()),
            "host": os.uname().nodename,
            "command": command,
        }
        self._schema: dict[str, str] | None = None
        self._files: list[dict[str, Any]] = []
        self._keys: dict[str, dict[str, Any]] = {}
        self._counts: dict[str, int] = {}
        self._position: LogPosition | None = None
        self.code = 0

    def file(self, role: str, path: object) -> None:
        """Say which file takes part, before its hash is known."""
        self._files.append({"role": role, "name": as_text(path)})

    def schema(self, path: Path) -> None:
        """Say which schema holds; its hash is taken now, if it can be read twice, and is one."""
        from piienc.base import document  # noqa: PLC0415  # start-up

        self._schema = {"name": as_text(path)}
        with suppress(OSError):
            if path.is_file():  # a pipe would be empty afterwards
                with path.open("rb") as file:
                    content = file.read(document.MAX_BYTES + 1)
                if len(content) <= document.MAX_BYTES:
                    self._schema["sha256"] = hashlib.sha256(content).hexdigest()

    def key(
        self, name: str, ids: Iterable[int] | None = None, *, fingerprint: str | None = None
    ) -> None:
        """Say which key is used, by its name, and by its ids or its fingerprint once known."""
        facts = self._keys.setdefault(name, {"name": name})
        if ids is not None:
            facts["ids"] = sorted(ids)
        if fingerprint is not None:
            facts["fingerprint"] = fingerprint

    def receipt(self, receipt: AnyReceipt) -> None:
        """Add the receipt of a step; several steps of one run add up."""
        from piienc.audit.facts import counts_of, files_of, keys_of  # noqa: PLC0415  # start-up

        files = files_of(receipt)
        roles = {file["role"] for file in files}
        # What was named at the beginning gives way to what was found to be.
        kept = [file for file in self._files if "bytes" in file or file["role"] not in roles]
        self._files = kept + files
        for name, count in counts_of(receipt).items():
            self._counts[name] = self._counts.get(name, 0) + count
        for key in keys_of(receipt):
            self.key(key.name, key.ids, fingerprint=key.fingerprint)
        self.code = self.code or getattr(receipt, "exit_code", 0)

    def begin(self) -> None:
        """Write the line of the beginning.

        Raises:
            ConfigError, KeyAccessError, IncompleteError: see `AuditLog.append`; nothing may be done
                that would not be recorded.
        """
        self._append("begun")

    def end(self, code: int, kind: str | None) -> None:
        """Write the line of the end, with the exit code, and the class of errors if it is not 0.

        Raises:
            ConfigError, KeyAccessError, IncompleteError: likewise.
        """
        refused = code == PolicyError.exit_code
        outcome = "refused" if refused else "failed" if code else "done"
        self._append(outcome, code=code, **({"kind": kind} if code and kind else {}))

    @property
    def position(self) -> dict[str, Any]:
        """The place that the log has come to, for receipts.

        There is one once the beginning is written.
        """
        return to_builtins(self._position)  # type: ignore[no-any-return]  # of a record

    def with_position(self, document: dict[str, Any]) -> dict[str, Any]:
        """Return a receipt's document with the place that the log has come to."""
        return document | {"audit": self.position}

    def _append(self, outcome: str, **more: object) -> None:
        facts = {**self._facts, "outcome": outcome, **more, "files": self._files}
        facts |= {"schema": self._schema} if self._schema else {}
        facts |= {"keys": list(self._keys.values()), "counts": self._counts}
        self._position = self._log.append(facts)

    def _signing(self) -> AuditKey | None:
        if self._signer is None:
            from piienc.audit.keys import signing_key  # noqa: PLC0415  # start-up

            self._signer = signing_key(self._keys_folder, begin=self._makes_keys)
        return self._signer


@contextlib.contextmanager
def recorded(
    command: str,
    settings: Settings,
    files: Iterable[tuple[str, str | Path]] = (),
    *,
    schema: Path | None = None,
    keys: Iterable[str] = (),
    makes_keys: bool = False,
    on_warning: Callable[[str], object] = warnings.warn,
) -> Iterator[AuditEntry]:
    """Record that a step begins, and how it ends, however it ends.

    Args:
        command: the name of the command.
        settings: the locations of the state folder and the key folder.
        files: the named files, each with its role.
        schema: the schema file.
        keys: the names of the keys to be used, as far as they are known.
        makes_keys: the step creates the key folder if it is missing.
        on_warning: called with a sentence if the audit log is not as it was written.

    Raises:
        ConfigError, KeyAccessError, IncompleteError: the log cannot be kept; no key has been used
            yet.
        PolicyError: an output would replace an input, a key or the state.
    """
    entry = AuditEntry(
        command,
        state=settings.state_dir,
        keys=settings.keys_dir,
        makes_keys=makes_keys,
        on_warning=on_warning,
    )
    files = [*files]
    for role, name in files:
        entry.file(role, name)
    if schema is not None:
        entry.schema(schema)
    for name in keys:
        entry.key(name)
    entry.begin()
    try:
        reads = [Path(name) for role, name in files if role != _OUTPUT]
        for path in (Path(name) for role, name in files if role == _OUTPUT):
            require_output(path, settings, [*reads, schema])
        yield entry
    except BaseException as error:
        # The step's own error counts; a beginning without an end is in the log already.
        with contextlib.suppress(PiiencError):
            entry.end(*_ended_by(error))
        raise
    entry.end(entry.code, _KINDS.get(entry.code))
    if settings.keep_history is not None:
        from piienc.state.retention import prune  # noqa: PLC0415  # start-up

        with contextlib.suppress(PiiencError, OSError):  # the next one tries again
            prune(settings.state_dir, settings.keep_history)


def _ended_by(error: BaseException) -> tuple[int, str]:
    """Return exit code and kind; never the message."""
    match error:
        case PiiencError():
            return error.exit_code, error.kind
        case KeyboardInterrupt():
            return 128 + signal.SIGINT, "interrupted"
        case BrokenPipeError():
            return 128 + signal.SIGPIPE, "interrupted"
        case GeneratorExit():  # of a stream that was not read to its end
            return IncompleteError.exit_code, IncompleteError.kind
        case SystemExit():
            return error.code if isinstance(error.code, int) else 1, "terminated"
        case _:
            return PiiencError.exit_code, PiiencError.kind
