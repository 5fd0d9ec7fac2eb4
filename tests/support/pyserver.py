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


MODES = {
    "in order": "a file is written in order, and opened for writing once",
    "append": "a file is written at its end",
    "emptied": "a file that is opened for writing is emptied",
    "taken": "a file that was closed is taken away at once",
    "no size": "attributes tell no size",
    "huge": "attributes tell more bytes than a file can have",
    "no type": "attributes tell no permissions, and so no type",
    "failure": "a file that is not there is a failure, and no more",
    "stat": "STAT and LSTAT are not allowed",
    "fstat": "FSTAT is not allowed",
    "remove": "REMOVE is not allowed",
    "rename": "RENAME is not allowed",
    "hidden": "a name may not begin with a dot",
    "list": "OPENDIR is not allowed",
    "read": "OPEN for reading is not allowed",
    "setstat": "FSETSTAT is not allowed",
    "bad end": "behind the last name of a folder comes a failure",
    "endless": "a folder has names without an end",
    "empty": "a folder has answers without names, and no end",
    "late": "a name that was open when the connection was cut is emptied after its rename",
}


class PyServer:
    """A server for one test.

    Attributes:
        ways: the ways of logging in that it allows: password, keyboard-interactive, publickey.
        password: the right one.
        prompts: what it asks interactively.
        banner: what it tells before a login.
        further: what it wants after a key.
        names: what it lists in its folder.
        asked: the ways that were tried, and the passwords.
        disk: it keeps files, at their own paths on this machine; its renames replace.
        refuse_writes: the code with which it refuses to write; None lets all through.
        renames: how many renames it does before it cuts all connections; None for no limit.
        modes: what it does otherwise than most: see `MODES`.
        cut_at: bytes of a file, at which it cuts all connections, once; None for no cut.
        opened: the paths that were opened for writing, in order.
        taken: what a receiver has taken away when it was closed, by its name.
        late: the paths that were open when the connection was cut, as rclone keeps them.
    """

    def __init__(self, host_key: Path) -> None:
        self._key = paramiko.PKey.from_path(host_key)
        self.ways = ["publickey"]
        self.password = ""
        self.prompts = ["Password: "]
        self.banner: str | None = None
        self.further: list[str] = []
        self.names: list[str] = []
        self.asked: list[str] = []
        self.disk = False
        self.refuse_writes: int | None = None
        self.renames: int | None = None
        self.modes: set[str] = set()
        self.cut_at: int | None = None
        self.opened: list[str] = []
        self.taken: dict[str, bytes] = {}
        self.late: set[str] = set()
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
            transport.set_subsystem_handler("sftp", _Subsystem, _files, self)
            self._transports.append(transport)
            with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
                transport.start_server(server=_Login(self))


class _Login(paramiko.ServerInterface):
    def __init__(self, server: PyServer) -> None:
        self._server = server
        self._done = False

    def get_banner(self):
        return self._server.banner, "en"

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


class _Subsystem(paramiko.SFTPServer):
    def _read_folder(self, request_number, folder):
        modes = self.server._server.modes
        if "endless" in modes:
            names = [paramiko.SFTPAttributes() for _ in range(500)]
            for number, one in enumerate(names):
                one.filename = f"{os.urandom(4).hex()}-{number}" + "x" * 100
            self._response(request_number, paramiko.sftp.CMD_NAME, len(names), *self._flat(names))
        elif "empty" in modes:
            self._response(request_number, paramiko.sftp.CMD_NAME, 0)
        elif "bad end" in modes and not folder._SFTPHandle__files:
            self._send_status(request_number, paramiko.SFTP_FAILURE)
        else:
            super()._read_folder(request_number, folder)

    def _flat(self, names):
        for one in names:
            yield from (one.filename, one.filename, one)


def _answered(action):
    """Give a code of SFTP for what the system says, or the server does not allow."""

    def answer(self, *said):
        denied = {"lstat": "stat", "list_folder": "list"}.get(action.__name__, action.__name__)
        if denied in self._server.modes:
            return paramiko.SFTP_PERMISSION_DENIED
        try:
            return action(self, *said)
        except FileNotFoundError:
            failed = "failure" in self._server.modes
            return paramiko.SFTP_FAILURE if failed else paramiko.SFTP_NO_SUCH_FILE
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)

    return answer


class _Disk(paramiko.SFTPServerInterface):
    def __init__(self, login, server: PyServer) -> None:
        super().__init__(login)
        self._server = server

    def _told(self, found, name=None):
        told = paramiko.SFTPAttributes.from_stat(found, name)
        if "no size" in self._server.modes:
            told.st_size = None
        if "huge" in self._server.modes:
            told.st_size = (1 << 64) - 1
        if "no type" in self._server.modes:
            told.st_mode = None
        return told

    @_answered
    def stat(self, path):
        return self._told(Path(path).stat())

    @_answered
    def lstat(self, path):
        return self._told(Path(path).lstat())

    @_answered
    def list_folder(self, path):
        return [self._told(found.lstat(), found.name) for found in Path(path).iterdir()]

    @_answered
    def open(self, path, flags, attr):
        writes, modes = flags & (os.O_WRONLY | os.O_RDWR), self._server.modes
        if "read" in modes and not writes:
            return paramiko.SFTP_PERMISSION_DENIED
        if "hidden" in modes and Path(path).name.startswith("."):
            return paramiko.SFTP_PERMISSION_DENIED
        if "in order" in modes and writes and not flags & (os.O_TRUNC | os.O_EXCL):
            return paramiko.SFTP_OP_UNSUPPORTED
        if "emptied" in modes and writes:
            flags |= os.O_TRUNC
        mode = 0o666 if attr.st_mode is None else attr.st_mode
        handle = _Handle(self, Path(path), flags)
        descriptor = os.open(path, flags, mode)
        if writes:
            self._server.opened.append(path)
        handle.readfile = handle.writefile = os.fdopen(descriptor, "r+b" if writes else "rb")
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
        if old in self._server.late:
            os.truncate(new, 0)
        return paramiko.SFTP_OK


class _Handle(paramiko.SFTPHandle):
    def __init__(self, disk: _Disk, path: Path, flags: int) -> None:
        super().__init__(flags)
        self._disk, self._server, self._path = disk, disk._server, path
        self._writes = bool(flags & os.O_WRONLY)
        self._end = 0

    def stat(self):
        if "fstat" in self._server.modes:
            return paramiko.SFTP_PERMISSION_DENIED
        self.writefile.flush()
        return self._disk._told(os.fstat(self.writefile.fileno()))

    def chattr(self, attr):
        if "setstat" in self._server.modes:
            return paramiko.SFTP_PERMISSION_DENIED
        os.fchmod(self.writefile.fileno(), attr.st_mode)
        return paramiko.SFTP_OK

    def write(self, offset, data):
        if self._server.refuse_writes is not None:
            return self._server.refuse_writes
        if "in order" in self._server.modes and offset != self._end:
            return paramiko.SFTP_FAILURE
        if "append" in self._server.modes:
            self.writefile.flush()
            if offset != self._path.stat().st_size:
                return paramiko.SFTP_FAILURE
        if self._server.cut_at is not None and offset + len(data) > self._server.cut_at:
            self._server.cut_at = None
            if "late" in self._server.modes:
                self._server.late.add(str(self._path))
            self.close()
            self._server.cut()
            return paramiko.SFTP_FAILURE
        self._end = offset + len(data)
        return super().write(offset, data)

    def close(self):
        super().close()
        if "taken" in self._server.modes and self._writes and self._path.exists():
            self._server.taken[self._path.name] = self._path.read_bytes()
            self._path.unlink()
