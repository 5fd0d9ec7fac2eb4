"""`piienc audit`: the audit log shown, and held against signatures and witnesses."""

from __future__ import annotations

import json as jsons
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from msgspec import convert, to_builtins

from piienc.base.files import open_input
from piienc.cli import options, ui
from piienc.cli.moments import moment_of
from piienc.errors import AuthenticationError, InputError, KeyAccessError, UsageError
from piienc.report.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from piienc.audit.check import AuditReport, LogReport
    from piienc.audit.head import LogPosition
    from piienc.errors import PiiencError

app = options.group("The audit log: show it, and verify it.")

_LARGEST = 64 << 20  # bytes that a receipt can have


@options.command("verify", "piienc audit verify --receipt receipt.json", app)
def verify(
    receipt: Annotated[
        list[Path] | None,
        options.value("--receipt", "FILE", "Witness: a receipt; may be repeated."),
    ] = None,
    head: Annotated[
        list[str] | None,
        options.value("--head", "LINE", "Witness: a line of 'audit head'; may be repeated."),
    ] = None,
    *,
    common: options.CommonOptions,
) -> None:
    """Check that the audit log is whole, in order and signed."""
    from piienc.audit.check import check
    from piienc.audit.keys import public_key  # start-up

    settings = common.settings
    witnesses = [_position_of(path) for path in receipt or ()] + [
        _noted(line) for line in head or ()
    ]
    with _readable(settings.state_dir):
        report = check(settings.state_dir, public_key(settings.keys_dir), witnesses)
    error = _error_of(report, settings.state_dir, settings.keys_dir)
    if common.json:
        ui.document(_document(report, error))
        raise typer.Exit(error.exit_code if error else 0)
    if error is None or isinstance(error, KeyAccessError):
        _tell(report, settings.state_dir, settings.keys_dir, quiet=common.quiet)
    if error:
        raise error


@options.command("head", "piienc audit head", app)
def head(*, common: options.CommonOptions) -> None:
    """Print the position of the audit log: one line to keep elsewhere, as a witness."""
    from piienc.audit.check import noted
    from piienc.audit.keys import public_key  # start-up

    settings = common.settings
    with _readable(settings.state_dir):
        position = noted(settings.state_dir, public_key(settings.keys_dir))
    if position is None:
        raise InputError(
            f"the audit log in {settings.state_dir} has no lines yet",
            hint="if it was written with other folders, name them: --keys DIR, --state DIR",
        )
    if common.json:
        ui.result(head=position.note(), audit=to_builtins(position))
    else:
        ui.data(position.note())


@options.command("show", "piienc audit show --since 2026-11-24 --outcome failed", app)
def show(
    since: options.Since = None,
    until: options.Until = None,
    command: Annotated[
        str | None, options.value("--command", "NAME", "Only lines of this command.")
    ] = None,
    file: Annotated[
        str | None, options.value("--file", "FILE", "Only lines with this path, name or hash.")
    ] = None,
    key: Annotated[
        str | None, options.value("--key", "KEY", "Only lines with this name, id or fingerprint.")
    ] = None,
    outcome: Annotated[
        Literal["done", "refused", "failed", "begun"] | None,
        typer.Option("--outcome", help="begun: runs that have no end."),
    ] = None,
    most: options.Most = 50,
    *,
    common: options.CommonOptions,
) -> None:
    """Show what was done with keys and files, the newest first."""
    from piienc.audit.show import LogFilter, shown  # start-up

    begin = moment_of(since, "--since")
    end = moment_of(until, "--until", behind=True)
    selection = LogFilter(begin, end, command, file, key, outcome, most)
    excerpt = shown(common.settings.state_dir, selection)
    if excerpt.unreadable:
        ui.warn(f"{excerpt.unreadable} lines cannot be read: see 'piienc audit verify'")
    if common.json:
        ui.result(lines=excerpt.lines)
    elif excerpt.lines:
        head = ("line", "time", "user", "command", "outcome", "files", "keys")
        ui.table("audit log", head, [_row(line) for line in excerpt.lines])
    else:
        common.say("no lines")


def _position_of(path: Path) -> LogPosition:
    """Return the place of the log that a receipt tells.

    Raises:
        InputError: it cannot be read, or is no receipt that tells one.
    """
    from piienc.audit.head import LogPosition  # start-up

    with open_input(path) as file:
        data = file.read(_LARGEST)
    try:
        return convert(jsons.loads(data)["audit"], LogPosition)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise InputError(
            f"{path} is no receipt that tells of the audit log",
            hint="give the document that a command has printed with --json",
        ) from None


def _noted(line: str) -> LogPosition:
    """Return the place of the log that a line of `audit head` tells.

    Raises:
        UsageError: it is no such line.
    """
    from piienc.audit.head import LogPosition  # start-up

    position = LogPosition.of_note(line.strip())
    if position is None:
        raise UsageError(
            "what --head gives is no line of 'piienc audit head'",
            hint="give the line as it was printed, all of it",
        )
    return position


@contextmanager
def _readable(state: Path) -> Iterator[None]:
    """Turn the system's errors in reading the log into ours."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"cannot read the audit log in {state}: {os.strerror(error.errno or 0)}",
            hint="check the path and its permissions",
        ) from error


def _error_of(report: AuditReport, state: Path, keys: Path) -> PiiencError | None:
    if report.proves_nothing and not report.damages:
        log, *more_logs = report.unchecked
        return KeyAccessError(
            _unchecked(log, state, keys) + (f" ({len(more_logs)} more)" if more_logs else ""),
            hint="name the key folder that has signed it: --keys DIR or PIIENC_KEYS",
        )
    if not report.damages:
        return None
    first, *others = report.damages
    more = f" ({len(others)} more: --json tells all)" if others else ""
    return AuthenticationError(
        f"{state / first.file}: {first.message}{more}",
        hint="keep log and receipts as they are; if the log was written with other folders, name "
        "them: --keys DIR, --state DIR",
    )


def _unchecked(log: LogReport, state: Path, keys: Path) -> str:
    return f"the signatures of {state / log.path} were not checked: {keys} does not hold its key"


def _document(report: AuditReport, error: PiiencError | None) -> dict[str, Any]:
    from piienc.report.receipt import ErrorFacts  # start-up

    document = {"schema_version": ui.SCHEMA_VERSION, "ok": True, **to_builtins(report)}
    return document | (ErrorFacts.of(error).document() if error else {})


def _tell(report: AuditReport, state: Path, keys: Path, *, quiet: bool) -> None:
    """Report what was found; with `quiet`, only what was not proven."""
    if not report.logs and not quiet:
        ui.say("no lines")
    for log in report.logs:
        path = state / log.path
        if not quiet:
            order = "whole and in order, signed" if log.signature == "good" else "in order"
            is_empty = log.signature == "none" and not log.lines
            ui.say(
                f"empty: {path}" if is_empty else f"{counted(log.lines, 'line')}, {order}: {path}"
            )
            if log.cut:
                ui.say(f"{counted(log.cut, 'line')} cut off by a crash")
        if log.signature == "unchecked" and not report.proves_nothing:
            ui.warn(_unchecked(log, state, keys))
        if log.signature == "none" and log.lines:
            ui.warn(f"{path} is not signed: anybody could have written it, or cut it off")


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
