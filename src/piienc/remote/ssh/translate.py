"""Translates the errors of paramiko and of the network into piienc's.

`MEANINGS` has an entry for each exception class of paramiko; a test fails if paramiko adds one.
"""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING

import paramiko.auth_strategy
import paramiko.ber
import paramiko.buffered_pipe
import paramiko.hostkeys
import paramiko.packet
import paramiko.pkey
import paramiko.sftp
import paramiko.ssh_exception as ssh
from msgspec import Struct

from piienc.errors import ConfigError, ConnectError, IncompleteError, KeyAccessError
from piienc.remote.ssh.peer import PeerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from piienc.errors import PiiencError


class Meaning(Struct, frozen=True):
    """The meaning of a class of foreign errors.

    Attributes:
        text: what happened, to follow the name of the host.
        hint: what to do.
        transient: a retry may help.
        kind: the class of piienc's error while connecting.
    """

    text: str
    hint: str
    transient: bool = False
    kind: type[PiiencError] = ConnectError


_LATER = "run the same command again later"
_DEBUG = "see what the connection does with --debug-ssh"
_LOGIN = "check the user's name and the key, and that the key's public half is with the server"
_CONFIG = "see what 'ssh -G HOST' says of the SSH configuration"

_LOST = Meaning("the connection was lost", _LATER, transient=True)
_SILENT = Meaning("the server does not answer in time", _LATER, transient=True)

MEANINGS: dict[type[Exception], Meaning] = {
    ssh.SSHException: Meaning("the SSH connection failed", _DEBUG, transient=True),
    ssh.AuthenticationException: Meaning("the login was rejected", _LOGIN),
    ssh.PasswordRequiredException: Meaning(
        "the private key is locked", "give its passphrase", kind=KeyAccessError
    ),
    ssh.BadAuthenticationType: Meaning("the server does not allow this way of logging in", _LOGIN),
    ssh.PartialAuthentication: Meaning("the server requires another authentication step", _LOGIN),
    ssh.UnableToAuthenticate: Meaning("the login was rejected", _LOGIN),
    paramiko.auth_strategy.AuthFailure: Meaning("the login was rejected", _LOGIN),
    ssh.ChannelException: Meaning(
        "the server opens no session: it may be busy, or allow no more of them",
        "run the same command again later, or with fewer connections",
        transient=True,
    ),
    ssh.BadHostKeyException: Meaning("the host key is not the known one", _DEBUG),
    ssh.IncompatiblePeer: Meaning("the server and piienc have no algorithm in common", _DEBUG),
    ssh.ProxyCommandFailure: Meaning("a ProxyCommand failed", "use ProxyJump"),
    ssh.NoValidConnectionsError: Meaning("no connection can be made", _LATER, transient=True),
    ssh.CouldNotCanonicalize: Meaning("the host is not known", _CONFIG, kind=ConfigError),
    ssh.ConfigParseError: Meaning("the SSH configuration is wrong", _CONFIG, kind=ConfigError),
    ssh.MessageOrderError: Meaning("the key exchange was disturbed: an attack, perhaps", _DEBUG),
    paramiko.packet.NeedRekeyException: Meaning("the key renewal failed", _LATER, transient=True),
    paramiko.buffered_pipe.PipeTimeout: _SILENT,
    paramiko.sftp.SFTPError: Meaning("the peer is not an SFTP server", _DEBUG),
    paramiko.pkey.UnknownKeyType: Meaning(
        "the private key has an unknown type",
        "use an ed25519, ecdsa or rsa key",
        kind=KeyAccessError,
    ),
    paramiko.hostkeys.InvalidHostKey: Meaning(
        "known_hosts is malformed", _CONFIG, kind=ConfigError
    ),
    paramiko.ber.BERException: Meaning(
        "a key is malformed", "create a new one", kind=KeyAccessError
    ),
    PeerError: Meaning("the server violates the protocol", _DEBUG),
    # Not paramiko's own, but what it lets through.
    EOFError: _LOST,
    TimeoutError: _SILENT,
    socket.gaierror: Meaning("the host's name is not known", "check the name"),
    ConnectionRefusedError: Meaning(
        "no server listens on that port",
        "check host and port, and whether the server is up",
        transient=True,
    ),
    OSError: _LOST,
}
FOREIGN = (*MEANINGS,)
"""All that paramiko and the network may raise."""


def meaning_of(error: BaseException) -> Meaning:
    """Return what an error means: the entry of its class, or of the nearest one above."""
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
        return Meaning("the name service does not answer", _LATER, transient=True)
    for kind in type(error).__mro__:
        if kind in MEANINGS:
            return MEANINGS[kind]
    raise error


@contextlib.contextmanager
def connecting(host: str) -> Iterator[None]:
    """Turn what goes wrong while a connection is made into our errors."""
    try:
        yield
    except FOREIGN as error:
        raise _ours(meaning_of(error).kind, host, error) from error


@contextlib.contextmanager
def transferring(
    host: str, doing: str, failure: Callable[[], Exception | None] = lambda: None
) -> Iterator[None]:
    """Turn what goes wrong over a connection that stands into our errors.

    Args:
        host: what messages call it.
        doing: what this is for, as in "cannot DOING".
        failure: returns why the connection was given up, if it was.
    """
    try:
        yield
    except FOREIGN as met:
        error = failure() or met
        raise _ours(IncompleteError, f"cannot {doing}: {host}", error) from error


def _ours(kind: type[PiiencError], about: str, error: BaseException) -> PiiencError:
    meaning = meaning_of(error)
    text = f"{about}: {meaning.text}{_detail(error)}"
    return kind(text, hint=meaning.hint, transient=meaning.transient)


def _detail(error: BaseException) -> str:
    """Return the system's reason; paramiko's words may hold what a hostile server sent."""
    if isinstance(error, PeerError):
        return f": {error}"
    if isinstance(error, OSError) and error.errno and not isinstance(error, socket.gaierror):
        return f" ({os.strerror(error.errno)})"
    return ""
