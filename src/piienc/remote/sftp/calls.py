"""The requests to an SFTP server: one function for each, with refusals as errors."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from piienc.remote.names import OURS, taken
from piienc.remote.sftp import protocol
from piienc.remote.sftp.protocol import NO_ATTRIBUTES, attributes, string, u32
from piienc.remote.sftp.refusals import (
    disk_full,
    hidden_refusal,
    order_refusal,
    refusal,
    require_ok,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from piienc.errors import PiiencError
    from piienc.remote.remote import FileAttributes
    from piienc.remote.sftp.session import Answer, Session

_FULL = 256 << 10  # bytes: less room than for one block
_NOT_OFFERED = frozenset({protocol.PERMISSION_DENIED, protocol.UNSUPPORTED})


class OpenFile:
    """A file that is open at the server."""

    def __init__(self, session: Session, handle: bytes) -> None:
        self.session = session
        self.handle = handle
        self._closed = False

    def finish(self, doing: str, *, patience: float) -> FileAttributes | None:
        """Flush the file to disk within a number of seconds, and close it.

        Returns:
            The file's attributes; None if the server does not send them.
        """
        handle = string(self.handle)
        session, synced = self.session, None
        if protocol.FSYNC in session.extensions:
            body = (string(protocol.FSYNC), handle)
            synced = session.ask(protocol.EXTENDED, *body, patience=patience)
        facts = session.ask(protocol.FSTAT, handle, patience=patience)
        self._closed = True
        answer = session.ask(protocol.CLOSE, handle, patience=patience)
        if synced and session.wait(synced).code not in {protocol.OK, *_NOT_OFFERED}:
            raise refusal(synced, doing)
        require_ok(session.wait(answer), doing)
        return facts.attributes()

    def attributes(self) -> FileAttributes | None:
        """Return what is told of it; None if nothing is."""
        return self.session.call(protocol.FSTAT, string(self.handle)).attributes()

    def set_mode(self, mode: int) -> bool:
        """Set the file's permissions, despite the server's umask; return whether it has them."""
        fields = (string(self.handle), attributes(mode))
        if self.session.call(protocol.FSETSTAT, *fields).code == protocol.OK:
            return True
        facts = self.attributes()  # as it was made with them
        return facts is not None and facts.mode == mode

    def close(self) -> None:
        """Close the file, and wait until it is closed."""
        if not self._closed:
            self._closed = True
            self.session.call(protocol.CLOSE, string(self.handle))

    def leave(self) -> None:
        """Close the file after an error, without waiting for the answer."""
        if not self._closed:
            self._closed = True
            with contextlib.suppress(EOFError, OSError):
                self.session.ask(protocol.CLOSE, string(self.handle))


@contextlib.contextmanager
def opened(session: Session, path: str, doing: str, *, write: bool) -> Iterator[OpenFile]:
    """Open a file that is there."""
    flags = protocol.FOR_WRITING if write else protocol.FOR_READING
    answer = session.call(protocol.OPEN, string(path), u32(flags), NO_ATTRIBUTES)
    with closing(session, answer, doing) as file:
        yield file


@contextlib.contextmanager
def created(
    session: Session, path: str, name: str, *, mode: int | None = None, over: bool = False
) -> Iterator[OpenFile]:
    """Create a file, or with `over` put one in the place of another.

    Raises:
        NameTakenError: the name is taken.
    """
    doing = f"write {name}"
    if over:  # where that is refused, it is emptied
        session.call(protocol.REMOVE, string(path))
    flags = protocol.EMPTIED if over else protocol.ONLY_NEW
    flags |= protocol.FOR_WRITING | protocol.MADE
    answer = session.call(protocol.OPEN, string(path), u32(flags), attributes(mode))
    refused = answer.code in {protocol.FAILURE, protocol.TAKEN}
    if refused and not over and is_there(session, path):
        raise taken(name)
    if answer.code != protocol.OK:
        error = write_refusal(session, path, answer, doing)
        raise hidden_refusal(error) if name.startswith(OURS) else error
    with closing(session, answer, doing) as file:
        yield file


@contextlib.contextmanager
def closing(session: Session, answer: Answer, doing: str) -> Iterator[OpenFile]:
    """Give what an answer has opened, and close it behind the block."""
    require_ok(answer, doing)
    file = OpenFile(session, bytes(answer.fields(protocol.HANDLE).string()))
    try:
        yield file
    except BaseException:
        file.leave()
        raise
    file.close()


def stat(session: Session, path: str) -> FileAttributes | None:
    """Return what is told of a file; None if there is none."""
    answer = session.call(protocol.STAT, string(path))
    if answer.code == protocol.NO_SUCH_FILE:
        return None
    require_ok(answer, "look for the file")
    return answer.fields(protocol.ATTRS).facts()


def is_there(session: Session, path: str) -> bool:
    """Return whether a name is known to be taken, even by a dangling link."""
    return session.call(protocol.LSTAT, string(path)).kind == protocol.ATTRS


def is_missing(session: Session, path: str) -> bool:
    """Tell whether a file is known not to be there."""
    return session.call(protocol.STAT, string(path)).code == protocol.NO_SUCH_FILE


def rename(session: Session, old: str, new: str, final: str) -> None:
    """Rename a file to a name that must be free.

    Raises:
        NameTakenError: it is not.
    """
    # OpenSSH's rename never replaces. A stranger's may, so the name is looked for before.
    if is_there(session, new):
        raise taken(final)
    answer = session.call(protocol.RENAME, string(old), string(new))
    if answer.code in {protocol.FAILURE, protocol.TAKEN} and is_there(session, new):
        raise taken(final)
    _require_renamed(answer, final)


def replace(session: Session, old: str, new: str, final: str, aside: str) -> None:
    """Rename a file to a name that may be taken; `aside` is a name for the old file meanwhile."""
    if protocol.POSIX_RENAME in session.extensions:
        names = (string(protocol.POSIX_RENAME), string(old), string(new))
        _require_renamed(session.call(protocol.EXTENDED, *names), final)
        return
    # In two steps, so that the old file is lost at no moment.
    moved = session.call(protocol.RENAME, string(new), string(aside))
    if moved.code in {protocol.FAILURE, protocol.TAKEN} and remove(session, aside, final):
        # It was left by a run that was cut here; what is to be replaced now is newer.
        moved = session.call(protocol.RENAME, string(new), string(aside))
    if moved.code != protocol.NO_SUCH_FILE:
        _require_renamed(moved, final)
    answer = session.call(protocol.RENAME, string(old), string(new))
    if moved.code == protocol.OK and answer.code != protocol.OK:
        session.call(protocol.RENAME, string(aside), string(new))
    _require_renamed(answer, final)
    if moved.code == protocol.OK:
        remove(session, aside, final)


def remove(session: Session, path: str, name: str) -> bool:
    """Remove a file; tell whether there was one."""
    answer = session.call(protocol.REMOVE, string(path))
    if answer.code != protocol.NO_SUCH_FILE:
        require_ok(answer, f"remove {name}")
    return answer.code == protocol.OK


def may_remove(session: Session, path: str) -> bool:
    """Return whether files may be removed, by removing a name that does not exist."""
    return session.call(protocol.REMOVE, string(path)).code in {protocol.OK, protocol.NO_SUCH_FILE}


def require_writing(session: Session, path: str) -> None:
    """Refuse a server that takes no files at all, by one that cannot be made: below no folder.

    Raises:
        IncompleteError: it takes none.
    """
    flags = u32(protocol.FOR_WRITING | protocol.MADE | protocol.ONLY_NEW)
    answer = session.call(protocol.OPEN, string(f"{path}/none"), flags, NO_ATTRIBUTES)
    if answer.code in {protocol.PERMISSION_DENIED, protocol.WRITE_PROTECT}:
        raise refusal(answer, "write into the folder")


def room(session: Session, path: str) -> int | None:
    """Return how many bytes there is room for, if the server tells."""
    if protocol.STATVFS not in session.extensions:
        return None
    answer = session.call(protocol.EXTENDED, string(protocol.STATVFS), string(path))
    if answer.kind != protocol.EXTENDED_REPLY:
        return None
    fields = answer.fields(protocol.EXTENDED_REPLY)
    _, fragment, _, _, available = (fields.u64() for _ in range(5))
    return protocol.believed(fragment * available)


def limits(session: Session) -> Callable[[], tuple[int, int]]:
    """Ask how much one request may read and write, and do not wait for the answer.

    Returns:
        What waits for it: two numbers of bytes; 0 if it is not told.
    """
    if protocol.LIMITS not in session.extensions:
        return lambda: (0, 0)
    request = session.ask(protocol.EXTENDED, string(protocol.LIMITS))

    def answered() -> tuple[int, int]:
        answer = session.wait(request)
        if answer.kind != protocol.EXTENDED_REPLY:
            return 0, 0
        fields = answer.fields(protocol.EXTENDED_REPLY)
        _, reading, writing = (fields.u64() for _ in range(3))
        return reading, writing

    return answered


def write_refusal(
    session: Session, path: str, answer: Answer, doing: str, *, once: bool = True
) -> PiiencError:
    """Return the error for a refused write; OpenSSH gives no reason for a full disk.

    Args:
        session: asked for the free space.
        path: the path of the file.
        answer: the refusal.
        doing: the operation, as in "cannot DOING".
        once: the file was written in one go, so the order of writes is not the cause.
    """
    if answer.code == protocol.FAILURE:
        free = room(session, path.rpartition("/")[0] or "/")
        if free is not None and free < _FULL:
            return disk_full(doing, free)
    return refusal(answer, doing) if once else order_refusal(answer, doing)


def _require_renamed(answer: Answer, final: str) -> None:
    if answer.code != protocol.OK:
        raise hidden_refusal(refusal(answer, f"rename a file to {final}"))
