"""An SFTP server for the demonstration, and for nothing else: it lives as long as `piienc demo`.

It listens on the loopback interface alone, at a port of the system's choice. Its host key and the
one user's key are made anew each time. It serves one folder, and takes one key for it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from typing import TYPE_CHECKING, Any

import paramiko
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_SUCCEEDED,
)
from paramiko.sftp import SFTP_FAILURE, SFTP_OK

from piienc.base.files import new_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

USER = "demo"
_HOST = "127.0.0.1"


class DemoServer:
    """A running server.

    Attributes:
        url: of the folder that it serves.
        identity: the file of the user's private key.
        known_hosts: a file that knows the server's key.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        """Begin to serve `root`; the keys and the file of known hosts go into `folder`."""
        self._root = root
        self._host_key = _new_key(folder / "host_key")
        self.identity = folder / "user_key"
        self._user_key = _new_key(self.identity)
        self._transports: list[paramiko.Transport] = []
        self._listener = socket.create_server((_HOST, 0))
        port = self._listener.getsockname()[1]
        self.url = f"sftp://{USER}@{_HOST}:{port}/inbox/"
        self.known_hosts = folder / "known_hosts"
        with new_file(self.known_hosts) as file:
            name, key = self._host_key.get_name(), self._host_key.get_base64()
            file.write(f"[{_HOST}]:{port} {name} {key}\n".encode())
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it, and all connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        for transport in self._transports:
            transport.close()
            transport.join(5)

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(peer)
            transport.add_server_key(self._host_key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _ServedFolder, self._root)
            self._transports.append(transport)
            with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
                transport.start_server(server=_Login(self._user_key))


@contextlib.contextmanager
def demo_server(root: Path, folder: Path) -> Iterator[DemoServer]:
    """Run a server while the block runs: see `DemoServer`."""
    server = DemoServer(root, folder)
    try:
        yield server
    finally:
        server.close()


def _new_key(path: Path) -> paramiko.PKey:
    key = Ed25519PrivateKey.generate()
    with new_file(path) as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    return paramiko.Ed25519Key.from_private_key_file(str(path))


class _Login(paramiko.ServerInterface):
    """Lets in who has the one key."""

    def __init__(self, key: paramiko.PKey) -> None:
        self._key = key

    def get_allowed_auths(self, _username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        is_ours = username == USER and key == self._key
        return AUTH_SUCCESSFUL if is_ours else AUTH_FAILED

    def check_channel_request(self, kind: str, _chanid: int) -> int:
        if kind == "session":
            return OPEN_SUCCEEDED
        return OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED


def _answered(action: Callable[..., Any]) -> Callable[..., Any]:
    """Answer with a code of SFTP where the system refuses."""

    def answer(*arguments: Any) -> Any:  # noqa: ANN401  # of each operation's own types
        try:
            return action(*arguments)
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    return answer


class _ServedFolder(paramiko.SFTPServerInterface):
    """One folder of this machine; no path leads out of it."""

    def __init__(self, login: paramiko.ServerInterface, root: Path) -> None:
        super().__init__(login)
        self._root = root

    def _at(self, path: str) -> Path:
        return self._root / self.canonicalize(path).lstrip("/")

    @_answered
    def stat(self, path: str) -> paramiko.SFTPAttributes:
        return paramiko.SFTPAttributes.from_stat(self._at(path).stat())

    @_answered
    def lstat(self, path: str) -> paramiko.SFTPAttributes:
        return paramiko.SFTPAttributes.from_stat(self._at(path).lstat())

    @_answered
    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes]:
        paths = sorted(self._at(path).iterdir())
        return [paramiko.SFTPAttributes.from_stat(one.lstat(), one.name) for one in paths]

    @_answered
    def open(self, path: str, flags: int, _attr: object) -> paramiko.SFTPHandle:
        descriptor = os.open(self._at(path), flags | os.O_NOFOLLOW, 0o600)
        writes = bool(flags & (os.O_WRONLY | os.O_RDWR))
        file = os.fdopen(descriptor, "r+b" if flags & os.O_RDWR else "wb" if writes else "rb")
        return _Handle(flags, file)

    @_answered
    def remove(self, path: str) -> int:
        self._at(path).unlink()
        return SFTP_OK

    @_answered
    def rename(self, old: str, new: str) -> int:
        if self._at(new).exists():
            return SFTP_FAILURE
        self._at(old).rename(self._at(new))
        return SFTP_OK

    @_answered
    def posix_rename(self, old: str, new: str) -> int:
        self._at(old).replace(self._at(new))
        return SFTP_OK


class _Handle(paramiko.SFTPHandle):
    """An open file."""

    def __init__(self, flags: int, file: Any) -> None:  # noqa: ANN401  # as paramiko has it
        super().__init__(flags)
        self.readfile = self.writefile = file

    def stat(self) -> paramiko.SFTPAttributes:
        if not self.writefile.closed and self.writefile.writable():
            self.writefile.flush()
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))
