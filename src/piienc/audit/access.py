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
    reason, hint = _of(path, error) or (_reason(error), _HINTS.get(error.errno or 0))
    return ConfigError(
        f"cannot read {path}: {reason}",
        hint=hint or "nothing was written into the log: see to the disk that it is on",
    )


def unkept(folder: Path, error: OSError) -> ConfigError | IncompleteError:
    """Return the error of a log that cannot be kept in a folder."""
    path = Path(os.fsdecode(error.filename)) if error.filename else folder
    reason, remedy = _of(path, error) or (_reason(error), _HINTS.get(error.errno or 0))
    where = f"{path}: {reason}" if error.filename else reason
    message = f"cannot keep the audit log {folder}: {where}"
    if error.errno in NO_ROOM:
        hint = f"{_UNTOUCHED}make room on its disk, and run the same command again"
        return IncompleteError(message, hint=hint)
    remedy = remedy or "name a folder that may be written to: --state DIR or PIIENC_STATE"
    return ConfigError(message, hint=_UNTOUCHED + remedy)


def _of(path: Path, error: OSError) -> tuple[str, str] | None:
    """Return reason and remedy of what is there and denied to this user; None for all else."""
    if error.errno not in _DENIED or (existing := _seen(path)) is None:
        return None
    ancestor, facts = existing
    is_folder = stat.S_ISDIR(facts.st_mode)
    name = "it" if ancestor == path else f"{ancestor}"
    reason = f"{_reason(error)}; {name} belongs to {_name_of(facts.st_uid)}"
    if facts.st_uid == os.geteuid():
        return reason, command("chmod", "u+rwx" if is_folder else "u+rw", ancestor)
    options = ["-R"] if is_folder else []
    return reason, command("sudo", "chown", *options, _name_of(os.geteuid()), ancestor)


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


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)


def _name_of(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
