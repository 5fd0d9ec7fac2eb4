"""Files to and from a destination."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from piienc.api.common import path_of, schema_of, settled, unlocker_of
from piienc.audit.entry import recorded
from piienc.deliver import pull as pulls
from piienc.deliver import push as pushes
from piienc.deliver.addressed import destination_named, pushing_by, way_by
from piienc.errors import UsageError
from piienc.state import Ledger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from piienc.api.common import Passphrase, PathLike
    from piienc.report.receipt import PullReceipt, PushReceipt
    from piienc.settings import Settings
    from piienc.settings.destination import Destination


def push(
    files: Sequence[PathLike],
    *,
    to: str,
    schema: PathLike | None = None,
    again: bool = False,
    dry_run: bool = False,
    identity: PathLike | None = None,
    known_hosts: PathLike | None = None,
    passphrase: Passphrase = None,
    keys: PathLike | None = None,
    state: PathLike | None = None,
    config: PathLike | None = None,
) -> PushReceipt:
    """Deliver files: the receiver sees each once, whole, and never half.

    Args:
        files: what is delivered, each on its own: one that fails does not stop the others.
        to: a destination of piienc.toml, `sftp://user@host:port/dir/` or `file:///dir/`.
        schema: of the files, where the receiver wants a manifest.
        again: also what was delivered already.
        dry_run: connect, check everything, and send nothing.
        identity: the private SSH key; None leaves it to the destination.
        known_hosts: the keys of hosts; likewise.
        passphrase: of the private SSH key; None if it has none.
        keys: as for `encrypt_file`.
        state: likewise.
        config: likewise.

    Returns:
        The receipt. A file that failed is in it, with its error; `exit_code` is then not 0.

    Raises:
        piienc.errors.PiiencError: nothing could be begun.
    """
    if isinstance(files, str | bytes):
        raise UsageError("files must be a list of paths", hint='say push(["FILE"], ...)')
    where, unlocker = settled(keys, state, config), unlocker_of(passphrase)
    sent = [Path(file) for file in files]
    destination = _destination(to, where, identity, known_hosts)
    listed = [("sent", file) for file in sent]
    with recorded("push", where, listed, schema=path_of(schema)) as entry:
        way = way_by(destination, unlocker)
        pushing = pushing_by(destination, way, where, schema=schema_of(schema), again=again)
        receipt = pushes.rehearse(sent, pushing) if dry_run else pushes.push(sent, pushing)
        entry.receipt(receipt)
    return receipt


def pull(
    name: str,
    target: PathLike = ".",
    *,
    source: str,
    overwrite: bool = False,
    identity: PathLike | None = None,
    known_hosts: PathLike | None = None,
    passphrase: Passphrase = None,
    keys: PathLike | None = None,
    state: PathLike | None = None,
    config: PathLike | None = None,
) -> PullReceipt:
    """Fetch a file, or all whose names match a pattern; each appears whole or not at all.

    Args:
        name: in the destination's folder, or a pattern such as `failed-*.csv`.
        target: a folder, or, for one file, its new path.
        source: a destination of piienc.toml, or a URL as for `push`.
        overwrite: replace files that are there.
        identity: the private SSH key; None leaves it to the destination.
        known_hosts: the keys of hosts; likewise.
        passphrase: of the private SSH key; None if it has none.
        keys: as for `encrypt_file`.
        state: likewise.
        config: likewise.

    Raises:
        piienc.errors.PiiencError: of the first file that could not be fetched; all others are.
    """
    where, unlocker = settled(keys, state, config), unlocker_of(passphrase)
    destination = _destination(source, where, identity, known_hosts)
    with recorded("pull", where, [("fetched", Path(name))]) as entry:
        pulling = pulls.PullRequest(
            way_by(destination, unlocker), Ledger(where.state_dir), overwrite
        )
        receipt = pulls.pull(name, Path(target), pulling)
        entry.receipt(receipt)
    return receipt


def _destination(
    where: str, settled: Settings, identity: PathLike | None, known_hosts: PathLike | None
) -> Destination:
    return destination_named(where, settled).with_said(
        identity_file=path_of(identity), known_hosts=path_of(known_hosts)
    )
