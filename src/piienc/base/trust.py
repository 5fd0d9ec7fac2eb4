"""Whose files count: what tells piienc what to do belongs to who runs it, or to root.

A configuration decides what is run and whose keys are used, so one that a stranger has put there,
or could exchange, is refused. That is decided here alone, for the file and for each folder and link
on the way to it. `PIIENC_TRUST`, or `trust` in `~/.config/piienc/config.toml`, names folders where
the files of others count, too. Data that is read and written needs none of this.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import stat
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from piienc.base.home import if_at_home
from piienc.base.walk import MOST_LINKS, PathStep, walked
from piienc.errors import ConfigError, KeyAccessError, PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from piienc.base.walk import PathWalk

VARIABLE = "PIIENC_TRUST"

_ALL = "*"
_ROOT = 0
_PROJECT = ("piienc.toml", ".git")  # what tells the folder of a project


def require_trusted(path: Path) -> None:
    """Refuse a file or folder that is not the user's or root's, or that others may change.

    Raises:
        PolicyError: it belongs to somebody else, or others may write to it or exchange it.
        OSError: it is missing, or may not be looked at.
    """
    with walked(path) as walk:
        _judge(path, walk.steps, secret=False)


def require_private(path: Path) -> None:
    """Refuse what `require_trusted` does, and what anybody but its owner may read.

    Raises:
        KeyAccessError: its permissions are looser than 0600 or 0700.
        PolicyError: it belongs to somebody else, or others may exchange it.
        OSError: it is missing, or may not be looked at.
    """
    with walked(path) as walk:
        _judge(path, walk.steps, secret=True)


def open_trusted(path: Path, *, secret: bool = False) -> BinaryIO:
    """Open a file for reading if it can be trusted; what is opened is what was looked at.

    Args:
        path: a file, or a descriptor's name such as `/dev/fd/63`.
        secret: others than its owner may not read it either.

    Raises:
        KeyAccessError, PolicyError: see `require_private`.
        OSError: it is missing, or may not be read.
    """
    with walked(path) as walk:
        _judge(path, walk.steps, secret=secret)
        return _opened(walk, path)


def open_untrusted(path: Path) -> BinaryIO:
    """Open a file for reading that may be anybody's, if no link of a stranger leads to it.

    The rule is that of Linux's `protected_symlinks`, which is off in many containers: see proc(5).
    A link counts if it is the user's own, the folder's owner's, or where not everybody may write.

    Raises:
        PolicyError: somebody may have put a link there to have another file read.
        OSError: it is missing, or may not be read.
    """
    with walked(path, from_here=True) as walk:
        _refuse_strange(walk.steps)
        return _opened(walk, path)


def _opened(walk: PathWalk, path: Path) -> BinaryIO:
    return open(path, "rb", opener=lambda _, flags: os.open(walk.end, flags))


@contextlib.contextmanager
def held_name(path: Path) -> Iterator[Path]:
    """Hold the folder in which a name leads to something, or is free; links are followed.

    Yields:
        The name in that folder, while the block lasts, wherever the folder is moved meanwhile.

    Raises:
        PolicyError: a link of a stranger is on the way: see `open_untrusted`.
        OSError: the folder is missing, or may not be looked at.
    """
    for _ in range(MOST_LINKS):
        with walked(path.parent, from_here=True) as walk:
            _refuse_strange(walk.steps)
            final, folder = walk.end / path.name, walk.steps[-1]
            if not final.is_symlink():
                yield final
                return
            link = PathStep(os.path.join(folder.path, path.name), final.lstat(), walk.end.stat())  # noqa: PTH118  # text
            _refuse_strange([link])
            path = Path(folder.path) / final.readlink()
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


@contextlib.contextmanager
def held_folder(path: Path) -> Iterator[Path]:
    """Hold a folder itself: see `held_name`.

    Raises:
        PolicyError: a link of a stranger is on the way.
        OSError: it is missing, or may not be looked at.
    """
    with walked(path, from_here=True) as walk:
        _refuse_strange(walk.steps)
        yield walk.end


def _refuse_strange(steps: list[PathStep]) -> None:
    for step in steps:
        is_foreign = step.facts.st_uid not in {os.geteuid(), step.folder.st_uid}
        if not (step.is_link and is_foreign and _is_everybodys(step.folder)):
            continue
        if _trusted_around(Path(step.path).parent) is None:
            raise PolicyError(
                f"{step.path} is a symbolic link of {_name_of(step.facts.st_uid)} in a folder that "
                "everybody may write to",
                hint="name the file that is meant itself, or use a folder of your own",
            )


def _judge(path: Path, way: list[PathStep], *, secret: bool) -> None:
    faults = _faults(way)
    if faults:
        roots = _trusted_roots()
        faults = [fault for fault in faults if not _is_excused(way, fault[0], roots)]
    for step, why in faults:
        if _is_foreign(step.facts):  # or somebody would be told to change what is not his
            raise _refusal(path, step, why)
    last = way[-1]
    if secret and not last.is_link and last.facts.st_mode & _loose(last.facts):
        mode = stat.S_IMODE(last.facts.st_mode)
        raise KeyAccessError(
            f"{path} has mode {mode:04o}: others than its owner may get at it",
            hint=_closing(path, last.facts),
        )
    for step, why in faults:
        raise _refusal(path, step, why)


def _closing(path: Path, facts: os.stat_result) -> str:
    """Return how others are kept from a secret."""
    is_folder = stat.S_ISDIR(facts.st_mode)
    if os.geteuid() not in {_ROOT, facts.st_uid}:
        mode = 0o750 if is_folder else 0o440
        return f"have {_name_of(facts.st_uid)} set mode {mode:04o} (Kubernetes: defaultMode)"
    close = f"chmod {0o700 if is_folder else 0o600:04o} {shlex.quote(str(path))}"
    if is_folder and facts.st_mode & 0o022:
        return f"{close}; and look at what is in it, which others may have put there"
    return close


def _loose(facts: os.stat_result) -> int:
    """Return the permissions that a secret may not have."""
    # What root lets a group read, whoever runs as somebody else could not read otherwise.
    return 0o007 if facts.st_uid == _ROOT != os.geteuid() else 0o077


def _faults(way: list[PathStep]) -> list[tuple[PathStep, str]]:
    """Return the names that cannot be trusted, and why."""
    faults = [(step, _fault(step, is_last=step is way[-1])) for step in way]
    return [(step, why) for step, why in faults if why]


def _fault(step: PathStep, *, is_last: bool) -> str | None:
    facts, mode = step.facts, step.facts.st_mode
    if _is_foreign(facts):
        return f"belongs to {_name_of(facts.st_uid)}"
    if stat.S_ISLNK(mode) or (mode & stat.S_ISVTX and not is_last):
        return None  # in a sticky folder, only the owner of a name can exchange it
    if os.path.samestat(facts, os.stat(os.devnull)):  # noqa: PTH116  # beside another stat
        return None  # what is written to it, nobody reads
    if _is_everybodys(facts):
        return "may be written to by everybody"
    if mode & stat.S_IWGRP and not (_is_own_group(facts.st_gid) and not _has_acl(step.path)):
        return "may be written to by its group"
    return None


def _has_acl(path: str) -> bool:
    """Tell whether a list of others stands behind the group's permissions: acl(5)."""
    if not hasattr(os, "getxattr"):
        return False
    try:
        return bool(os.getxattr(path, "system.posix_acl_access", follow_symlinks=False))
    except OSError:
        return False


