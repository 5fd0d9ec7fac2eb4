"""All steps in one: each new file of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.api.common import path_of, settled, unlocker_of
from piienc.audit.entry import recorded
from piienc.deliver.addressed import destination_named, way_by
from piienc.errors import UsageError
from piienc.jobs.builder import JobContextBuilder
from piienc.jobs.chosen import chosen
from piienc.jobs.send import send as send_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from piienc.api.common import Passphrase, PathLike
    from piienc.jobs.outcome import SendReceipt


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
    passphrase: Passphrase = None,
    threads: int = 0,
    keys: PathLike | None = None,
    state: PathLike | None = None,
    config: PathLike | None = None,
) -> SendReceipt:
    """Verify, encrypt, wrap and deliver each new file of a job, exactly once.

    Args:
        what: a job of piienc.toml, or a file, with `schema` and `to`.
        schema: of the file.
        to: where the file is sent to: a destination of piienc.toml, or a URL as for `push`.
        recipients: the names of the receivers' OpenPGP keys; none means the destination's.
        again: also what was sent already.
        dry_run: do all but the upload, and keep nothing.
        identity: the private SSH key; None leaves it to the destination.
        known_hosts: the keys of hosts; likewise.
        passphrase: of all keys that have one.
        threads: units worked on side by side; 0 means one for each core.
        keys: as for `encrypt_file`.
        state: likewise.
        config: likewise.

    Returns:
        The receipt. A file that failed is in it, with its error; `exit_code` is then not 0. The
        hook of `[notify]` is the command's alone: who calls this is told by the receipt.

    Raises:
        piienc.errors.LockError: another run of the job is at work.
        piienc.errors.PiiencError: nothing could be begun.
    """
    if isinstance(recipients, str):
        raise UsageError("recipients must be a list of names", hint='say recipients=["NAME"]')
    where, unlocker = settled(keys, state, config), unlocker_of(passphrase)
    job = chosen(str(what), where, schema=path_of(schema), to=to)
    destination = destination_named(job.destination, where).with_said(
        identity_file=path_of(identity),
        known_hosts=path_of(known_hosts),
        recipients=tuple(recipients) or None,
    )
    with recorded("send", where, schema=job.schema) as entry:
        making = JobContextBuilder(
            where,
            job,
            destination,
            lambda: way_by(destination, unlocker),
            unlocker,
            _untold,
            again=again,
            dry_run=dry_run,
            threads=threads,
        )
        receipt = send_by(making.recorded_by(entry).sending())
        entry.code = receipt.exit_code
    return receipt


def _untold(_event: str, /, **_facts: object) -> None:
    """Take an event, and tell nobody."""
