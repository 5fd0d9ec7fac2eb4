"""The program: its commands, and the one place where errors end it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException
from typer.main import get_command

from piienc import errors
from piienc.cli import process, signals, ui
from piienc.version import __version__

COMMANDS = {
    "init": ("Create a project from a sample file.", "init:init"),
    "demo": ("Show all steps once; needs no server.", "demo:demo"),
    "keys": ("AES and OpenPGP keys: make, import, list, export.", "keys.aes:app"),
    "schema": ("Columns and their marks: infer, check, show, mark.", "schema:app"),
    "profiles": ("What receivers demand of a file: list, show.", "profiles:app"),
    "manifest": ("The file that describes a data file: show, check.", "manifest:app"),
    "encrypt-file": ("Encrypt the columns that the schema marks.", "tables:encrypt_file"),
    "decrypt-file": ("Decrypt encrypted columns.", "tables:decrypt_file"),
    "wrap-file": ("Encrypt a file for its receivers' OpenPGP keys.", "openpgp:wrap_file"),
    "unwrap-file": ("Decrypt an OpenPGP file.", "openpgp:unwrap_file"),
    "inspect": ("Show what a file is, and for whom.", "inspect:inspect"),
    "verify": ("Check a file against its schema.", "verify:verify"),
    "send": ("Verify, encrypt, wrap and deliver new files.", "send:send"),
    "push": ("Deliver files.", "push:push"),
    "pull": ("Fetch files from a destination.", "push:pull"),
    "history": ("Show what was sent and fetched.", "history:history"),
    "audit": ("The audit log: show it, and verify it.", "audit:app"),
}
"""Each command: what the overview says of it, and where it is: a module of `commands/`, and what
of it."""


class Commands(Mapping[str, Any]):
    """The commands, each imported and made when it is asked for: start-up."""

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401  # Typer's own
        return _made(name)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


@cache
def _made(name: str) -> Any:  # noqa: ANN401  # Typer's own
    module, _, attribute = COMMANDS[name][1].partition(":")
    command = get_command(getattr(import_module(f"piienc.cli.commands.{module}"), attribute))
    command.name = name
    return command


class Door(TyperGroup):
    """The error boundary: nested commands exit with the error's own code, tests included."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401  # Typer's own
        super().__init__(**settings)
        self.commands = Commands()  # type: ignore[assignment]  # it is only read

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002  # Typer's own
        """Name the commands, and import none."""
        return [*COMMANDS]

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002  # Typer's own
        """Write the overview, for which no command is imported."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (summary, _) in COMMANDS.items()])

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # noqa: ANN401  # Typer's own
        """Run the command that was asked for."""
        as_json = "--json" in [*ctx._protected_args, *ctx.args]  # noqa: SLF001  # before parsing
        ui.begin()
        try:
            _require_current_folder()
            answer = super().invoke(ctx)
            ui.finish()
        except (typer.Exit, typer.Abort):
            raise
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # its text may hold a value
            raise typer.Exit(_code_of(error, as_json=as_json)) from None
        return answer


def _require_current_folder() -> None:
    """Refuse to work where relative paths lead nowhere."""
    try:
        os.getcwd()  # noqa: PTH109  # start-up
    except OSError as error:
        raise errors.ConfigError(
            "the current folder was removed, or moved to where it cannot be seen",
            hint="cd into a folder that is there",
        ) from error


def _code_of(error: Exception | KeyboardInterrupt, *, as_json: bool) -> int:
    """Report what ended a command, and return the exit code for it."""
    if isinstance(error, KeyboardInterrupt):
        ui.say("interrupted")
        return ui.INTERRUPTED
    if (code := signals.exit_code()) is not None:
        return code  # the error came of cleaning up, wherever the signal had come
    if isinstance(error, TyperException):
        error = errors.UsageError(error.format_message().replace("\n\t", " ").removesuffix("."))
    if isinstance(error, errors.PiiencError):
        code = ui.fail(error, as_json=as_json)
        if isinstance(error, errors.IncompleteError):
            ui.give_up_stdout()
        return code
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


def _show_version(value: bool) -> None:  # noqa: FBT001  # Typer's callback
    if value:
        from piienc.core import engine  # start-up

        core = "compiled" if engine().name == "native" else "no compiled"
        ui.data(f"piienc {__version__} ({core} core)")
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
    ended = signals.exit_code()
    ui.leave(code if ended is None else ended)
