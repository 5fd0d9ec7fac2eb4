"""Push files to a destination: several at once, each on its own."""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from piienc.base.files import open_input
from piienc.deliver.connections import ConnectionPool
from piienc.deliver.delivery import Delivery
from piienc.deliver.orphans import orphans, sweep
from piienc.deliver.rules import DeliveryRules, Skipped
from piienc.deliver.trigger import trigger_of
from piienc.deliver.upload import UploadFile
from piienc.errors import IncompleteError, InputError, PiiencError, PolicyError, UsageError
from piienc.openpgp.preflight import check_sent
from piienc.remote import UNSEEN, features_of, find, safe_name, taken
from piienc.report.receipt import ErrorFacts, PushReceipt, SentFile
from piienc.state import held, kept_open, lock_name, new_transfer
from piienc.storage.progress import Meter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from piienc.deliver.endpoint import Endpoint
    from piienc.deliver.rules import Delivered
    from piienc.deliver.upload import KnownFile
    from piienc.receivers import Profile
    from piienc.remote import Remote
    from piienc.remote.retry import OnRetry
    from piienc.schema import Schema
    from piienc.state import Ledger, Transfer
    from piienc.storage.progress import OnProgress


_NO_ID = "0" * 16


class PushRequest(Struct, frozen=True):
    """The destination and the options of a push.

    Attributes:
        endpoint: the endpoint of the destination.
        profile: the receiver's profile.
        rules: how files are delivered.
        recipients: key ids by name of OpenPGP keys. Each file must be wrapped for one of them;
            empty allows any file.
        ledger: records each step.
        on_retry: see `piienc.remote.retrying`.
        progress: called with 0, the bytes that have arrived, and the share done.
        known: the hashes of files that this run has just written.
        sweep: remove orphans: see `orphans`.
    """

    endpoint: Endpoint
    profile: Profile
    rules: DeliveryRules
    recipients: Mapping[str, frozenset[str]]
    ledger: Ledger
    on_retry: OnRetry | None = None
    progress: OnProgress | None = None
    known: Mapping[Path, KnownFile] = field(default_factory=dict)
    sweep: bool = False


class _PushItem(Struct):
    """A file to push, and its outcome."""

    path: Path
    size: int = 0
    done: Delivered | Skipped | None = None
    plan: str | None = None
    error: PiiencError | None = None
    seconds: float = 0.0


def rules_of(
    endpoint: Endpoint,
    profile: Profile,
    *,
    schema: Schema | None = None,
    again: bool = False,
) -> DeliveryRules:
    """Return how files are delivered: what all allow, settings, receiver and destination.

    Raises:
        PolicyError: the settings allow what the receiver forbids.
        PiiencError: the trigger file cannot be made: see `trigger_of`.
    """
    destination, features = endpoint.destination, features_of(endpoint.url)
    if profile.never_overwrite and destination.if_exists == "replace":
        raise PolicyError(
            f"{profile.name} forbids to replace a file", hint="leave --if-exists replace out"
        )
    return DeliveryRules(
        if_exists=destination.if_exists,
        again=again,
        verify_content=destination.verify_content,
        rename=destination.rename and profile.rename and features.rename,
        append=features.append,
        trigger=trigger_of(destination, profile, schema),
    )


def push(
    sources: Sequence[Path], request: PushRequest, pool: ConnectionPool | None = None
) -> PushReceipt:
    """Deliver files under their own names; one that fails does not stop the others.

    Args:
        sources: the files.
        request: the destination and the options.
        pool: its connections are used and stay open; None opens connections for this call.

    Returns:
        The outcome of each file, in the order of the sources.

    Raises:
        PiiencError: the push could not begin: see `piienc.errors`.
    """
    started = time.monotonic()
    with kept_open(request.ledger.folder):
        items, waiting = _looked_at(sources, request)
        swept = _swept(request) if request.sweep else ()
        if waiting:
            with (
                contextlib.nullcontext(pool)
                if pool
                else ConnectionPool(request.endpoint, request.on_retry) as used
            ):
                _deliver(sorted(waiting, key=lambda item: -item.size), request, used)
    return replace(_receipt(request, items, started), orphans=swept)


def rehearse(sources: Sequence[Path], request: PushRequest) -> PushReceipt:
    """Do everything that `push` does but send: connect, log in, try to write, check the names.

    It needs no more permissions than a delivery and leaves nothing behind: it writes an empty file
    only if it may remove it again and the receiver does not wait for files.

    Raises:
        PiiencError: the destination cannot be reached or written to.
    """
    started = time.monotonic()
    items, waiting = _looked_at(sources, request)
    unchecked: list[str] = []
    with request.endpoint.connect() as remote:
        # In place, whoever waits for files would take an empty one.
        if not remote.can_write(make=request.rules.rename):
            unchecked.append("whether a file can be written there was not tried")
        room = remote.free_space()
        leftovers = _left(remote, request, unchecked)
        for item in waiting:
            item.plan = _plan(item, remote, request.rules, unchecked)
        needed = sum(item.size for item in waiting if item.error is None)
        if room is not None and needed > room:
            raise IncompleteError(
                f"the files have {needed:,} bytes, and the destination has room for {room:,}",
                hint="make room at the destination",
            )
    receipt = _receipt(request, items, started)
    warnings = tuple(unchecked)
    return replace(receipt, dry_run=True, free_space=room, orphans=leftovers, warnings=warnings)


def _left(remote: Remote, request: PushRequest, unchecked: list[str]) -> tuple[str, ...]:
    try:
        return orphans(remote, request.ledger)
    except IncompleteError as error:
        if error.transient:
            raise
        unchecked.append(f"what other runs have left there could not be looked for: {error}")
        return ()


