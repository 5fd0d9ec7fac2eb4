"""One pass from a plain source to a wrapped file, and the cleanup after earlier passes.

The source is read once: its units are verified and encrypted in parallel, and a pipe passes the
encrypted table to gpg. Only gpg's output is a file, which has no name until all is verified.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from piienc.base.files import make_private_folder, open_input, together
from piienc.errors import ConfigError, InputError, MovedError, PiiencError, PolicyError
from piienc.jobs.spooling.naming import name_for
from piienc.jobs.spooling.sources import SourceFile
from piienc.jobs.spooling.verifying import SourceVerifier
from piienc.openpgp.pipes import written_by
from piienc.openpgp.preflight import check_name, check_sent, check_source
from piienc.openpgp.routes import joined
from piienc.openpgp.wrap import wrapped_name, wrapped_parts
from piienc.state import CellCounter, JobEntry, JobStep
from piienc.state.jobs import new_id
from piienc.state.transfers import now
from piienc.storage import FileSource, StreamSource, StreamTarget
from piienc.storage.hashing import HashingReader
from piienc.tables import format_of, opened_table
from piienc.transform.crypt import CryptOptions, csv_format, encrypt_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from piienc.jobs.context import JobContext
    from piienc.openpgp.encryptor import PgpEncryptor
    from piienc.report.model import Report
    from piienc.report.receipt import FileFacts, Receipt
    from piienc.state import JobLedger
    from piienc.tables import OpenedTable, Part, TableFormat

_COMPRESSION = "none"  # ciphertext in base64 hardly shrinks, and a stream cannot be tried first


class SpooledSource(Struct, frozen=True):
    """A source that was wrapped.

    Attributes:
        entry: its entry in the ledger.
        report: what the verification found.
    """

    entry: JobEntry
    report: Report


def spool(
    source: SourceFile, number: int, context: JobContext, ledger: JobLedger, encryptor: PgpEncryptor
) -> SpooledSource:
    """Verify, encrypt and wrap a source into the spool.

    Raises:
        MovedError: the source changed meanwhile.
        VerificationError: it is not as its schema says.
        PiiencError: of the class that tells what is wrong; see `piienc.errors`.
    """
    name = name_for(source.path, context.job.naming, number)
    facts = (str(source.path), source.size, source.modified, source.inode)
    entry = ledger.save(
        JobEntry(new_id(), context.label, *facts, number=number, name=name, begun=now())
    )
    spool_pass = _SpoolPass(source, context, ledger, encryptor, entry)
    try:
        make_private_folder(context.state)
        make_private_folder(context.spool)
        make_private_folder(spool_pass.target.parent)
        return spool_pass.run()
    except BaseException:
        with suppress(ConfigError):  # on a full disk: then the next run takes it away
            drop(context, ledger, entry)
        raise


class _SpoolPass(Struct):
    """Makes the wrapped files of one source."""

    source: SourceFile
    context: JobContext
    ledger: JobLedger
    encryptor: PgpEncryptor
    entry: JobEntry
    verifier: SourceVerifier | None = None
    _grown: int = 0

    @property
    def target(self) -> Path:
        """Where the wrapped file goes."""
        name = wrapped_name(Path(self.entry.name), self.context.wrap_request).name
        return folder_of(self.context, self.entry) / name

    def run(self) -> SpooledSource:
        """Make them."""
        check_source(self.entry.name, self.context.profile)
        check_name(self.target, self.context.profile)
        limit = self.encryptor.limit
        parts = None if limit is None else self._format().parts
        if parts and self.source.size > (limit or 0):
            return self._in_parts(parts)
        try:
            return self._whole()
        except PolicyError:
            if not parts or self._grown <= (limit or 0):
                raise
        return self._in_parts(parts)

    def _format(self) -> TableFormat:
        try:
            with FileSource(self.source.path).opened() as source:
                return format_of(source.head)
        except InputError:
            self._require_unmoved()
            raise

    def _whole(self) -> SpooledSource:
        started, form = time.monotonic(), self.encryptor.form(_COMPRESSION)
        with (
            written_by(self._encrypt) as pipe,
            joined(pipe, self.target) as route,
        ):
            try:
                with pipe.explaining():
                    outputs = [self.encryptor.wrap(route, form, str(self.target))]
            except PolicyError:
                self._grown = route.read().bytes
                raise
            except BaseException:
                self.encryptor.session.stop()  # or we would wait for a gpg that nobody needs
                raise
            return self._kept(pipe.finish(), outputs, started)

    def _in_parts(self, parts: Callable[[Any, str, int], Iterator[Part]]) -> SpooledSource:
        started, form = time.monotonic(), self.encryptor.form(_COMPRESSION)
        name = self.entry.name
        with ExitStack() as stack:
            pipe = stack.enter_context(written_by(self._encrypt))
            appearing = stack.enter_context(together())
            with pipe.explaining(), os.fdopen(pipe.descriptor, "rb", closefd=False) as encrypted:
                file = stack.enter_context(StreamSource(encrypted, name).opened())
                table = stack.enter_context(opened_table(file, csv_format(self.context.schema)))
                outputs = wrapped_parts(
                    parts(table, name, int(self.encryptor.limit or 0)),
                    name,
                    self.target,
                    self.encryptor,
                    form,
                    appearing,
                    overwrite=False,
                )
            return self._kept(pipe.finish(), outputs, started)

    def _encrypt(self, file: BinaryIO) -> Receipt:
        context, path = self.context, self.source.path
        with ExitStack() as stack:

            def observer(table: OpenedTable) -> SourceVerifier:
                self.verifier = stack.enter_context(SourceVerifier(table, context))
                return self.verifier

            source = stack.enter_context(FileSource(path).opened(ahead=True))
            if source.facts is None or SourceFile.of(path, source.facts) != self.source:
                raise MovedError(f"{path} is still being written")
            try:
                return encrypt_file(
                    source,
                    StreamTarget(file, self.entry.name),
                    schema=context.schema,
                    keys=context.keyset,
                    counter=stack.enter_context(CellCounter(context.state)),
                    options=CryptOptions(threads=context.threads, rehearsal=context.dry_run),
                    treatments=context.job.treatments,
                    observer=observer,
                )
            except PiiencError:
                # A file that is cut off because it is still being written is none that is broken.
                self._require_unmoved()
                raise

    def _kept(self, encrypted: Receipt, outputs: list[FileFacts], started: float) -> SpooledSource:
        """Record the files before they get their names, so that named files are known complete."""
        self._require_unmoved()
        assert self.verifier is not None  # noqa: S101  # all was read
        report = self.verifier.result
        wrapped = self.encryptor.receipt(
            self.encryptor.form(_COMPRESSION), encrypted.output, outputs, time.monotonic() - started
        )
        for receipt in (report, encrypted, wrapped):
            self.context.on_receipt(receipt)
        self._tell(report, encrypted, outputs)
        files = [
            {"name": Path(output.name).name, "bytes": output.bytes, "sha256": output.sha256}
            for output in outputs
        ]
        facts = {
            "verify": {"rows": report.rows, "counts": report.counts},
            "schema": to_builtins(report.schema),
            "encrypt": encrypted.document(),
            "wrap": wrapped.document(),
        }
        entry = self.entry.spooled(encrypted.input.sha256, files, facts)
        if not self.context.dry_run:
            self.ledger.save(entry)
        return SpooledSource(entry, report)

    def _tell(self, report: Report, encrypted: Receipt, outputs: list[FileFacts]) -> None:
        source, on_event = str(self.source.path), self.context.on_event
        on_event("verified", file=source, rows=report.rows, warnings=sum(report.counts.values()))
        cells = sum(column.cells for column in encrypted.columns.values())
        on_event("encrypted", file=source, rows=encrypted.rows, cells=cells)
        for output in outputs:
            on_event("wrapped", file=source, name=Path(output.name).name, bytes=output.bytes)

    def _require_unmoved(self) -> None:
        path = self.source.path
        at_end = SourceFile.at(path)
        if at_end is None:
            raise MovedError(
                f"{path} went away while it was read, and was not sent",
                hint="put it back, or leave it: the next run sends what is there",
            )
        if at_end != self.source:
            raise MovedError(f"{path} is still being written")


def folder_of(context: JobContext, entry: JobEntry) -> Path:
    """Return the folder of a source's wrapped files."""
    return context.spool / entry.id


