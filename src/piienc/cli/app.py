"""The program: its groups, and the one place where errors end it."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from piienc import errors
from piienc.cli import keys, options, process, tables, ui

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
            return answer  # noqa: TRY300  # an error of finish() is caught below
        except errors.PiiencError as error:
            code = ui.fail(error, as_json=as_json)
            if isinstance(error, errors.IncompleteError):
                ui.give_up_stdout()
        except TyperException as error:
            message = error.format_message().removesuffix(".")
            code = ui.fail(errors.UsageError(message), as_json=as_json)
        except (typer.Exit, typer.Abort):
            raise
        except KeyboardInterrupt:
            ui.say("interrupted; the output was not written")
            code = ui.INTERRUPTED
        except BrokenPipeError:
            # Who read our output has left: end as quietly as other filters do.
            ui.give_up_stdout()
            code = 128 + signal.SIGPIPE
        except Exception as error:  # noqa: BLE001  # its own text may hold a value
            code = ui.fail_unexpectedly(error, as_json=as_json)
        raise typer.Exit(code)


def exit_codes() -> str:
    """Return the exit codes and their meanings, a line each."""
    tree: list[type[errors.PiiencError]] = [errors.PiiencError]
    tree += errors.PiiencError.__subclasses__()
    lines = [f"{kind.exit_code:>2}  {kind.meaning}" for kind in tree]
    return "\n".join([" 0  done", *lines])


app = typer.Typer(
    cls=Door,
    name="piienc",
    help="Encrypt the personal columns of CSV and Parquet files under your own keys.",
    epilog="\b\nExit codes:\n" + exit_codes(),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(keys.app, name="keys")
app.command("encrypt-file", epilog=options.EPILOG)(tables.encrypt_file)
app.command("decrypt-file", epilog=options.EPILOG)(tables.decrypt_file)


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
    except SystemExit as end:
        ui.leave(end.code if isinstance(end.code, int) else 0)


def _terminated(number: int, _frame: FrameType | None) -> None:
    # Raised in the main thread, so that every open output is cleaned up on the way out.
    raise SystemExit(128 + number)
