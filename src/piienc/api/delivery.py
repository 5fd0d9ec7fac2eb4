"""Files to and from a destination."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from msgspec.structs import replace

from piienc.api.common import path_of, require_one_of, schema_of, settings_of, unlocker_of
from piienc.audit.entry import recorded
from piienc.deliver import pull as pulls
from piienc.deliver import push as pushes
from piienc.deliver.addressed import destination_named, push_request
from piienc.deliver.endpoint import endpoint_of
from piienc.errors import UsageError
from piienc.settings.destination import IfExists
from piienc.state import Ledger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from piienc.api.common import (
        OnLine,
        OnRetry,
        OnWarning,
        Passphrase,
        PathLike,
    )
    from piienc.report.receipt import PullReceipt, PushReceipt
    from piienc.storage.progress import OnProgress


def push(
    files: Sequence[PathLike],
    *,
    to: str,
    if_exists: IfExists | None = None,
    again: bool = False,
    verify_content: bool = False,
    profile: str | None = None,
    schema: PathLike | None = None,
    dry_run: bool = False,
    sweep: bool = False,
    identity: PathLike | None = None,
    known_hosts: PathLike | None = None,
    password_file: PathLike | None = None,
    passphrase: Passphrase = None,
    keys: PathLike | None = None,
    state: PathLike | None = None,
    config: PathLike | None = None,
    on_progress: OnProgress | None = None,
    on_retry: OnRetry | None = None,
    on_debug: OnLine | None = None,
    on_warning: OnWarning = warnings.warn,
) -> PushReceipt:
    """Deliver files: each appears at the receiver once, and whole.

    Args:
        files: the files; one that fails does not stop the others.
        to: a destination of piienc.toml, `sftp://user@host:port/dir/` or `file:///dir/`.
        if_exists: what to do if the name is taken; None leaves it to the destination.
        again: also deliver files that were already delivered.
        verify_content: read everything back, and compare.
        profile: what the receiver demands; None leaves it to the destination.
        schema: the schema of the files, if the receiver wants a manifest.
        dry_run: connect, check everything, and send nothing.
        sweep: also remove hidden files of abandoned runs.
        identity: the private SSH key; None leaves it to the destination.
        known_hosts: the keys of hosts; likewise.
        password_file: holds a password, for servers that know no keys; likewise.
        passphrase: of the private SSH key; None if it has none.
        keys: as for `encrypt_file`.
        state: likewise.
        config: likewise.
        on_progress: called with 0, the bytes that have arrived, and the share that is done.
        on_retry: called with what is tried again, and the seconds until then.
        on_debug: called with lines on the SSH connection, without secrets.
        on_warning: as for `encrypt_file`.

    Returns:
        The receipt. A file that failed is in it, with its error; `exit_code` is then not 0.

    Raises:
        piienc.errors.PiiencError: nothing could be begun.
    """
    if isinstance(files, str | bytes):
        raise UsageError("files must be a list of paths", hint='say push(["FILE"], ...)')
    if if_exists is not None:
        require_one_of("if_exists", if_exists, get_args(IfExists))
    settings, unlocker = settings_of(keys, state, config), unlocker_of(passphrase)
    destination = destination_named(to, settings).with_said(
        identity_file=path_of(identity),
        known_hosts=path_of(known_hosts),
        password_file=path_of(password_file),
        profile=profile,
        if_exists=if_exists,
        verify_content=verify_content or None,
    )
    paths = [Path(file) for file in files]
    sent_files, schema_path = [("sent", path) for path in paths], path_of(schema)
    with recorded("push", settings, sent_files, schema=schema_path, on_warning=on_warning) as entry:
        endpoint = endpoint_of(destination, unlocker, on_debug)
        request = replace(
            push_request(destination, endpoint, settings, schema=schema_of(schema), again=again),
            on_retry=on_retry,
            progress=on_progress,
            sweep=sweep,
        )
        receipt = pushes.rehearse(paths, request) if dry_run else pushes.push(paths, request)
        entry.receipt(receipt)
    return replace(receipt, audit=entry.position)


def pull(
    name: str,
    target: PathLike = ".",
    *,
    source: str,
    overwrite: bool = False,
    identity: PathLike | None = None,
    known_hosts: PathLike | None = None,
    password_file: PathLike | None = None,
    passphrase: Passphrase = None,
    keys: PathLike | None = None,
    state: PathLike | None = None,
    config: PathLike | None = None,
    on_progress: OnProgress | None = None,
    on_retry: OnRetry | None = None,
    on_debug: OnLine | None = None,
    on_warning: OnWarning = warnings.warn,
) -> PullReceipt:
    """Fetch a file, or all whose names match a pattern; each appears whole or not at all.

    Args:
        name: in the destination's folder, or a pattern such as `failed-*.csv`.
        target: a folder, or, for one file, its new path.
        source: a destination of piienc.toml, or a URL as for `push`.
        overwrite: replace files that are there.
        identity: the private SSH key; None leaves it to the destination.
        known_hosts: the keys of hosts; likewise.
        password_file: as for `push`.
        passphrase: of the private SSH key; None if it has none.
        keys: as for `encrypt_file`.
        state: likewise.
        config: likewise.
        on_progress: as for `push`.
        on_retry: likewise.
        on_debug: likewise.
        on_warning: likewise.

    Raises:
        piienc.errors.PiiencError: of the first file that could not be fetched; all others are.
    """
    settings, unlocker = settings_of(keys, state, config), unlocker_of(passphrase)
    destination = destination_named(source, settings).with_said(
        identity_file=path_of(identity),
        known_hosts=path_of(known_hosts),
        password_file=path_of(password_file),
    )
    files = [("fetched", Path(name))]
    with recorded("pull", settings, files, on_warning=on_warning) as entry:
        endpoint, ledger = endpoint_of(destination, unlocker, on_debug), Ledger(settings.state_dir)
        request = pulls.PullRequest(endpoint, ledger, overwrite, on_retry, on_progress)
        receipt = pulls.pull(name, Path(target), request)
        entry.receipt(receipt)
    return replace(receipt, audit=entry.position)
