"""What is checked before a file is wrapped or sent: keys, names and the receiver's demands."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, BinaryIO

from piienc.base.printable import command
from piienc.base.regex import found_in, whole
from piienc.errors import KeyAccessError, PolicyError
from piienc.keys.openpgp import home
from piienc.keys.openpgp.armor import peeked
from piienc.openpgp.packets import is_openpgp, read_message
from piienc.storage.content import COMPRESSED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from piienc.base.secret import SecretBytes
    from piienc.keys.openpgp.folder import PgpFolder
    from piienc.keys.openpgp.key import PgpKey
    from piienc.receivers import Profile

_FRAME = 4096  # bytes around the data: a signature, a modification detection code, armor's lines
_SESSION_KEY = 1024  # bytes: RSA of 8192 bits would take so much
_GROWTH = 0.997  # of a message is data: partial lengths, and compression that does not help
_COMPRESSED = COMPRESSED | {".zip"}


def check_source(name: str, profile: Profile) -> None:
    """Refuse a file that the receiver does not take wrapped, by its name.

    Raises:
        PolicyError: it is compressed, and must not be.
    """
    refuse_compressed(name, PurePath(name).suffix.lower() in _COMPRESSED, profile)


def refuse_compressed(name: str, compressed: object, profile: Profile) -> None:
    """Refuse a compressed file that the receiver does not take wrapped.

    Raises:
        PolicyError: it must not be.
    """
    if compressed and not profile.double_compression:
        raise PolicyError(
            f"{name} is compressed, and {profile.name} takes no file that is both compressed "
            "and wrapped",
            hint="wrap the file as it was before it was compressed",
        )


def check_name(target: Path, profile: Profile) -> None:
    """Refuse a name that the receiver does not take.

    Raises:
        PolicyError: it is not one of those that the profile allows.
    """
    if profile.names and not found_in(target.name, whole(profile.names)):
        show = command("piienc", "profiles", "show", profile.name)
        raise PolicyError(
            f"{profile.name} does not take a file of the name {target.name}",
            hint=f"see the names that it takes: {show}",
        )
    if profile.extensions and not target.name.endswith(tuple(profile.extensions)):
        raise PolicyError(
            f"{profile.name} does not take a file of the name {target.name}",
            hint=f"its names end in {' or '.join(profile.extensions)}",
        )


def check_recipients(recipients: Sequence[PgpKey], profile: Profile) -> list[str]:
    """Refuse keys that nothing may be encrypted to.

    Returns:
        Warnings, of what will need care soon.

    Raises:
        KeyAccessError: a key is expired, revoked, has no encryption subkey, or is not of the kind
            that the receiver takes.
    """
    now, warnings = datetime.now(UTC), []
    for key in recipients:
        key.require_encryption()
        _check_kind(key, profile)
        warnings += key.warnings(now, profile.recommended_rsa_bits)
    return [*warnings, *profile.notes]


def _check_kind(key: PgpKey, profile: Profile) -> None:
    for part in key.encrypting:
        kind = "rsa" if part.is_rsa else "ecc"
        if kind not in profile.algorithms:
            raise KeyAccessError(
                f"the key {key.name} is {part.algorithm}, which {profile.name} does not take",
                hint=f"it takes {' or '.join(profile.algorithms).upper()}",
            )
        if part.is_rsa and part.bits < profile.min_rsa_bits:
            raise KeyAccessError(
                f"the key {key.name} is {part.algorithm}, and {profile.name} demands "
                f"{profile.min_rsa_bits} bits",
                hint="ask its owner for a longer one",
            )
    if profile.subkey_required and key.primary in key.encrypting:
        raise KeyAccessError(
            f"the key {key.name} has no encryption subkey, which {profile.name} demands",
            hint="ask its owner for a key with an encryption subkey",
        )


def plain_limit(profile: Profile, recipients: Sequence[PgpKey], *, armor: bool) -> int | None:
    """Return how large a file may be before it is wrapped, so that the receiver takes it.

    Args:
        profile: whose size limit counts; None where it has none.
        recipients: each adds a session key.
        armor: whether the file becomes text: 64 characters and a line break for 48 bytes,
            RFC 9580, 6.

    Raises:
        PolicyError: nothing fits.
    """
    if profile.size_limit is None:
        return None
    room = profile.size_limit - _FRAME - _SESSION_KEY * len(recipients)
    limit = int(room * _GROWTH * (48 / 65 if armor else 1))
    if limit <= 0:
        raise PolicyError(
            f"the size limit of {profile.name}, {profile.size_limit:,} bytes, is too small",
            hint="see 'piienc profiles show'",
        )
    return limit


def check_signer(signer: PgpKey | None, profile: Profile, keys: PgpFolder) -> SecretBytes | None:
    """Refuse to sign, or not to, against the profile; return the signer's passphrase.

    Raises:
        PolicyError: the receiver refuses signed files, or demands them.
        KeyAccessError: the key cannot sign, or is locked and nobody can be asked.
    """
    if signer is None:
        if profile.signing == "required":
            raise PolicyError(
                f"{profile.name} demands a signature", hint="name a key of yours: --sign-with NAME"
            )
        return None
    if profile.signing == "refused":
        raise PolicyError(f"{profile.name} rejects signed files", hint="leave --sign-with out")
    signer.require_signing()
    return secret_of(signer, keys)


def secret_of(key: PgpKey, keys: PgpFolder) -> SecretBytes | None:
    """Return the passphrase of a key of ours; None if it has none.

    Raises:
        KeyAccessError: it is locked, and nobody can be asked.
    """
    return keys.unlocker.require(key.name) if is_locked(key, keys) else None


def is_locked(key: PgpKey, keys: PgpFolder) -> bool:
    """Tell whether a key of ours needs a passphrase."""
    mine = [part.keygrip for part in key.parts if home.has_secret(keys.home, part.keygrip)]
    return any(home.is_locked(keys.home, keygrip) for keygrip in mine)


def check_sent(
    path: Path, file: BinaryIO, profile: Profile, recipients: Mapping[str, frozenset[str]]
) -> None:
    """Refuse a file that the receiver would not take, or that is not wrapped for it.

    Args:
        path: its name.
        file: opened; it is left at its beginning.
        profile: what the receiver demands.
        recipients: the key ids of each OpenPGP key for one of which it must be wrapped; if there
            are none, anything may be sent.

    Raises:
        PolicyError: it must not be sent.
    """
    check_name(path, profile)
    start, whole = peeked(file)
    wrapped = is_openpgp(start)
    # Any file may begin like OpenPGP; whether it is some matters only where it must be.
    message = read_message(whole, str(path)) if wrapped and recipients else None
    file.seek(0)
    limit = profile.size_limit if wrapped else profile.plain_size_limit or profile.size_limit
    size = os.fstat(file.fileno()).st_size
    if limit and size > limit:
        raise PolicyError(
            f"{path} has {size:,} bytes, and {profile.name} takes {limit:,} at most",
            hint="'piienc wrap-file' splits a CSV file by rows",
        )
    if not recipients:
        return
    if message is None or not message.container:
        wrap = command("piienc", "wrap-file", path, "--recipient", next(iter(recipients)))
        raise PolicyError(
            f"{path} is not wrapped by OpenPGP, and the destination has recipients",
            hint=f"wrap it first: {wrap}",
        )
    known = {key_id for key_ids in recipients.values() for key_id in key_ids}
    if known.isdisjoint(one.key_id for one in message.recipients):
        raise PolicyError(
            f"{path} is wrapped for somebody else than {' or '.join(recipients)}",
            hint="'piienc inspect' shows for whom it is",
        )
