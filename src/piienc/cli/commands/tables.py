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
    from piienc.report.receipt import FolderReceipt, Receipt

Source = Annotated[
    str,
    options.argument("SRC|-", "CSV (also compressed), Parquet, or a folder; - is standard input."),
]
Target = Annotated[
    str, options.argument("DST|-", "The output, in the same format; - is standard output.")
]


@options.command(
    "encrypt-file", "piienc encrypt-file profiles.csv profiles.enc.csv --schema schema.toml"
)
def encrypt_file(
    src: Source,
    dst: Target,
    schema: Annotated[Path, options.schema("Schema with the marks.")],
    no_bloom_filters: Annotated[
        bool,
        typer.Option(
            "--no-bloom-filters", help="Write no Parquet Bloom filters for searchable columns."
        ),
    ] = False,
    threads: options.Threads = 0,
    force: options.Force = False,
    *,
    common: options.KeyOptions,
) -> None:
    """Encrypt the columns that the schema marks."""
    with ExitStack() as stack:
        source = begun_source(src, stack)
        from piienc.api.tables import encrypt_file  # start-up

        receipt = encrypt_file(
            source,
            target_of(dst),
            schema=schema,
            overwrite=force,
            threads=threads,
            bloom_filters=not no_bloom_filters,
            on_progress=stack.enter_context(ui.progress("encrypting", quiet=common.quiet)),
            **common.shared,
        )
    common.finish(receipt, _line("encrypted", receipt, dst))


@options.command(
    "decrypt-file", "piienc decrypt-file profiles.enc.csv profiles.csv --schema schema.toml"
)
def decrypt_file(
    src: Source,
    dst: Target,
    schema: Annotated[Path | None, options.schema("Schema; optional for Parquet.")] = None,
    columns: Annotated[
        str | None, options.value("--columns", "A,B", "Columns to decrypt. Default: all.")
    ] = None,
    threads: options.Threads = 0,
    force: options.Force = False,
    *,
    common: options.KeyOptions,
) -> None:
    """Decrypt encrypted columns; every cell is authenticated."""
    with ExitStack() as stack:
        source = begun_source(src, stack)
        from piienc.api.tables import decrypt_file  # start-up

        receipt = decrypt_file(
            source,
            target_of(dst),
            schema=schema,
            columns=_names(columns),
            overwrite=force,
            threads=threads,
            on_progress=stack.enter_context(ui.progress("decrypting", quiet=common.quiet)),
            **common.shared,
        )
    common.finish(receipt, _line("decrypted", receipt, dst))


def _names(columns: str | None) -> list[str]:
    if columns is None:
        return []
    names = [name.strip() for name in columns.split(",") if name.strip()]
    if not names:
        # An empty shell variable must not open everything.
        raise UsageError("--columns names no column", hint="leave it out to decrypt all")
    return names


def _line(verb: str, receipt: Receipt | FolderReceipt, dst: str) -> str:
    files = getattr(receipt, "files", None)
    several = f" in {len(files):,} files" if files else ""
    columns = ", ".join(receipt.columns)
    return f"{verb} {columns} of {receipt.rows:,} rows{several} in {receipt.seconds:.1f} s: {dst}"
