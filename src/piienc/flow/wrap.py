"""Wrap a file for its receivers."""

from __future__ import annotations

import io
import re
import time
import zlib
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from piienc.envelope import read_message
from piienc.envelope.wrap import Form, require_as_meant, wrap
from piienc.errors import PgpError, PolicyError
from piienc.files import open_input, refuse_same, together
from piienc.flow.crossing import crossing, hashed_ahead, streamed
from piienc.flow.preflight import (
    check_name,
    check_recipients,
    check_signer,
    check_source,
    plain_limit,
)
from piienc.flow.receipt import FileFacts, PgpKeyFacts, WrapReceipt
from piienc.flow.streams import HEAD, Ahead
from piienc.hashing import HashingReader
from piienc.keys.pgp_folder import opened
from piienc.places import is_parquet, name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from piienc.flow.crossing import Crossing
    from piienc.flow.preflight import Ask
    from piienc.flow.streams import Report
    from piienc.keys.gpg import Gpg
    from piienc.keys.pgp import PgpKey
    from piienc.keys.pgp_folder import PgpFolder
    from piienc.places import Place
    from piienc.profiles import Profile
    from piienc.schema import Schema
    from piienc.secret import SecretBytes

_SAMPLE = 256 << 10  # bytes at a file's beginning that tell whether compression helps
_TABLES, _COMPRESSED = {".csv", ".tsv", ".txt"}, {".gz", ".zst"}
_SUFFIXES = _TABLES | _COMPRESSED | {".asc", ".gpg", ".pgp"}
_HELPS = 0.5  # of the size: base64 of ciphertext shrinks to three quarters, for ten times the work


@dataclass(frozen=True, slots=True)
class Wrapping:
    """How a file is to be wrapped.

    Attributes:
        profile: what the receiver demands.
        recipients: names of the keys that can read it.
        signer: the name of the key that signs it.
        armor: as text; None leaves it to the profile.
        overwrite: replace an existing output.
        schema: tells how a table that must be split is written; None means the usual way.
    """

    profile: Profile
    recipients: Sequence[str]
    signer: str | None = None
    armor: bool | None = None
    overwrite: bool = False
    schema: Schema | None = None

    @property
    def names(self) -> list[str]:
        """The names of all keys that take part."""
        return [*self.recipients, *([self.signer] if self.signer else [])]


def wrapped_name(source: Path, wanted: Wrapping) -> Path:
    """Return the name that a wrapped file gets: the source's, and the profile's extension."""
    return source.with_name(source.name + wanted.profile.extension)


def wrap_file(
    source: Place,
    target: Place,
    wanted: Wrapping,
    *,
    keys: PgpFolder,
    passphrase: Ask,
    progress: Report | None = None,
) -> WrapReceipt:
    """Encrypt a file for OpenPGP recipients, and look at what was written before it appears.

    Args:
        source: any file, or an open stream.
        target: where to; a file appears whole or not at all.
        wanted: for whom, and how.
        keys: the key folder's OpenPGP keys.
        passphrase: asked, with the signer's name, if its key is locked.
        progress: called with 0, the bytes read, and the share of the file that is done.

    Raises:
        PiiencError: of the class that tells what is wrong; see `piienc.errors`.
    """
    started = time.monotonic()
    profile = wanted.profile
    if isinstance(source, Path) and isinstance(target, Path):
        refuse_same(source, target)
    check_source(source, profile)
    check_name(target, profile)
    with ExitStack() as stack:
        session, known = stack.enter_context(opened(keys, wanted.names))
        # Two names may stand for one key.
        named = (known[name] for name in wanted.recipients)
        recipients = list({key.fingerprint: key for key in named}.values())
        signer = known[wanted.signer] if wanted.signer else None
        warnings = check_recipients(recipients, profile)
        secret = check_signer(signer, profile, keys, passphrase)
        file = stack.enter_context(open_input(source)) if isinstance(source, Path) else source
        ahead = Ahead(file, HEAD)
        _refuse_wrapped(ahead.head, name_of(source))
        form = Form(
            _armor(wanted),
            profile.cipher,
            _compression(profile, ahead.head[:_SAMPLE]),
            profile.aead,
        )
        work = _Work(session, recipients, form, signer, secret, profile)
        limit = plain_limit(profile, recipients, armor=form.armor)
        if limit and isinstance(source, Path) and source.stat().st_size > limit:
            read, outputs = _wrap_parts(source, target, work, limit, wanted)
        else:
            hashed = stack.enter_context(hashed_ahead(source, ahead, target))
            way = crossing(
                source, ahead, target, hashed=hashed, overwrite=wanted.overwrite, progress=progress
            )
            pass_ = stack.enter_context(way)
            outputs = [work.wrap(pass_, name_of(target))]
            read = pass_.read()
    return WrapReceipt(
        "wrap-file",
        read,
        tuple(outputs),
        tuple(PgpKeyFacts(key.name, key.fingerprint) for key in recipients),
        PgpKeyFacts(signer.name, signer.fingerprint) if signer else None,
        profile.name,
        form.cipher,
        form.compression,
        form.armor,
        round(time.monotonic() - started, 3),
        tuple(warnings),
    )


