"""Unwrap OpenPGP messages: decrypt them, and check their signatures."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.errors import AuthenticationError, KeyAccessError, PgpError, PiiencError
from piienc.keys.openpgp.parameters import text_of
from piienc.keys.unlocker import WAYS_TO_UNLOCK

if TYPE_CHECKING:
    from piienc.base.secret import SecretBytes
    from piienc.keys.openpgp.gpg import Gpg, GpgStatus
    from piienc.openpgp.gpg.routes import GpgRoute

# GnuPG's doc/DETAILS, ERRSIG: the signer's key is not there, or of an algorithm that gpg lacks.
_NO_KEY, _NO_ALGORITHM = "9", "4"
_INVALID_PACKET = ["3"]  # ibid., NODATA
# GnuPG stumbles over what sq adds by itself to hide a message's length.
_NO_PADDING = "have the file sent again; from sq, without padding: 'sq encrypt --compression none'"


class Trust(StrEnum):
    """What a signature is worth."""

    GOOD = "good"
    UNKNOWN = "unknown"
    """Made by a key that is not in the key folder, so nobody can tell."""
    EXPIRED = "expired"
    """Made by a key that has expired, or out of its own time."""
    REVOKED = "revoked"
    """Made by a key that was revoked."""


class Signature(Struct, frozen=True):
    """A signature that was found.

    Attributes:
        trust: what it is worth.
        fingerprint: of the signer's primary key; its key id where no more is known.
        created: in UTC.
    """

    trust: Trust
    fingerprint: str
    created: datetime | None


def unwrap(
    route: GpgRoute,
    *,
    session: Gpg,
    passphrase: SecretBytes | None = None,
) -> tuple[Signature, ...]:
    """Decrypt a message to its end. Its output is not authentic until this returns.

    Returns:
        The signatures; none may be bad.

    Raises:
        KeyAccessError: no secret key fits, or it is locked.
        AuthenticationError: the message was altered or cut off, gpg cannot tell whether it was, or
            a signature is bad.
        PgpError: gpg failed otherwise.
        PiiencError, OSError: what the route raised.
    """
    # Without any passphrase gpg would give up at the first locked key, though another may fit.
    gpg_passphrase = text_of(passphrase) if passphrase else os.urandom(16).hex()
    outcome = route.run(
        session,
        lambda source, more: session.decrypt_file(
            source, passphrase=gpg_passphrase, extra_args=more
        ),
    )
    signatures = _signatures(outcome)
    error = _failure(outcome, signatures, locked=passphrase is None)
    if error:
        raise error
    return signatures


def _signatures(outcome: GpgStatus) -> tuple[Signature, ...]:
    # Each signature tells its verdict first and then, if it was checked, what is valid of it.
    signatures = []
    verdict: Trust | None = None
    for key, fields in outcome.lines:
        if key in _VERDICTS:
            verdict = _VERDICTS[key]
        elif key == "VALIDSIG" and verdict:
            signer = fields[9] if len(fields) > 9 else fields[0]  # noqa: PLR2004  # doc/DETAILS
            signatures.append(Signature(verdict, signer, _time(fields[2])))
        elif key == "ERRSIG":
            signer = fields[6] if len(fields) > 6 and fields[6] != "-" else fields[0]  # noqa: PLR2004  # doc/DETAILS
            signatures.append(Signature(Trust.UNKNOWN, signer, _time(fields[4])))
    return tuple(signatures)


def _failure(
    outcome: GpgStatus, signatures: tuple[Signature, ...], *, locked: bool
) -> PiiencError | None:
    if outcome.has("BADSIG"):
        return AuthenticationError(
            "the signature is bad: the message was altered, or another one was signed",
            hint="nothing was kept; have the file sent again, and tell the sender",
        )
    authentic = outcome.has("DECRYPTION_OKAY") and not outcome.has("DECRYPTION_FAILED", "BADMDC")
    whole = authentic and len(outcome.all("PLAINTEXT")) == 1  # one message, not none or several
    unknown = any(signature.trust is Trust.UNKNOWN for signature in signatures)
    if whole and (outcome.returncode == 0 or (unknown and _only_unknown(outcome))):
        return None
    if outcome.has("DECRYPTION_KEY"):
        return _not_vouched_for(outcome, authentic=authentic)
    return _no_key(outcome, locked=locked)


def _not_vouched_for(outcome: GpgStatus, *, authentic: bool) -> AuthenticationError:
    """Return the error for decrypted data that must not be used."""
    if authentic and any(fields[5] == _NO_ALGORITHM for fields in outcome.all("ERRSIG")):
        return AuthenticationError(
            "the message is signed by a key of an algorithm that GnuPG does not know, such as the "
            "newer ones of RFC 9580",
            hint="nothing was kept; ask the sender to sign with a key that 'gpg' can use, or not "
            "at all",
        )
    if authentic:
        return AuthenticationError(
            "the message is whole, but gpg does not know what stands beside its content: padding, "
            "or more than one message",
            hint=f"nothing was kept; {_NO_PADDING}",
        )
    # gpg takes padding within a compressed packet for packets, and may miss the hash at the
    # message's end then. An altered message looks the same.
    if outcome.has("PLAINTEXT") and _INVALID_PACKET in outcome.all("NODATA"):
        return AuthenticationError(
            "gpg cannot read the message to its end: it was altered on its way, or has padding",
            hint=f"nothing was kept; {_NO_PADDING}",
        )
    return AuthenticationError(
        "the message is not whole: it was cut off or altered on its way",
        hint="nothing was kept; have the file sent again",
    )


def _no_key(outcome: GpgStatus, *, locked: bool) -> KeyAccessError | PgpError:
    """Return the error for a message that no key has opened."""
    if outcome.refuses_passphrase and not locked:
        return KeyAccessError("the passphrase is not the key's own", hint="try the other one")
    if outcome.has("NEED_PASSPHRASE"):
        return KeyAccessError(
            "the key is locked: it needs its passphrase",
            hint=WAYS_TO_UNLOCK,
        )
    if outcome.has("NO_SECKEY"):
        return KeyAccessError(
            "the message is for none of the secret keys in the key folder",
            hint="see 'piienc inspect FILE' for its recipients, and 'piienc keys list'",
        )
    return PgpError(
        f"gpg could not decrypt (its exit code: {outcome.returncode}, error codes: "
        f"{sorted(outcome.codes)})",
        hint="see 'piienc inspect FILE' for what it is",
    )


def _only_unknown(outcome: GpgStatus) -> bool:
    """Return whether gpg failed only because it does not know a signer."""
    reasons = [fields[5] for fields in outcome.all("ERRSIG")]
    return (
        all(reason == _NO_KEY for reason in reasons)
        and not outcome.errors
        and not outcome.has("UNEXPECTED", "NODATA")
    )


def _time(seconds: str) -> datetime | None:
    return datetime.fromtimestamp(int(seconds), UTC) if seconds.isdigit() else None


_VERDICTS = {
    "GOODSIG": Trust.GOOD,
    "EXPSIG": Trust.EXPIRED,
    "EXPKEYSIG": Trust.EXPIRED,
    "REVKEYSIG": Trust.REVOKED,
}
