"""The signed head: how far a log has come. It is replaced, whole, with each line.

The signatures of the lines do not tell that the last of them are gone; the head does.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from typing import TYPE_CHECKING

from msgspec import DecodeError, Struct, to_builtins
from msgspec.json import Decoder
from msgspec.structs import replace

from piienc.audit.segments import NotRegularError, opened, reading, reason_of
from piienc.base.files import keep_names, translated

if TYPE_CHECKING:
    from pathlib import Path

    from piienc.audit.keys import AuditKey, AuditPublicKey

FILE = "head.json"
_DOMAIN = "piienc audit head 2"
_NOTE = "piienc-audit-head"
_LARGEST = 64 << 10


class LogPosition(Struct, frozen=True):
    """A place in a log, as receipts and `audit head` carry it.

    Attributes:
        lines: how many lines there were.
        head: the SHA-256 of the last of them, in hex.
        log: the log's id.
    """

    lines: int
    head: str
    log: str

    def note(self) -> str:
        """Return it as one line, to keep elsewhere."""
        return f"{_NOTE}:{self.log}:{self.lines}:{self.head}"

    @staticmethod
    def of_note(note: str) -> LogPosition | None:
        """Return what a line tells; None if it is none of `note`."""
        match = re.fullmatch(rf"{_NOTE}:([0-9a-f]{{16}}):([0-9]{{1,18}}):([0-9a-f]{{64}})", note)
        return LogPosition(int(match[2]), match[3], match[1]) if match else None


class SignedHead(Struct, frozen=True):
    """A signed place in a log.

    Attributes:
        log: the log's id.
        segment: the number of the last segment; 0 before the first line.
        lines: the number of the last line.
        end: where that ends in its segment, its line break counted.
        head: the SHA-256 of that line, in hex; zeros if there was none.
        time: when it was signed, in UTC, as ISO 8601.
        key: the fingerprint of the key.
        signature: Ed25519, of `message`, in hex.
    """

    log: str
    segment: int
    lines: int
    end: int
    head: str
    time: str
    key: str
    signature: str = ""

    @property
    def message(self) -> bytes:
        """What is signed."""
        fields = (self.log, self.segment, self.lines, self.end, self.head, self.time, self.key)
        return "\n".join([_DOMAIN, *map(str, fields)]).encode()

    def signed(self, signer: AuditKey) -> SignedHead:
        """Return it with a signature."""
        return replace(self, signature=signer.sign(self.message).hex())

    def is_signed_by(self, key: AuditPublicKey) -> bool:
        """Tell whether the signature is good."""
        try:
            signature = bytes.fromhex(self.signature)
        except ValueError:
            return False
        return self.key == key.fingerprint and key.verifies(self.message, signature)


_decode = Decoder(SignedHead).decode


def read(folder: Path) -> SignedHead | None:
    """Return the head of a log, if there is one; its signature is not checked.

    Raises:
        ValueError: the file is not as it was written; the message says why.
        ConfigError: the system does not let it be read.
    """
    try:
        with reading(folder / FILE) as file:
            content = file.read(_LARGEST)
    except NotRegularError as error:
        raise ValueError(f"the head cannot be read: {reason_of(error)}") from error
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return _decode(content)
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("the head is not as it was written") from error


def write(folder: Path, head: SignedHead) -> None:
    """Replace the head of a log; the caller holds the log's lock.

    Raises:
        IncompleteError: it cannot be written.
    """
    new = folder / f"{FILE}.new"
    with translated(folder / FILE):
        with contextlib.suppress(FileNotFoundError):
            new.unlink()
        try:
            with os.fdopen(opened(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
                file.write(json.dumps(to_builtins(head), indent=2).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            new.replace(folder / FILE)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
        keep_names(folder)
