"""The options to connect to a destination, as plain values."""

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
        connect: until the network connection is established.
        banner: until the server has sent its banner, and again until keys are exchanged.
        login: until the server has answered one login method.
        stall: the longest silence of the server during an operation.
        keepalive: silence before a keepalive message is sent.
    """

    connect: float = 15.0
    banner: float = 15.0
    login: float = 30.0
    stall: float = 60.0
    keepalive: float = 15.0


class ConnectOptions(Struct, frozen=True):
    """How to connect; what is None or empty is looked up in the SSH configuration.

    Attributes:
        identity_file: the private key to log in with; no other key is used.
        certificate_file: the OpenSSH certificate of that key; `IDENTITY-cert.pub` is found.
        password: for servers without key login.
        unlocker: provides the passphrase of a key file.
        agent: keys of the ssh-agent may be used.
        known_hosts: the one file with the keys of hosts.
        ssh_config: the SSH configuration; None is `~/.ssh/config`.
        timeouts: the timeouts.
        sessions: the number of SFTP channels per connection; every server allows 1.
        limiter: limits bytes per second; several destinations may share one.
        file_mode: the permissions of delivered files; None leaves them to the server.
        on_debug: called with each debug line of the SSH connection, without secrets.
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
