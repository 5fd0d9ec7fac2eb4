"""The options that commands share, each declared once, and what makes a command of a function.

A command names a group of options as the type of its parameter `common`:

    @options.command("encrypt-file", "piienc encrypt-file a.csv b.csv --schema schema.toml")
    def encrypt_file(src: Source, dst: Target, *, common: options.KeyOptions) -> None:

The program then has all options of the group, and the function gets their values in one piece.
"""

import inspect
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec import Struct
from typer.core import TyperGroup

from piienc.cli import ui
from piienc.cli.passphrase import Passphrase
from piienc.errors import PiiencError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from piienc.api.common import RemoteShared, Shared
    from piienc.audit.entry import AuditEntry
    from piienc.keys import Unlocker
    from piienc.report.receipt import StepReceipt
    from piienc.settings import Settings

_EXIT_CODES = "The exit codes are those of 'piienc --help'."


def value(names: str, metavar: str, text: str, **settings: Any) -> Any:  # noqa: ANN401  # Typer's own
    """Return an option with a value: names with blanks between, metavar, help, and Typer's own."""
    return typer.Option(*names.split(), metavar=metavar, help=text, **settings)


def argument(metavar: str, text: str) -> Any:  # noqa: ANN401  # Typer's own
    """Return an argument, by what stands for it in its help, and its help."""
    return typer.Argument(metavar=metavar, help=text)


class CommonOptions(Struct, frozen=True, dict=True):
    """The options of every command."""

    keys: Annotated[
        Path | None, value("--keys", "DIR", "The key folder. Default: keys, or PIIENC_KEYS.")
    ] = None
    config: Annotated[
        Path | None, value("--config", "FILE", "Default: the nearest piienc.toml upwards.")
    ] = None
    state: Annotated[
        Path | None, value("--state", "DIR", "The state folder. Default: .piienc.")
    ] = None
    json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = (
        False
    )
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False
    no_input: Annotated[bool, typer.Option("--no-input", help="Never prompt.")] = False

    @cached_property
    def settings(self) -> "Settings":
        """Where things are for this run."""
        from piienc import settings  # start-up

        return settings.load(config=self.config, keys=self.keys, state=self.state)

    def recorded(
        self,
        command: str,
        files: "Iterable[tuple[str, Path]]" = (),
        *,
        schema: Path | None = None,
        keys: "Iterable[str]" = (),
        makes_keys: bool = False,
    ) -> "AbstractContextManager[AuditEntry]":
        """Record a command in the audit log: see `piienc.audit.entry.recorded`."""
        from piienc.audit.entry import recorded  # start-up

        return recorded(
            command,
            self.settings,
            files,
            schema=schema,
            keys=keys,
            makes_keys=makes_keys,
            on_warning=ui.warn,
        )

    def say(self, *lines: str) -> None:
        """Tell people what was done, where nothing else tells it."""
        if not self.json and not self.quiet:
            for line in lines:
                ui.say(line)

    def finish(self, receipt: "StepReceipt", *lines: str) -> None:
        """Tell what a step has done: by its warnings, and its document or, to people, lines."""
        for warning in receipt.warnings:
            ui.warn(warning)
        if self.json:
            ui.document(receipt.document())
        self.say(*lines)


class KeyOptions(CommonOptions, frozen=True, dict=True):
    """The options of a command that opens keys."""

    passphrase_file: Annotated[
        Path | None, value("--passphrase-file", "FILE", "File with the passphrase of the keys.")
    ] = None
    passphrase_fd: Annotated[
        int | None, value("--passphrase-fd", "N", "Open descriptor with the passphrase.", min=0)
    ] = None

    @property
    def shared(self) -> "Shared":
        """What every function of `piienc.api` takes."""
        return {
            "keys": self.keys,
            "state": self.state,
            "config": self.config,
            "passphrase": self.unlocker,
            "on_warning": ui.warn,
        }

    @cached_property
    def unlocker(self) -> "Unlocker":
        """What opens the keys that are there."""
        return self.passphrase.unlocker

    @cached_property
    def passphrase(self) -> Passphrase:
        """Where the passphrase of the keys comes from."""
        return Passphrase(self.passphrase_file, self.passphrase_fd, self.no_input)


