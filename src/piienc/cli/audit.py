"""`piienc audit`: the audit log shown, and held against its signature and receipts."""

from __future__ import annotations

import json as jsons
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from msgspec import to_builtins

from piienc.cli import options, ui
from piienc.cli.moments import moment_of
from piienc.errors import AuthenticationError, InputError
from piienc.files import open_input

if TYPE_CHECKING:
    from piienc.state.audit.check import Checked
    from piienc.state.audit.head import Mark

app = typer.Typer(help="The audit log: show it, and verify it.", no_args_is_help=True)

_LARGEST = 64 << 20  # bytes that a receipt can have


@app.command("verify", epilog=options.EPILOG)
def verify(
    receipt: Annotated[
        list[Path] | None,
        typer.Option("--receipt", metavar="FILE", help="A witness: a receipt; may be repeated."),
    ] = None,
    keys: options.Keys = None,
    config: options.Config = None,
    state: options.State = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    no_input: options.NoInput = False,  # noqa: ARG001  # every command takes it; this never asks
) -> None:
    """Tell whether the audit log is whole, in order and as it was signed."""
    from piienc.keys.audit import public_key  # start-up
    from piienc.state.audit.check import check
    from piienc.state.audit.log import FILE

    settled = options.settled(config, keys, state)
    witnesses = [_mark_of(path) for path in receipt or ()]
    found = check(settled.state_dir, public_key(settled.keys_dir), witnesses)
    path = settled.state_dir / FILE
    error = _error_of(found, path)
    if json:
        ui.document(_document(found, error))
        if error:
            raise typer.Exit(error.exit_code)
        return
    if error:
        raise error
    if not quiet:
        _tell(found, path, settled.keys_dir)


@app.command("show", epilog=options.EPILOG)
def show(
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="2026-11-24 or later, in UTC.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE", help="2026-11-24 or earlier, in UTC.")
    ] = None,
    command: Annotated[
        str | None, typer.Option("--command", metavar="NAME", help="Only of this command.")
    ] = None,
    file: Annotated[
        str | None, typer.Option("--file", metavar="FILE", help="Only of this path, name or hash.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="KEY", help="Only of this name, id, fingerprint.")
    ] = None,
    outcome: Annotated[
        Literal["done", "refused", "failed", "begun"] | None,
        typer.Option("--outcome", help="begun: has not come to an end."),
    ] = None,
    most: Annotated[int, typer.Option("--most", min=1, metavar="N", help="Only the newest.")] = 50,
    keys: options.Keys = None,
    config: options.Config = None,
    state: options.State = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    no_input: options.NoInput = False,  # noqa: ARG001  # every command takes it; this never asks
) -> None:
    """Show what was done with keys and files, the newest first."""
    from piienc.state.audit.show import Wanted, shown  # start-up

    begin = moment_of(since, "--since")
    end = moment_of(until, "--until", behind=True)
    wanted = Wanted(begin, end, command, file, key, outcome, most)
    found = shown(options.settled(config, keys, state).state_dir, wanted)
    if found.unreadable:
        ui.say(f"warning: {found.unreadable} lines cannot be read: see 'piienc audit verify'")
    if json:
        ui.document({"schema_version": ui.SCHEMA_VERSION, "ok": True, "lines": found.lines})
    elif found.lines:
        head = ("line", "time", "user", "command", "outcome", "files", "keys")
        ui.table("audit log", head, [_row(line) for line in found.lines])
    elif not quiet:
        ui.say("no lines")


def _mark_of(path: Path) -> Mark:
    """Return the place of the log that a receipt tells.

    Raises:
        InputError: it cannot be read, or is no receipt that tells one.
    """
    from piienc.state.audit.head import Mark  # start-up

    with open_input(path) as file:
        data = file.read(_LARGEST)
    try:
        told = jsons.loads(data)["audit"]
        lines, head = told["lines"], told["head"]
    except (ValueError, TypeError, KeyError, RecursionError):
        lines, head = None, None
    if not isinstance(lines, int) or not isinstance(head, str):
        raise InputError(
            f"{path} is no receipt that tells of the audit log",
            hint="give the document that a command has printed with --json",
        )
    return Mark(lines, head)


def _error_of(found: Checked, path: Path) -> AuthenticationError | None:
    if found.damage is None:
        return None
    return AuthenticationError(
        f"{path}: {found.damage.message}",
        hint="keep log, head and receipts as they are; if the log was written with other folders, "
        "name them: --keys DIR, --state DIR",
    )


def _document(found: Checked, error: AuthenticationError | None) -> dict[str, Any]:
    document = {"schema_version": ui.SCHEMA_VERSION, "ok": error is None, **to_builtins(found)}
    if error:
        told = {"code": error.exit_code, "kind": error.kind, "message": str(error)}
        document["error"] = told | {"hint": error.hint}
    return document


def _tell(found: Checked, path: Path, keys: Path) -> None:
    ui.say(f"{_lines(found.lines)}, whole and in order: {path}")
    if found.signature == "good":
        key = f"{found.key}"[:16]
        ui.say(f"signed up to line {found.signed} at {found.signed_at} by key {key}...")
    elif found.signature == "unchecked":
        ui.say(f"warning: the signature was not checked: {keys} has no audit key")
    elif found.lines:
        ui.say("warning: nothing is signed: a log that was cut off or rewritten would look so too")
    if found.behind and found.signed:
        ui.say(f"{_lines(found.behind)} behind the signed head")
    if found.late:
        ui.say(f"{_lines(found.late)} signed only later, with a line behind")
    if found.torn:
        ui.say(f"{_lines(found.torn)} cut off by a crash")


def _lines(count: int) -> str:
    return f"{count:,} line{'' if count == 1 else 's'}"


def _row(line: dict[str, Any]) -> tuple[str, ...]:
    outcome = str(line.get("outcome"))
    if line.get("code"):
        outcome += f", exit code {line['code']}"
    files = [str(file.get("name")) for file in line.get("files", ())]
    names = [str(key.get("name")) for key in line.get("keys", ())]
    return (
        str(line.get("line")),
        f"{line.get('time')}"[:19] + "Z",
        _visible(line.get("user")),
        _visible(line.get("command")),
        _visible(outcome),
        _visible(", ".join(files)),
        _visible(", ".join(names)),
    )


def _visible(text: object) -> str:
    """Return text that does nothing to a terminal: a file may have any name."""
    return "".join(sign if sign.isprintable() else "?" for sign in str(text))
