"""Unwrap a received file: decrypt it, and check who signed it."""

from __future__ import annotations

import io
import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from msgspec import to_builtins

from piienc.errors import AuthenticationError, KeyAccessError, PgpError
from piienc.keys.openpgp.folder import opened
from piienc.openpgp.gpg.routes import GpgStreams
from piienc.openpgp.gpg.unwrap import Trust, unwrap
from piienc.openpgp.packets import HEAD, HIDDEN, read_message
from piienc.openpgp.preflight import is_locked, secret_of
from piienc.openpgp.routes import crossing, streamed
from piienc.report.receipt import PgpKeyFacts, SignatureFacts, UnwrapReceipt
from piienc.storage import refuse_same
from piienc.storage.hashing import HashingReader
from piienc.storage.progress import Meter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from piienc.base.secret import SecretBytes
    from piienc.keys.openpgp.folder import PgpFolder
    from piienc.keys.openpgp.gpg import Gpg
    from piienc.keys.openpgp.key import PgpKey
    from piienc.openpgp.gpg.routes import GpgRoute
    from piienc.openpgp.gpg.unwrap import Signature
    from piienc.openpgp.packets import PgpMessage
    from piienc.storage import Source, Target
    from piienc.storage.progress import OnProgress


def unwrap_file(
    source: Source,
    target: Target,
    *,
    keys: PgpFolder,
    signed_by: str | None = None,
    overwrite: bool = False,
    progress: OnProgress | None = None,
) -> UnwrapReceipt:
    """Decrypt an OpenPGP file; the output appears only when the message is complete.

    Output to a stream cannot be taken back, so a message for a stream is decrypted twice: first to
    nowhere, and then, if it is complete and signed as required, to the stream. If the file changes
    between the two, an error is raised, but the stream has been written.

    Args:
        source: the message, armored or binary.
        target: where to; a file appears whole or not at all.
        keys: the key folder's OpenPGP keys.
        signed_by: the name of the key that must have signed it.
        overwrite: replace an existing output.
        progress: called with 0, the bytes read, and the share of the file that is done.

    Raises:
        PiiencError: of the class that tells what is wrong; see `piienc.errors`.
    """
    started = time.monotonic()
    refuse_same(source, target)
    with ExitStack() as stack:
        file = stack.enter_context(source.opened())
        message = read_message(io.BytesIO(file.peek(HEAD)), file.name)
        require_encrypted(message, file.name)
        if target.path:
            file.followed()  # while gpg is made ready
        session, pgp_keys = stack.enter_context(opened(keys, keys.pinned_names()))
        secret = secret_for(message, pgp_keys, keys)
        if signed_by and signed_by not in pgp_keys:
            keys.load([signed_by])  # which raises, and names the nearest
        pass_once = partial(
            _pass, session=session, secret=secret, signer=pgp_keys[signed_by] if signed_by else None
        )
        if target.path:
            route = stack.enter_context(
                crossing(file, target, overwrite=overwrite, progress=progress)
            )
            signatures = pass_once(route.route)
        else:
            seekable = stack.enter_context(file.sought())
            first = HashingReader(seekable)
            pass_once(GpgStreams(first, lambda _: None))
            seekable.seek(0)
            second, meter = HashingReader(seekable), Meter(progress, file.size)
            with streamed(second, file.name, target, overwrite=overwrite, meter=meter) as route:
                signatures = pass_once(route.route)
            _require_unchanged(first, second, file.name)
        read, written = route.read(), route.output.facts()
    return UnwrapReceipt(
        "unwrap-file",
        read,
        written,
        tuple(_facts(signature, pgp_keys, signed_by) for signature in signatures),
        round(time.monotonic() - started, 3),
        warnings=tuple(_warnings(signatures)),
    )