class RemoteOptions(KeyOptions, frozen=True, dict=True):
    """The options of a command that connects to a destination."""

    identity: Annotated[
        Path | None, value("--identity", "FILE", "Private SSH key to log in with.")
    ] = None
    known_hosts: Annotated[
        Path | None, value("--known-hosts", "FILE", "Default: from the SSH configuration.")
    ] = None
    password_file: Annotated[
        Path | None, value("--password-file", "FILE", "Password file, for servers without keys.")
    ] = None
    debug_ssh: Annotated[
        bool, typer.Option("--debug-ssh", help="Log the SSH connection, without secrets.")
    ] = False

    @property
    def remote(self) -> "RemoteShared":
        """What every function of `piienc.api` takes that connects to a destination."""
        return {
            **self.shared,
            "identity": self.identity,
            "known_hosts": self.known_hosts,
            "password_file": self.password_file,
            "on_retry": tell_retry,
            "on_debug": ui.say if self.debug_ssh else None,
        }


def tell_retry(error: PiiencError, pause: float) -> None:
    """Tell what is tried again, and when."""
    ui.say(f"{error}; trying again in {pause:.0f} s")


def schema(text: str) -> Any:  # noqa: ANN401  # Typer's own
    """Return the option that names a schema."""
    return value("--schema", "FILE", text)


def names(text: str) -> Any:  # noqa: ANN401  # Typer's own
    """Return the option that names receivers' keys; it may be repeated."""
    return value("--recipient -r", "NAME", text)


WHERE = "A destination of piienc.toml, sftp://user@host:port/dir/ or file:///dir/."

Name = Annotated[str, argument("NAME", "The key's name.")]
NoPassphrase = Annotated[
    bool, typer.Option("--no-passphrase", help="Store new keys unencrypted, with mode 0600.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace an existing output.")]
Threads = Annotated[int, value("--threads", "N", "Threads; 0: one per core.", min=0, max=256)]
Profile = Annotated[
    str | None, value("--profile", "NAME", "Receiver profile: 'piienc profiles list'.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, send and keep nothing.")]
Again = Annotated[bool, typer.Option("--again", help="Also send what was sent before.")]
Since = Annotated[str | None, value("--since", "DATE", "2026-11-24 or later, in UTC.")]
Until = Annotated[str | None, value("--until", "DATE", "2026-11-24 or earlier, in UTC.")]
Most = Annotated[int, value("--most", "N", "Show only the newest N.", min=1)]


class Group(TyperGroup):
    """A group of commands, whose help lists them."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401  # Typer's own
        """Show the help where no command is named: that is wrong usage, too."""
        if not args and not ctx.resilient_parsing:  # which completes a line
            typer.echo(ctx.get_help(), err=True)
            ctx.exit(UsageError.exit_code)
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002  # Typer's own
        """List the commands, and cut no line."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, each.get_short_help_str(1000)) for name, each in self.commands.items()]
            )


def group(text: str | None = None) -> typer.Typer:
    """Return a group of commands, to which `command` adds."""
    return typer.Typer(help=text, cls=Group, add_completion=False, rich_markup_mode=None)


def command(
    name: str, example: str, app: typer.Typer | None = None
) -> Callable[[Callable[..., None]], typer.Typer]:
    """Make a command of a function.

    Args:
        name: of the command, without its group's.
        example: a command line, for its help.
        app: the group; None makes a command by itself.
    """
    place = app or group()
    epilog = f"\b\nExample:\n  {example}\n\n{_EXIT_CODES}"

    def made(function: Callable[..., None]) -> typer.Typer:
        place.command(name, epilog=epilog)(_expanded(function))
        return place

    return made


def _expanded(function: Callable[..., None]) -> Callable[..., None]:
    """Return a function with a parameter for each option of its group."""
    own = inspect.signature(function, eval_str=True).parameters
    kind: type[CommonOptions] = own["common"].annotation
    shared = _parameters(kind)

    def run(**values: Any) -> None:  # noqa: ANN401  # of each parameter's type
        common = kind(**{each.name: values.pop(each.name) for each in shared})
        function(**values, common=common)
        _tell_of_a_missing_core(common)

    parameters = [
        each.replace(kind=each.KEYWORD_ONLY) for each in own.values() if each.name != "common"
    ]
    parameters += shared
    run.__doc__ = function.__doc__
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # PEP 362 has it
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def _tell_of_a_missing_core(common: CommonOptions) -> None:
    choice = sys.modules.get("piienc.core.choice")  # who did not import it has not worked with it
    if choice and choice.is_missing() and not common.quiet:
        ui.warn(
            "piienc was installed without its compiled core, and works slowly: install Rust 1.63 "
            "or later, and then piienc again"
        )


def _parameters(kind: type[CommonOptions]) -> list[inspect.Parameter]:
    """Return the options of a group, those that fewer commands have first."""
    defaults = dict(zip(kind.__struct_fields__, kind.__struct_defaults__, strict=True))
    return [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=defaults[name], annotation=annotation
        )
        for level in kind.__mro__[: kind.__mro__.index(CommonOptions) + 1]
        for name, annotation in inspect.get_annotations(level, eval_str=True).items()
    ]
