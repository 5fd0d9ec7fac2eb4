"""Wrap a file for partners, and unwrap one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from piienc import receivers as profiles
from piienc.api.common import path_of, schema_of, settled, unlocker_of
from piienc.audit.entry import recorded
from piienc.errors import UsageError
from piienc.keys.openpgp.folder import PgpFolder
from piienc.openpgp import unwrap, wrap
from piienc.openpgp.request import WrapRequest
from piienc.storage import FileSource, FileTarget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from piienc.api.common import Passphrase, PathLike
    from piienc.report.receipt import UnwrapReceipt, WrapReceipt


def wrap_file(
    source: PathLike,
    target: PathLike | None = None,
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

    Returns:
        The receipt; `outputs` are the files, several if the source was split.

    Raises:
        piienc.errors.PiiencError: of the class that tells what is wrong.
    """
    if not recipients or isinstance(recipients, str):
        raise UsageError("recipients must be a list of names", hint='say recipients=["NAME"]')
    where = settled(keys, state, config)
    pgp = PgpFolder(where.keys_dir, unlocker_of(passphrase))
    wanted = WrapRequest(
        profiles.load(profile, where.profiles),
        tuple(dict.fromkeys(recipients)),
        sign_with,
        armor,
        overwrite,
        schema_of(schema),
    )
    written = path_of(target) or wrap.wrapped_name(Path(source), wanted)
    files = [("input", Path(source)), ("output", written)]
    read = path_of(schema)
    with recorded("wrap-file", where, files, schema=read, keys=wanted.names) as entry:
        receipt = wrap.wrap_file(
            FileSource(Path(source)),
            FileTarget(written),
            wanted,
            keys=pgp,
        )
        entry.receipt(receipt)
    return receipt


def unwrap_file(
    source: PathLike,
    target: PathLike,
    *,
    signed_by: str | None = None,
    passphrase: Passphrase = None,
    overwrite: bool = False,
    keys: PathLike | None = None,
    state: PathLike | None = None,
    config: PathLike | None = None,
) -> UnwrapReceipt:
    """Decrypt an OpenPGP file; nothing appears that is not whole.

    Args:
        source: the message, armored or binary.
        target: what is written.
        signed_by: the name of the key that must have signed it.
        passphrase: of the key that decrypts; None if it has none.
        overwrite: replace a target that is there.
        keys: as for `encrypt_file`.
        state: likewise.
        config: likewise.

    Raises:
        piienc.errors.PiiencError: of the class that tells what is wrong.
    """
    where = settled(keys, state, config)
    pgp = PgpFolder(where.keys_dir, unlocker_of(passphrase))
    files = [("input", Path(source)), ("output", Path(target))]
    named = [signed_by] if signed_by else []
    with recorded("unwrap-file", where, files, keys=named) as entry:
        receipt = unwrap.unwrap_file(
            FileSource(Path(source)),
            FileTarget(Path(target)),
            keys=pgp,
            signed_by=signed_by,
            overwrite=overwrite,
        )
        entry.receipt(receipt)
    return receipt
