"""What all functions take: where things are, what is read and written, and a passphrase."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, cast

from piienc import settings
from piienc.base.secret import SecretBytes
from piienc.errors import PiiencError, UsageError
from piienc.keys import KeyFolder, Unlocker
from piienc.storage import source_at, target_at

if TYPE_CHECKING:
    from piienc.audit.entry import AuditEntry
    from piienc.keys import Keyset
    from piienc.schema import Schema
    from piienc.settings import Settings
    from piienc.storage import Source, Target

PathLike = str | os.PathLike[str]
Passphrase = str | bytes | SecretBytes | Unlocker | None
"""The passphrase of the keys, or what asks for it; None if they have none."""

OnWarning = Callable[[str], object]
"""Called with a sentence if the audit log is not as it was written."""


OnRetry = Callable[[PiiencError, float], object]
"""Called with the error after which something is tried again, and the seconds until then."""

OnLine = Callable[[str], object]
"""Called with a line for people."""


class Shared(TypedDict):
    """What every function takes."""

    keys: PathLike | None
    state: PathLike | None
    config: PathLike | None
    passphrase: Passphrase
    on_warning: OnWarning


class RemoteShared(Shared):
    """What every function takes that connects to a destination."""

    identity: PathLike | None
    known_hosts: PathLike | None
    password_file: PathLike | None
    on_retry: OnRetry | None
    on_debug: OnLine | None


def settings_of(keys: PathLike | None, state: PathLike | None, config: PathLike | None) -> Settings:
    """Return where things are: argument, variable, file, default."""
    return settings.load(keys=path_of(keys), state=path_of(state), config=path_of(config))


def source_of(source: PathLike | Source) -> Source:
    """Return what is read: a source, or what is at a path or a URL."""
    if isinstance(source, str | os.PathLike) or not hasattr(source, "opened"):
        return source_at(cast("PathLike", source))
    return source


def target_of(target: PathLike | Target) -> Target:
    """Return what is written: a target, or what is at a path or a URL."""
    if isinstance(target, str | os.PathLike) or not hasattr(target, "opened"):
        return target_at(cast("PathLike", target))
    return target


def ends(source: Source, target: Target) -> list[tuple[str, str]]:
    """Return what is read and written, by name, for the audit log."""
    return [("input", source.name), ("output", target.name)]


def path_of(path: PathLike | None) -> Path | None:
    """Return a path, if there is one."""
    return None if path is None else Path(path)


def require_one_of(name: str, value: object, known: Iterable[str]) -> None:
    """Refuse another value of an argument than the known ones.

    Raises:
        UsageError: it is another one.
    """
    known = [*known]
    if value not in known:
        raise UsageError(f"{name} cannot be {value!r}", hint=f"give {' or '.join(known)}")


def schema_of(path: PathLike | None) -> Schema | None:
    """Return the schema of a file, if there is one."""
    if path is None:
        return None
    from piienc import schema  # noqa: PLC0415  # start-up

    return schema.load(Path(path))


def unlocker_of(passphrase: Passphrase) -> Unlocker:
    """Return what opens the keys.

    Raises:
        UsageError: the passphrase is empty.
    """
    if passphrase is None:
        return Unlocker()
    if isinstance(passphrase, Unlocker):
        return passphrase
    if isinstance(passphrase, str):
        passphrase = passphrase.encode()
    secret = passphrase if isinstance(passphrase, SecretBytes) else SecretBytes(passphrase)
    if not len(secret):
        raise UsageError("the passphrase is empty", hint="give None for keys that have none")
    return Unlocker(lambda _: secret)


def keyring(settings: Settings, unlocker: Unlocker, entry: AuditEntry) -> Callable[[str], Keyset]:
    """Return a function that finds a keyset by its name, and records its use in the audit log."""
    folder = KeyFolder(settings.keys_dir, unlocker)

    def load(name: str) -> Keyset:
        entry.key(name)
        keyset = folder.load(name)
        entry.key(name, (key.key_id for key in keyset.keys))
        return keyset

    return load
