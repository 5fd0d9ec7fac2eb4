"""Where a destination is, as a URL: `sftp://user@host:port/dir/` or `file:///dir/`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, unquote_to_bytes, urlsplit

from msgspec import Struct

from piienc.errors import ConfigError

if TYPE_CHECKING:
    from piienc.errors import PiiencError

_HOST = re.compile(r"[0-9A-Za-z_.:%-]+")  # names, aliases, IPv4, and IPv6 with its zone
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NO_PORT = re.compile(r":(?!//|\d{1,5}(?:/|$))[^/\]]*(?=/|$)")
_FORM = "write sftp://user@host:port/folder/ or file:///folder/"


class RemoteUrl(Struct, frozen=True):
    """A destination.

    Attributes:
        scheme: sftp or file.
        folder: an absolute path; `.` is where the login begins.
        host: a name, an address or an alias of the SSH configuration; empty for a local folder.
        port: None if the URL names none.
        user: None if the URL names none.
    """

    scheme: str
    folder: str
    host: str = ""
    port: int | None = None
    user: str | None = None

    def __str__(self) -> str:
        """Return the URL, in its one canonical form."""
        host = f"[{quote(self.host, safe=':')}]" if ":" in self.host else self.host
        user = "" if self.user is None else f"{quote(self.user, safe='')}@"
        port = "" if self.port is None else f":{self.port}"
        folder = "" if self.folder == "." else f"{quote(self.folder.rstrip('/'))}/"
        return f"{self.scheme}://{user}{host}{port}{folder}"


def parse_url(text: str, *, error: type[PiiencError] = ConfigError) -> RemoteUrl:
    """Read a URL.

    Args:
        text: the URL. Its folder is absolute; `sftp://host` alone is where the login begins.
        error: what to raise: `UsageError` where the URL stands on the command line.

    Raises:
        PiiencError: of the class `error`; the message never shows what may be a password.
    """
    try:
        return _parsed(text)
    except ValueError as reason:
        told = str(reason) or "it is no URL of a destination"
        raise error(f"the destination {_shown(text)}: {told}", hint=_FORM) from None


def _parsed(text: str) -> RemoteUrl:
    parts, port = _split(text)
    if parts.scheme == "file":
        return _local(parts)
    if parts.scheme != "sftp":
        raise ValueError("only sftp:// and file:// are known")
    if parts.password is not None:
        raise ValueError(
            "a password must not stand in a URL, where logs and process lists show it; keep it "
            "in a file that only you may read"
        )
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError("the port must be a number from 1 to 65535")
    user = _decoded(parts.username) if parts.username is not None else None
    if user == "":
        raise ValueError("the user's name is empty")
    return RemoteUrl("sftp", _folder(parts.path) or ".", _host(parts.netloc), port, user)


def _split(text: str) -> tuple[SplitResult, int | None]:
    if not text.isprintable() or " " in text:
        raise ValueError("spaces and control characters must be percent-encoded")
    if "?" in text or "#" in text:
        raise ValueError("it must end with the folder; write ? as %3F and # as %23")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("host or port cannot be read") from None
    if _BAD_ESCAPE.search(parts.path):
        raise ValueError("a percent sign must be followed by two hexadecimal digits")
    return parts, port


def _host(netloc: str) -> str:
    # Not `hostname`, which is in lower case: aliases of the SSH configuration keep their case.
    at = netloc.rpartition("@")[2]
    kept = at[1:].partition("]")[0] if at.startswith("[") else at.partition(":")[0]
    host = _decoded(kept)
    if not host:
        raise ValueError("it names no host")
    if not _HOST.fullmatch(host) or host.startswith("-"):
        raise ValueError("the host's name is malformed")
    return host


def _local(parts: SplitResult) -> RemoteUrl:
    if parts.netloc not in {"", "localhost"}:
        raise ValueError("a local folder has three slashes: file:///folder/")
    folder = _folder(parts.path)
    if not folder:
        raise ValueError("it names no folder")
    return RemoteUrl("file", folder)


def _folder(path: str) -> str:
    """Return a path decoded; empty if there is none."""
    folder = _decoded(path)
    steps = folder.split("/")
    if ".." in steps:
        raise ValueError("'..' has no place in the folder: write the path that is meant")
    if len(steps) > 1 and steps[1].startswith("~"):
        raise ValueError("'~' is not replaced: write the folder's whole path")
    if folder and not folder.startswith("/"):
        raise ValueError("the folder must be an absolute path")
    kept = [step for step in steps if step not in {"", "."}]
    return f"/{'/'.join(kept)}" if folder else ""


def _decoded(text: str) -> str:
    try:
        decoded = unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("what is percent-encoded is not UTF-8") from None
    if not decoded.isprintable():
        raise ValueError("it holds control characters")
    return decoded


def _shown(text: str) -> str:
    """Return a URL as a message may show it: without what may be a password."""
    head, at, rest = text.rpartition("@")
    scheme = head.partition("://")[0] if "://" in head else ""
    shown = f"{scheme}://***@{rest}" if at else _NO_PORT.sub(":***", text)
    return shown if shown.isprintable() else ascii(shown)