def files_of(context: JobContext, entry: JobEntry) -> list[Path]:
    """Return a source's wrapped files."""
    return [folder_of(context, entry) / str(file["name"]) for file in entry.wrapped]


def recover(context: JobContext, ledger: JobLedger) -> list[JobEntry]:
    """Remove what a killed run has left unfinished; its sources are spooled again.

    Returns:
        The lost entries: their wrapped files are damaged, and their sources are gone.
    """
    lost = []
    for entry in ledger.at(context.label, JobStep.SPOOLING):
        drop(context, ledger, entry)
    for entry in ledger.at(context.label, JobStep.SPOOLED):
        is_whole = _is_whole(context, entry)
        if is_whole and not _is_stale(context, entry):
            continue
        if _is_delivered(context, entry):  # and the run was killed before it could say so
            ledger.save(replace(entry, step=JobStep.DELIVERED))
            continue
        if not is_whole and not Path(entry.source).exists():
            lost.append(entry)
        drop(context, ledger, entry)
    return lost


def _is_whole(context: JobContext, entry: JobEntry) -> bool:
    return all(
        path.is_file() and path.stat().st_size == file["bytes"] and _hash(path) == file["sha256"]
        for path, file in zip(files_of(context, entry), entry.wrapped, strict=True)
    )


