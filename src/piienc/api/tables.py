"""Encrypt and decrypt the marked columns of a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from piienc import schema as schemas
from piienc.api.common import schema_of, settled, unlocker_of
from piienc.api.keyring import keyring
from piienc.audit.entry import recorded
from piienc.keys import KeyFolder
from piienc.state import CellCounter
from piienc.storage import FileSource, FileTarget
from piienc.transform import crypt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from piienc.api.common import Passphrase, PathLike
    from piienc.report.receipt import Receipt


def encrypt_file(
    source: PathLike,
    target: PathLike,
    *,
    schema: PathLike,
    passphrase: Passphrase = None,
    overwrite: bool = False,
    threads: int = 0,
    keys: PathLike | None = None,
    state: PathLike | None = None,
    config: PathLike | None = None,
) -> Receipt:
    """Encrypt the columns that a schema marks.

    Args:
        source: CSV (also compressed) or Parquet, told by its content.
        target: a file of the same format, which appears whole or not at all; its suffix tells how
            CSV is compressed.
        schema: the schema file.
        passphrase: of the keys; None if they have none.
        overwrite: replace a target that is there.
        threads: units worked on side by side; 0 means one for each core.
        keys: the key folder. Default: `PIIENC_KEYS`, piienc.toml, or `keys`.
        state: the state folder. Default: `PIIENC_STATE`, piienc.toml, or `.piienc`.
        config: default: the nearest piienc.toml upwards.

    Raises:
        piienc.errors.PiiencError: of the class that tells what is wrong.
    """
    where = settled(keys, state, config)
    unlocker = unlocker_of(passphrase)
    files = [("input", Path(source)), ("output", Path(target))]
    with (
        recorded("encrypt-file", where, files, schema=Path(schema)) as entry,
        CellCounter(where.state_dir) as counter,
    ):
        receipt = crypt.encrypt_file(
            FileSource(Path(source)),
            FileTarget(Path(target)),
            schema=schemas.load(Path(schema)),
            keys=keyring(KeyFolder(where.keys_dir, unlocker), entry),
            counter=counter,
            options=crypt.CryptOptions(overwrite, threads),
        )
        entry.receipt(receipt)
    return receipt


def decrypt_file(
    source: PathLike,
    target: PathLike,
    *,
    schema: PathLike | None = None,
    columns: Sequence[str] = (),
    passphrase: Passphrase = None,
    overwrite: bool = False,
    threads: int = 0,
    keys: PathLike | None = None,
    state: PathLike | None = None,
    config: PathLike | None = None,
) -> Receipt:
    """Decrypt encrypted columns; every cell is authenticated before it is written.

    Args:
        source: CSV (also compressed) or Parquet, told by its content.
        target: a file of the same format, which appears whole or not at all; its suffix tells how
            CSV is compressed.
        schema: the schema file; Parquet that piienc has written can do without.
        columns: only these; none means all.
        passphrase: of the keys; None if they have none.
        overwrite: replace a target that is there.
        threads: units worked on side by side; 0 means one for each core.
        keys: as for `encrypt_file`.
        state: likewise.
        config: likewise.

    Raises:
        piienc.errors.PiiencError: of the class that tells what is wrong.
    """
    where = settled(keys, state, config)
    unlocker = unlocker_of(passphrase)
    files = [("input", Path(source)), ("output", Path(target))]
    with recorded("decrypt-file", where, files, schema=Path(schema) if schema else None) as entry:
        receipt = crypt.decrypt_file(
            FileSource(Path(source)),
            FileTarget(Path(target)),
            schema=schema_of(schema),
            keys=keyring(KeyFolder(where.keys_dir, unlocker), entry),
            columns=columns,
            options=crypt.CryptOptions(overwrite, threads),
        )
        entry.receipt(receipt)
    return receipt
