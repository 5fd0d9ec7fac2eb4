"""Folders of this machine, by URLs as `file:///folder/`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from piienc.remote.kinds.kind import DestinationFeatures, DestinationKind
from piienc.remote.url import RemoteUrl, folder_of

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from piienc.remote.options import ConnectOptions
    from piienc.remote.remote import Remote


def _parse(parts: SplitResult) -> RemoteUrl:
    if parts.netloc not in {"", "localhost"}:
        raise ValueError("a local folder has three slashes: file:///folder/")
    folder = folder_of(parts.path)
    if not folder:
        raise ValueError("it names no folder")
    return RemoteUrl("file", folder)


def _places(url: RemoteUrl, _options: ConnectOptions) -> tuple[str, ...]:
    return (str(url),)


def _connect(url: RemoteUrl, options: ConnectOptions) -> Remote:
    from piienc.remote.folder import FolderRemote  # noqa: PLC0415  # only what is needed

    return FolderRemote(Path(url.folder), limiter=options.limiter, mode=options.file_mode)


FILE_KIND = DestinationKind(
    "file:///folder/", _parse, _places, _connect, DestinationFeatures(local=True)
)
