"""`piienc wrap-file` and `piienc unwrap-file`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from piienc.cli import options, ui
from piienc.cli.places import source_of, target_of
from piienc.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from piienc.schema import Schema

Source = Annotated[Path, typer.Argument(metavar="SRC|-", help="The file; - reads it from stdin.")]
_ENDINGS = {".asc", ".gpg", ".pgp"}


@options.command("wrap-file", "piienc wrap-file profiles.enc.csv --recipient partner")
def wrap_file(
    src: Source,
    dst: Annotated[
        Path | None,
        typer.Argument(metavar="[DST|-]", help="Default: SRC and the profile's extension."),
    ] = None,
    recipient: Annotated[
        list[str] | None,
        options.names("Whose key; may be repeated."),
    ] = None,
    profile: options.Profile = None,
    sign_with: Annotated[
        str | None, typer.Option("--sign-with", metavar="NAME", help="A key of your own.")
    ] = None,
    armor: Annotated[
        bool | None, typer.Option("--armor/--binary", help="Default: what the profile says.")
    ] = None,
    schema: Annotated[
        Path | None,
        options.schema("How a CSV is written that must be split."),
    ] = None,
    force: options.Force = False,
    *,
    common: options.KeyOptions,
) -> None:
    """Encrypt a file for its receivers' OpenPGP keys."""
    from piienc import receivers as profiles  # start-up
    from piienc.keys.openpgp.folder import PgpFolder
    from piienc.openpgp.request import WrapRequest
    from piienc.openpgp.wrap import wrap_file, wrapped_name

    if not recipient:
        raise UsageError("for whom? no recipient is named", hint="say --recipient NAME")
    settled = common.settings
    wanted = WrapRequest(
        profiles.load(profile or "generic", settled.profiles),
        tuple(dict.fromkeys(recipient)),
        sign_with,
        armor,
        force,
        _schema(schema),
    )
    target = dst or (wrapped_name(src, wanted) if str(src) != "-" else None)
    files = [("input", src), *([("output", target)] if target else [])]
    named = [*recipient, *([sign_with] if sign_with else [])]
    with (
        common.recorded("wrap-file", files, schema=schema, keys=named) as entry,
        ui.progress("wrapping", quiet=common.quiet) as report,
    ):
        receipt = wrap_file(
            source_of(src),
            target_of(target),
            wanted,
            keys=PgpFolder(settled.keys_dir, common.unlocker),
            progress=report,
        )
        entry.receipt(receipt)
    _warn(receipt.warnings)
    if common.json:
        ui.document(entry.attested(receipt.document()))
    elif not common.quiet:
        names = ", ".join(key.name or key.fingerprint for key in receipt.recipients)
        signed = f", signed by {sign_with}" if sign_with else ""
        for written in receipt.outputs:
            ui.say(f"wrapped for {names}{signed} in {receipt.seconds:.1f} s: {written.name}")


@options.command("unwrap-file", "piienc unwrap-file reply.csv.pgp --signed-by partner")
def unwrap_file(
    src: Source,
    dst: Annotated[
        Path | None,
        typer.Argument(metavar="[DST|-]", help="Default: SRC without .asc, .gpg or .pgp."),
    ] = None,
    signed_by: Annotated[
        str | None,
        typer.Option("--signed-by", metavar="NAME", help="Refuse what this key has not signed."),
    ] = None,
    force: options.Force = False,
    *,
    common: options.KeyOptions,
) -> None:
    """Decrypt an OpenPGP file; nothing appears that is not whole."""
    with ExitStack() as stack:
        # While what is heavy is still to be imported: start-up.
        source = source_of(src)
        if src.is_file() and str(dst) != "-":
            source = stack.enter_context(source.opened())
            source.followed()
        from piienc.keys.openpgp.folder import PgpFolder
        from piienc.openpgp.unwrap import unwrap_file  # start-up

        settled = common.settings
        target = dst or (src.with_suffix("") if src.suffix.lower() in _ENDINGS else None)
        files = [("input", src), *([("output", target)] if target else [])]
        named = [signed_by] if signed_by else []
        entry = stack.enter_context(common.recorded("unwrap-file", files, keys=named))
        report = stack.enter_context(ui.progress("unwrapping", quiet=common.quiet))
        receipt = unwrap_file(
            source,
            target_of(target),
            keys=PgpFolder(settled.keys_dir, common.unlocker),
            signed_by=signed_by,
            overwrite=force,
            progress=report,
        )
        entry.receipt(receipt)
    _warn(receipt.warnings)
    if common.json:
        ui.document(entry.attested(receipt.document()))
    elif not common.quiet:
        good = [made.key.name for made in receipt.signatures if made.trust == "good"]
        signed = f"signed by {', '.join(map(str, good))}" if good else "not signed"
        if receipt.signatures and not good:
            signed = "with a signature that proves nothing"
        ui.say(f"unwrapped in {receipt.seconds:.1f} s, {signed}: {receipt.output.name}")


def _schema(path: Path | None) -> Schema | None:
    if path is None:
        return None
    from piienc import schema  # start-up

    return schema.load(path)


def _warn(warnings: Sequence[str]) -> None:
    for warning in warnings:
        ui.say(f"warning: {warning}")