@dataclass(frozen=True, slots=True)
class _Work:
    """All that wrapping a stream takes, but the stream."""

    session: Gpg
    recipients: Sequence[PgpKey]
    form: Form
    signer: PgpKey | None
    secret: SecretBytes | None
    profile: Profile

    def wrap(self, way: Crossing, name: str) -> FileFacts:
        """Wrap what crosses, and look at what was written before it appears."""
        wrap(
            way.route,
            session=self.session,
            recipients=self.recipients,
            form=self.form,
            signer=self.signer,
            passphrase=self.secret,
        )
        require_as_meant(read_message(io.BytesIO(way.head), name), self.recipients, self.form)
        written = way.written()
        if self.form.compression == "none" and written.bytes < way.read().bytes:
            raise PgpError("gpg compressed the file, which was not asked for")
        _require_size(written.bytes, self.profile, name)
        return written


def _wrap_parts(
    source: Path, target: Place, work: _Work, limit: int, wanted: Wrapping
) -> tuple[FileFacts, list[FileFacts]]:
    """Wrap a table in parts, which appear together when the last one is done."""
    # Start-up: only what is split needs tables.
    from piienc.flow.crypt import csv_format  # noqa: PLC0415  # see above
    from piienc.tables import CsvSource, opened_source, parts  # noqa: PLC0415  # see above

    if not isinstance(target, Path):
        raise _cannot_split(source, work.profile, "standard output takes one file")
    if is_parquet(source) or not (wanted.schema or _is_csv(source)):
        raise _cannot_split(source, work.profile, "only CSV files are split by rows")
    earlier = _earlier_parts(target, overwrite=wanted.overwrite)
    with together() as appearing, opened_source(source, csv_format(wanted.schema)) as opened_table:
        table, reader = opened_table
        assert isinstance(table, CsvSource)  # noqa: S101  # it is no Parquet
        outputs = []
        for number, part in enumerate(parts(table, source.name, limit), 1):
            named = part_name(target, number)
            check_name(named, work.profile)
            way = streamed(HashingReader(part), source.name, named, overwrite=wanted.overwrite)
            outputs.append(work.wrap(appearing(way, named), str(named)))
        read = FileFacts(name_of(source), reader.count, reader.sha256())
    for path in earlier - {Path(written.name) for written in outputs}:
        path.unlink(missing_ok=True)
    return read, outputs


def _cannot_split(source: Path, profile: Profile, why: str) -> PolicyError:
    return PolicyError(
        f"{source} is too large for {profile.name}, and cannot be split: {why}",
        hint="write it as several files, and wrap each",
    )


def _is_csv(source: Path) -> bool:
    suffixes = [suffix.lower() for suffix in source.suffixes]
    while suffixes and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    return bool(suffixes) and suffixes[-1] in _TABLES


def _earlier_parts(target: Path, *, overwrite: bool) -> set[Path]:
    """Return the parts that an earlier run has left: more than this one makes, it may be."""
    first = part_name(target, 1).name
    begin, _, end = first.rpartition("0001")
    name = re.compile(re.escape(begin) + r"\d{4,}" + re.escape(end))
    found = {path for path in target.parent.iterdir() if name.fullmatch(path.name)}
    if found and not overwrite:
        raise PolicyError(
            f"there are parts of an earlier run: {min(found)}",
            hint="move them away, or say --force to replace all of them",
        )
    return found


def part_name(target: Path, number: int) -> Path:
    """Return the name of a part: `exports.csv.asc` becomes `exports.part-0001.csv.asc`."""
    stem, end = target.name, ""
    while PurePath(stem).suffix.lower() in _SUFFIXES:
        end = PurePath(stem).suffix + end
        stem = PurePath(stem).stem
    return target.with_name(f"{stem}.part-{number:04d}{end}")


def _armor(wanted: Wrapping) -> bool:
    demanded = wanted.profile.armor
    if demanded is not None and wanted.armor not in {None, demanded}:
        raise PolicyError(
            f"the profile {wanted.profile.name} demands {'armor' if demanded else 'binary files'}",
            hint="leave the option out, or choose another profile: 'piienc profiles list'",
        )
    return bool(wanted.armor if demanded is None else demanded)


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


def _require_size(size: int, profile: Profile, name: str) -> None:
    if profile.size_limit and size > profile.size_limit:
        raise PolicyError(
            f"{name} would have {size:,} bytes, and {profile.name} takes "
            f"{profile.size_limit:,} at most",
            hint="split it into several files; a CSV file that is named, and no stream, is split "
            "by rows",
        )
