"""Wrap a file for partners, and unwrap one."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from msgspec.structs import replace

from piienc import receivers as profiles
from piienc.api.common import (
    ends,
    path_of,
    schema_of,
    settings_of,
    source_of,
    target_of,
    unlocker_of,
)
from piienc.audit.entry import recorded
from piienc.errors import UsageError
from piienc.keys.openpgp.folder import PgpFolder
from piienc.openpgp import unwrap, wrap
from piienc.openpgp.encryptor import WrapRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from piienc.api.common import OnWarning, Passphrase, PathLike
    from piienc.report.receipt import UnwrapReceipt, WrapReceipt
    from piienc.storage import Source, Target
    from piienc.storage.progress import OnProgress

_ENDINGS = {".asc", ".gpg", ".pgp"}


def wrap_file(
    source: PathLike | Source,
    target: PathLike | Target | None = None,
    *,
    recipients: Sequence[str],
    profile: str = "generic",
    sign_with: str | None = None,
    armor: bool | None = None,
    schema: PathLike | None = None,
    passphrase: Passphrase = None,
    overwrite: bool = False,
    keys: PathLike | None = None,
    state: PathLike | None = None,
    config: PathLike | None = None,
    on_progress: OnProgress | None = None,
    on_warning: OnWarning = warnings.warn,
) -> WrapReceipt:
    """Encrypt a file for its receivers' OpenPGP keys.

    Args:
        source: any file.
        target: what is written, whole or not at all. Default: the source's name and the
            profile's extension.
        recipients: the names of the receivers' keys.
        profile: the name of what the receiver demands.
        sign_with: the name of a key of your own that signs it.
        armor: as text; None leaves it to the profile.
        schema: how a CSV file is written that must be split for its size.
        passphrase: of the key that signs; None if it has none.
        overwrite: replace a target that is there.
        keys: as for `encrypt_file`.
        state: likewise.
        config: likewise.
        on_progress: called with 0, the bytes read, and the share of the file that is done.
        on_warning: as for `encrypt_file`.

    Returns:
        The receipt; `outputs` are the files, several if the source was split.

    Raises:
        piienc.errors.PiiencError: of the class that tells what is wrong.
    """
    if not recipients or isinstance(recipients, str):
        raise UsageError("recipients must be a list of names", hint='say recipients=["NAME"]')
    settings = settings_of(keys, state, config)
    pgp = PgpFolder(settings.keys_dir, unlocker_of(passphrase))
    request = WrapRequest(
        profiles.load(profile, settings.profiles),
        tuple(dict.fromkeys(recipients)),
        sign_with,
        armor,
        overwrite,
        schema_of(schema),
    )
    read = source_of(source)
    written = target_of(target or _named(read, lambda path: wrap.wrapped_name(path, request)))
    with recorded(
        "wrap-file",
        settings,
        ends(read, written),
        schema=path_of(schema),
        keys=request.names,
        on_warning=on_warning,
    ) as entry:
        receipt = wrap.wrap_file(read, written, request, keys=pgp, progress=on_progress)
        entry.receipt(receipt)
    return replace(receipt, audit=entry.position)


def unwrap_file(
    source: PathLike | Source,
    target: PathLike | Target | None = None,
    *,
    signed_by: str | None = None,
    passphrase: Passphrase = None,
    overwrite: bool = False,
    keys: PathLike | None = None,
    state: PathLike | None = None,
    config: PathLike | None = None,
    on_progress: OnProgress | None = None,
    on_warning: OnWarning = warnings.warn,
) -> UnwrapReceipt:
    """Decrypt an OpenPGP file; the output appears whole or not at all.

    Args:
        source: the message, armored or binary.
        target: what is written. Default: the source's name without `.asc`, `.gpg` or `.pgp`.
        signed_by: the name of the key that must have signed it.
        passphrase: of the key that decrypts; None if it has none.
        overwrite: replace a target that is there.
        keys: as for `encrypt_file`.
        state: likewise.
        config: likewise.
        on_progress: called with 0, the bytes read, and the share of the file that is done.
        on_warning: as for `encrypt_file`.

    Raises:
        piienc.errors.PiiencError: of the class that tells what is wrong.
    """
    settings = settings_of(keys, state, config)
    pgp = PgpFolder(settings.keys_dir, unlocker_of(passphrase))
    read = source_of(source)
    written = target_of(target or _named(read, _without_ending))
    files, key_names = ends(read, written), [signed_by] if signed_by else []
    with recorded("unwrap-file", settings, files, keys=key_names, on_warning=on_warning) as entry:
        receipt = unwrap.unwrap_file(
            read,
            written,
            keys=pgp,
            signed_by=signed_by,
            overwrite=overwrite,
            progress=on_progress,
        )
        entry.receipt(receipt)
    return replace(receipt, audit=entry.position)


def _without_ending(path: Path) -> Path | None:
    return path.with_suffix("") if path.suffix.lower() in _ENDINGS else None


def _named(source: Source, name: Callable[[Path], Path | None]) -> Path:
    """Return the output path that follows from a file's name.

    Raises:
        UsageError: the source is a stream, or its name leads to no output.
    """
    path = name(source.path) if source.path else None
    if path is None:
        raise UsageError("where to? no output is named", hint="name a file, or - for stdout")
    return path
