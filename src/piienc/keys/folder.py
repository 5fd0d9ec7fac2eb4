"""The key folder: AES keysets by name, kept so that only their owner can read them.

keys/               0700
└── aes/            0700
    └── NAME.json   0600   a Tink JSON keyset, wrapped by a passphrase or in clear
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.base.files import make_private_folder, new_file, reading
from piienc.base.trust import open_trusted, require_private
from piienc.errors import KeyAccessError
from piienc.keys import tink
from piienc.keys.names import is_name, missing, require_free, require_name
from piienc.keys.unlocker import Unlocker
from piienc.keys.wraps import WRAPS, wrap_of
from piienc.keys.wraps.passphrase import wrap

if TYPE_CHECKING:
    import builtins
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from piienc.base.secret import SecretBytes
    from piienc.keys.keyset import KeyFacts, Keyset, Mode

_MAX_FILE_SIZE = 1 << 20
_SUFFIX = ".json"


class KeyInfo(Struct, frozen=True):
    """What may be shown of a key in the folder.

    Attributes:
        name: the name the schema calls it by.
        mode: searchable or sealed.
        primary_id: the id of the key that encrypts.
        keys: the keys of the set, with id, status, prefix and bits.
        wrap: the one of `WRAPS` that it is locked by; None for one in clear.
    """

    name: str
    mode: Mode
    primary_id: int
    keys: tuple[KeyFacts, ...]
    wrap: str | None


class KeyFolder:
    """The AES keysets in a key folder; nothing is read or made before a method is called.

    Attributes:
        path: where it is.
        unlocker: opens those that are locked, and keeps what is open.
    """

    def __init__(self, path: Path, unlocker: Unlocker | None = None) -> None:
        self.path = path
        self.unlocker = unlocker or Unlocker()
        self._aes = path / "aes"

    def create(self, name: str, keyset: Keyset, passphrase: SecretBytes | None) -> Path:
        """Keep a new keyset, in clear if there is no passphrase; make the folder if needed.

        Returns:
            The path of the key file.

        Raises:
            UsageError: the name cannot be one.
            PolicyError: there is a key of that name; a key is never overwritten.
            KeyAccessError: the passphrase is empty, or others may enter the folder.
            ConfigError, IncompleteError: the folder or the file cannot be written.
        """
        require_free(self.path, name)
        path = self._file(name)
        # An empty passphrase is false too, but it is an error and never means "in clear".
        document = tink.dump(keyset) if passphrase is None else wrap(keyset, passphrase)
        make_private_folder(self.path)
        make_private_folder(self._aes)
        with new_file(path, kept=True) as file:
            file.write(document.encode())
        return path

    def load(self, name: str) -> Keyset:
        """Open a keyset; one that is open is not read again.

        Raises:
            UsageError: the name cannot be one.
            KeyAccessError: there is no such key, it is locked, malformed or too large, the
                passphrase is not its own, or others may read it.
        """
        keysets, path = self.unlocker.opened, self._file(name)
        if path not in keysets:
            keysets[path] = self._open(name, self._existing(name))
        return keysets[path]

    def list(self) -> builtins.list[KeyInfo]:
        """Return what may be shown of each key, by name; no passphrase is needed.

        Raises:
            KeyAccessError: there is no folder, others may enter it, or a key file is
                malformed, too large or not private.
        """
        return [self._info(name, self._file(name)) for name in self.names()]

    def names(self) -> builtins.list[str]:
        """Return the names of the keys, sorted.

        Raises:
            KeyAccessError: there is no folder, or others may enter it.
        """
        self._require_folder()
        with _readable(self._aes):
            files = [path for path in self._aes.glob(f"*{_SUFFIX}") if path.is_file()]
        names = (path.name.removesuffix(_SUFFIX) for path in files)
        return sorted(name for name in names if is_name(name))

    def info(self, name: str) -> KeyInfo:
        """Return what may be shown of a key; no passphrase is needed.

        Raises:
            KeyAccessError: it is not there, or its file is malformed, too large or not private.
        """
        return self._info(name, self._existing(name))

    def _open(self, name: str, path: Path) -> Keyset:
        document = _read(path)
        kind = wrap_of(document)
        if kind is None:
            with _located(path):
                return tink.parse(document)
        secret = WRAPS[kind].secret(self.unlocker, name, path)
        with _located(path):
            return WRAPS[kind].unwrap(document, secret)

    @staticmethod
    def _info(name: str, path: Path) -> KeyInfo:
        document = _read(path)
        kind = wrap_of(document)
        with _located(path):
            facts = WRAPS[kind].facts(document) if kind else tink.parse(document).facts
        return KeyInfo(name, facts.mode, facts.primary_id, facts.keys, kind)

    def _file(self, name: str) -> Path:
        require_name(name)
        return self._aes / f"{name}{_SUFFIX}"

    def _existing(self, name: str) -> Path:
        path = self._file(name)
        names = self.names()
        if name not in names:
            raise missing(name, path, names)
        return path

    def _require_folder(self) -> None:
        with _readable(self.path):
            if not self.path.is_dir():
                raise KeyAccessError(
                    f"there is no key folder {self.path}",
                    hint="name it with --keys, or make a key: 'piienc keys generate-aes'",
                )
            require_private(self.path)
            if self._aes.is_dir():
                require_private(self._aes)


def _read(path: Path) -> str:
    with _readable(path), open_trusted(path, secret=True) as file:
        data = file.read(_MAX_FILE_SIZE + 1)
    if len(data) > _MAX_FILE_SIZE:
        raise KeyAccessError(f"{path} is larger than {_MAX_FILE_SIZE} bytes: no key file is")
    # What is not UTF-8 is no JSON either, and is told so without being quoted.
    return data.decode("utf-8", "replace")


def _readable(path: Path) -> AbstractContextManager[None]:
    return reading(path, "check the path and who owns it", KeyAccessError)


@contextlib.contextmanager
def _located(path: Path) -> Iterator[None]:
    try:
        yield
    except KeyAccessError as error:
        raise KeyAccessError(f"{path}: {error}", hint=error.hint) from None
