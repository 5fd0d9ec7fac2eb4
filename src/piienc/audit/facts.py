"""What of a receipt goes into the audit log: files, keys and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from piienc.base.printable import as_text
from piienc.report import receipt as receipts

if TYPE_CHECKING:
    from piienc.report.model import Report

    AnyReceipt: TypeAlias = (
        receipts.Receipt
        | receipts.TableReceipt
        | receipts.FolderReceipt
        | receipts.WrapReceipt
        | receipts.UnwrapReceipt
        | receipts.PushReceipt
        | receipts.PullReceipt
        | Report
    )


class UsedKey(Struct, frozen=True):
    """A key that took part.

    Attributes:
        name: its name in the key folder; its fingerprint where it is not there.
        ids: of an AES keyset, the keys that were used.
        fingerprint: of an OpenPGP key.
    """

    name: str
    ids: frozenset[int] | None = None
    fingerprint: str | None = None


def keys_of(receipt: AnyReceipt) -> list[UsedKey]:
    """Return the keys that took part."""
    ids: dict[str, frozenset[int]] = {}
    for column in getattr(receipt, "columns", {}).values():
        if column.key is not None:
            ids[column.key] = ids.get(column.key, frozenset()) | {*column.key_ids}
    pgp = [*getattr(receipt, "recipients", ()), getattr(receipt, "signed_by", None)]
    pgp += [signature.key for signature in getattr(receipt, "signatures", ())]
    keys = [UsedKey(name, used) for name, used in ids.items()]
    return keys + [
        UsedKey(key.name or key.fingerprint, fingerprint=key.fingerprint) for key in pgp if key
    ]


def files_of(receipt: AnyReceipt) -> list[dict[str, Any]]:
    """Return the files by role, name, size and hash."""
    if isinstance(receipt, receipts.PushReceipt):
        return [_sent(file, receipt.url) for file in receipt.files]
    if isinstance(receipt, receipts.PullReceipt):
        return [_file("fetched", file) | {"from": receipt.url} for file in receipt.files]
    if isinstance(receipt, receipts.WrapReceipt):
        return [_file("input", receipt.input), *(_file("output", f) for f in receipt.outputs)]
    if isinstance(receipt, receipts.FolderReceipt | receipts.TableReceipt):
        return [file for each in receipt.files for file in files_of(each)]
    if isinstance(receipt, receipts.Receipt | receipts.UnwrapReceipt):
        return [_file("input", receipt.input), _file("output", receipt.output)]
    against = [_file("original", receipt.against)] if receipt.against else []
    return [_file("verified", receipt.file), *against]


def _file(role: str, file: receipts.FileFacts) -> dict[str, Any]:
    name = as_text(file.name)
    return {"role": role, "name": name, "bytes": file.bytes, "sha256": file.sha256}


def _sent(file: receipts.SentFile, url: str) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "role": "sent",
        "name": as_text(file.source),
        "as": as_text(file.name),
        "to": url,
        "bytes": file.bytes,
        "outcome": file.outcome,
    }
    if file.sha256 is not None:
        facts["sha256"] = file.sha256
    if file.error is not None:
        facts |= {"code": file.error.code, "kind": file.error.kind}
    return facts


def counts_of(receipt: AnyReceipt) -> dict[str, int]:
    """Return what was counted."""
    counts: dict[str, int] = {}
    if isinstance(receipt, receipts.Receipt | receipts.TableReceipt | receipts.FolderReceipt):
        counts["cells"] = sum(column.cells for column in receipt.columns.values())
    if (rows := getattr(receipt, "rows", None)) is not None:
        counts["rows"] = rows
    if (errors := getattr(receipt, "errors", None)) is not None:
        counts["errors"] = errors
    several = receipts.FolderReceipt | receipts.PushReceipt | receipts.PullReceipt
    if isinstance(receipt, several):
        counts["files"] = len(receipt.files)
    return counts
