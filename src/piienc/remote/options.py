"""What it takes to reach a destination, beside its URL: plain values, from wherever they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from piienc.keys.unlocker import Unlocker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from piienc.base.secret import SecretBytes
    from piienc.remote.limit import Limiter


class Timeouts(Struct, frozen=True):
    """Seconds.

    Attributes:
        connect: until the network's connection stands.
        banner: until the server has named itself, and again until keys are exchanged.
        login: until the server has answered one way of logging in.
        stall: while something is under way, the longest time without a sign of the server.
        keepalive: of silence, until a sign of life is sent.
    """

    connect: float = 15.0
    banner: float = 15.0
    login: float = 30.0
    stall: float = 60.0
    keepalive: float = 15.0


class ConnectOptions(Struct, frozen=True):
    """How to connect; what is None or empty is looked up in the SSH configuration.

    Attributes:
        identity_file: the private key to log in with, and no other key then.
        certificate_file: the OpenSSH certificate of that key; `IDENTITY-cert.pub` is found.
        password: for servers that know no keys.
        unlocker: knows the passphrase of a key file.
        agent: keys of the ssh-agent may be used.
        known_hosts: the one file with the keys of hosts.
        ssh_config: the SSH configuration; None is `~/.ssh/config`.
        timeouts: how long what may take.
        sessions: how many SFTP channels one connection may have; 1 is what any server allows.
        limiter: the limit on bytes in a second; several destinations may share one.
        file_mode: the permissions of what arrives; None leaves them to the server.
        on_debug: called with each line of what the SSH connection does, without secrets.
    """

    identity_file: Path | None = None
    certificate_file: Path | None = None
    password: SecretBytes | None = None
    unlocker: Unlocker = field(default_factory=Unlocker)
    agent: bool = True
    known_hosts: Path | None = None
    ssh_config: Path | None = None
    timeouts: Timeouts = field(default_factory=Timeouts)
    sessions: int = 8
    limiter: Limiter | None = None
    file_mode: int | None = None
    on_debug: Callable[[str], object] | None = None
