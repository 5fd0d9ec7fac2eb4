"""Wrap bytes for OpenPGP recipients."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.errors import KeyAccessError, PgpError
from piienc.keys.openpgp.parameters import text_of
from piienc.keys.unlocker import WAYS_TO_UNLOCK
from piienc.openpgp.packets.packets import Tag, packets, written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from piienc.base.secret import SecretBytes
    from piienc.keys.openpgp.gpg import Gpg, GpgStatus
    from piienc.keys.openpgp.key import PgpKey
    from piienc.openpgp.gpg.routes import GpgRoute
    from piienc.openpgp.packets import PgpMessage

CIPHERS = {"AES128": "7", "AES192": "8", "AES256": "9"}
"""The ciphers by their numbers: RFC 9580, 9.3."""

_MDC = "2"  # GnuPG's doc/DETAILS, BEGIN_ENCRYPTION: the packet with a modification detection code
_KNOWS_AEAD = (2, 3)
_DIGEST = "SHA512"  # the first choice of GnuPG for its keys, since it knows AEAD
_FAST = "1"  # a higher level costs far more time than it saves bytes


class MessageFormat(Struct, frozen=True):
    """How a file is wrapped.

    Attributes:
        armor: as text, in base64; else binary.
        cipher: one of `CIPHERS`.
        compression: none, zip or zlib.
        aead: the newer AEAD packets are allowed; else it must be the one with an MDC.
    """

    armor: bool = False
    cipher: str = "AES256"
    compression: str = "none"
    aead: bool = False


def wrap(
    route: GpgRoute,
    *,
    session: Gpg,
    recipients: Sequence[PgpKey],
    form: MessageFormat,
    signer: PgpKey | None = None,
    passphrase: SecretBytes | None = None,
) -> None:
    """Encrypt a stream or a file to its end, with a signature inside of the encryption.

    Raises:
        KeyAccessError: a recipient cannot be encrypted to, or the signer is locked.
        PgpError: gpg failed.
        PiiencError, OSError: what the route raised.
    """
    options = ["--cipher-algo", form.cipher, "--compress-algo", form.compression]
    if form.compression != "none":
        options += ["--compress-level", _FAST]
    user_ids = [key.fingerprint for key in recipients]
    if form.aead:
        options += ["--force-aead"] if session.release >= _KNOWS_AEAD else []
    elif _wants_aead(session, user_ids, options):
        user_ids[0] = "=" + _named_anew(session, user_ids[0])
        # A user id without a signature states no preferences, and gpg would take the oldest hash.
        options += ["--digest-algo", _DIGEST]
    outcome = route.run(
        session,
        lambda source, more: session.encrypt_file(
            source,
            user_ids,
            sign=signer.fingerprint if signer else None,
            passphrase=text_of(passphrase) if passphrase else None,
            armor=form.armor,
            extra_args=[*options, *more],
        ),
    )
    if outcome.returncode != 0 or not outcome.has("END_ENCRYPTION"):
        who = dict(zip(user_ids, (key.name for key in recipients), strict=True))
        raise _failure(outcome, who, signer)
    signers = {fields[-1] for fields in outcome.all("SIG_CREATED")}
    if signers - {part.fingerprint for part in signer.parts} if signer else signers:
        raise _not_as_meant("a signature of another key")
    if signer and not signers:
        raise _not_as_meant("no signature")
    method, cipher, *_ = outcome.all("BEGIN_ENCRYPTION")[0]
    if cipher != CIPHERS[form.cipher] or (method != _MDC and not form.aead):
        raise _not_as_meant("another cipher or packet")


def _wants_aead(session: Gpg, fingerprints: list[str], options: list[str]) -> bool:
    """Return whether gpg would write an AEAD packet for recipients, by a trial."""
    if session.release < _KNOWS_AEAD:
        return False
    encryptions = session.encrypt(b"", fingerprints, extra_args=options).all("BEGIN_ENCRYPTION")
    return any(method != _MDC for method, *_ in encryptions)


def _named_anew(session: Gpg, fingerprint: str) -> str:
    """Add a user id to a key in this session, and return it.

    GnuPG has no option against AEAD: it writes such a packet if all recipients' keys ask for it. It
    takes a key's preferences from the user id that names the key; an unsigned one has none.
    """
    name = f"piienc-{os.urandom(16).hex()}"
    minimal = session.export_keys(fingerprint, armor=False, minimal=True)
    primary = next(packets(io.BytesIO(minimal)))
    key = written(Tag.PUBLIC_KEY, primary.read(len(minimal)))
    # The option holds for what is merged here alone: the certificate itself was imported without.
    session.import_keys(
        key + written(Tag.USER_ID, name.encode()), extra_args=["--allow-non-selfsigned-uid"]
    )
    return name


def require_as_meant(
    message: PgpMessage, recipients: Sequence[PgpKey], form: MessageFormat
) -> None:
    """Check that the packets of the output are as requested.

    Raises:
        PgpError: they are not, and the output must not be used.
    """
    kind = message.container.kind if message.container else "nothing encrypted"
    if kind != "mdc" and not (form.aead and message.container):
        raise PgpError(
            f"gpg wrote the packet {kind!r}, which the profile does not allow",
            hint="the recipient's key asks for it: ask for a key without AEAD, or use a profile "
            "that allows it; nothing was kept",
        )
    if message.armored != form.armor or message.passphrases:
        raise _not_as_meant("another form")
    rest = [recipient.key_id for recipient in message.recipients]
    for key in recipients:
        own_ids = {part.key_id for part in key.encrypting}
        matches = [key_id for key_id in rest if key_id in own_ids]
        if len(matches) != 1:
            raise _not_as_meant(f"{len(matches)} session keys for {key.name}")
        rest.remove(matches[0])
    if rest:
        raise _not_as_meant("a session key for somebody else")


def _not_as_meant(what: str) -> PgpError:
    return PgpError(
        f"gpg did not write what was asked for, but {what}",
        hint="nothing was kept; see 'gpg --version', and report this if it is a current one",
    )


def _failure(
    outcome: GpgStatus, names: Mapping[str, str], signer: PgpKey | None
) -> PgpError | KeyAccessError:
    for reason in outcome.all("INV_RECP"):
        name = names.get(reason[-1], reason[-1])
        return KeyAccessError(
            f"gpg cannot encrypt to {name}",
            hint="see 'piienc keys list'; ask its owner for a current key",
        )
    if signer and (outcome.refuses_passphrase or outcome.has("NEED_PASSPHRASE")):
        return KeyAccessError(
            f"the key {signer.name} is locked: the passphrase is missing or not its own",
            hint=WAYS_TO_UNLOCK,
        )
    return PgpError(
        f"gpg could not encrypt (its exit code: {outcome.returncode}, error codes: "
        f"{sorted(outcome.codes)})",
        hint="look the codes up with 'gpg-error CODE'",
    )