def _is_foreign(facts: os.stat_result) -> bool:
    return facts.st_uid not in {_ROOT, os.geteuid()}


def _is_own_group(number: int) -> bool:
    """Tell whether a group is the private one of the user, in which nobody else is."""
    import grp  # noqa: PLC0415  # start-up
    import pwd  # noqa: PLC0415  # start-up

    try:
        user, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(number)
    except KeyError:
        return False
    names = {each.pw_name for each in pwd.getpwall() if each.pw_uid == user.pw_uid}
    others = (each for each in pwd.getpwall() if each.pw_uid != user.pw_uid)
    return (
        user.pw_gid == number
        and group.gr_name in names
        and names.issuperset(group.gr_mem)
        and all(other.pw_gid != number for other in others)
    )


def _name_of(user: int) -> str:
    import pwd  # noqa: PLC0415  # start-up

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"uid {user}"


def _refusal(path: Path, step: PathStep, why: str) -> PolicyError:
    folder = _folder_to_trust(path, step)
    ways = []
    if not _is_foreign(step.facts) and os.geteuid() in {_ROOT, step.facts.st_uid}:
        ways.append(f"chmod go-w {shlex.quote(step.path)}")
    if not any(map(_is_everybodys, (folder.stat(), step.folder))):
        folders = [each for each in os.environ.get(VARIABLE, "").split(os.pathsep) if each]
        trust = shlex.quote(os.pathsep.join([*folders, str(folder)]))
        ways.append(f"if you trust who may change it: export {VARIABLE}={trust}")
    if not ways:
        ways = ["somebody may have planted it: use files and folders of your own"]
    direct = Path(step.path) == path.absolute()
    about = f"{path} {why}" if direct else f"{path} cannot be trusted: {step.path} {why}"
    return PolicyError(about, hint="; or, ".join(ways))


