"""SFTP servers that are not OpenSSH."""

from __future__ import annotations

import os
import pwd
import shutil
import sys
from functools import partial
from typing import TYPE_CHECKING

from sshd import HERE, PLAIN, Keys, run

from interop.counterpart import NO_RENAME, UNSEEN, Counterpart, Serving, host_key, identity
from interop.processes import (
    INSTALLED,
    PROGRAMS,
    Missing,
    Running,
    free_port,
    need,
    need_root,
    with_files,
)

if TYPE_CHECKING:
    from pathlib import Path


def _serving(keys: Keys, running: Running, port: int, files: Path, **more: str) -> Serving:
    return Serving(
        port=port,
        base=files,
        root=more.get("root", str(files)),
        user=more.get("user", HERE),
        host_key=keys.public(keys.hosts["ed25519"]),
        login=identity(keys),
        close=running.close,
    )


def _files(base: Path) -> Path:
    base.chmod(0o755)
    files = base / "files"
    files.mkdir()
    return files


def _authorized(keys: Keys, base: Path) -> Path:
    path = base / "authorized_keys"
    path.write_text(keys.public(keys.user) + "\n", "utf-8")
    return path


def _proftpd(lines: str, keys: Keys, base: Path) -> Serving:
    need("proftpd", "/usr/lib/proftpd/mod_sftp.so")
    files, port = _files(base), free_port()
    entry, key = pwd.getpwnam(PLAIN), base / "rfc4716"
    key.write_text(run("ssh-keygen", "-e", "-f", f"{keys.user}.pub"), "utf-8")
    users = base / "users"
    users.write_text(f"{PLAIN}:*:{entry.pw_uid}:{entry.pw_gid}::{files}:/bin/sh\n", "utf-8")
    users.chmod(0o600)
    shutil.chown(files, entry.pw_uid, entry.pw_gid)
    config = base / "config"
    config.write_text(
        f"""\
ModulePath /usr/lib/proftpd
LoadModule mod_sftp.c
ServerType standalone
DefaultAddress 127.0.0.1
SocketBindTight on
Port {port}
User {PLAIN}
Group {_group(entry.pw_gid)}
UseReverseDNS off
WtmpLog off
PidFile {base / "pid"}
ScoreboardFile {base / "scoreboard"}
DelayEngine off
AuthOrder mod_auth_file.c
AuthUserFile {users}
RequireValidShell off
UseFtpUsers off
Umask 022
SFTPEngine on
SFTPHostKey {host_key(keys, base)}
SFTPAuthMethods publickey
SFTPAuthorizedUserKeys file:{key}
SFTPLog {base / "sftp.log"}
{lines}
""",
        "utf-8",
    )
    path = f"{os.environ['PATH']}:/usr/sbin"
    running = Running(["proftpd", "-n", "-q", "-c", config], port, base, PATH=path)
    return _serving(keys, running, port, files, user=PLAIN)


def _group(gid: int) -> str:
    import grp

    return grp.getgrgid(gid).gr_name


def _dropbear(keys: Keys, base: Path) -> Serving:
    need("dropbear", "dropbearconvert", "/usr/lib/sftp-server", "setpriv")
    need_root()  # it looks for the keys in the account's home alone
    files, port = _files(base), free_port()
    ssh = base / ".ssh"
    ssh.mkdir(mode=0o700)
    _authorized(keys, ssh).chmod(0o600)
    entry = pwd.getpwnam(PLAIN)
    accounts = base / "passwd"
    accounts.write_text(
        f"root:x:0:0::/:/bin/sh\n{PLAIN}:x:{entry.pw_uid}:{entry.pw_gid}::{base}:/bin/sh\n", "utf-8"
    )
    for path in (base, files, ssh, ssh / "authorized_keys"):
        shutil.chown(path, entry.pw_uid, entry.pw_gid)
    converted = base / "dropbear_key"
    run("dropbearconvert", "openssh", "dropbear", host_key(keys, base), converted)
    path = shutil.which("dropbear", path=f"{os.environ['PATH']}:/usr/sbin")
    command = [*with_files({"/etc/passwd": accounts}), path, "-F", "-E", "-s", "-r", converted]
    running = Running([*command, "-P", base / "pid", "-p", f"127.0.0.1:{port}"], port, base)
    return _serving(keys, running, port, files, user=PLAIN)