def _pass(
    route: GpgRoute,
    *,
    session: Gpg,
    secret: SecretBytes | None,
    signer: PgpKey | None,
) -> tuple[Signature, ...]:
    """Decrypt the message once, and check its signatures."""
    signatures = unwrap(route, session=session, passphrase=secret)
    if signer is None:
        return signatures
    matching = [
        signature for signature in signatures if signature.fingerprint == signer.fingerprint
    ]
    if any(signature.trust is Trust.GOOD for signature in matching):
        return signatures
    if matching:
        what = f"its signature by {signer.name} is {matching[0].trust}"
    elif signatures:
        what = f"it is signed by {signatures[0].fingerprint}, and not by {signer.name}"
    else:
        what = f"it is not signed, but must be signed by {signer.name}"
    raise AuthenticationError(
        f"the message is not from the expected sender: {what}",
        hint="nothing was kept; ask the sender, by another way, what was sent",
    )


def require_encrypted(message: PgpMessage, name: str) -> None:
    """Refuse what is no message to a key.

    Raises:
        PgpError: it is none, none that shows whether it was altered, or none that gpg can read.
    """
    if message.keys:
        what = "a file of keys, and no message"
    elif message.container is None:
        what = "an OpenPGP file that is not encrypted"
    elif message.container.kind == "unprotected":
        what = "encrypted in the oldest way, which does not show whether it was altered"
    elif not message.recipients:
        what = "encrypted for a passphrase, and not for a key"
    elif message.is_beyond_gnupg:
        raise PgpError(
            f"{name} is encrypted in a way of RFC 9580 that GnuPG cannot read",
            hint="send the sender your key anew ('piienc keys export NAME'), and ask for a message "
            "by RFC 4880",
        )
    else:
        return
    raise PgpError(f"{name} is {what}", hint="see 'piienc inspect' for what it is")


def secret_for(
    message: PgpMessage, pgp_keys: Mapping[str, PgpKey], keys: PgpFolder
) -> SecretBytes | None:
    """Return the passphrase of the key that opens a message; None if it has none.

    Raises:
        KeyAccessError: no key of ours opens it, or it is locked and nobody can be asked.
    """
    key_ids = {recipient.key_id for recipient in message.recipients}
    secret_keys = [key for key in pgp_keys.values() if key.secret]
    fitting = [key for key in secret_keys if key_ids & {part.key_id for part in key.parts}]
    if any(not is_locked(key, keys) for key in fitting):
        return None
    if not fitting and HIDDEN in key_ids and secret_keys:
        # gpg tries them all: the open ones, and the locked ones with what there is.
        locked = [key.name for key in secret_keys if is_locked(key, keys)]
        return keys.unlocker.passphrase(locked[0]) if locked else None
    if not fitting:
        raise KeyAccessError(
            f"the message is for {', '.join(sorted(key_ids))}: none of the secret keys here",
            hint="see 'piienc keys list'; has the sender used the right key?",
        )
    return secret_of(fitting[0], keys)


def _require_unchanged(first: HashingReader, second: HashingReader, name: str) -> None:
    if first.sha256() != second.sha256():
        raise AuthenticationError(
            f"{name} changed while it was read; do not use what was written",
            hint="run the command again when nobody writes to the file",
        )


def _facts(
    signature: Signature, pgp_keys: Mapping[str, PgpKey], signed_by: str | None
) -> SignatureFacts:
    names = {key.fingerprint: name for name, key in pgp_keys.items()}
    if signed_by:  # of several names of one key, the one that was asked for
        names[pgp_keys[signed_by].fingerprint] = signed_by
    return SignatureFacts(
        PgpKeyFacts(names.get(signature.fingerprint), signature.fingerprint),
        signature.trust,
        to_builtins(signature.created),
    )


def _warnings(signatures: Sequence[Signature]) -> list[str]:
    return [
        f"the signature by {signature.fingerprint} is {signature.trust}"
        for signature in signatures
        if signature.trust is not Trust.GOOD
    ]
