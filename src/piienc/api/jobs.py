"""Sends the new files of a job, all steps in one call."""

from __future__ import annotations

import contextlib
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from msgspec.structs import replace

from piienc.api.common import RemoteShared, path_of, settings_of, unlocker_of
from piienc.audit.entry import recorded
from piienc.deliver.addressed import destination_named
from piienc.deliver.endpoint import endpoint_of
from piienc.errors import ConfigError, InputError, PiiencError, UsageError
from piienc.jobs.check import check as check_by
from piienc.jobs.context import JobContext, ignore_event
from piienc.jobs.notify import notify
from piienc.jobs.send import send as send_by
from piienc.report.receipt import ErrorFacts
from piienc.settings.job import Job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from piienc.api.common import OnLine, OnRetry, OnWarning, Passphrase, PathLike
    from piienc.jobs.check import CheckReceipt
    from piienc.jobs.context import OnEvent
    from piienc.jobs.outcome import SendReceipt
    from piienc.keys import Unlocker
    from piienc.settings import Settings


class JobArguments(RemoteShared):
    """What `send` and `check` take beside the job's name."""

    schema: PathLike | None
    to: str | None
    recipients: Sequence[str]
    hook: bool


def send(
    what: PathLike,
    *,
    schema: PathLike | None = None,
    to: str | None = None,
    recipients: Sequence[str] = (),
    again: bool = False,
    dry_run: bool = False,
    identity: PathLike | None = None,
    known_hosts: PathLike | None = None,
    password_file: PathLike | None = None,
    passphrase: Passphrase = None,
    threads: int = 0,
    hook: bool = False,
    keys: PathLike | None = None,
    state: PathLike | None = None,
    config: PathLike | None = None,
    on_event: OnEvent | None = None,
    on_retry: OnRetry | None = None,
    on_debug: OnLine | None = None,
    on_warning: OnWarning = warnings.warn,
) -> SendReceipt:
    """Verify, encrypt, wrap and deliver each new file of a job, exactly once.

    Args:
        what: a job of piienc.toml, or a file, with `schema` and `to`.
        schema: of the file.
        to: where the file is sent to: a destination of piienc.toml, or a URL as for `push`.
        recipients: the names of the receivers' OpenPGP keys; none means the destination's.
        again: also send files that were already sent.
        dry_run: do everything but the upload, and keep nothing.
        identity: the private SSH key; None leaves it to the destination.
        known_hosts: the keys of hosts; likewise.
        password_file: as for `push`.
        passphrase: of all keys that have one.
        threads: units worked on side by side; 0 means one for each core.
        hook: run that of `[notify]` if something fails, as the command does.
        keys: as for `encrypt_file`.
        state: likewise.
        config: likewise.
        on_event: called with the name and the facts of each step.
        on_retry: as for `push`.
        on_debug: likewise.
        on_warning: as for `encrypt_file`; also of a hook that fails.

    Returns:
        The receipt. A file that failed is in it, with its error; `exit_code` is then not 0.

    Raises:
        piienc.errors.LockError: another run of the job is at work.
        piienc.errors.PiiencError: nothing could be begun.
    """
    settings, unlocker = settings_of(keys, state, config), unlocker_of(passphrase)
    with _alerting(settings, _label(what, schema, to), on_warning, hook=hook) as alert:
        context = _context(
            what,
            settings,
            unlocker,
            schema,
            to,
            recipients,
            on_debug=on_debug,
            identity_file=path_of(identity),
            known_hosts=path_of(known_hosts),
            password_file=path_of(password_file),
        )
        schema_path = context.job.schema
        with recorded("send", settings, schema=schema_path, on_warning=on_warning) as entry:
            context = replace(
                context,
                on_event=on_event or ignore_event,
                on_retry=on_retry,
                on_key=entry.key,
                on_receipt=entry.receipt,
                with_position=entry.with_position,
                again=again,
                dry_run=dry_run,
                threads=threads,
            )
            receipt = send_by(context)
            entry.code = receipt.exit_code
        receipt = replace(receipt, audit=entry.position)
        if receipt.exit_code:
            alert(receipt.document())
    return receipt


def check(what: PathLike, **given: Unpack[JobArguments]) -> CheckReceipt:
    """Check everything that a job needs, and change nothing; the arguments are those of `send`.

    Raises:
        piienc.errors.PiiencError: there is no such job.
    """
    settings = settings_of(given["keys"], given["state"], given["config"])
    label = _label(what, given["schema"], given["to"])
    with _alerting(settings, label, given["on_warning"], hook=given["hook"]):
        context = _context(
            what,
            settings,
            unlocker_of(given["passphrase"]),
            given["schema"],
            given["to"],
            given["recipients"],
            on_debug=given["on_debug"],
            identity_file=path_of(given["identity"]),
            known_hosts=path_of(given["known_hosts"]),
            password_file=path_of(given["password_file"]),
        )
        return check_by(replace(context, on_retry=given["on_retry"]))


def _context(
    what: PathLike,
    settings: Settings,
    unlocker: Unlocker,
    schema: PathLike | None,
    to: str | None,
    recipients: Sequence[str],
    *,
    on_debug: OnLine | None,
    **over: Path | None,
) -> JobContext:
    """Return what a job is made of, with some of its destination's settings replaced."""
    if isinstance(recipients, str):
        raise UsageError("recipients must be a list of names", hint='say recipients=["NAME"]')
    job = _job_of(str(what), settings, path_of(schema), to)
    destination = destination_named(job.destination, settings).with_said(
        recipients=tuple(recipients) or None, **over
    )
    return JobContext(
        settings, job, destination, lambda: endpoint_of(destination, unlocker, on_debug), unlocker
    )


def _job_of(what: str, settings: Settings, schema: Path | None, to: str | None) -> Job:
    """Return a job of `piienc.toml`, or the job of a single file.

    Raises:
        UsageError: only one of schema and destination is given.
        InputError: the file is not there.
        ConfigError: there is no job of that name.
    """
    if (schema is None) != (to is None):
        raise UsageError("a file needs both: a schema and a destination", hint="--schema S --to D")
    if schema is not None and to is not None:
        if not Path(what).is_file():
            raise InputError(f"{what} is not there, or no regular file", hint="name a file")
        return Job(None, Path(what), schema, to, quiet_for=0)
    if what not in settings.jobs:
        names = ", ".join(sorted(settings.jobs)) or "none"
        raise ConfigError(
            f"there is no job {what}; those of piienc.toml are: {names}",
            hint="name one of them, add [jobs.NAME], or send a file: --schema S --to DESTINATION",
        )
    return settings.jobs[what]


def _label(what: PathLike, schema: PathLike | None, to: str | None) -> str | None:
    """Return the name of the job; None for a file."""
    return str(what) if schema is None and to is None else None


@contextlib.contextmanager
def _alerting(
    settings: Settings, job: str | None, on_warning: OnWarning, *, hook: bool
) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Run the hook of `[notify]` with the error that ends the block; yield what runs it before."""

    def alert(document: dict[str, Any]) -> None:
        if hook and settings.notify:
            problem = notify(settings.notify, {"job": job, **document})
            if problem:
                on_warning(problem)

    try:
        yield alert
    except PiiencError as error:
        alert(ErrorFacts.of(error).document())
        raise
