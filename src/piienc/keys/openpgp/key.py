"""An OpenPGP key as gpg lists it: what it is, until when, and what it can do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from piienc.errors import KeyAccessError

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOTHING_FOR_IT = "it has no encryption subkey that GnuPG can use"
_SOON = timedelta(days=30)
_NEVER = datetime.max.replace(tzinfo=UTC)
_RSA = {"1", "2", "3"}  # RFC 9580, 9.1: RSA, and its forms for one use only
_NAMES = {"16": "ElGamal", "17": "DSA", "18": "ECDH", "19": "ECDSA", "22": "EdDSA"}
_CURVES = {"ed25519": "Ed25519", "cv25519": "Curve25519", "ed448": "Ed448", "cv448": "X448"}


class KeyState(StrEnum):
    """Whether a key may be used."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"
    INVALID = "invalid"


class KeyUse(StrEnum):
    """What a key can do."""

    ENCRYPT = "encrypt"
    SIGN = "sign"
    CERTIFY = "certify"
    AUTHENTICATE = "authenticate"


class PgpPart(Struct, frozen=True):
    """A primary key or a subkey.

    Attributes:
        key_id: the last 16 digits of the fingerprint, upper case hex.
        fingerprint: upper case hex.
        keygrip: gpg's own name for the key pair.
        algorithm: as people call it, with its size or curve.
        is_rsa: whether it is RSA.
        bits: the size.
        created: in UTC.
        expires: in UTC; None means never.
        state: whether it may be used.
        uses: what it can do.
    """

    key_id: str
    fingerprint: str
    keygrip: str
    algorithm: str
    is_rsa: bool
    bits: int
    created: datetime
    expires: datetime | None
    state: KeyState
    uses: tuple[KeyUse, ...]

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> PgpPart:
        """Read one of python-gnupg's listings."""
        algorithm, bits = fields["algo"], int(fields["length"] or 0)
        is_rsa = algorithm in _RSA
        curve = fields["curve"]
        name = f"RSA {bits}" if is_rsa else _CURVES.get(curve) or curve
        uses = {use[0]: use for use in KeyUse}
        return cls(
            fields["fingerprint"][-16:],
            fields["fingerprint"],
            fields.get("keygrip") or "",
            name or f"{_NAMES.get(algorithm, 'algorithm ' + algorithm)} {bits}",
            is_rsa,
            bits,
            _time(fields["date"]) or datetime.fromtimestamp(0, UTC),
            _time(fields["expires"]),
            _STATES.get(fields["trust"], KeyState.VALID),
            tuple(uses[letter] for letter in fields["cap"] if letter in uses),
        )


class PgpKey(Struct, frozen=True):
    """A certificate, under the name that it has in the key folder.

    Attributes:
        name: the name.
        primary: its primary key.
        subkeys: its subkeys.
        user_ids: whom it says it belongs to.
        secrets: the key ids of the parts whose secret the key folder holds.
    """

    name: str
    primary: PgpPart
    subkeys: tuple[PgpPart, ...]
    user_ids: tuple[str, ...]
    secrets: tuple[str, ...] = ()

    @property
    def secret(self) -> bool:
        """Whether the key folder holds a secret part of it."""
        return bool(self.secrets)

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the primary key, which is pinned."""
        return self.primary.fingerprint

    @property
    def parts(self) -> tuple[PgpPart, ...]:
        """The primary key and the subkeys."""
        return (self.primary, *self.subkeys)

    @property
    def uses(self) -> tuple[KeyUse, ...]:
        """What it can do now."""
        able = {use for part in self.parts if part.state is KeyState.VALID for use in part.uses}
        return tuple(use for use in KeyUse if use in able) if self.state is KeyState.VALID else ()

    @property
    def state(self) -> KeyState:
        """Whether it may be used."""
        return self.primary.state

    @property
    def expires(self) -> datetime | None:
        """When it ends to be of use: the first end of the primary key and what encrypts."""
        last = max((part.expires or _NEVER for part in self.encrypting), default=_NEVER)
        end = min(self.primary.expires or _NEVER, last)
        return None if end == _NEVER else end

    @property
    def encrypting(self) -> tuple[PgpPart, ...]:
        """The parts that can be encrypted to now."""
        if self.state is not KeyState.VALID:
            return ()
        parts = (part for part in self.parts if KeyUse.ENCRYPT in part.uses)
        return tuple(part for part in parts if part.state is KeyState.VALID)

    def require_encryption(self) -> None:
        """Refuse a key that nothing can be encrypted to now.

        Raises:
            KeyAccessError: it is revoked or expired, or has no key for encryption that is not.
        """
        self._require_state()
        if self.encrypting:
            return
        dead = [part.state for part in self.parts if KeyUse.ENCRYPT in part.uses]
        what = f"its encryption subkey is {dead[0]}" if dead else _NOTHING_FOR_IT
        raise KeyAccessError(
            f"nothing can be encrypted to {self.name}: {what} (key {self.fingerprint})",
            hint="ask its owner for a current key and run 'piienc keys import-pgp' with it",
        )

    def require_signing(self) -> None:
        """Refuse a key that cannot sign now.

        Raises:
            KeyAccessError: it is revoked or expired, cannot sign, or its secret part is missing.
        """
        self._require_state()
        if KeyUse.SIGN not in self.uses:
            raise KeyAccessError(
                f"{self.name} cannot sign: it has no key for it",
                hint="make one: 'piienc keys generate-pgp'",
            )
        signing = {part.key_id for part in self.parts if KeyUse.SIGN in part.uses}
        if not signing & set(self.secrets):
            raise KeyAccessError(
                f"{self.name} cannot sign: its secret key is not in the key folder",
                hint="sign with a key of your own: 'piienc keys list' shows which are",
            )

    def _require_state(self) -> None:
        if self.state is KeyState.VALID:
            return
        since = f" since {self.primary.expires:%Y-%m-%d}" if self.primary.expires else ""
        raise KeyAccessError(
            f"the key {self.name} is {self.state}"
            f"{since if self.state is KeyState.EXPIRED else ''} (key {self.fingerprint})",
            hint="ask its owner for a current key and run 'piienc keys import-pgp' with it",
        )

    def warnings(self, now: datetime, recommended_rsa_bits: int) -> list[str]:
        """Say what will need care soon."""
        warnings = []
        if self.expires and self.expires - now < _SOON:
            ends = f"{self.expires:%Y-%m-%d}"
            warnings.append(f"the key {self.name} expires on {ends}: ask for a new one")
        warnings += [
            f"the key {self.name} is {part.algorithm}: {recommended_rsa_bits} bits are advised"
            for part in self.encrypting
            if part.is_rsa and part.bits < recommended_rsa_bits
        ]
        return warnings


_STATES = {
    "r": KeyState.REVOKED,
    "e": KeyState.EXPIRED,
    "i": KeyState.INVALID,
    "d": KeyState.INVALID,
}


def keys_in(listing: Any) -> list[PgpKey]:  # noqa: ANN401  # python-gnupg ships no type information
    """Read python-gnupg's listing of keys; they have no names yet."""
    return [
        PgpKey(
            "",
            PgpPart.of(key),
            tuple(PgpPart.of(info) for info in key.get("subkey_info", {}).values()),
            tuple(key["uids"]),
        )
        for key in listing
    ]


def _time(seconds: str) -> datetime | None:
    return datetime.fromtimestamp(int(seconds), UTC) if seconds else None
