"""The OpenPGP keys of a key folder: partners' public keys, and key pairs of our own.

keys/                        0700
├── recipients/              0700
│   ├── NAME.asc             0600   a certificate: a partner's, or the public part of our own
│   └── NAME.fingerprint     0600   what it was when it was imported: the pin
└── gnupg/                   0700   a GnuPG home with the secret parts of our own

A certificate whose fingerprint is not the pinned one is never used: somebody exchanged the file.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from piienc.base.files import make_private_folder, new_file
from piienc.base.printable import command
from piienc.base.trust import open_trusted, require_private
from piienc.errors import KeyAccessError, PgpError, PolicyError
from piienc.keys import names
from piienc.keys.openpgp import gpg
from piienc.keys.openpgp.certificate import (
    FINGERPRINT,
    normal_fingerprint,
    only_fingerprint,
    read_certificate,
    require_known,
)
from piienc.keys.openpgp.home import has_secret
from piienc.keys.openpgp.key import PgpKey, keys_in
from piienc.keys.openpgp.parameters import key_parameters
from piienc.keys.unlocker import Unlocker

if TYPE_CHECKING:
    import builtins
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from piienc.base.secret import SecretBytes
    from piienc.keys.openpgp.gpg import Gpg

_FOLDER, _CERTIFICATE = names.PGP
_PIN = ".fingerprint"


class PinnedCertificate(Struct, frozen=True):
    """A certificate as it is stored, in binary, with its pinned fingerprint."""

    name: str
    fingerprint: str
    certificate: bytes


class PgpFolder:
    """The OpenPGP keys in a key folder; nothing is read or made before a method is called.

    Attributes:
        path: where it is.
        unlocker: knows the passphrases of those of our own.
        home: of gpg, with the secret parts.
    """

    def __init__(self, path: Path, unlocker: Unlocker | None = None) -> None:
        self.path = path
        self.unlocker = unlocker or Unlocker()
        self.home = path / "gnupg"
        self._recipients = path / _FOLDER

    def generate(
        self,
        name: str,
        email: str,
        *,
        algorithm: str = "rsa3072",
        expires: str = "2y",
        real_name: str | None = None,
        passphrase: SecretBytes | None = None,
    ) -> PgpKey:
        """Make a key pair: a primary key that signs, and a subkey that is encrypted to.

        Args:
            name: its name in the key folder.
            email: for its user id.
            algorithm: one of `piienc.keys.openpgp.parameters.ALGORITHMS`.
            expires: days, weeks, months or years as in `2y`, or `never`.
            real_name: for its user id; None takes the name.
            passphrase: protects the secret keys; None leaves them in clear.

        Raises:
            UsageError: the name, the address or the expiry cannot be one.
            PolicyError: there is a key of that name.
            KeyAccessError: others may enter the folder, or gpg cannot take the passphrase.
            PgpError: gpg failed.
        """
        names.require_free(self.path, name)
        parameters = key_parameters(real_name or name, email, algorithm, expires, passphrase)
        self._make_folders()
        make_private_folder(self.home)
        with gpg.home_of(self.home) as session:
            generated = session.gen_key(parameters)
            if not generated.fingerprint:
                gpg.require_room(generated.stderr, self.home)
                raise PgpError("gpg made no key", hint="see 'gpg --version'")
            armored = session.export_keys(generated.fingerprint)
        self._keep(name, generated.fingerprint, armored.encode(), overwrite=False)
        (key,) = self.load([name])
        return key

    def take(
        self,
        name: str,
        data: bytes,
        *,
        fingerprint: str | None = None,
        secret: bool = False,
        overwrite: bool = False,
    ) -> PgpKey:
        """Import a certificate and pin its fingerprint; one that is there already is renewed.

        Args:
            name: its name in the key folder.
            data: the key file, armored or binary.
            fingerprint: what the file must hold; None takes what it holds.
            secret: the file holds a secret key, and it shall be kept too.
            overwrite: another key of that name may be replaced.

        Raises:
            UsageError: the name or the fingerprint cannot be one.
            PolicyError: there is another key of that name, or the file holds secret keys.
            KeyAccessError: the file holds no key, several, not the one that was named, or one that
                gpg cannot use.
        """
        expected = normal_fingerprint(fingerprint) if fingerprint is not None else None
        binary = read_certificate(data)
        with gpg.keyring(self.home, []) as session:
            listing = session.scan_keys_mem(binary)
            gpg.require_room(listing.stderr, gpg.TEMPORARY)
            require_known([key["algo"] for key in listing], listing.stderr)
            kinds, fingerprints = {key["type"] for key in listing}, listing.fingerprints
        mine = only_fingerprint(fingerprints)
        if expected and mine != expected:
            raise KeyAccessError(
                f"the file holds the key {mine}, and not {expected}",
                hint="do not use it; ask the key's owner, by another way, which one is right",
            )
        if "sec" in kinds and not secret:
            raise PolicyError(
                "the file holds a secret key, and only its public part is needed here",
                hint="ask for the public key; if the key is your own, say --with-secret",
            )
        overwrite = self._may_replace(name, mine, overwrite=overwrite)
        self._make_folders()
        public: bytes | str = binary
        if "sec" in kinds:
            make_private_folder(self.home)
            with gpg.home_of(self.home) as session:
                gpg.require_room(session.import_keys(binary).stderr, self.home)
                public = session.export_keys(mine)
        before = [self._read(name).certificate] if overwrite and self._pin_of(name) == mine else []
        with gpg.keyring(self.home, before) as session:
            # Into what is there already: a revocation that was seen once stays.
            session.import_keys(public)
            armored = session.export_keys(mine)
        if not armored:
            raise KeyAccessError(
                f"the key {mine} is broken, or its owner has not signed it",
                hint="ask its owner to export it again",
            )
        self._keep(name, mine, armored.encode(), overwrite=overwrite)
        (key,) = self.load([name])
        if "sec" in kinds and not key.secret:
            raise PgpError(
                f"gpg took the public part of {name}, and not the secret one",
                hint="export it anew: 'gpg --export-secret-keys --armor'",
            )
        return key

    def export(self, name: str) -> str:
        """Return a certificate, armored, to be sent to a partner: the pinned one, and no other.

        Raises:
            UsageError: the name cannot be one.
            KeyAccessError: it is missing, broken, or not the key that was pinned.
        """
        with opened(self, [name]) as (session, known):
            armored: str = session.export_keys(known[name].fingerprint)
        return armored

    def list(self) -> builtins.list[PgpKey]:
        """Return all keys, by name.

        Raises:
            KeyAccessError: others may enter the folder, or a file is broken or not as pinned.
        """
        return self.load(self.names())

    def names(self) -> builtins.list[str]:
        """Return the names of the keys, sorted."""
        if not self._recipients.is_dir():
            return []
        require_private(self.path)
        require_private(self._recipients)
        stems = (path.stem for path in self._recipients.glob(f"*{_CERTIFICATE}"))
        return sorted(name for name in stems if names.is_name(name))

    def pinned_names(self) -> builtins.list[str]:
        """Return the names of the keys that have a pin, sorted; others are never used."""
        return [name for name in self.names() if self._pin_of(name)]

    def names_of(self, fingerprints: Collection[str]) -> builtins.list[str]:
        """Return the names under which keys are pinned."""
        return [name for name in self.names() if self._pin_of(name) in fingerprints]

    def load(self, selected: Iterable[str]) -> builtins.list[PgpKey]:
        """Return keys by their names, in that order, and as they are now.

        Raises:
            UsageError: a name cannot be one.
            KeyAccessError: one is missing, broken, or not the key that was pinned.
        """
        selected = list(selected)
        if not selected:
            return []
        with opened(self, selected) as (_, known):
            return [known[name] for name in selected]

    def known(self, session: Gpg, pinned: Iterable[PinnedCertificate]) -> builtins.list[PgpKey]:
        """Return what a session's gpg knows of stored certificates."""
        listed = {key.fingerprint: key for key in keys_in(session.list_keys())}
        keys = []
        for stored in pinned:
            key = listed.get(stored.fingerprint)
            if key is None:
                raise self._unusable(session, stored)
            secrets = [part for part in key.parts if has_secret(self.home, part.keygrip)]
            mine = tuple(part.key_id for part in secrets)
            keys.append(replace(key, name=stored.name, secrets=mine))
        return keys

    def _unusable(self, session: Gpg, stored: PinnedCertificate) -> KeyAccessError:
        """Tell a certificate that was exchanged from one that is not of the past yet."""
        # gpg takes in no key that was made later than its clock says, unless it is told to.
        late = ["--no-autostart", "--ignore-time-conflict"]
        imported = session.import_keys(stored.certificate, extra_args=late)
        if stored.fingerprint in imported.fingerprints:
            return KeyAccessError(
                f"the key {stored.name} was created in the future by this machine's clock",
                hint="set the clock right and run the same command again",
            )
        return KeyAccessError(
            f"{self._file(stored.name)} does not hold the key that is pinned: {stored.fingerprint}",
            hint="somebody exchanged it: ask its owner, then import the right one anew",
        )

    def pinned(self, selected: Iterable[str]) -> builtins.list[PinnedCertificate]:
        """Return stored certificates by their names."""
        return [self._read(name) for name in selected]

    def _read(self, name: str) -> PinnedCertificate:
        names.require_name(name)
        known = self.names()
        path = self._file(name)
        if name not in known:
            raise names.missing(name, path, known)
        pin = self._pin_of(name)
        if not pin:
            take = command("piienc", "keys", "import-pgp", name, "FILE")
            raise KeyAccessError(
                f"{path} was put there by hand: no fingerprint is pinned for it",
                hint=f"move it away, and take it in from there: {take}",
            )
        return PinnedCertificate(name, pin, read_certificate(_text(path).encode()))

    def _pin_of(self, name: str) -> str | None:
        path = self._file(name).with_name(f"{name}{_PIN}")
        if not path.is_file():
            return None
        pin = _text(path).strip()
        return pin if FINGERPRINT.fullmatch(pin) else None

    def _may_replace(self, name: str, fingerprint: str, *, overwrite: bool) -> bool:
        """Tell whether a file is replaced; refuse to replace another key unasked."""
        if name not in self.names():
            names.require_free(self.path, name)
            return False
        if self._pin_of(name) != fingerprint and not overwrite:
            raise PolicyError(
                f"there is another key {name} already: {self._pin_of(name) or 'without a pin'}",
                hint="if its owner has told you of the new key, by another way, say --force",
            )
        return True

    def _keep(self, name: str, fingerprint: str, armored: bytes, *, overwrite: bool) -> None:
        path = self._file(name)
        # First the pin: without it, a certificate is not used.
        with new_file(path.with_name(f"{name}{_PIN}"), overwrite=True, kept=True) as file:
            file.write(f"{fingerprint}\n".encode())
        with new_file(path, overwrite=overwrite, kept=True) as file:
            file.write(armored)

    def _make_folders(self) -> None:
        make_private_folder(self.path)
        make_private_folder(self._recipients)

    def _file(self, name: str) -> Path:
        return self._recipients / f"{name}{_CERTIFICATE}"


@contextlib.contextmanager
def opened(folder: PgpFolder, selected: Iterable[str]) -> Iterator[tuple[Gpg, dict[str, PgpKey]]]:
    """Run gpg on some keys of a key folder.

    Yields:
        The session, and what it knows of the keys, by name.

    Raises:
        KeyAccessError: one is missing, broken, or not the key that was pinned.
        PgpError: gpg does not run.
    """
    pinned = folder.pinned(dict.fromkeys(selected))
    # The same key under another name may be the newer copy, with a revocation.
    copies = folder.pinned(folder.names_of({stored.fingerprint for stored in pinned}))
    with gpg.keyring(folder.home, [stored.certificate for stored in copies]) as session:
        yield session, {key.name: key for key in folder.known(session, pinned)}


def _text(path: Path) -> str:
    with open_trusted(path, secret=True) as file:
        return file.read().decode("ascii", "replace")
