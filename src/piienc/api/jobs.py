"""Sends the new files of a job, all steps in one call."""

from __future__ import annotations

import contextlib
import warnings
from functools import partial
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
    job = _opened(
        what,
        keys=keys,
        state=state,
        config=config,
        passphrase=passphrase,
        schema=schema,
        to=to,
        recipients=recipients,
        identity=identity,
        known_hosts=known_hosts,
        password_file=password_file,
        hook=hook,
        on_retry=on_retry,
        on_debug=on_debug,
        on_warning=on_warning,
    )
    with job as (context, alert):
        settings, schema_path = context.settings, context.job.schema
        with recorded("send", settings, schema=schema_path, on_warning=on_warning) as entry:
            steps = replace(
                context,
                on_event=on_event or ignore_event,
                on_key=entry.key,
                on_receipt=entry.receipt,
                with_position=entry.with_position,
                again=again,
                dry_run=dry_run,
                threads=threads,
            )
            receipt = send_by(steps)
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
    with _opened(what, **given) as (context, _):
        return check_by(context)


@contextlib.contextmanager
def _opened(
    what: PathLike, **given: Unpack[JobArguments]
) -> Iterator[tuple[JobContext, Callable[[dict[str, Any]], None]]]:
    """Yield what a job is made of, and what runs the hook of `[notify]` with a document.

    The error that ends the block runs the hook, too.
    """
    settings = settings_of(given["keys"], given["state"], given["config"])
    unlocker = unlocker_of(given["passphrase"])
    schema, to, recipients = path_of(given["schema"]), given["to"], given["recipients"]
    name = str(what) if schema is None and to is None else None

    def alert(document: dict[str, Any]) -> None:
        if given["hook"] and settings.notify:
            problem = notify(settings.notify, {"job": name, **document})
            if problem:
                given["on_warning"](problem)

    try:
        if isinstance(recipients, str):
            raise UsageError("recipients must be a list of names", hint='say recipients=["NAME"]')
        job = _job_of(str(what), settings, schema, to)
        destination = destination_named(job.destination, settings).with_said(
            recipients=tuple(recipients) or None,
            identity_file=path_of(given["identity"]),
            known_hosts=path_of(given["known_hosts"]),
            password_file=path_of(given["password_file"]),
        )
        connect = partial(endpoint_of, destination, unlocker, given["on_debug"])
        context = JobContext(settings, job, destination, connect, unlocker)
        yield replace(context, on_retry=given["on_retry"]), alert
    except PiiencError as error:
        alert(ErrorFacts.of(error).document())
        raise


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
