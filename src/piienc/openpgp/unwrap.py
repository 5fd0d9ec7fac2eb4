"""Unwrap a file that somebody has sent: decrypt it, and see who signed it."""

from __future__ import annotations

import io
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from msgspec import to_builtins

from piienc.base.files import open_input, refuse_same, translated
from piienc.errors import AuthenticationError, KeyAccessError, PgpError
from piienc.keys.openpgp.folder import opened
from piienc.openpgp.gpg.routes import GpgStreams
from piienc.openpgp.gpg.unwrap import Trust, unwrap
from piienc.openpgp.packets import HIDDEN, read_message
from piienc.openpgp.preflight import is_locked, secret_of
from piienc.openpgp.routes import crossing, hashed_ahead, streamed
from piienc.report.receipt import PgpKeyFacts, SignatureFacts, UnwrapReceipt
from piienc.storage.places import Hashed, name_of
from piienc.storage.streams import HEAD, ObservedStream, PeekedStream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import BinaryIO

    from piienc.base.secret import SecretBytes
    from piienc.keys.openpgp.folder import PgpFolder
    from piienc.keys.openpgp.gpg import Gpg
    from piienc.keys.openpgp.key import PgpKey
    from piienc.openpgp.gpg.routes import GpgRoute
    from piienc.openpgp.gpg.unwrap import Signature
    from piienc.openpgp.packets import PgpMessage
    from piienc.storage.hashing import HashingReader
    from piienc.storage.places import Place
    from piienc.storage.streams import Report


_COPY = "the temporary copy of the input"


def unwrap_file(
    source: Place | Hashed,
    target: Place,
    *,
    keys: PgpFolder,
    signed_by: str | None = None,
    overwrite: bool = False,
    progress: Report | None = None,
) -> UnwrapReceipt:
    """Decrypt an OpenPGP file; nothing appears that was not found to be whole.

    What goes to an open stream cannot be taken back. So the message is then decrypted twice:
    first to nowhere, and only when it is whole and signed as demanded, to the stream. Only a file
    that somebody changes between the two is found out when it is too late; that is an error.

    Args:
        source: the message, armored or binary, or an open stream; a file may be hashed already.
        target: where to; a file appears whole or not at all.
        keys: the key folder's OpenPGP keys.
        signed_by: the name of the key that must have signed it.
        overwrite: replace an existing output.
        progress: called with 0, the bytes read, and the share of the file that is done.

    Raises:
        PiiencError: of the class that tells what is wrong; see `piienc.errors`.
    """
    started = time.monotonic()
    early, source = (source, source.path) if isinstance(source, Hashed) else (None, source)
    if isinstance(source, Path) and isinstance(target, Path):
        refuse_same(source, target)
    with ExitStack() as stack:
        if early:
            file = early.file
        else:
            file = stack.enter_context(open_input(source)) if isinstance(source, Path) else source
        ahead = PeekedStream(file, HEAD)
        message = read_message(io.BytesIO(ahead.head), name_of(source))
        require_encrypted(message, name_of(source))
        hashed = early.digest if early else None
        hashed = hashed or stack.enter_context(hashed_ahead(source, ahead, target))
        session, known = stack.enter_context(opened(keys, keys.pinned_names()))
        secret = secret_for(message, known, keys)
        if signed_by and signed_by not in known:
            keys.load([signed_by])  # which raises, and names the nearest
        pass_once = partial(
            _pass, session=session, secret=secret, signer=known[signed_by] if signed_by else None
        )
        if isinstance(target, Path):
            way = crossing(
                source, ahead, target, hashed=hashed, overwrite=overwrite, progress=progress
            )
            pass_ = stack.enter_context(way)
            signatures = pass_once(pass_.route)
            read, written = pass_.read(), pass_.written()
        else:
            plain = isinstance(source, Path) and file.seekable()
            with translated(_COPY):
                again = file if plain else stack.enter_context(TemporaryFile())
            first = ObservedStream(
                _CopiedStream(ahead, again) if again is not file else ahead, source, None
            )
            pass_once(GpgStreams(first, lambda _: None))
            again.seek(0)
            second = ObservedStream(again, source, progress)
            with streamed(second, name_of(source), target, overwrite=overwrite) as pass_:
                signatures = pass_once(pass_.route)
            read, written = pass_.read(), pass_.written()
            _require_unchanged(first, second, name_of(source))
    return UnwrapReceipt(
        "unwrap-file",
        read,
        written,
        tuple(_facts(signature, known, signed_by) for signature in signatures),
        round(time.monotonic() - started, 3),
        tuple(_warnings(signatures)),
    )


class _CopiedStream:
    """A stream of which a copy is kept, of what is encrypted, to read it once more."""

    def __init__(self, file: PeekedStream, copy: BinaryIO) -> None:
        self._file, self._copy = file, copy

    def read(self, size: int = -1, /) -> bytes:
        """Read up to `size` bytes; nothing at the end."""
        data = self._file.read(size)
        with translated(_COPY):
            self._copy.write(data)
        return data


def _pass(
    route: GpgRoute,
    *,
    session: Gpg,
    secret: SecretBytes | None,
    signer: PgpKey | None,
) -> tuple[Signature, ...]:
    """Decrypt the message once, and hold its signatures against what is demanded."""
    signatures = unwrap(route, session=session, passphrase=secret)
    if signer is None:
        return signatures
    mine = [made for made in signatures if made.fingerprint == signer.fingerprint]
    if any(made.trust is Trust.GOOD for made in mine):
        return signatures
    if mine:
        what = f"its signature by {signer.name} is {mine[0].trust}"
    elif signatures:
        what = f"it is signed by {signatures[0].fingerprint}, and not by {signer.name}"
    else:
        what = f"it is not signed, and must be by {signer.name}"
    raise AuthenticationError(
        f"the message does not come from whom it should: {what}",
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
    message: PgpMessage, known: Mapping[str, PgpKey], keys: PgpFolder
) -> SecretBytes | None:
    """Return the passphrase of the key that opens a message; None if it has none.

    Raises:
        KeyAccessError: no key of ours opens it, or it is locked and nobody can be asked.
    """
    wanted = {recipient.key_id for recipient in message.recipients}
    own = [key for key in known.values() if key.secret]
    fitting = [key for key in own if wanted & {part.key_id for part in key.parts}]
    if any(not is_locked(key, keys) for key in fitting):
        return None
    if not fitting and HIDDEN in wanted and own:
        # gpg tries them all: the open ones, and the locked ones with what there is.
        locked = [key.name for key in own if is_locked(key, keys)]
        return keys.unlocker.passphrase(locked[0]) if locked else None
    if not fitting:
        raise KeyAccessError(
            f"the message is for {', '.join(sorted(wanted))}: none of the secret keys here",
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
    signature: Signature, known: Mapping[str, PgpKey], signed_by: str | None
) -> SignatureFacts:
    names = {key.fingerprint: name for name, key in known.items()}
    if signed_by:  # of several names of one key, the one that was asked for
        names[known[signed_by].fingerprint] = signed_by
    return SignatureFacts(
        PgpKeyFacts(names.get(signature.fingerprint), signature.fingerprint),
        signature.trust,
        to_builtins(signature.made),
    )


def _warnings(signatures: Sequence[Signature]) -> list[str]:
    return [
        f"the signature by {signature.fingerprint} is {signature.trust}"
        for signature in signatures
        if signature.trust is not Trust.GOOD
    ]
