"""An SSH server of paramiko's: for logins that OpenSSH has for real accounts alone, and lies."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from pathlib import Path

import paramiko

OK, FAILED, PARTIAL = (
    paramiko.AUTH_SUCCESSFUL,
    paramiko.AUTH_FAILED,
    paramiko.AUTH_PARTIALLY_SUCCESSFUL,
)


class PyServer:
    """A server for one test.

    Attributes:
        ways: the ways of logging in that it allows: password, keyboard-interactive, publickey.
        password: the right one.
        prompts: what it asks interactively.
        further: what it wants after a key.
        names: what it lists in its folder.
        asked: the ways that were tried, and the passwords.
        disk: it keeps files, at their own paths on this machine; its renames replace.
        refuse_writes: the code with which it refuses to write; None lets all through.
        renames: how many renames it does before it cuts all connections; None for no limit.
    """

    def __init__(self, host_key: Path) -> None:
        self._key = paramiko.PKey.from_path(host_key)
        self.ways = ["publickey"]
        self.password = ""
        self.prompts = ["Password: "]
        self.further: list[str] = []
        self.names: list[str] = []
        self.asked: list[str] = []
        self.disk = False
        self.refuse_writes: int | None = None
        self.renames: int | None = None
        self._transports: list[paramiko.Transport] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def known_hosts(self, path: Path) -> Path:
        """Write a file that knows it."""
        key = f"{self._key.get_name()} {self._key.get_base64()}"
        path.write_text(f"[127.0.0.1]:{self.port} {key}\n", "utf-8")
        return path

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for transport in self._transports:
            transport.close()
            transport.sock.close()
            transport.join(5)

    def renew(self, key: Path | None = None) -> None:
        """Exchange keys anew over all connections; with another host key, if there is one."""
        for transport in self._transports:
            if key:
                transport.add_server_key(paramiko.PKey.from_path(key))
            transport.renegotiate_keys()

    def cut(self) -> None:
        """Cut all connections."""
        for transport in self._transports:
            transport.sock.close()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(peer)
            transport.add_server_key(self._key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _files, self)
            self._transports.append(transport)
            with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
                transport.start_server(server=_Login(self))


class _Login(paramiko.ServerInterface):
    def __init__(self, server: PyServer) -> None:
        self._server = server
        self._done = False

    def get_allowed_auths(self, username):
        return ",".join(self._server.further if self._done else self._server.ways)

    def check_auth_password(self, username, password):
        self._server.asked.append(f"password {password}")
        if "password" not in self.get_allowed_auths(username).split(","):
            return FAILED
        return OK if password == self._server.password else FAILED

    def check_auth_publickey(self, username, key):
        self._server.asked.append("publickey")
        self._done = bool(self._server.further)
        return PARTIAL if self._done else OK

    def check_auth_interactive(self, username, submethods):
        self._server.asked.append("interactive")
        prompts = [(prompt, False) for prompt in self._server.prompts]
        return paramiko.InteractiveQuery("", "", *prompts)

    def check_auth_interactive_response(self, responses):
        self._server.asked += [f"answer {one}" for one in responses]
        return OK if responses == [self._server.password] else FAILED

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED


class _Files(paramiko.SFTPServerInterface):
    def __init__(self, login, server: PyServer) -> None:
        super().__init__(login)
        self._server = server

    def stat(self, path):
        return paramiko.SFTPAttributes.from_stat(Path("/").stat())

    def list_folder(self, path):
        found = []
        for name in self._server.names:
            attributes = paramiko.SFTPAttributes()
            attributes.filename, attributes.st_size, attributes.st_mode = name, 1, 0o100600
            found.append(attributes)
        return found


def _files(login, server: PyServer):
    return (_Disk if server.disk else _Files)(login, server)


def _answered(action):
    """Give a code of SFTP for what the system says."""

    def answer(*said):
        try:
            return action(*said)
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)

    return answer


class _Disk(paramiko.SFTPServerInterface):
    def __init__(self, login, server: PyServer) -> None:
        super().__init__(login)
        self._server = server

    @_answered
    def stat(self, path):
        return paramiko.SFTPAttributes.from_stat(Path(path).stat())

    @_answered
    def lstat(self, path):
        return paramiko.SFTPAttributes.from_stat(Path(path).lstat())

    @_answered
    def list_folder(self, path):
        return [
            paramiko.SFTPAttributes.from_stat(found.lstat(), found.name)
            for found in Path(path).iterdir()
        ]

    @_answered
    def open(self, path, flags, attr):
        handle = _Handle(self._server, flags)
        descriptor = os.open(path, flags, 0o600)
        handle.readfile = handle.writefile = os.fdopen(
            descriptor, "r+b" if flags & (os.O_WRONLY | os.O_RDWR) else "rb"
        )
        return handle

    @_answered
    def remove(self, path):
        Path(path).unlink()
        return paramiko.SFTP_OK

    @_answered
    def rename(self, old, new):
        if self._server.renames == 0:
            self._server.cut()
            return paramiko.SFTP_FAILURE
        if self._server.renames:
            self._server.renames -= 1
        Path(old).replace(new)
        return paramiko.SFTP_OK


class _Handle(paramiko.SFTPHandle):
    def __init__(self, server: PyServer, flags: int) -> None:
        super().__init__(flags)
        self._server = server

    def stat(self):
        self.writefile.flush()
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.writefile.fileno()))

    def write(self, offset, data):
        refused = self._server.refuse_writes
        return super().write(offset, data) if refused is None else refused