def _hash(path: Path) -> str:
    with open_input(path) as file:
        return HashingReader(file).sha256()


def _is_delivered(context: JobContext, entry: JobEntry) -> bool:
    """Return whether the ledger of transfers has all files of a source as delivered."""
    request = context.push_request

    def hashes(name: str, size: int) -> set[str | None]:
        transfers = request.ledger.delivered(request.endpoint.places, name, size)
        return {transfer.sha256 for transfer in transfers}

    return all(file["sha256"] in hashes(file["name"], file["bytes"]) for file in entry.wrapped)


def _is_stale(context: JobContext, entry: JobEntry) -> bool:
    """Return whether a wrapped file no longer fits the receiver, and can be made again."""
    current = SourceFile.at(Path(entry.source))
    if current is None or not current.is_source_of(entry):
        return False
    request = context.push_request
    for path in files_of(context, entry):
        with open_input(path) as file:
            try:
                check_sent(path, file, request.profile, request.recipients)
            except PolicyError:
                return True
    return False


def drop(context: JobContext, ledger: JobLedger, entry: JobEntry) -> None:
    """Remove a source's wrapped files, and its entry."""
    shutil.rmtree(folder_of(context, entry), ignore_errors=True)
    ledger.forget(entry)


def sweep(context: JobContext, ledger: JobLedger) -> None:
    """Remove wrapped files of delivered sources after their retention, and unknown ones."""
    if not context.spool.is_dir():
        return
    today = datetime.now(UTC)
    latest = today - timedelta(days=context.job.keep_spool)
    folders = [each for each in context.spool.iterdir() if each.is_dir() and not each.is_symlink()]
    entries = ledger.ids()  # behind the folders: another job has its entry before its folder
    for folder in folders:
        entry = entries.get(folder.name)
        if entry is None:
            shutil.rmtree(folder, ignore_errors=True)
        elif entry.job == context.label and entry.step in {JobStep.DONE, JobStep.SKIPPED}:
            if datetime.fromisoformat(entry.changed) > today:
                entry = ledger.save(entry)  # the clock was set back: its days count from now on
            if datetime.fromisoformat(entry.changed) <= latest:
                shutil.rmtree(folder, ignore_errors=True)
