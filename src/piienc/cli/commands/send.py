"""`piienc send`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from piienc.cli import options, ui
from piienc.errors import PiiencError
from piienc.report.words import counted

if TYPE_CHECKING:
    from piienc.jobs.check import CheckReceipt
    from piienc.jobs.outcome import SendReceipt, SourceOutcome

LogFormat = Literal["text", "json"]


@options.command("send", "piienc send nightly")
def send(
    what: Annotated[str, options.argument("JOB|SRC", "Job of piienc.toml; or a file, with --to.")],
    schema: Annotated[Path | None, options.schema("Schema of SRC, with the marks.")] = None,
    to: Annotated[
        str | None, options.value("--to", "DESTINATION|URL", "Destination of SRC.")
    ] = None,
    recipient: Annotated[list[str] | None, options.names("Default: the destination's.")] = None,
    again: options.Again = False,
    check: Annotated[
        bool, typer.Option("--check", help="Check all that the job needs; change nothing.")
    ] = False,
    dry_run: options.DryRun = False,
    log_format: Annotated[
        LogFormat,
        typer.Option("--log-format", help="Format on standard error; json: a line per step."),
    ] = "text",
    threads: options.Threads = 0,
    *,
    common: options.RemoteOptions,
) -> None:
    """Verify, encrypt, wrap and deliver each new file of a job, exactly once."""
    from piienc.api import jobs  # start-up

    printer = _EventPrinter(log_format, what if schema is None and to is None else None, common)
    arguments: jobs.JobArguments = {
        **common.remote,
        "on_retry": printer.retry,
        "on_warning": printer.warn,
        "schema": schema,
        "to": to,
        "recipients": recipient or (),
        "hook": True,
    }
    try:
        if check:
            code = _tell_checks(jobs.check(what, **arguments), printer)
        else:
            receipt = jobs.send(
                what,
                again=again,
                dry_run=dry_run,
                threads=threads,
                on_event=printer.event,
                **arguments,
            )
            code = _tell(receipt, printer)
    except PiiencError as error:
        printer.fail(error)
        raise
    if code:
        raise typer.Exit(code)


class _EventPrinter:
    """Reports a run: by lines for people, or by an event in JSON for each step."""

    def __init__(self, form: LogFormat, job: str | None, common: options.CommonOptions) -> None:
        self.is_log, self.job = form == "json", job
        self.as_json, self.quiet = common.json, common.quiet

    def event(self, event: str, /, **facts: object) -> None:
        """Tell of a step."""
        if self.is_log:
            ui.event(event, {"job": self.job, **facts})

    def retry(self, error: PiiencError, pause: float) -> None:
        """Tell what is tried again."""
        if self.is_log:
            self.event("retry", message=str(error), seconds=round(pause, 1))
        else:
            options.tell_retry(error, pause)

    def warn(self, message: str) -> None:
        """Tell people what they should know."""
        if self.is_log:
            self.event("warning", message=message)
        else:
            ui.warn(message)

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
        """Report what has ended the run, if events are written; else `ui.fail` does."""
        if not self.is_log:
            return
        self.event("failed", code=error.exit_code, kind=error.kind, message=str(error))
        if self.as_json:
            from piienc.report.receipt import ErrorFacts  # start-up

            ui.document(ErrorFacts.of(error).document())
        raise typer.Exit(error.exit_code)


def _tell(receipt: SendReceipt, printer: _EventPrinter) -> int:
    for warning in receipt.warnings:
        printer.warn(warning)
    for file in receipt.files:
        for warning in file.warnings:
            printer.warn(warning)
        if file.error:
            hint = f"see {file.report}" if file.report else file.error.hint
            printer.error(file.error.message, hint)
        else:
            printer.line(_line(file))
    if not receipt.files:
        printer.line(f"nothing new to send{_known(receipt.known)}")
    if printer.as_json:
        ui.document(receipt.document())
    return receipt.exit_code


def _known(count: int) -> str:
    if not count:
        return ""
    return f"; {count:,} files were sent before" if count > 1 else "; 1 file was sent before"


def _line(file: SourceOutcome) -> str:
    names = ", ".join(file.names)
    match file.outcome:
        case "delivered":
            return f"delivered {file.source} as {names}: {counted(file.rows or 0, 'row')}"
        case "planned":
            return f"would deliver {file.source} as {names}: {counted(file.rows or 0, 'row')}"
        case "left":
            return f"left {file.source} for the next run: {file.why}"
        case _:
            return f"skipped {file.source}: {file.why}"


def _tell_checks(receipt: CheckReceipt, printer: _EventPrinter) -> int:
    for result in receipt.checks:
        facts: dict[str, object] = {"what": result.what, "notes": list(result.notes)}
        if result.error:
            facts |= {"code": result.error.code, "message": result.error.message}
            printer.error(result.error.message, result.error.hint)
        else:
            printer.line(f"{result.what}: {'; '.join(result.notes) or 'nothing to look at'}")
        printer.event("checked", **facts)
    if printer.as_json:
        ui.document(receipt.document())
    return receipt.exit_code