def _asyncssh(keys: Keys, base: Path) -> Serving:
    _need_python("asyncssh")
    files, port = _files(base), free_port()
    said = [port, files, host_key(keys, base), _authorized(keys, base)]
    return _serving(keys, _python("asyncssh_server.py", said, port, base), port, files, root="/")


def _conch(keys: Keys, base: Path) -> Serving:
    _need_python("twisted")
    files, port = _files(base), free_port()
    said = [port, HERE, host_key(keys, base), _authorized(keys, base)]
    return _serving(keys, _python("conch_server.py", said, port, base), port, files)


def _need_python(package: str) -> None:
    if not (INSTALLED / "servers" / package).is_dir():
        raise Missing(f"PyPI's {package} is not installed")


def _python(program: str, said: list[object], port: int, base: Path) -> Running:
    command = [sys.executable, PROGRAMS / program, *said]
    return Running(command, port, base, PYTHONPATH=INSTALLED / "servers")


def _erlang(keys: Keys, base: Path) -> Serving:
    need("escript")
    files, port = _files(base), free_port()
    _authorized(keys, base)
    host_key(keys, base).rename(base / "ssh_host_ed25519_key")
    command = ["escript", PROGRAMS / "erlang_server.erl", port, files, base, base]
    return _serving(keys, Running(command, port, base), port, files, root="/")


def _rclone(keys: Keys, base: Path) -> Serving:
    need("rclone")
    files, port = _files(base), free_port()
    command = ["rclone", "serve", "sftp", "--config", "/dev/null", "--cache-dir", base / "cache"]
    command += ["--addr", f"127.0.0.1:{port}", "--key", host_key(keys, base)]
    command += ["--authorized-keys", _authorized(keys, base), "--dir-cache-time", "0s", files]
    return _serving(keys, Running(command, port, base), port, files, root="/")


def _ssh2(mode: str, keys: Keys, base: Path) -> Serving:
    modules = INSTALLED / "npm" / "node_modules"
    if not (modules / "ssh2").is_dir():
        raise Missing("npm's ssh2 is not installed")
    need("node")
    files, port = _files(base), free_port()
    command = ["node", PROGRAMS / "ssh2_server.js", port, host_key(keys, base), mode]
    running = Running(command, port, base, NODE_PATH=modules)
    return _serving(keys, running, port, files)


def _mode(mode: str, **more: object) -> Counterpart:
    return Counterpart(f"ssh2, {mode}", partial(_ssh2, mode), **more)


OTHERS = (
    Counterpart("ProFTPD", partial(_proftpd, "")),
    Counterpart(
        "ProFTPD, may overwrite", partial(_proftpd, "AllowOverwrite on\nAllowStoreRestart on")
    ),
    Counterpart("dropbear", _dropbear),
    Counterpart("asyncssh", _asyncssh),
    Counterpart("Twisted conch", _conch, mode=0o755),
    Counterpart("Erlang ssh", _erlang),
    Counterpart(
        "rclone serve sftp",
        _rclone,
        lingers=True,
        faults={"mode": "it says that it has set the mode, and has not: nobody looks"},
    ),
    Counterpart("ssh2", partial(_ssh2, "")),
    _mode("in order"),
    _mode("taken", taken=True, rename=False, refuses={"push": NO_RENAME}),
    _mode("no size"),
    _mode("no type"),
    _mode("failure"),
    _mode("bad end"),
    _mode("no stat", refuses={"exists": UNSEEN}),
    _mode("no rename", rename=False, refuses={"push": NO_RENAME}),
)
