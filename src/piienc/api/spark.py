"""Encrypt and decrypt DataFrames of Spark: `piienc.spark`.

with piienc.spark.actions():
    encrypted = piienc.spark.encrypt(df, schema="schema.toml", keys="/mnt/keys")
    encrypted.write.parquet("out")
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from piienc import schema as schemas
from piienc.api.common import keyring, path_of, schema_of, settings_of
from piienc.audit.entry import recorded
from piienc.engines.spark import Places, actions, decrypted, encrypted
from piienc.keys import Unlocker
from piienc.keys.passphrase import read_passphrase
from piienc.state import CellCounter, Marks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from piienc.api.common import OnWarning, PathLike
    from piienc.settings import Settings

__all__ = ["actions", "decrypt", "encrypt"]


def encrypt(
    df: DataFrame,
    *,
    schema: PathLike,
    passphrase_file: PathLike | None = None,
    worker_keys: PathLike | None = None,
    worker_passphrase_file: PathLike | None = None,
    keys: PathLike | None = None,
    state: PathLike | None = None,
    config: PathLike | None = None,
    on_warning: OnWarning = warnings.warn,
) -> DataFrame:
    """Encrypt the columns of a DataFrame that a schema marks, when an action runs.

    Args:
        df: the DataFrame.
        schema: the schema file; it is read here and travels with the plan.
        passphrase_file: holds the passphrase of the keys; None if they have none.
        worker_keys: the path of the key folder on the workers. Default: as here.
        worker_passphrase_file: that of the file with their passphrase. Default: as here.
        keys: as for `encrypt_file`.
        state: likewise.
        config: likewise.
        on_warning: likewise.

    Returns:
        A DataFrame. Its encrypted fields tell in their metadata what they were.

    Raises:
        piienc.errors.PiiencError: of the class that tells what is wrong.
    """
    settings, path = settings_of(keys, state, config), Path(schema)
    places = _places(settings, passphrase_file, worker_keys, worker_passphrase_file)
    with recorded("spark-encrypt", settings, schema=path, on_warning=on_warning) as entry:
        return encrypted(
            df,
            schemas.load(path),
            places,
            keys=keyring(settings, _unlocker(passphrase_file), entry),
            counter=CellCounter(settings.state_dir),
            marks=Marks(settings.state_dir),
        )


def decrypt(
    df: DataFrame,
    *,
    schema: PathLike | None = None,
    columns: Sequence[str] = (),
    passphrase_file: PathLike | None = None,
    worker_keys: PathLike | None = None,
    worker_passphrase_file: PathLike | None = None,
    keys: PathLike | None = None,
    state: PathLike | None = None,
    config: PathLike | None = None,
    on_warning: OnWarning = warnings.warn,
) -> DataFrame:
    """Decrypt encrypted columns of a DataFrame, when an action runs; every cell is authenticated.

    Args:
        df: the DataFrame.
        schema: the schema file. A DataFrame whose fields tell what they were can do without.
        columns: only these; none means all.
        passphrase_file: as for `encrypt`.
        worker_keys: likewise.
        worker_passphrase_file: likewise.
        keys: as for `encrypt_file`.
        state: likewise.
        config: likewise.
        on_warning: likewise.

    Raises:
        piienc.errors.PiiencError: of the class that tells what is wrong.
    """
    settings, path = settings_of(keys, state, config), path_of(schema)
    places = _places(settings, passphrase_file, worker_keys, worker_passphrase_file)
    with recorded("spark-decrypt", settings, schema=path, on_warning=on_warning) as entry:
        return decrypted(
            df,
            schema_of(path),
            places,
            keys=keyring(settings, _unlocker(passphrase_file), entry),
            columns=tuple(columns),
        )


def _unlocker(file: PathLike | None) -> Unlocker:
    if file is None:
        return Unlocker()
    path = Path(file)
    return Unlocker(lambda _: read_passphrase(path))


def _places(
    settings: Settings,
    passphrase_file: PathLike | None,
    worker_keys: PathLike | None,
    worker_passphrase_file: PathLike | None,
) -> Places:
    """Return where workers find the keys: as here, if nothing else is said."""
    file = worker_passphrase_file or passphrase_file
    return Places(
        str(Path(worker_keys or settings.keys_dir).absolute()),
        None if file is None else str(Path(file).absolute()),
    )