def _swept(request: PushRequest) -> tuple[str, ...]:
    with ConnectionPool(request.endpoint, request.on_retry) as pool:
        return pool.again(partial(sweep, ledger=request.ledger))


def _plan(item: _PushItem, remote: Remote, rules: DeliveryRules, unchecked: list[str]) -> str:
    existing = find(remote, item.path.name)
    if existing is UNSEEN:
        unchecked.append(
            f"whether {item.path.name} is at the destination already could not be checked"
        )
    if existing is None or existing is UNSEEN:
        return "send"
    if rules.if_exists == "fail":
        item.error = taken(item.path.name)
    return "replace" if rules.if_exists == "replace" else "leave what is there"


def _receipt(request: PushRequest, items: Sequence[_PushItem], started: float) -> PushReceipt:
    files = tuple(_told(item) for item in items)
    seconds = round(time.monotonic() - started, 3)
    endpoint = request.endpoint
    return PushReceipt("push", str(endpoint.url), endpoint.destination.name, files, seconds)


def _looked_at(
    sources: Sequence[Path], request: PushRequest
) -> tuple[list[_PushItem], list[_PushItem]]:
    """Check all files; return them, and those to deliver."""
    _refuse_twins(sources, request.rules)
    items = [_PushItem(path) for path in sources]
    for item in items:
        try:
            item.done = _look(item, request)
        except PiiencError as error:
            item.error = error
        except OSError as error:  # a name that is too long, say
            reason = os.strerror(error.errno or 0)
            item.error = InputError(f"cannot read {item.path.name[:80]!r}: {reason}")
    return items, [item for item in items if item.done is None and item.error is None]


def _refuse_twins(sources: Sequence[Path], rules: DeliveryRules) -> None:
    names = Counter(path.name for path in sources)
    for path in sources:
        with contextlib.suppress(PiiencError):  # told when the file is looked at
            if trigger := rules.trigger(path.name, _NO_ID):
                names[trigger[0]] += 1
    twins = [name for name, count in names.items() if count > 1]
    if twins:
        raise UsageError(
            f"two files would have the name {twins[0]} at the destination",
            hint="push them one after the other, or rename one",
        )


def _look(item: _PushItem, request: PushRequest) -> Skipped | None:
    """Check a file before connecting; return the skip if it was delivered already."""
    path = item.path
    if not path.is_file():
        what = "is no regular file" if path.exists() else "is not there"
        raise InputError(f"{path} {what}", hint="name files that are there, and no folders")
    request.rules.trigger(safe_name(path.name), _NO_ID)  # or it could not be made later
    with _opened(path, request) as source:
        item.size = source.size
        return _delivery(source, request, lambda _: None).delivered_before()


@contextlib.contextmanager
def _opened(path: Path, request: PushRequest) -> Iterator[UploadFile]:
    with open_input(path) as file:
        check_sent(path, file, request.profile, request.recipients)
        with contextlib.closing(UploadFile(path, file, request.known.get(path))) as source:
            yield source


def _delivery(
    source: UploadFile, request: PushRequest, arrived: Callable[[int], object]
) -> Delivery:
    places, name = request.endpoint.places, source.path.name
    return Delivery(source, name, places, request.rules, request.ledger, arrived)


def _deliver(items: Sequence[_PushItem], request: PushRequest, pool: ConnectionPool) -> None:
    """Deliver files, the largest first, over as many connections as there may be."""
    meter = Meter(request.progress, sum(item.size for item in items))

    def deliver(number: int, item: _PushItem) -> None:
        start = time.monotonic()
        try:
            item.done = _delivered(item, request, meter, pool, number)
        except PiiencError as error:
            item.error = error
        item.seconds = round(time.monotonic() - start, 3)

    try:
        pool.each(items, deliver)
    except PiiencError as error:
        for item in items:
            request.ledger.failed(_transfer(item, request), error)
        raise


def _delivered(
    item: _PushItem, request: PushRequest, meter: Meter, pool: ConnectionPool, number: int
) -> Delivered | Skipped:
    """Deliver one file, while its transfer is locked in this state folder."""
    path, what = item.path, lock_name(_transfer(item, request))
    # It may be another file by now.
    with held(request.ledger.folder, what), _opened(path, request) as source:
        delivery = _delivery(source, request, meter.add)
        try:
            return pool.again(delivery.attempt, number)
        except PiiencError as error:
            if not delivery.begun:  # so the ledger has nothing of it
                request.ledger.failed(_transfer(item, request), error)
            raise


def _transfer(item: _PushItem, request: PushRequest) -> Transfer:
    place, job = request.endpoint.places[0], request.rules.job
    return new_transfer("push", place, item.path.name, item.path, size=item.size, job=job)


def _told(item: _PushItem) -> SentFile:
    about = SentFile(str(item.path), item.path.name, item.size, "planned", None, item.plan)
    about = replace(about, seconds=item.seconds)
    if item.error is not None:
        return replace(about, outcome="failed", error=ErrorFacts.of(item.error))
    if isinstance(item.done, Skipped):
        sha256 = item.done.transfer.sha256 if item.done.transfer else None
        return replace(about, outcome="skipped", why=item.done.why, sha256=sha256)
    if item.done is None:
        return about
    transfer = item.done.transfer
    return replace(
        about,
        outcome="delivered",
        sha256=transfer.sha256,
        transfer=transfer.id,
        trigger=transfer.trigger,
        attempts=transfer.attempts,
        resumed_at=item.done.resumed_at,
        warnings=item.done.warnings,
    )
