"""What a command tells the audit log: names, hashes, counts and key ids. Never a value."""

from __future__ import annotations

import hashlib
import os
import pwd
import secrets
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from piienc.flow import receipt as receipts
from piienc.state.audit.log import AuditLog

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from piienc.flow.reports.model import Report
    from piienc.keys.audit import AuditKey
    from piienc.state.audit.head import Mark

    AnyReceipt = (
        receipts.Receipt
        | receipts.WrapReceipt
        | receipts.UnwrapReceipt
        | receipts.PushReceipt
        | receipts.PullReceipt
        | Report
    )


class Entry:
    """One run of a command: a line when it begins, before any key is used, and one at its end.

    A beginning without an end is a run that was killed.
    """

    def __init__(self, command: str, *, state: Path, keys: Path) -> None:
        """Say what is begun, where the log is, and the key folder whose key signs it."""
        self._keys_folder = keys
        self._signer: AuditKey | None = None
        self._log = AuditLog(state, self._signing)
        self._facts = {
            "schema_version": 1,
            "run": secrets.token_hex(8),
            **_who(),
            "command": command,
        }
        self._schema: dict[str, str] | None = None
        self._files: list[dict[str, Any]] = []
        self._keys: dict[str, dict[str, Any]] = {}
        self._counts: dict[str, int] = {}
        self._mark: Mark | None = None
        self.code = 0

    def file(self, role: str, path: object) -> None:
        """Say which file takes part, before its hash is known."""
        self._files.append({"role": role, "name": _printable(path)})

    def schema(self, path: Path) -> None:
        """Say which schema holds; its hash is taken now, if it can be read."""
        self._schema = {"name": _printable(path)}
        with suppress(OSError):
            self._schema["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()

    def key(
        self, name: str, ids: Iterable[int] | None = None, *, fingerprint: str | None = None
    ) -> None:
        """Say which key is used, by its name, and by its ids or its fingerprint once known."""
        told = self._keys.setdefault(name, {"name": name})
        if ids is not None:
            told["ids"] = sorted(ids)
        if fingerprint is not None:
            told["fingerprint"] = fingerprint

    def receipt(self, receipt: AnyReceipt) -> None:
        """Take in what a step has done; several steps of one run add up."""
        found = _files_of(receipt)
        roles = {file["role"] for file in found}
        # What was named at the beginning gives way to what was found to be.
        kept = [file for file in self._files if "bytes" in file or file["role"] not in roles]
        self._files = kept + found
        for name, count in _counts_of(receipt).items():
            self._counts[name] = self._counts.get(name, 0) + count
        self._take_keys(receipt)
        self.code = self.code or getattr(receipt, "exit_code", 0)

    def begin(self) -> None:
        """Write the line of the beginning.

        Raises:
            ConfigError, KeyAccessError, AuthenticationError, IncompleteError: see
                `AuditLog.append`; nothing may be done that would not be recorded.
        """
        self._append("begun")

    def end(self, outcome: str, code: int = 0, kind: str | None = None) -> None:
        """Write the line of the end.

        Args:
            outcome: done, refused or failed.
            code: the exit code.
            kind: the class of errors.

        Raises:
            ConfigError, KeyAccessError, AuthenticationError, IncompleteError: likewise.
        """
        self._append(outcome, code=code, **({"kind": kind} if kind else {}))

    def attested(self, document: dict[str, Any]) -> dict[str, Any]:
        """Return a receipt's document with the place that the log has come to."""
        return document | {"audit": asdict(self._mark) if self._mark else None}

    def _append(self, outcome: str, **more: object) -> None:
        facts = {**self._facts, "outcome": outcome, **more, "files": self._files}
        facts |= {"schema": self._schema} if self._schema else {}
        facts |= {"keys": list(self._keys.values()), "counts": self._counts}
        self._mark = self._log.append(facts)

    def _signing(self) -> AuditKey | None:
        if self._signer is None:
            from piienc.keys.audit import signing_key  # noqa: PLC0415  # start-up

            self._signer = signing_key(self._keys_folder)
        return self._signer

    def _take_keys(self, receipt: AnyReceipt) -> None:
        columns = getattr(receipt, "columns", {})
        for name in {column.key for column in columns.values() if column.key is not None}:
            self.key(name, {i for c in columns.values() if c.key == name for i in c.key_ids})
        pgp = [*getattr(receipt, "recipients", ()), getattr(receipt, "signed_by", None)]
        pgp += [signature.key for signature in getattr(receipt, "signatures", ())]
        for key in filter(None, pgp):
            self.key(key.name or key.fingerprint, fingerprint=key.fingerprint)


def _who() -> dict[str, str]:
    uid = os.getuid()
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = str(uid)
    return {"user": user, "host": os.uname().nodename}


def _files_of(receipt: AnyReceipt) -> list[dict[str, Any]]:
    if isinstance(receipt, receipts.PushReceipt):
        return [_sent(file, receipt.url) for file in receipt.files]
    if isinstance(receipt, receipts.PullReceipt):
        return [_file("fetched", file) | {"from": receipt.url} for file in receipt.files]
    if isinstance(receipt, receipts.WrapReceipt):
        return [_file("input", receipt.input), *(_file("output", f) for f in receipt.outputs)]
    if isinstance(receipt, receipts.Receipt | receipts.UnwrapReceipt):
        return [_file("input", receipt.input), _file("output", receipt.output)]
    against = [_file("original", receipt.against)] if receipt.against else []
    return [_file("verified", receipt.file), *against]


def _file(role: str, file: receipts.FileFacts) -> dict[str, Any]:
    name = _printable(file.name)
    return {"role": role, "name": name, "bytes": file.bytes, "sha256": file.sha256}


def _sent(file: receipts.SentFile, url: str) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "role": "sent",
        "name": _printable(file.source),
        "as": _printable(file.name),
        "to": url,
        "bytes": file.bytes,
        "outcome": file.outcome,
    }
    if file.sha256 is not None:
        facts["sha256"] = file.sha256
    if file.error is not None:
        facts |= {"code": file.error.code, "kind": file.error.kind}
    return facts


def _counts_of(receipt: AnyReceipt) -> dict[str, int]:
    counts: dict[str, int] = {}
    if isinstance(receipt, receipts.Receipt):
        counts["cells"] = sum(column.cells for column in receipt.columns.values())
    if (rows := getattr(receipt, "rows", None)) is not None:
        counts["rows"] = rows
    if (errors := getattr(receipt, "errors", None)) is not None:
        counts["errors"] = errors
    if isinstance(receipt, receipts.PushReceipt | receipts.PullReceipt):
        counts["files"] = len(receipt.files)
    return counts


def _printable(path: object) -> str:
    """Return a path as text, whatever bytes it has."""
    return os.fsencode(str(path)).decode("utf-8", "backslashreplace")
