"""Where a destination is, as a URL: `sftp://user@host:port/dir/` or `file:///dir/`."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, quote, unquote_to_bytes, urlsplit

from msgspec import Struct

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST = re.compile(r"[0-9A-Za-z_.:%-]+")  # names, aliases, IPv4, and IPv6 with its zone
_NO_PORT = re.compile(r":(?!//|\d{1,5}(?:/|$))[^/\]]*(?=/|$)")


class RemoteUrl(Struct, frozen=True):
    """A destination.

    Attributes:
        scheme: one of `DESTINATIONS`.
        folder: an absolute path; `.` is the login folder.
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


def split(text: str) -> SplitResult:
    """Return the parts of a URL, still encoded.

    Raises:
        ValueError: it is none, or has parts that no destination has.
    """
    if not text.isprintable() or " " in text:
        raise ValueError("spaces and control characters must be percent-encoded")
    if "?" in text or "#" in text:
        raise ValueError("it must end with the folder; write ? as %3F and # as %23")
    try:
        parts = urlsplit(text)
        _ = parts.port  # which raises
    except ValueError:
        raise ValueError("host or port cannot be read") from None
    if _BAD_ESCAPE.search(parts.path):
        raise ValueError("a percent sign must be followed by two hexadecimal digits")
    return parts


def address_of(parts: SplitResult) -> RemoteUrl:
    """Return the URL of a folder of an SSH server that the parts of one make.

    Raises:
        ValueError: it holds a password, or host, port, user or folder cannot be one.
    """
    if parts.password is not None:
        raise ValueError(
            "a password must not stand in a URL, where logs and process lists show it; keep it "
            "in a file that only you may read"
        )
    if parts.port == 0 or parts.netloc.endswith(":"):
        raise ValueError("the port must be a number from 1 to 65535")
    user = decoded(parts.username) if parts.username is not None else None
    if user == "":
        raise ValueError("the user's name is empty")
    return RemoteUrl("sftp", folder_of(parts.path) or ".", _host(parts.netloc), parts.port, user)


def _host(netloc: str) -> str:
    # Not `hostname`, which is in lower case: aliases of the SSH configuration keep their case.
    at = netloc.rpartition("@")[2]
    text = at[1:].partition("]")[0] if at.startswith("[") else at.partition(":")[0]
    host = decoded(text)
    if not host:
        raise ValueError("it names no host")
    if not _HOST.fullmatch(host) or host.startswith("-"):
        raise ValueError("the host's name is malformed")
    return host


def folder_of(path: str) -> str:
    """Return the folder that a URL's path names; empty if there is none.

    Raises:
        ValueError: it is not absolute, or not plain.
    """
    folder = decoded(path)
    steps = folder.split("/")
    if ".." in steps:
        raise ValueError("'..' has no place in the folder: write the path that is meant")
    if len(steps) > 1 and steps[1].startswith("~"):
        raise ValueError("'~' is not replaced: write the folder's whole path")
    if folder and not folder.startswith("/"):
        raise ValueError("the folder must be an absolute path")
    names = [step for step in steps if step not in {"", "."}]
    return f"/{'/'.join(names)}" if folder else ""


def decoded(text: str) -> str:
    """Return a part of a URL, decoded.

    Raises:
        ValueError: it is no text that can be printed.
    """
    try:
        plain = unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("what is percent-encoded is not UTF-8") from None
    if not plain.isprintable():
        raise ValueError("it holds control characters")
    return plain


def shown(text: str) -> str:
    """Return a URL as a message may show it: without what may be a password."""
    head, at, rest = text.rpartition("@")
    scheme = head.partition("://")[0] if "://" in head else ""
    hidden = f"{scheme}://***@{rest}" if at else _NO_PORT.sub(":***", text)
    return hidden if hidden.isprintable() else ascii(hidden)
