"""`piienc keys`: make, import and show OpenPGP keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from msgspec import to_builtins

from piienc.base.printable import command
from piienc.cli import options, ui
from piienc.cli.places import source_of
from piienc.errors import KeyAccessError

if TYPE_CHECKING:
    from piienc.audit.entry import AuditEntry
    from piienc.keys.openpgp.folder import PgpFolder
    from piienc.keys.openpgp.key import PgpKey

_LARGEST = 4 << 20  # bytes of a key file


Algorithm = Literal["rsa3072", "rsa4096", "ed25519"]


def generate_pgp(
    name: options.Name,
    email: Annotated[str, options.value("--email", "ADDRESS", "E-mail address of the user id.")],
    algorithm: Annotated[
        Algorithm, typer.Option("--algorithm", help="ed25519 has a cv25519 subkey for encryption.")
    ] = "rsa3072",
    expires: Annotated[
        str, options.value("--expires", "2y|never", "Validity in days, weeks, months or years.")
    ] = "2y",
    real_name: Annotated[str | None, options.value("--real-name", "TEXT", "Default: NAME.")] = None,
    no_passphrase: options.NoPassphrase = False,
    *,
    common: options.KeyOptions,
) -> None:
    """Generate an OpenPGP key pair of your own, to sign and to receive files."""
    folder = folder_of(common)
    with common.recorded("keys generate-pgp", keys=[name], makes_keys=True) as entry:
        secret = common.passphrase.for_new(name, none=no_passphrase)
        key = folder.generate(
            name,
            email,
            algorithm=algorithm,
            expires=expires,
            real_name=real_name,
            passphrase=secret,
        )
        entry.key(name, fingerprint=key.fingerprint)
    _tell(key, entry, common)
    export = command("piienc", "keys", "export", name)
    common.say(
        f"send your partners the public key: {export}",
        f"keep a copy of {folder.home} in a safe place: without it, nothing is unwrapped",
    )


def import_pgp(
    name: options.Name,
    file: Annotated[
        Path, options.argument("FILE|-", "The partner's public key, armored or binary.")
    ],
    fingerprint: Annotated[
        str | None, options.value("--fingerprint", "HEX", "Refuse a key with another fingerprint.")
    ] = None,
    with_secret: Annotated[
        bool, typer.Option("--with-secret", help="Import your own key, with its secret part.")
    ] = False,
    force: options.Force = False,
    *,
    common: options.CommonOptions,
) -> None:
    """Import a partner's OpenPGP key, and pin its fingerprint under the name."""
    with common.recorded(
        "keys import-pgp", [("input", file)], keys=[name], makes_keys=True
    ) as entry:
        key = folder_of(common).take(
            name, material(file), fingerprint=fingerprint, secret=with_secret, overwrite=force
        )
        entry.key(name, fingerprint=key.fingerprint)
    _tell(key, entry, common)
    try:
        key.require_encryption()
    except KeyAccessError as error:
        if not common.json:
            ui.warn(f"{name} is no recipient: {error}")
    if fingerprint is None:
        common.say(
            "compare the fingerprint with its owner, by another way, before you send anything"
        )


def fingerprint(name: options.Name, *, common: options.CommonOptions) -> None:
    """Show the fingerprint of an OpenPGP key, to compare it with its owner's."""
    key = folder_of(common).load([name])[0]
    if common.json:
        ui.result(key=facts_of(key))
    else:
        ui.data(grouped(key.fingerprint))


def folder_of(common: options.CommonOptions) -> PgpFolder:
    """Return the OpenPGP keys of the key folder that holds for this run."""
    from piienc.keys.openpgp.folder import PgpFolder  # start-up

    return PgpFolder(common.settings.keys_dir)


def facts_of(key: PgpKey) -> dict[str, Any]:
    """Return what may be shown of a key, for a JSON document."""
    facts: dict[str, Any] = to_builtins(key)
    return facts | {
        "fingerprint": key.fingerprint,
        "state": key.state,
        "secret": key.secret,
        "uses": list(key.uses),
    }


def row_of(key: PgpKey) -> tuple[str, ...]:
    """Return a key's row in the table of keys."""
    return (
        key.name,
        "pgp",
        key.fingerprint,
        key.primary.algorithm,
        key.state,
        f"{key.expires:%Y-%m-%d}" if key.expires else "never",
        " ".join(key.uses) or "-",
        "pair" if key.secret else "public",
    )


def grouped(fingerprint: str) -> str:
    """Return a fingerprint in groups of four, as people compare it."""
    return " ".join(fingerprint[at : at + 4] for at in range(0, len(fingerprint), 4))


def material(file: Path) -> bytes:
    """Return the content of a key file; `-` is standard input.

    Raises:
        InputError: it cannot be read.
        KeyAccessError: it is too large for a key.
    """
    with source_of(str(file)).opened() as source:
        data = source.peek(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise KeyAccessError(f"{file} is over 4 MiB, which is no key")
    return data


def _tell(key: PgpKey, entry: AuditEntry, common: options.CommonOptions) -> None:
    if common.json:
        ui.result(**entry.with_position({"key": facts_of(key)}))
    ends = f"until {key.expires:%Y-%m-%d}" if key.expires else "without an end"
    common.say(
        f"OpenPGP key {key.name}, {key.primary.algorithm}, {ends}: {key.user_ids[0]}",
        f"fingerprint {grouped(key.fingerprint)}",
    )
