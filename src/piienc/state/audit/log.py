"""Lines are appended: chained, on the disk, and under a signed head."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from piienc.errors import AuthenticationError, ConfigError
from piienc.files import PRIVATE_FILE, make_private_folder, require_private, translated
from piienc.state.audit import head as heads
from piienc.state.audit.head import Head, Mark
from piienc.state.audit.tail import Tail, lines_before, tail_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from piienc.state.audit.head import Signer

FILE = "audit.jsonl"
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


class AuditLog:
    """The log of a state folder; several processes may append to it at once."""

    def __init__(self, folder: Path, signer: Callable[[], Signer | None]) -> None:
        """Say where the log is, and who signs: asked at each append, while the log is held."""
        self.folder = folder
        self.path = folder / FILE
        self._signer = signer

    def append(self, facts: dict[str, Any]) -> Mark:
        """Append a line and sign the new head; both are on the disk when this returns.

        Args:
            facts: what the line says, beside number, time and chain.

        Returns:
            The place that the log has come to.

        Raises:
            ConfigError: the state folder cannot be used.
            KeyAccessError: others than their owner may read the log, or the signing key.
            AuthenticationError: the log is not the one that was signed; nothing is appended, so
                that no signature covers it up.
            IncompleteError: the line or the head cannot be written.
        """
        with self._held() as descriptor:
            tail = tail_of(descriptor)
            known = heads.read(self.folder)
            for head in known.values():
                self._require(head.lines <= tail.number and _ends_at(descriptor, head))
            signer = self._signer()
            behind = self._catch_up(descriptor, tail, known, signer) if signer else 0
            line = _line(facts, tail, signer.fingerprint if signer else None, behind)
            begin = os.fstat(descriptor).st_size + (not tail.closed)
            with translated(self.path):
                _write(descriptor, b"\n" * (not tail.closed) + line + b"\n")
                if begin == 0:
                    _keep_name(self.folder)
            mark = Mark(tail.number + len(tail.torn) + 1, hashlib.sha256(line).hexdigest())
            if signer:
                self._sign(known, mark, begin + len(line), signer)
        return mark

    def _catch_up(self, descriptor: int, tail: Tail, known: dict[str, Head], signer: Signer) -> int:
        """Hold the lines behind the key's last head against it; return how many there are."""
        own = known.get(signer.fingerprint)
        if own is not None:
            self._require(own.is_signed_by(signer))
        if tail.end != (own.end if own else 0):
            self._require(_follow(descriptor, own, tail, signer.fingerprint))
        if own is None:
            # Before the first line that says so, so that a head that is missing was removed.
            self._require(tail.signer != signer.fingerprint)
            self._sign(known, Mark(tail.number, tail.head), tail.end, signer)
        return tail.number - (own.lines if own else 0)

    def _sign(self, known: dict[str, Head], mark: Mark, end: int, signer: Signer) -> None:
        head = Head(mark.lines, end, mark.head, _now(), signer.fingerprint)
        known[signer.fingerprint] = head.signed(signer)
        heads.write(self.folder, known)

    def _require(self, sound: bool) -> None:  # noqa: FBT001  # it reads as a sentence
        if not sound:
            raise AuthenticationError(
                f"the audit log {self.path} is not the one that was signed",
                hint="see 'piienc audit verify'; to begin a new log, move audit.jsonl and "
                "audit.head away, and keep them",
            )

    @contextlib.contextmanager
    def _held(self) -> Iterator[int]:
        """Open the log, and wait until no other process appends to it."""
        try:
            make_private_folder(self.folder)
            descriptor = os.open(self.path, _FLAGS, PRIVATE_FILE)
        except (OSError, ConfigError) as error:
            reason = os.strerror(error.errno or 0) if isinstance(error, OSError) else error
            raise ConfigError(
                f"cannot keep the audit log {self.path}: {reason}",
                hint="without it no key is used and no file is touched; name a folder that may "
                "be written to: --state DIR or PIIENC_STATE",
            ) from error
        try:
            require_private(self.path)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)


def _line(facts: dict[str, Any], tail: Tail, signer: str | None, behind: int) -> bytes:
    chain: dict[str, Any] = {
        "line": tail.number + len(tail.torn) + 1,
        "prev": tail.head,
        "signer": signer,
        "time": _now(),
    }
    if tail.torn:
        chain["torn"] = tail.torn
    if behind:
        chain["behind"] = behind
    return json.dumps(chain | facts, separators=(",", ":")).encode("ascii")


def _ends_at(descriptor: int, head: Head) -> bool:
    """Tell whether the line that a head was of ends where it did, and is the same."""
    if head.lines == 0:
        return True
    line, _ = next(lines_before(descriptor, head.end), (b"", 0))
    return hashlib.sha256(line).hexdigest() == head.head


def _follow(descriptor: int, head: Head | None, tail: Tail, key: str) -> bool:
    """Tell whether the lines behind a head follow it and each other, up to the tail."""
    from piienc.state.audit.chain import BrokenChain, Chain  # noqa: PLC0415  # start-up

    chain = Chain(head.lines, head.head) if head else Chain()
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(head.end + 1 if head and head.lines else 0)
        try:
            for line in file:
                link = chain.take(line.removesuffix(b"\n"))
                if head is None and link is not None and link.signer == key:
                    return False
        except BrokenChain:
            return False
    return (chain.number, chain.head) == (tail.number, tail.head)


def _write(descriptor: int, data: bytes) -> None:
    """Write all of it to the disk, or nothing."""
    size = os.fstat(descriptor).st_size
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, size)
        raise


def _keep_name(folder: Path) -> None:
    """See to it that a power cut does not take the name of a new file."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
