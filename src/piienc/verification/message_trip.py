"""A file, wrapped and unwrapped again, without a byte of it on the disk."""

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

from piienc.errors import KeyAccessError
from piienc.keys.openpgp.folder import opened
from piienc.openpgp.gpg.routes import GpgStreams
from piienc.openpgp.gpg.unwrap import unwrap
from piienc.openpgp.gpg.wrap import MessageFormat, wrap
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
    """Wrap a file for some recipients, unwrap it, and compare.

    Two sessions of gpg are joined by a pipe: what is in it is gone with this process.

    Args:
        source: the file.
        recipients: names of keys; the secret part of one of them must be ours.
        profile: the receiver's demands.
        pgp: the key folder's OpenPGP keys.

    Raises:
        KeyAccessError: no secret key of the recipients is here, or it is locked.
        PgpError: a key cannot be used, or gpg failed.
        InputError: the file cannot be read.
    """
    demands = profile or Profile(name="generic")
    with ExitStack() as stack:
        there, known = stack.enter_context(opened(pgp, recipients))
        back, own = stack.enter_context(opened(pgp, recipients))
        named = [known[name] for name in recipients]
        check_recipients(named, demands)
        secret = _secret(list(own.values()), pgp)
        reader = HashingReader(stack.enter_context(source.sought()))
        form = MessageFormat(cipher=demands.cipher, aead=demands.aead)
        made = _joined(reader, (there, back), named, form, secret)
        same = made == reader.sha256()
    if not same:
        yield Violation(None, "round-trip", "is not what it was, once wrapped and unwrapped")


def _secret(keys: Sequence[PgpKey], pgp: PgpFolder) -> SecretBytes | None:
    ours = [key for key in keys if key.secret]
    if not ours:
        names = ", ".join(key.name for key in keys)
        raise KeyAccessError(
            f"--round-trip: the secret key of none of {names} is here, so nothing can be unwrapped",
            hint="leave --recipient out, or name a key of your own beside the partner's",
        )
    return secret_of(ours[0], pgp)


def _joined(
    reader: HashingReader,
    sessions: tuple[Gpg, Gpg],
    recipients: Sequence[PgpKey],
    form: MessageFormat,
    secret: SecretBytes | None,
) -> str:
    """Wrap in one thread and unwrap in this one; return the hash of what came out."""
    there, back = sessions
    digest, failed = hashlib.sha256(), list[Exception]()
    read_end, write_end = os.pipe()

    def take(data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(write_end, view) :]

    def forward() -> None:
        try:
            wrap(GpgStreams(reader, take), session=there, recipients=recipients, form=form)
        except Exception as error:  # noqa: BLE001  # raised below
            failed.append(error)
        finally:
            os.close(write_end)

    thread = threading.Thread(target=forward, name="piienc-wrap", daemon=True)
    thread.start()
    with os.fdopen(read_end, "rb", buffering=_PIECE) as message:
        try:
            unwrap(GpgStreams(message, digest.update), session=back, passphrase=secret)
        except Exception:
            message.close()
            thread.join()
            if failed:
                raise failed[0] from None  # nothing came out, for nothing went in
            raise
    thread.join()
    if failed:
        raise failed[0]
    return digest.hexdigest()
