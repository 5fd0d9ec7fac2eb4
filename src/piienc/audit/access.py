"""Errors for what the system refuses: that is no forgery, and no break is recorded for it."""

from __future__ import annotations

import errno
import os
import pwd
import stat
from pathlib import Path

from piienc.base.files import NO_ROOM
from piienc.base.printable import command
from piienc.errors import ConfigError, IncompleteError

_DENIED = frozenset({errno.EACCES, errno.EPERM})
_HINTS = {
    errno.EMFILE: "raise the limit of open files (ulimit -n) and run the same command again",
    errno.ENFILE: "the system has too many files open: run the same command again later",
}
_UNTOUCHED = "without it no key is used and no file is touched; "


def unreadable(path: Path, error: OSError) -> ConfigError:
    """Return the error of a file or folder of the log that is there and cannot be read."""
    reason, hint = _explained(path, error)
    return ConfigError(
        f"cannot read {path}: {reason}",
        hint=hint or "nothing was written into the log: see to the disk that it is on",
    )


def unkept(folder: Path, error: OSError) -> ConfigError | IncompleteError:
    """Return the error of a log that cannot be kept in a folder."""
    path = Path(os.fsdecode(error.filename)) if error.filename else folder
    reason, remedy = _explained(path, error)
    where = f"{path}: {reason}" if error.filename else reason
    message = f"cannot keep the audit log {folder}: {where}"
    if error.errno in NO_ROOM:
        hint = f"{_UNTOUCHED}make room on its disk, and run the same command again"
        return IncompleteError(message, hint=hint)
    remedy = remedy or "name a folder that may be written to: --state DIR or PIIENC_STATE"
    return ConfigError(message, hint=_UNTOUCHED + remedy)


def user_name(number: int) -> str:
    """Return the name of a user; the number where it has none."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _explained(path: Path, error: OSError) -> tuple[str, str | None]:
    """Return the reason of an error, with the owner of what is denied to this user; a remedy."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    if error.errno not in _DENIED or (existing := _seen(path)) is None:
        return reason, _HINTS.get(error.errno or 0)
    ancestor, facts = existing
    is_folder = stat.S_ISDIR(facts.st_mode)
    name = "it" if ancestor == path else f"{ancestor}"
    reason += f"; {name} belongs to {user_name(facts.st_uid)}"
    if facts.st_uid == os.geteuid():
        return reason, command("chmod", "u+rwx" if is_folder else "u+rw", ancestor)
    options = ["-R"] if is_folder else []
    return reason, command("sudo", "chown", *options, user_name(os.geteuid()), ancestor)


def _seen(path: Path) -> tuple[Path, os.stat_result] | None:
    """Return what denies a path: it, or the folder that may not be entered; None if it is free."""
    for ancestor in (path, *path.parents):
        try:
            return ancestor, ancestor.lstat()
        except PermissionError:
            continue
        except OSError:
            return None
    return None
