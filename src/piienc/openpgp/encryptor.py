"""How files are to be wrapped, and a gpg made ready once for as many as there are."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.errors import PgpError, PolicyError
from piienc.keys.openpgp.folder import opened
from piienc.openpgp.gpg.wrap import MessageFormat, require_as_meant, wrap
from piienc.openpgp.packets import read_message
from piienc.openpgp.preflight import check_recipients, check_signer, plain_limit
from piienc.report.receipt import FileFacts, PgpKeyFacts, WrapReceipt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from piienc.base.secret import SecretBytes
    from piienc.keys.openpgp.folder import PgpFolder
    from piienc.keys.openpgp.gpg import Gpg
    from piienc.keys.openpgp.key import PgpKey
    from piienc.openpgp.routes import ByteRoute
    from piienc.receivers import Profile
    from piienc.schema import Schema


class WrapRequest(Struct, frozen=True):
    """How a file is to be wrapped.

    Attributes:
        profile: what the receiver demands.
        recipients: names of the keys that can read it.
        signer: the name of the key that signs it.
        armor: as text; None leaves it to the profile.
        overwrite: replace an existing output.
        schema: gives the dialect of a table that must be split; None means the default.
    """

    profile: Profile
    recipients: Sequence[str]
    signer: str | None = None
    armor: bool | None = None
    overwrite: bool = False
    schema: Schema | None = None

    @property
    def names(self) -> list[str]:
        """The names of all keys that take part."""
        return [*self.recipients, *([self.signer] if self.signer else [])]


class PgpEncryptor(Struct, frozen=True):
    """A gpg that knows the keys, and how it wraps: `secret` is the signer's passphrase."""

    session: Gpg
    recipients: Sequence[PgpKey]
    signer: PgpKey | None
    secret: SecretBytes | None
    profile: Profile
    armor: bool
    warnings: Sequence[str]

    @property
    def limit(self) -> int | None:
        """How large a file may be before it is wrapped; None for any size.

        Raises:
            PolicyError: nothing fits.
        """
        return plain_limit(self.profile, self.recipients, armor=self.armor)

    def form(self, compression: str) -> MessageFormat:
        """Return how a file is wrapped, with OpenPGP's compression: none, zip or zlib."""
        return MessageFormat(self.armor, self.profile.cipher, compression, self.profile.aead)

    def wrap(self, route: ByteRoute, form: MessageFormat, name: str) -> FileFacts:
        """Wrap what crosses, and look at what was written before it appears.

        Raises:
            PiiencError: of the class that tells what is wrong; see `piienc.errors`.
        """
        wrap(
            route.route,
            session=self.session,
            recipients=self.recipients,
            form=form,
            signer=self.signer,
            passphrase=self.secret,
        )
        require_as_meant(read_message(io.BytesIO(route.output.head), name), self.recipients, form)
        output = route.output.facts()
        if form.compression == "none" and output.bytes < route.read().bytes:
            raise PgpError("gpg compressed the file, which was not asked for")
        _require_size(output.bytes, self.profile, name)
        return output

    def receipt(
        self, form: MessageFormat, read: FileFacts, outputs: Sequence[FileFacts], seconds: float
    ) -> WrapReceipt:
        """Return what was done."""
        signer = self.signer
        return WrapReceipt(
            "wrap-file",
            read,
            tuple(outputs),
            tuple(PgpKeyFacts(key.name, key.fingerprint) for key in self.recipients),
            PgpKeyFacts(signer.name, signer.fingerprint) if signer else None,
            self.profile.name,
            form.cipher,
            form.compression,
            form.armor,
            round(seconds, 3),
            warnings=tuple(self.warnings),
        )


@contextlib.contextmanager
def open_encryptor(request: WrapRequest, keys: PgpFolder) -> Iterator[PgpEncryptor]:
    """Prepare an encryptor.

    Raises:
        KeyAccessError: a key is missing, or cannot be used.
        PolicyError: the receiver does not accept the request.
    """
    profile = request.profile
    with opened(keys, request.names) as (session, pgp_keys):
        # Two names may stand for one key.
        selected = (pgp_keys[name] for name in request.recipients)
        recipients = list({key.fingerprint: key for key in selected}.values())
        signer = pgp_keys[request.signer] if request.signer else None
        warnings = check_recipients(recipients, profile)
        secret = check_signer(signer, profile, keys)
        yield PgpEncryptor(session, recipients, signer, secret, profile, _armor(request), warnings)


def _armor(request: WrapRequest) -> bool:
    demanded = request.profile.armor
    if demanded is not None and request.armor not in {None, demanded}:
        raise PolicyError(
            f"the profile {request.profile.name} demands {'armor' if demanded else 'binary files'}",
            hint="leave the option out, or choose another profile: 'piienc profiles list'",
        )
    return bool(request.armor if demanded is None else demanded)


def _require_size(size: int, profile: Profile, name: str) -> None:
    if profile.size_limit and size > profile.size_limit:
        raise PolicyError(
            f"{name} would have {size:,} bytes, and {profile.name} takes "
            f"{profile.size_limit:,} at most",
            hint="split it into several files; a CSV file that is named, and no stream, is split "
            "by rows",
        )
