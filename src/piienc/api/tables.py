"""Encrypt and decrypt the marked columns of a file."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from piienc import schema as schemas
from piienc.api.common import (
    ends,
    keyring,
    path_of,
    schema_of,
    settings_of,
    source_of,
    target_of,
    unlocker_of,
)
from piienc.audit.entry import recorded
from piienc.state import CellCounter
from piienc.transform import folder
from piienc.transform.crypt import CryptOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from piienc.api.common import OnWarning, Passphrase, PathLike
    from piienc.report.receipt import FolderReceipt, Receipt
    from piienc.storage import Source, Target
    from piienc.storage.progress import OnProgress


def encrypt_file(
    source: PathLike | Source,
    target: PathLike | Target,
    *,
    schema: PathLike,
    passphrase: Passphrase = None,
    overwrite: bool = False,
    threads: int = 0,
    bloom_filters: bool = True,
    keys: PathLike | None = None,
    state: PathLike | None = None,
    config: PathLike | None = None,
    on_progress: OnProgress | None = None,
    on_warning: OnWarning = warnings.warn,
) -> Receipt | FolderReceipt:
    """Encrypt the columns that a schema marks.

    Args:
        source: CSV (also compressed) or Parquet, detected by content; or a folder of Parquet files.
        target: a file of the same format, which appears whole or not at all; its suffix tells how
            CSV is compressed. Of a folder, one that is not there yet.
        schema: the schema file.
        passphrase: of the keys; None if they have none.
        overwrite: replace a target that is there.
        threads: units worked on side by side; 0 means one for each core.
        bloom_filters: Parquet gets a Bloom filter of each searchable column, for look-ups.
        keys: the key folder. Default: `PIIENC_KEYS`, piienc.toml, or `keys`.
        state: the state folder. Default: `PIIENC_STATE`, piienc.toml, or `.piienc`.
        config: default: the nearest piienc.toml upwards.
        on_progress: called with the rows done, the bytes read, and the share of the whole that is
            done, or None where that cannot be known.
        on_warning: called with a sentence if the audit log is not as it was written.

    Raises:
        piienc.errors.PiiencError: of the class that tells what is wrong.
    """
    settings, unlocker = settings_of(keys, state, config), unlocker_of(passphrase)
    read, written = source_of(source), target_of(target)
    files, schema_path = ends(read, written), Path(schema)
    with (
        recorded(
            "encrypt-file", settings, files, schema=schema_path, on_warning=on_warning
        ) as entry,
        CellCounter(settings.state_dir) as counter,
    ):
        receipt = folder.encrypt(
            read,
            written,
            schema=schemas.load(schema_path),
            keys=keyring(settings, unlocker, entry),
            counter=counter,
            options=CryptOptions(overwrite, threads, on_progress, bloom_filters=bloom_filters),
        )
        entry.receipt(receipt)
    return replace(receipt, audit=entry.position)


def decrypt_file(
    source: PathLike | Source,
    target: PathLike | Target,
    *,
    schema: PathLike | None = None,
    columns: Sequence[str] = (),
    passphrase: Passphrase = None,
    overwrite: bool = False,
    threads: int = 0,
    keys: PathLike | None = None,
    state: PathLike | None = None,
    config: PathLike | None = None,
    on_progress: OnProgress | None = None,
    on_warning: OnWarning = warnings.warn,
) -> Receipt | FolderReceipt:
    """Decrypt encrypted columns; every cell is authenticated before it is written.

    Args:
        source: CSV (also compressed) or Parquet, detected by content; or a folder of Parquet files.
        target: a file of the same format, which appears whole or not at all; its suffix tells how
            CSV is compressed. Of a folder, one that is not there yet.
        schema: the schema file; Parquet that piienc has written can do without.
        columns: only these; none means all.
        passphrase: of the keys; None if they have none.
        overwrite: replace a target that is there.
        threads: units worked on side by side; 0 means one for each core.
        keys: as for `encrypt_file`.
        state: likewise.
        config: likewise.
        on_progress: likewise.
        on_warning: likewise.

    Raises:
        piienc.errors.PiiencError: of the class that tells what is wrong.
    """
    settings, unlocker = settings_of(keys, state, config), unlocker_of(passphrase)
    read, written = source_of(source), target_of(target)
    files, schema_path = ends(read, written), path_of(schema)
    with recorded(
        "decrypt-file", settings, files, schema=schema_path, on_warning=on_warning
    ) as entry:
        receipt = folder.decrypt(
            read,
            written,
            schema=schema_of(schema),
            keys=keyring(settings, unlocker, entry),
            columns=columns,
            options=CryptOptions(overwrite, threads, on_progress),
        )
        entry.receipt(receipt)
    return replace(receipt, audit=entry.position)
