"""OpenSSH's server, with settings that servers out there have."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from sshd import PLAIN, Keys, Sshd, run

from interop.counterpart import (
    HASHED,
    NO_RENAME,
    UNSEEN,
    Counterpart,
    Refused,
    Serving,
    identity,
    password_file,
    user_certificate,
)
from interop.processes import LEASHED, need, need_root, with_files

_PAM = """\
auth required pam_unix.so
account required pam_permit.so
session required pam_permit.so
"""
_BY_PASSWORD = ("PasswordAuthentication yes", "UsePAM no")
_INTERACTIVE = ("KbdInteractiveAuthentication yes", "UsePAM yes")


def _usual(keys: Keys, base: Path, *lines: str, **more: object) -> Serving:
    need("sshd", "setpriv")
    server = Sshd(keys, *lines, account=PLAIN, within=LEASHED, **more)
    return _serving(server, identity(keys))


def _serving(server: Sshd, login: tuple[str, ...], **more: object) -> Serving:
    return Serving(
        port=server.port,
        base=server.folder,
        root=str(server.folder),
        user=server.account,
        host_key=server.keys.public(server.keys.hosts["ed25519"]),
        login=login,
        close=server.close,
        **more,
    )


def _chroot(keys: Keys, base: Path) -> Serving:
    need("sshd", "setpriv")
    need_root()
    # All that is above a chroot must be root's alone, which /tmp is not.
    cage = Path("/run") / f"piienc-{base.name}"
    inside = cage / "in"
    inside.mkdir(parents=True)
    server = Sshd(keys, f"ChrootDirectory {cage}", account=PLAIN, within=LEASHED)
    shutil.chown(inside, PLAIN)

    def close() -> None:
        server.close()
        shutil.rmtree(cage)

    usual = _serving(server, identity(keys))
    return Serving(usual.port, inside, "/in", usual.user, usual.host_key, usual.login, close)


def _with_password(keys: Keys, base: Path, *lines: str, key: bool = False) -> Serving:
    """Start it where the account has a password, which only this server sees."""
    need("sshd", "setpriv")
    need_root()
    base.chmod(0o755)
    shadow, pam = base / "shadow", base / "pam"
    shadow.write_text(f"root:*:1::::::\n{PLAIN}:{HASHED}:19000::::::\n", "utf-8")
    shadow.chmod(0o600)
    pam.write_text(_PAM, "utf-8")
    within = (*LEASHED, *with_files({"/etc/shadow": shadow, "/etc/pam.d/sshd": pam}))
    server = Sshd(keys, *lines, account=PLAIN, within=within)
    said = f'password_file = "{password_file(base)}"'
    return _serving(server, (said, *(identity(keys) if key else ())))


def _certificates(keys: Keys, base: Path) -> Serving:
    need("sshd", "setpriv")
    public = base / "host_ed25519.pub"
    public.write_text(keys.public(keys.hosts["ed25519"]) + "\n", "utf-8")
    run("ssh-keygen", "-q", "-h", "-s", keys.authority, "-I", "host", "-n", "127.0.0.1", public)
    server = Sshd(
        keys,
        f"HostCertificate {base / 'host_ed25519-cert.pub'}",
        f"TrustedUserCAKeys {keys.authority}.pub",
        "AuthorizedKeysFile none",
        account=PLAIN,
        within=LEASHED,
    )
    key = user_certificate(keys, base, PLAIN)
    login = (f'identity_file = "{key}"',)
    usual = _serving(server, login)
    return Serving(
        port=usual.port,
        base=usual.base,
        root=usual.root,
        user=usual.user,
        host_key=keys.public(keys.authority),
        login=login,
        close=server.close,
        authority=True,
    )


def _openssh(name: str, *lines: str, **more: object) -> Counterpart:
    return Counterpart(f"OpenSSH, {name}", partial(_lines, lines), **more)


def _lines(lines: tuple[str, ...], keys: Keys, base: Path) -> Serving:
    return _usual(keys, base, *lines)


def _forbids(*requests: str, **more: object) -> Counterpart:
    """Make an OpenSSH that forbids requests."""
    return Counterpart(
        f"OpenSSH, no {'/'.join(requests)}",
        partial(_sftp, f"internal-sftp -P {','.join(requests)}"),
        **more,
    )


def _sftp(subsystem: str, keys: Keys, base: Path) -> Serving:
    return _usual(keys, base, sftp=subsystem)


def _password(name: str, *lines: str, key: bool = False) -> Counterpart:
    def start(keys: Keys, base: Path) -> Serving:
        return _with_password(keys, base, *lines, key=key)

    return Counterpart(f"OpenSSH, {name}", start)


_NO_WRITES = Refused(9, ("permission denied",))

OPENSSH = (
    Counterpart("OpenSSH", _usual),
    Counterpart("OpenSSH, chroot", _chroot),
    _forbids("stat", "lstat", refuses={"exists": UNSEEN}),
    _forbids("remove"),
    _forbids("readdir", refuses={"pull": Refused(9, ("cannot list the folder",))}),
    _forbids("rename", rename=False, refuses={"push": NO_RENAME}),
    _forbids("posix-rename"),
    _forbids("fsync"),
    _forbids("setstat", "fsetstat"),
    Counterpart(
        "OpenSSH, read-only",
        partial(_sftp, "internal-sftp -R"),
        refuses=dict.fromkeys(
            ("push", "exists", "in place", "mode", "far, cut", "send"), _NO_WRITES
        ),
    ),
    _openssh("MaxSessions 1", "MaxSessions 1"),
    _openssh("RekeyLimit 16M", "RekeyLimit 16M"),
    _password("password", *_BY_PASSWORD, "AuthenticationMethods password"),
    _password("keyboard-interactive", *_INTERACTIVE, "AuthenticationMethods keyboard-interactive"),
    _password(
        "key and password", *_BY_PASSWORD, "AuthenticationMethods publickey,password", key=True
    ),
    _password(
        "key and interactive",
        *_INTERACTIVE,
        "AuthenticationMethods publickey,keyboard-interactive",
        key=True,
    ),
    Counterpart("OpenSSH, certificates", _certificates),
)
