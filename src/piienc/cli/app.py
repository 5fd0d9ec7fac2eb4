"""The program: its groups, and the one place where errors end it."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from piienc import errors
from piienc.cli import (
    envelope,
    inspect,
    keys,
    manifest,
    options,
    pgp_keys,
    process,
    profiles,
    tables,
    ui,
)

if TYPE_CHECKING:
    from types import FrameType


class Door(TyperGroup):
    """The error boundary: nested commands exit with the error's own code, tests included."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # noqa: ANN401  # Typer's own
        """Run the command that was asked for."""
        as_json = "--json" in [*ctx._protected_args, *ctx.args]  # noqa: SLF001  # before parsing
        ui.begin()
        try:
            answer = super().invoke(ctx)
            ui.finish()
        except (typer.Exit, typer.Abort):
            raise
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # its text may hold a value
            raise typer.Exit(_code_of(error, as_json=as_json)) from None
        return answer


def _code_of(error: Exception | KeyboardInterrupt, *, as_json: bool) -> int:
    """Report what ended a command, and return the exit code for it."""
    if isinstance(error, TyperException):
        error = errors.UsageError(error.format_message().removesuffix("."))
    if isinstance(error, errors.PiiencError):
        code = ui.fail(error, as_json=as_json)
        if isinstance(error, errors.IncompleteError):
            ui.give_up_stdout()
        return code
    if isinstance(error, KeyboardInterrupt):
        ui.say("interrupted")
        return ui.INTERRUPTED
    if isinstance(error, BrokenPipeError):
        # Who read our output has left: end as quietly as other filters do.
        ui.give_up_stdout()
        return 128 + signal.SIGPIPE
    return ui.fail_unexpectedly(error, as_json=as_json)


def exit_codes() -> str:
    """Return the exit codes and their meanings, a line each."""
    tree: list[type[errors.PiiencError]] = [errors.PiiencError]
    tree += errors.PiiencError.__subclasses__()
    lines = [f"{kind.exit_code:>2}  {kind.meaning}" for kind in tree]
    return "\n".join([" 0  done", *lines])


app = typer.Typer(
    cls=Door,
    name="piienc",
    help="Encrypt personal columns under your own keys, and wrap files for partners.",
    epilog="\b\nExit codes:\n" + exit_codes(),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(keys.app, name="keys")
for name, command in (
    ("generate-pgp", pgp_keys.generate_pgp),
    ("import-pgp", pgp_keys.import_pgp),
    ("fingerprint", pgp_keys.fingerprint),
):
    keys.app.command(name, epilog=options.EPILOG)(command)
app.add_typer(profiles.app, name="profiles")
app.add_typer(manifest.app, name="manifest")
app.command("encrypt-file", epilog=options.EPILOG)(tables.encrypt_file)
app.command("decrypt-file", epilog=options.EPILOG)(tables.decrypt_file)
app.command("wrap-file", epilog=options.EPILOG)(envelope.wrap_file)
app.command("unwrap-file", epilog=options.EPILOG)(envelope.unwrap_file)
app.command("inspect", epilog=options.EPILOG)(inspect.inspect)


def _show_version(value: bool) -> None:  # noqa: FBT001  # Typer's callback
    if value:
        from importlib.metadata import version  # start-up

        ui.data(f"piienc {version('piienc')}")
        raise typer.Exit


@app.callback()
def _piienc(
    *,
    version: Annotated[  # its callback answers
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the program; ends the process with its exit code."""
    process.prepare()
    signal.signal(signal.SIGTERM, _terminated)
    try:
        app()
        ui.finish()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # help on a full disk, say
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            error = errors.IncompleteError(f"cannot write: {os.strerror(error.errno or 0)}")
        code = _code_of(error, as_json=False)
    ui.leave(code)


def _terminated(number: int, _frame: FrameType | None) -> None:
    # Raised in the main thread, so that every open output is cleaned up on the way out.
    raise SystemExit(128 + number)
