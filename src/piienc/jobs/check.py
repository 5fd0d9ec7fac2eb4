"""All that a job needs, checked ahead: everything that is wrong is reported at once."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from msgspec import Struct, to_builtins

from piienc.deliver.push import rehearse
from piienc.errors import ConfigError, IncompleteError, PiiencError
from piienc.jobs.outcome import worst_of
from piienc.jobs.spooling.naming import name_for
from piienc.jobs.spooling.sources import sources
from piienc.openpgp.preflight import check_recipients, check_signer, plain_limit
from piienc.report.receipt import SCHEMA_VERSION, ErrorFacts
from piienc.state import Marks
from piienc.transform.mark_policy import hold_to_marks

if TYPE_CHECKING:
    from pathlib import Path

    from piienc.jobs.context import JobContext

_GROWTH = 2  # so many times larger than its source a wrapped file may well be


class JobCheck(Struct, frozen=True):
    """A thing that a job needs.

    Attributes:
        what: schema, keys, recipients, destination, sources, folders or disk.
        notes: what was found, and warnings.
        error: what is wrong with it.
    """

    what: str
    notes: tuple[str, ...] = ()
    error: ErrorFacts | None = None


class CheckReceipt(Struct, frozen=True):
    """The results of a check.

    Attributes:
        step: the command's name.
        job: the job's name; None for one of the command line.
        checks: in the order in which they were made.
    """

    step: str
    job: str | None
    checks: tuple[JobCheck, ...]

    @property
    def exit_code(self) -> int:
        """The worst code of all, by `WORST_FIRST`; 0 if nothing is wrong."""
        return self._worst.code if self._worst else 0

    def document(self) -> dict[str, Any]:
        """Return the receipt as a JSON document; not `ok` if something is wrong."""
        document = {"schema_version": SCHEMA_VERSION, "ok": True, **to_builtins(self)}
        return document | (self._worst.document() if self._worst else {})

    @property
    def _worst(self) -> ErrorFacts | None:
        return worst_of(each.error for each in self.checks)


def check(context: JobContext) -> CheckReceipt:
    """Check everything that a job needs, and change nothing.

    The destination is checked as by `push --dry-run`.
    """
    checks = []
    for what, look in (
        ("schema", _schema),
        ("keys", _keys),
        ("recipients", _recipients),
        ("sources", _sources),
        ("folders", _folders),
        ("disk", _disk),
        ("destination", _destination),
    ):
        try:
            checks.append(JobCheck(what, tuple(look(context))))
        except PiiencError as error:
            checks.append(JobCheck(what, (), ErrorFacts.of(error)))
    return CheckReceipt("send", context.job.name, tuple(checks))


def _schema(context: JobContext) -> list[str]:
    schema = context.schema
    return [f"{schema.name} marks {', '.join(schema.marked)}"]


def _keys(context: JobContext) -> list[str]:
    schema = context.schema
    names = sorted({str(column.encrypt) for column in schema.marked.values()})
    hold_to_marks(schema, context.keyset, Marks(context.state))
    return [f"{name}: {context.keyset(name).mode}" for name in names]


def _recipients(context: JobContext) -> list[str]:
    request, profile = context.wrap_request, context.profile
    keys = {key.name: key for key in context.pgp.load(request.names)}
    recipients = [keys[name] for name in request.recipients]
    warnings = check_recipients(recipients, profile)
    signer = keys[request.signer] if request.signer else None
    check_signer(signer, profile, context.pgp)
    plain_limit(profile, recipients, armor=bool(profile.armor))
    return [f"wrapped for {', '.join(request.recipients)}", *warnings]


def _sources(context: JobContext) -> list[str]:
    listing = sources(context.job)
    for each in listing.ready:
        name_for(each.path, context.job.naming, 1)
    for _, error in listing.refused:
        raise error
    size = sum(each.size for each in listing.ready)
    notes = [f"{len(listing.ready):,} of {size:,} bytes together"]
    return [*notes, *(f"{path} is being written to" for path in listing.moving)]


def _folders(context: JobContext) -> list[str]:
    job = context.job
    base = _existing(job.source.parent)
    for folder in (job.move_to, job.quarantine):
        if folder and _existing(folder).stat().st_dev != base.stat().st_dev:
            raise ConfigError(
                f"{folder} is on another file system than the sources, and plaintext is not copied",
                hint="name a folder beside the sources",
            )
    return [f"{folder}" for folder in (job.move_to, job.quarantine) if folder]


def _disk(context: JobContext) -> list[str]:
    needed = _GROWTH * sum(each.size for each in sources(context.job).ready)
    state = context.state
    free = shutil.disk_usage(_existing(state)).free
    if free < needed:
        raise IncompleteError(
            f"{state} has {free:,} bytes free, and the job may need {needed:,}",
            hint="make room, or name another state folder: --state DIR",
        )
    return [f"{free:,} bytes free"]


def _destination(context: JobContext) -> list[str]:
    receipt = rehearse([], context.push_request)
    free = receipt.free_space
    return [
        receipt.url,
        *([f"{free:,} bytes free"] if free is not None else []),
        *receipt.warnings,
    ]


def _existing(path: Path) -> Path:
    """Return the nearest folder upwards that is there."""
    path = path.absolute()
    return next(folder for folder in (path, *path.parents) if folder.is_dir())
