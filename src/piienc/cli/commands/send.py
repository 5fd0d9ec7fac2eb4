"""`piienc send`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from piienc.cli import destinations, options, ui
from piienc.errors import PiiencError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from piienc.jobs.builder import JobContextBuilder
    from piienc.jobs.outcome import SendReceipt, SourceOutcome
    from piienc.keys import Unlocker
    from piienc.settings import Settings
    from piienc.settings.job import Job

LogFormat = Literal["text", "json"]


@options.command("send", "piienc send nightly")
def send(
    what: Annotated[
        str, typer.Argument(metavar="JOB|SRC", help="A job of piienc.toml; a file, with --to.")
    ],
    schema: Annotated[Path | None, options.schema("Of SRC: names the marks.")] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="DESTINATION|URL", help="Where SRC is sent to."),
    ] = None,
    recipient: Annotated[
        list[str] | None,
        options.names("Default: the destination's."),
    ] = None,
    again: options.Again = False,
    check: Annotated[
        bool, typer.Option("--check", help="Look at all that the job needs, and change nothing.")
    ] = False,
    dry_run: options.DryRun = False,
    log_format: Annotated[
        LogFormat, typer.Option("--log-format", help="On standard error; json: a line each step.")
    ] = "text",
    threads: options.Threads = 0,
    *,
    common: options.RemoteOptions,
) -> None:
    """Verify, encrypt, wrap and deliver each new file of a job, exactly once."""
    from piienc.jobs.chosen import chosen  # start-up

    voice = _EventPrinter(log_format, as_json=common.json, quiet=common.quiet)
    settled: Settings | None = None
    try:
        settled = common.settings
        job = chosen(what, settled, schema=schema, to=to)
        said = destinations.DestinationOptions(
            job.destination,
            common.identity,
            common.known_hosts,
            common.password_file,
            common.debug_ssh,
        )
        unlocker = common.unlocker
        making = _making(said, job, settled, unlocker, recipient, voice)
        code = (
            _check(making, voice)
            if check
            else _send(making, voice, common, again=again, dry_run=dry_run, threads=threads)
        )
    except PiiencError as error:
        _alert(settled, voice, _error_document(error))
        voice.fail(error)
        raise
    if code:
        raise typer.Exit(code)


class _EventPrinter:
    """How a run is told: lines to people, or an event in JSON for each step."""

    def __init__(self, form: LogFormat, *, as_json: bool, quiet: bool) -> None:
        self.is_log, self.as_json, self.quiet = form == "json", as_json, quiet
        self.job: str | None = None

    def told(self, event: str, /, **facts: object) -> None:
        """Tell of a step."""
        if self.is_log:
            ui.event(event, {"job": self.job, **facts})

    def retry(self, error: PiiencError, pause: float) -> None:
        """Tell what is tried again."""
        if self.is_log:
            self.told("retry", message=str(error), seconds=round(pause, 1))
        else:
            destinations.tell_retry(error, pause)

    def warn(self, message: str) -> None:
        """Tell people what they should know."""
        if self.is_log:
            self.told("warning", message=message)
        else:
            ui.say(f"warning: {message}")

    def line(self, message: str) -> None:
        """Tell people, where nothing else does."""
        if not (self.is_log or self.as_json or self.quiet):
            ui.say(message)

    def error(self, message: str, hint: str) -> None:
        """Tell people of what has failed."""
        if not (self.is_log or self.as_json):
            ui.say(f"error: {message}")
            ui.say(f"hint: {hint}")

    def fail(self, error: PiiencError) -> None:
        """Tell what has ended the run, if that is told in events; else others tell."""
        if not self.is_log:
            return
        self.told("failed", code=error.exit_code, kind=error.kind, message=str(error))
        if self.as_json:
            ui.document(_error_document(error))
        raise typer.Exit(error.exit_code)


def _making(
    said: destinations.DestinationOptions,
    job: Job,
    settled: Settings,
    unlocker: Unlocker,
    recipients: Sequence[str] | None,
    voice: _EventPrinter,
) -> JobContextBuilder:
    from piienc.jobs.builder import JobContextBuilder  # start-up

    voice.job = job.name
    destination = destinations.destination_of(said, settled).with_said(
        recipients=tuple(recipients) if recipients else None
    )
    return JobContextBuilder(
        settled,
        job,
        destination,
        lambda: destinations.way_of(said, destination, unlocker),
        unlocker,
        voice.told,
        voice.retry,
    )


def _send(
    making: JobContextBuilder,
    voice: _EventPrinter,
    common: options.CommonOptions,
    *,
    again: bool,
    dry_run: bool,
    threads: int,
) -> int:
    from msgspec.structs import replace

    from piienc.jobs.send import send  # start-up

    settled = making.settings
    with common.recorded("send", schema=making.job.schema) as entry:
        making = replace(making, again=again, dry_run=dry_run, threads=threads)
        receipt = send(making.recorded_by(entry).sending())
        entry.code = receipt.exit_code
    document = entry.attested(receipt.document())
    if receipt.exit_code:
        _alert(settled, voice, document)
    _tell(receipt, document, voice)
    return receipt.exit_code


def _tell(receipt: SendReceipt, document: dict[str, Any], voice: _EventPrinter) -> None:
    for warning in receipt.warnings:
        voice.warn(warning)
    for file in receipt.files:
        for warning in file.warnings:
            voice.warn(warning)
        if file.error:
            voice.error(file.error.message, _hint(file))
        else:
            voice.line(_line(file))
    if not receipt.files:
        voice.line(f"nothing new to send{_known(receipt.known)}")
    if voice.as_json:
        ui.document(document)


def _hint(file: SourceOutcome) -> str:
    assert file.error is not None  # noqa: S101  # who calls has looked
    return f"see {file.report}" if file.report else file.error.hint


def _known(count: int) -> str:
    if not count:
        return ""
    return f"; {count:,} files were sent before" if count > 1 else "; 1 file was sent before"


def _line(file: SourceOutcome) -> str:
    names = ", ".join(file.names)
    match file.outcome:
        case "delivered":
            return f"delivered {file.source} as {names}: {_rows(file)}"
        case "planned":
            return f"would deliver {file.source} as {names}: {_rows(file)}"
        case "left":
            return f"left {file.source} for the next run: {file.why}"
        case _:
            return f"skipped {file.source}: {file.why}"


def _rows(file: SourceOutcome) -> str:
    return "1 row" if file.rows == 1 else f"{file.rows or 0:,} rows"


def _check(making: JobContextBuilder, voice: _EventPrinter) -> int:
    from piienc.jobs.check import check  # start-up

    receipt = check(making)
    for looked in receipt.checks:
        facts: dict[str, object] = {"what": looked.what, "notes": list(looked.notes)}
        if looked.error:
            facts |= {"code": looked.error.code, "message": looked.error.message}
            voice.error(looked.error.message, looked.error.hint)
        else:
            voice.line(f"{looked.what}: {'; '.join(looked.notes) or 'nothing to look at'}")
        voice.told("checked", **facts)
    if voice.as_json:
        ui.document(receipt.document())
    return receipt.exit_code


def _alert(settled: Settings | None, voice: _EventPrinter, document: dict[str, Any]) -> None:
    if settled is None or settled.notify is None:
        return
    from piienc.jobs.notify import notify  # start-up

    if wrong := notify(settled.notify, {"job": voice.job, **document}):
        voice.warn(wrong)


def _error_document(error: PiiencError) -> dict[str, Any]:
    from msgspec import to_builtins

    from piienc.report.receipt import ErrorFacts  # start-up

    facts = to_builtins(ErrorFacts.of(error))
    return {"schema_version": ui.SCHEMA_VERSION, "ok": False, "error": facts}
