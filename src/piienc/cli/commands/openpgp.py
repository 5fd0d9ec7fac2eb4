"""`piienc wrap-file` and `piienc unwrap-file`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from piienc.cli import options, ui
from piienc.cli.places import source_of, target_of
from piienc.errors import UsageError

Source = Annotated[str, options.argument("SRC|-", "Input file; - is standard input.")]


@options.command("wrap-file", "piienc wrap-file profiles.enc.csv --recipient partner")
def wrap_file(
    src: Source,
    dst: Annotated[
        str | None, options.argument("[DST|-]", "Default: SRC plus the profile's extension.")
    ] = None,
    recipient: Annotated[list[str] | None, options.names("Recipient key; repeatable.")] = None,
    profile: options.Profile = None,
    sign_with: Annotated[
        str | None, options.value("--sign-with", "NAME", "Sign with this key of your own.")
    ] = None,
    armor: Annotated[
        bool | None,
        typer.Option("--armor/--binary", help="Armored or binary. Default: the profile's."),
    ] = None,
    schema: Annotated[
        Path | None, options.schema("Schema with the format of a CSV to split.")
    ] = None,
    force: options.Force = False,
    *,
    common: options.KeyOptions,
) -> None:
    """Encrypt a file for its receivers' OpenPGP keys."""
    from piienc.api.openpgp import wrap_file  # start-up

    if not recipient:
        raise UsageError("for whom? no recipient is named", hint="say --recipient NAME")
    with ui.progress("wrapping", quiet=common.quiet) as report:
        receipt = wrap_file(
            source_of(src),
            dst and target_of(dst),
            recipients=recipient,
            profile=profile or "generic",
            sign_with=sign_with,
            armor=armor,
            schema=schema,
            overwrite=force,
            on_progress=report,
            **common.shared,
        )
    names = ", ".join(key.name or key.fingerprint for key in receipt.recipients)
    how = f"for {names}{f', signed by {sign_with}' if sign_with else ''} in {receipt.seconds:.1f} s"
    common.finish(receipt, *(f"wrapped {how}: {output.name}" for output in receipt.outputs))


@options.command("unwrap-file", "piienc unwrap-file reply.csv.pgp --signed-by partner")
def unwrap_file(
    src: Source,
    dst: Annotated[
        str | None, options.argument("[DST|-]", "Default: SRC without .asc, .gpg or .pgp.")
    ] = None,
    signed_by: Annotated[
        str | None, options.value("--signed-by", "NAME", "Require a signature by this key.")
    ] = None,
    force: options.Force = False,
    *,
    common: options.KeyOptions,
) -> None:
    """Decrypt an OpenPGP file; the output appears whole or not at all."""
    with ExitStack() as stack:
        # While what is heavy is still to be imported: start-up.
        source = source_of(src)
        if source.path and source.path.is_file() and dst != "-":
            source = stack.enter_context(source.opened())
            source.followed()
        from piienc.api.openpgp import unwrap_file  # start-up

        receipt = unwrap_file(
            source,
            dst and target_of(dst),
            signed_by=signed_by,
            overwrite=force,
            on_progress=stack.enter_context(ui.progress("unwrapping", quiet=common.quiet)),
            **common.shared,
        )
    signers = [signature.key.name for signature in receipt.signatures if signature.trust == "good"]
    signed = f"signed by {', '.join(map(str, signers))}" if signers else "not signed"
    if receipt.signatures and not signers:
        signed = "with a signature that proves nothing"
    name = receipt.output.name
    common.finish(receipt, f"unwrapped in {receipt.seconds:.1f} s, {signed}: {name}")
