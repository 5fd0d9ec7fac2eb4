"""Logging in: by a key, by the agent's keys, with a certificate or with a password."""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paramiko import Agent, PKey
from paramiko.ssh_exception import (
    AuthenticationException,
    BadAuthenticationType,
    SSHException,
)

from piienc.base.home import if_at_home
from piienc.errors import ConnectError, KeyAccessError
from piienc.remote.ssh.private_keys import load_private_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from piienc.base.secret import SecretBytes
    from piienc.remote.options import ConnectOptions
    from piienc.remote.ssh.config import Hop
    from piienc.remote.ssh.transport import SshTransport

_DEFAULT = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")
_INTERACTIVE = "keyboard-interactive"


def log_in(transport: SshTransport, hop: Hop, options: ConnectOptions) -> None:
    """Log in, by the first way that the server accepts.

    Raises:
        ConnectError: it accepts none.
        KeyAccessError: the key that was named cannot be used.
        SSHException, TimeoutError, EOFError: the connection failed.
    """
    with _agent(options) as agent:
        by_key = not options.password or hop.identities or hop.on_the_way
        for key in _keys(hop, options, agent) if by_key else ():
            if _accepted(transport, hop, key):
                return
    if options.password and not hop.on_the_way:
        _by_password(transport, hop, options.password)
    if not transport.is_authenticated():
        raise _refused(transport, hop)


def _accepted(transport: SshTransport, hop: Hop, key: PKey) -> bool:
    """Return whether the server accepts a key, even if it also asks for a password."""
    try:
        transport.tried += 1
        further = transport.auth_publickey(hop.user, key)
    except AuthenticationException as error:
        _raise_if_over(transport, hop, error)
        return False
    return not further


def _by_password(transport: SshTransport, hop: Hop, password: SecretBytes) -> None:
    secret: Any = password.reveal()  # paramiko takes bytes as well as text
    answers = iter([secret])

    def answer(_title: str, _told: str, prompts: list[tuple[str, bool]]) -> list[Any]:
        # One question, once: a second one is for something else, or says that it was wrong.
        return [next(answers, "") if len(prompts) == 1 else "" for _ in prompts]

    try:
        transport.auth_password(hop.user, secret, fallback=False)
    except BadAuthenticationType as error:
        if _INTERACTIVE not in error.allowed_types:
            _raise_if_over(transport, hop, error)
            return
        with contextlib.suppress(AuthenticationException):
            transport.auth_interactive(hop.user, answer)
    except AuthenticationException as error:
        _raise_if_over(transport, hop, error)


def _raise_if_over(transport: SshTransport, hop: Hop, error: AuthenticationException) -> None:
    """Raise if the server has not just refused one way, but ended the connection."""
    if transport.said_farewell:
        raise _refused(transport, hop) from error
    if "timeout" in str(error):
        raise TimeoutError from error
    if not transport.is_active():
        raise EOFError from error


def _refused(transport: SshTransport, hop: Hop) -> ConnectError:
    many = transport.tried > 1 and transport.said_farewell
    return ConnectError(
        f"{hop.shown}: the login for {hop.user} was rejected"
        + (" after too many keys" if many else ""),
        hint="name the one key to use with an identity file"
        if many
        else "check the user's name and the key or password, and that the server's owner has "
        "let this key in",
    )


def _keys(hop: Hop, options: ConnectOptions, agent: list[PKey]) -> Iterator[PKey]:
    """Give the keys to try, the most probable first; no key is unlocked before its turn."""
    agent_keys = {key.asbytes(): key for key in agent if key.public_blob is None}
    if not hop.identities and not hop.only_these:
        yield from agent
    for path in hop.identities or filter(None, map(if_at_home, _DEFAULT)):
        public = _public_half(path)
        if public in agent_keys:
            yield from (key for key in agent if key.asbytes() == public)
        else:
            yield from _from_file(path, hop, options)
    if hop.identities and not (hop.only_these or options.password):
        tried = {_public_half(path) for path in hop.identities}
        yield from (key for key in agent if key.asbytes() not in tried)


def _from_file(path: Path, hop: Hop, options: ConnectOptions) -> Iterator[PKey]:
    is_named = options.identity_file is not None and path in hop.identities
    try:
        key = load_private_key(path, options.unlocker)
    except KeyAccessError:
        if is_named:
            raise
        return
    if key is None:
        if is_named:
            raise KeyAccessError(f"there is no key file {path}", hint="check the path")
        return
    for certificate in hop.certificates:
        _certify(key, certificate)
    if key.public_blob is not None:
        yield key
        key.public_blob = None  # the server may know the key, and not who has signed it
    yield key


def _certify(key: PKey, certificate: Path) -> None:
    try:
        key.load_certificate(str(certificate))
    except (ValueError, OSError, SSHException) as error:
        raise KeyAccessError(
            f"{certificate} is no certificate of that key", hint="see 'ssh-keygen -L -f FILE'"
        ) from error


def _public_half(path: Path) -> bytes:
    """Return the public key that belongs to a file, if it can be had without unlocking it."""
    public_file = path if path.suffix == ".pub" else Path(f"{path}.pub")
    with contextlib.suppress(OSError, IndexError, binascii.Error, UnicodeDecodeError):
        return base64.b64decode(public_file.read_text("utf-8").split()[1])
    return b""


@contextlib.contextmanager
def _agent(options: ConnectOptions) -> Iterator[list[Any]]:
    """Give the agent's keys; none if there is no agent that can be spoken with."""
    agent = None
    if options.agent and _agent_listens():
        with contextlib.suppress(SSHException, OSError):
            agent = Agent()
    if agent is None:
        yield []
        return
    try:
        keys: list[Any] = list(agent.get_keys())
        for key in keys:
            # paramiko would send the bare key under the certificate's name.
            key.public_blob = getattr(key.inner_key, "public_blob", None)
        yield keys
    finally:
        agent.close()


def _agent_listens() -> bool:
    """Return whether there is an agent: without one, paramiko would leave a socket open."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
        probe.connect(os.environ.get("SSH_AUTH_SOCK", ""))
        return True
    return False