def _folder_to_trust(path: Path, step: PathStep) -> Path:
    """Return the folder which, if it is trusted, excuses a step: the project's, if there is one."""
    real = Path(os.path.realpath(path))
    if not real.is_relative_to(step.path):  # a link, or a folder that a link has led away from
        real = Path(step.path)
    folder = real if real.is_dir() and not real.is_symlink() else real.parent
    around = (folder, *folder.parents)
    projects = (each for each in around if any(os.path.lexists(each / n) for n in _PROJECT))
    return next(projects, folder)


def _is_everybodys(facts: os.stat_result) -> bool:
    return bool(facts.st_mode & stat.S_IWOTH)


def _trusted_around(path: Path) -> Path | None:
    """Return the folder around a path whose files the user trusts; None if there is none."""
    real = Path(os.path.realpath(path))
    return next((root for root in _trusted_roots() if real.is_relative_to(root)), None)


def _trusted_roots() -> list[Path]:
    """Return the folders, without links, whose files the user trusts.

    Raises:
        ConfigError: one is not named by its whole path, or in the home of nobody.
    """
    roots = []
    for entry in (*filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)), *_users_own()):
        folder = Path("/" if entry == _ALL else entry)
        folder = if_at_home(folder) or folder  # which is no whole path
        if not folder.is_absolute():
            raise ConfigError(
                f"a folder to trust is named by its whole path: {entry!r} is none",
                hint=f"export {VARIABLE}={shlex.quote(os.path.realpath(folder))}",
            )
        roots.append(Path(os.path.realpath(folder)))
    return roots


def _is_excused(way: list[PathStep], fault: PathStep, roots: list[Path]) -> bool:
    """Tell whether a step is in a folder that the user trusts, or the way leads on into one."""
    for root in roots:
        if Path(fault.path).is_relative_to(root):
            return True
        for step in way[way.index(fault) :]:
            if Path(step.path) == root:
                return True
            if not root.is_relative_to(step.path):
                break
    return False


def _users_own() -> list[str]:
    """Return the folders that the user's own settings name; none if those cannot be trusted."""
    home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    import tomllib  # noqa: PLC0415  # start-up

    folder = if_at_home(home)
    if folder is None:
        return []
    path = folder / "piienc" / "config.toml"
    try:
        with walked(path) as walk:
            if _faults(walk.steps):
                return []
            toml = tomllib.loads(walk.end.read_text("utf-8"))
    except OSError:
        return []
    except ValueError as error:
        raise ConfigError(f"{path} is no TOML: {error}") from None
    folders = toml.pop("trust", [])
    if toml or not isinstance(folders, list) or not all(isinstance(each, str) for each in folders):
        raise ConfigError(
            f"{path} has more than a list of folders to trust",
            hint='it may have one line: trust = ["/a/folder"]',
        )
    return folders
