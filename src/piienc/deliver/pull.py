"""Fetch files from a destination: what comes back from a receiver, and what is to be checked."""

from __future__ import annotations

import time
import unicodedata
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from piienc.base.printable import command
from piienc.deliver.connections import ConnectionPool
from piienc.errors import IncompleteError, PiiencError, PolicyError, UsageError
from piienc.remote import FILE, UNKNOWN, find, is_safe, safe_name
from piienc.report.receipt import FileFacts, PullReceipt
from piienc.settings.load import FILE as CONFIGURATION
from piienc.state import Phase, new_transfer
from piienc.state.transfers import now
from piienc.storage import FileTarget
from piienc.storage.progress import Meter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from piienc.deliver.endpoint import Endpoint
    from piienc.remote import FileAttributes, Remote
    from piienc.remote.retry import OnRetry
    from piienc.state import Ledger, Transfer
    from piienc.storage.progress import OnProgress

_PATTERN = frozenset("*?[")
_FILES = frozenset({FILE, UNKNOWN})  # some servers do not tell


class PullRequest(Struct, frozen=True):
    """The source and the options of a pull.

    Attributes:
        endpoint: the endpoint of the destination.
        ledger: records each fetched file.
        overwrite: replace files that are there.
        on_retry: see `piienc.remote.retrying`.
        progress: called with 0, the bytes that have arrived, and the share done.
    """

    endpoint: Endpoint
    ledger: Ledger
    overwrite: bool = False
    on_retry: OnRetry | None = None
    progress: OnProgress | None = None


def pull(pattern: str, target: Path, request: PullRequest) -> PullReceipt:
    """Fetch a file, or all files whose names match a pattern; each appears whole or not at all.

    Args:
        pattern: a name in the destination's folder, or a pattern such as `failed-*.csv`. As in a
            shell, a pattern is for hidden files only if it begins with a dot itself.
        target: a folder, or, for one file, its new path.
        request: the source and the options.

    Raises:
        PiiencError: the error of the first file, by name, that failed; all others are fetched.
    """
    started = time.monotonic()
    refused: list[str] = []
    with ConnectionPool(request.endpoint, request.on_retry) as pool:
        try:
            files = pool.again(lambda remote: _matching(remote, pattern, refused))
        except PiiencError as error:
            request.ledger.failed(_transfer(pattern, target, request), error)
            raise
        if len(files) > 1 and not target.is_dir():
            raise UsageError(
                f"{len(files)} files match {pattern}, and {target} is no folder",
                hint="name a folder that is there",
            )
        fetched = _all(files, target, request, pool)
    warnings = tuple(
        f"skipped, because its name is not a plain file name: {name}" for name in refused
    )
    seconds = round(time.monotonic() - started, 3)
    endpoint = request.endpoint
    return PullReceipt(
        "pull", str(endpoint.url), endpoint.destination.name, fetched, seconds, warnings=warnings
    )


def _all(
    files: Mapping[str, FileAttributes], target: Path, request: PullRequest, pool: ConnectionPool
) -> tuple[FileFacts, ...]:
    """Fetch all files; raise the first error by name at the end."""
    meter = Meter(request.progress, sum(facts.size or 0 for facts in files.values()))
    fetched: dict[str, FileFacts] = {}
    errors: dict[str, PiiencError] = {}

    def fetch(number: int, name: str) -> None:
        action = partial(_fetch, name=name, target=target, request=request, meter=meter)
        try:
            fetched[name] = pool.again(action, number)
        except PiiencError as error:
            errors[name] = error
            request.ledger.failed(_transfer(name, target, request, files[name].size or 0), error)

    pool.each(sorted(files, key=lambda name: -(files[name].size or 0)), fetch)
    for name in sorted(errors):
        raise errors[name]
    return tuple(fetched[name] for name in sorted(files))


def _matching(remote: Remote, pattern: str, refused: list[str]) -> dict[str, FileAttributes]:
    refused.clear()
    if _PATTERN.isdisjoint(pattern):
        facts = find(remote, safe_name(pattern))
        files = {pattern: facts} if facts else {}
    else:
        files = {
            entry.name: entry.facts
            for entry in remote.entries(refused.append)
            if entry.facts.kind in _FILES
            and is_safe(entry.name)  # and none of our own that still grow
            and _matches(entry.name, pattern)
        }
    if not files:
        raise IncompleteError(
            f"there is no {pattern} at the destination", hint="check the name and the URL's folder"
        )
    return files


def _matches(name: str, pattern: str) -> bool:
    visible = not name.startswith(".") or pattern.startswith(".")
    return visible and fnmatchcase(name, pattern)


def _fetch(
    remote: Remote, *, name: str, target: Path, request: PullRequest, meter: Meter
) -> FileFacts:
    path = _named_by_server(name, target, request) if target.is_dir() else target
    start, before = now(), find(remote, name)
    if before is None or before.kind not in _FILES:
        raise IncompleteError(f"{name} is no file at the destination", hint="check the name")
    with FileTarget(path).opened(overwrite=request.overwrite) as writer:
        remote.download(name, writer, size=before.size, progress=meter.add)
        if find(remote, name) != before:
            raise IncompleteError(
                f"{name} has changed while it was fetched", hint="fetch it again", transient=True
            )
        facts = FileFacts(str(path), writer.count, writer.sha256())
    transfer = _transfer(name, path, request, facts.bytes)
    request.ledger.save(
        replace(
            transfer,
            phase=Phase.DONE,
            outcome="delivered",
            begun=start,
            ended=now(),
            sha256=facts.sha256,
            remote_size=before.size,
            attempts=1,
        )
    )
    return facts


def _named_by_server(name: str, folder: Path, request: PullRequest) -> Path:
    """Return a file's path in a folder, under the name that it has at the destination.

    Raises:
        PolicyError: piienc would believe what a file of that name says.
    """
    # So that none gets the name on a file system that does not tell it from another spelling.
    plain = "".join(each for each in name if unicodedata.category(each) != "Cf")
    plain = unicodedata.normalize("NFKC", plain).casefold().rstrip(" .")
    if plain == CONFIGURATION:
        where = request.endpoint.destination.name or str(request.endpoint.url)
        again = command("piienc", "pull", name, "OTHER-NAME", "--from", where)
        raise PolicyError(
            f"{name} was not fetched: piienc would run what it says, and a server wrote it",
            hint=f"give it another name: {again}",
        )
    return folder / safe_name(name)


def _transfer(name: str, path: Path, request: PullRequest, size: int = 0) -> Transfer:
    return new_transfer("pull", request.endpoint.places[0], name, path, size=size)
