"""Wrap a file for its receivers."""

from __future__ import annotations

import io
import re
import time
import zlib
from contextlib import ExitStack
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from piienc.base.files import together
from piienc.errors import PgpError, PolicyError
from piienc.openpgp.encryptor import open_encryptor
from piienc.openpgp.packets import HEAD, read_message
from piienc.openpgp.preflight import check_name, check_source, refuse_compressed
from piienc.openpgp.routes import crossing, streamed
from piienc.report.receipt import FileFacts, WrapReceipt
from piienc.storage import FileTarget, refuse_same
from piienc.storage.content import COMPRESSED, compression_of
from piienc.storage.hashing import HashingReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    from piienc.keys.openpgp.folder import PgpFolder
    from piienc.openpgp.encryptor import PgpEncryptor, WrapRequest
    from piienc.openpgp.gpg.wrap import MessageFormat
    from piienc.openpgp.routes import ByteRoute
    from piienc.receivers import Profile
    from piienc.storage import OpenedSource, Source, Target
    from piienc.storage.progress import OnProgress
    from piienc.tables import Part

_SAMPLE = 256 << 10  # bytes at a file's beginning that tell whether compression helps
_TABLES = {".csv", ".tsv", ".txt"}
_SUFFIXES = _TABLES | COMPRESSED | {".asc", ".gpg", ".pgp"}
_HELPS = 0.5  # of the size: base64 of ciphertext shrinks to three quarters, for ten times the work


def wrapped_name(source: Path, request: WrapRequest) -> Path:
    """Return the name that a wrapped file gets: the source's, and the profile's extension."""
    return source.with_name(source.name + request.profile.extension)


def wrap_file(
    source: Source,
    target: Target,
    request: WrapRequest,
    *,
    keys: PgpFolder,
    progress: OnProgress | None = None,
) -> WrapReceipt:
    """Encrypt a file for OpenPGP recipients, and check the output before it appears.

    Args:
        source: any file.
        target: where to; a file appears whole or not at all.
        request: for whom, and how.
        keys: the key folder's OpenPGP keys.
        progress: called with 0, the bytes read, and the share of the file that is done.

    Raises:
        PiiencError: of the class that tells what is wrong; see `piienc.errors`.
    """
    started = time.monotonic()
    profile = request.profile
    refuse_same(source, target)
    check_source(source.name, profile)
    if target.path:
        check_name(target.path, profile)
    with ExitStack() as stack:
        work = stack.enter_context(open_encryptor(request, keys))
        file = stack.enter_context(source.opened())
        head = file.peek(HEAD)
        _refuse_wrapped(head, file.name)
        refuse_compressed(file.name, compression_of(head), profile)
        form = work.form(_compression(profile, head[:_SAMPLE]))
        if work.limit and file.size > work.limit:
            read, outputs = _wrap_parts(file, target, work, form, request, work.limit)
        else:
            route = stack.enter_context(
                crossing(file, target, overwrite=request.overwrite, progress=progress)
            )
            outputs = [work.wrap(route, form, target.name)]
            read = route.read()
    return work.receipt(form, read, outputs, time.monotonic() - started)


def _wrap_parts(
    source: OpenedSource,
    target: Target,
    work: PgpEncryptor,
    form: MessageFormat,
    request: WrapRequest,
    limit: int,
) -> tuple[FileFacts, list[FileFacts]]:
    """Wrap a table in parts, which appear together when the last one is done."""
    # Start-up: only what is split needs tables.
    from piienc.tables import TABLE_FORMATS, opened_table  # noqa: PLC0415  # see above
    from piienc.transform.crypt import csv_format  # noqa: PLC0415  # see above

    name, path = source.name, target.path
    if path is None:
        raise _cannot_split(name, work.profile, "standard output takes one file")
    if not request.schema:
        if source.path is None:
            raise _cannot_split(name, work.profile, "without a schema, only its name tells CSV")
        if not _is_csv(source.path):
            raise _cannot_split(name, work.profile, "only CSV files are split by rows")
    earlier = _earlier_parts(path, overwrite=request.overwrite)
    with together() as appearing, opened_table(source, csv_format(request.schema)) as table:
        parts = TABLE_FORMATS[table.kind].parts
        if parts is None:
            raise _cannot_split(name, work.profile, "only CSV files are split by rows")
        outputs = wrapped_parts(
            parts(table, name, limit),
            name,
            path,
            work,
            form,
            appearing,
            overwrite=request.overwrite,
        )
        read = FileFacts(name, *source.finish())
    for path in earlier - {Path(written.name) for written in outputs}:
        path.unlink(missing_ok=True)
    return read, outputs


def wrapped_parts(
    parts: Iterable[Part],
    name: str,
    target: Path,
    work: PgpEncryptor,
    form: MessageFormat,
    appearing: Callable[[AbstractContextManager[ByteRoute], Path], ByteRoute],
    *,
    overwrite: bool,
) -> list[FileFacts]:
    """Wrap a table in parts, as many as it takes."""
    outputs = []
    for number, part in enumerate(parts, 1):
        path = part_name(target, number)
        check_name(path, work.profile)
        route = streamed(HashingReader(part), name, FileTarget(path), overwrite=overwrite)
        outputs.append(work.wrap(appearing(route, path), form, str(path)))
    return outputs


def _cannot_split(name: str, profile: Profile, why: str) -> PolicyError:
    return PolicyError(
        f"{name} is too large for {profile.name}, and cannot be split: {why}",
        hint="write it as several files, and wrap each",
    )


def _is_csv(source: PurePath) -> bool:
    suffixes = [suffix.lower() for suffix in source.suffixes]
    while suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    return bool(suffixes) and suffixes[-1] in _TABLES


def _earlier_parts(target: Path, *, overwrite: bool) -> set[Path]:
    """Return the parts that an earlier run has left: more than this one makes, it may be."""
    first = part_name(target, 1).name
    begin, _, end = first.rpartition("0001")
    name = re.compile(re.escape(begin) + r"\d{4,}" + re.escape(end))
    parts = {path for path in target.parent.iterdir() if name.fullmatch(path.name)}
    if parts and not overwrite:
        raise PolicyError(
            f"there are parts of an earlier run: {min(parts)}",
            hint="move them away, or say --force to replace all of them",
        )
    return parts


def part_name(target: Path, number: int) -> Path:
    """Return the name of a part: `exports.csv.asc` becomes `exports.part-0001.csv.asc`."""
    stem, end = target.name, ""
    while PurePath(stem).suffix.lower() in _SUFFIXES:
        end = PurePath(stem).suffix + end
        stem = PurePath(stem).stem
    return target.with_name(f"{stem}.part-{number:04d}{end}")


def _compression(profile: Profile, sample: bytes) -> str:
    if profile.compression != "auto":
        return profile.compression
    packed = len(zlib.compress(sample, 1))
    return "zip" if packed < _HELPS * len(sample) else "none"


def _refuse_wrapped(head: bytes, name: str) -> None:
    try:
        message = read_message(io.BytesIO(head), name)
    except PgpError:
        return
    if message.container:
        raise PolicyError(
            f"{name} is encrypted by OpenPGP already",
            hint="send it as it is; 'piienc inspect' shows for whom it is",
        )
