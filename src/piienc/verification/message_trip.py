"""A file, wrapped and unwrapped again, without a byte of it on the disk."""

from __future__ import annotations

import hashlib
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, BinaryIO

from piienc.errors import KeyAccessError
from piienc.keys.openpgp.folder import opened
from piienc.openpgp.gpg.routes import GpgStreams
from piienc.openpgp.gpg.unwrap import unwrap
from piienc.openpgp.gpg.wrap import MessageFormat, wrap
from piienc.openpgp.pipes import written_by
from piienc.openpgp.preflight import check_recipients, secret_of
from piienc.receivers import Profile
from piienc.storage.hashing import HashingReader
from piienc.verification.findings import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from piienc.base.secret import SecretBytes
    from piienc.keys.openpgp.folder import PgpFolder
    from piienc.keys.openpgp.gpg import Gpg
    from piienc.keys.openpgp.key import PgpKey
    from piienc.storage import OpenedSource

_PIECE = 256 << 10  # bytes


def message_trip(
    source: OpenedSource, recipients: Sequence[str], profile: Profile | None, pgp: PgpFolder
) -> Iterator[Violation]:
    """Wrap a file for recipients, unwrap it, and compare; one recipient's secret key is needed.

    A pipe joins two gpg sessions, so nothing is left behind when the process ends.

    Raises:
        KeyAccessError: no recipient's secret key is available, or it is locked.
        PgpError: a key cannot be used, or gpg failed.
        InputError: the file cannot be read.
    """
    demands = profile or Profile(name="generic")
    with ExitStack() as stack:
        wrapping, public_keys = stack.enter_context(opened(pgp, recipients))
        unwrapping, own_keys = stack.enter_context(opened(pgp, recipients))
        recipient_keys = [public_keys[name] for name in recipients]
        check_recipients(recipient_keys, demands)
        secret = _secret(list(own_keys.values()), pgp)
        reader = HashingReader(stack.enter_context(source.sought()))
        form = MessageFormat(cipher=demands.cipher, aead=demands.aead)
        digest = _joined(reader, (wrapping, unwrapping), recipient_keys, form, secret)
        same = digest == reader.sha256()
    if not same:
        yield Violation(None, "round-trip", "is not what it was, once wrapped and unwrapped")


def _secret(keys: Sequence[PgpKey], pgp: PgpFolder) -> SecretBytes | None:
    secret_keys = [key for key in keys if key.secret]
    if not secret_keys:
        names = ", ".join(key.name for key in keys)
        raise KeyAccessError(
            f"--round-trip: the secret key of none of {names} is here, so nothing can be unwrapped",
            hint="leave --recipient out, or name a key of your own beside the partner's",
        )
    return secret_of(secret_keys[0], pgp)


def _joined(
    reader: HashingReader,
    sessions: tuple[Gpg, Gpg],
    recipients: Sequence[PgpKey],
    form: MessageFormat,
    secret: SecretBytes | None,
) -> str:
    """Wrap in one thread and unwrap in this one; return the hash of the output."""
    wrapping, unwrapping = sessions
    digest = hashlib.sha256()

    def forward(file: BinaryIO) -> None:
        wrap(GpgStreams(reader, file.write), session=wrapping, recipients=recipients, form=form)

    with written_by(forward) as pipe:
        end = os.fdopen(pipe.descriptor, "rb", buffering=_PIECE, closefd=False)
        with pipe.explaining(), end as message:
            unwrap(GpgStreams(message, digest.update), session=unwrapping, passphrase=secret)
        pipe.finish()
    return digest.hexdigest()
