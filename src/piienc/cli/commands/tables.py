"""`piienc encrypt-file` and `piienc decrypt-file`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from piienc.cli import options, ui
from piienc.cli.places import begun_source, target_of
from piienc.errors import UsageError

if TYPE_CHECKING:
    from piienc.audit.entry import AuditEntry
    from piienc.report.receipt import FolderReceipt, Receipt

Source = Annotated[
    Path,
    typer.Argument(
        metavar="SRC|-", help="CSV (also compressed), Parquet, or a folder; - is standard input."
    ),
]
Target = Annotated[
    Path,
    typer.Argument(metavar="DST|-", help="The output, in the same format; - is standard output."),
]


@options.command(
    "encrypt-file", "piienc encrypt-file profiles.csv profiles.enc.csv --schema schema.toml"
)
def encrypt_file(
    src: Source,
    dst: Target,
    schema: Annotated[Path, options.schema("Names the marks.")],
    threads: options.Threads = 0,
    force: options.Force = False,
    *,
    common: options.KeyOptions,
) -> None:
    """Encrypt the columns that the schema marks."""
    with ExitStack() as stack:
        source, target = begun_source(src, stack), target_of(dst)
        from piienc import schema as schemas
        from piienc.api.keyring import keyring
        from piienc.keys import KeyFolder
        from piienc.state import CellCounter  # start-up
        from piienc.transform import (
            crypt,
            folder,  # start-up
        )

        files = [("input", src), ("output", dst)]
        entry = stack.enter_context(common.recorded("encrypt-file", files, schema=schema))
        counter = stack.enter_context(CellCounter(common.settings.state_dir))
        report = stack.enter_context(ui.progress("encrypting", quiet=common.quiet))
        receipt = folder.encrypt(
            source,
            target,
            schema=schemas.load(schema),
            keys=keyring(KeyFolder(common.settings.keys_dir, common.unlocker), entry),
            counter=counter,
            options=crypt.CryptOptions(force, threads, report),
        )
        entry.receipt(receipt)
    _tell("encrypted", receipt, entry, dst, as_json=common.json, quiet=common.quiet)


@options.command(
    "decrypt-file", "piienc decrypt-file profiles.enc.csv profiles.csv --schema schema.toml"
)
def decrypt_file(
    src: Source,
    dst: Target,
    schema: Annotated[Path | None, options.schema("Parquet can do without.")] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", metavar="A,B", help="Only these. Default: all.")
    ] = None,
    threads: options.Threads = 0,
    force: options.Force = False,
    *,
    common: options.KeyOptions,
) -> None:
    """Decrypt encrypted columns; every cell is authenticated."""
    with ExitStack() as stack:
        source, target = begun_source(src, stack), target_of(dst)
        from piienc import schema as schemas
        from piienc.api.keyring import keyring
        from piienc.keys import KeyFolder
        from piienc.transform import (
            crypt,
            folder,  # start-up
        )

        files = [("input", src), ("output", dst)]
        entry = stack.enter_context(common.recorded("decrypt-file", files, schema=schema))
        report = stack.enter_context(ui.progress("decrypting", quiet=common.quiet))
        receipt = folder.decrypt(
            source,
            target,
            schema=schemas.load(schema) if schema else None,
            keys=keyring(KeyFolder(common.settings.keys_dir, common.unlocker), entry),
            columns=_names(columns),
            options=crypt.CryptOptions(force, threads, report),
        )
        entry.receipt(receipt)
    _tell("decrypted", receipt, entry, dst, as_json=common.json, quiet=common.quiet)


def _names(columns: str | None) -> list[str]:
    if columns is None:
        return []
    names = [name.strip() for name in columns.split(",") if name.strip()]
    if not names:
        # An empty shell variable must not open everything.
        raise UsageError("--columns names no column", hint="leave it out to decrypt all")
    return names


def _tell(
    done: str,
    receipt: Receipt | FolderReceipt,
    entry: AuditEntry,
    dst: Path,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    for warning in receipt.warnings:
        ui.say(f"warning: {warning}")
    if as_json:
        ui.document(entry.attested(receipt.document()))
    elif not quiet:
        names = ", ".join(receipt.columns)
        files = getattr(receipt, "files", None)
        several = f" in {len(files):,} files" if files else ""
        seconds = f"{receipt.seconds:.1f} s"
        ui.say(f"{done} {names} of {receipt.rows:,} rows{several} in {seconds}: {dst}")
