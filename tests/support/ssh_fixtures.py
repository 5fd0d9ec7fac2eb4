"""Fixtures for all tests that deliver files: servers, proxies, and how to reach them."""

from __future__ import annotations

import io
import subprocess
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from proxy import Proxy
from pyserver import PyServer
from sshd import ROOT, Keys, Sshd, run

from piienc.remote import ConnectOptions, Timeouts, WriteMode, open_remote, parse_url

if TYPE_CHECKING:
    from pathlib import Path

QUICK = Timeouts(connect=5, banner=5, login=5, stall=5, keepalive=1)
"""Long enough for a busy machine, and short enough for a test that waits for an error."""


@pytest.fixture(scope="session")
def ssh_keys(tmp_path_factory):
    """Give keys of hosts and users."""
    return Keys(tmp_path_factory.mktemp("ssh-keys"))


@pytest.fixture(scope="session")
def shared_sshd(ssh_keys):
    """Give a server with the usual settings, which no test may end."""
    server = Sshd(ssh_keys)
    yield server
    server.close()


@pytest.fixture
def sshd(shared_sshd):
    """Give the server with the usual settings, and an empty folder of the test's own."""
    shared_sshd.folder = shared_sshd.new_folder()
    return shared_sshd


@pytest.fixture
def new_sshd(ssh_keys):
    """Give a function that starts servers with settings of their own."""
    servers = []

    def start(*lines: str, **more: object) -> Sshd:
        servers.append(Sshd(ssh_keys, *lines, **more))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def py_server(ssh_keys):
    """Give a server of paramiko's."""
    server = PyServer(ssh_keys.hosts["ed25519"])
    yield server
    server.close()


@pytest.fixture
def new_proxy():
    """Give a function that starts proxies before a server, which known_hosts then knows."""
    proxies = []

    def start(server: Sshd, **more: object) -> Proxy:
        proxies.append(Proxy(server.port, **more))
        server.knows(proxies[-1].port)
        return proxies[-1]

    yield start
    for proxy in proxies:
        proxy.close()


@pytest.fixture
def small_disk(new_sshd):
    """Give a function that makes a server whose folder has room for so many bytes."""
    mounted = []

    def make(size):
        server = new_sshd()
        if (
            ROOT
            and not subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0777", "tmpfs", server.folder],
                check=False,
                capture_output=True,
            ).returncode
        ):
            mounted.append(server.folder)
            return server
        server.close()
        return new_sshd(limits={"fsize": size})  # no mounts here: a limit of each file's size

    yield make
    for folder in mounted:
        run("umount", "-l", folder)


def options_for(server: Sshd, **more: object) -> ConnectOptions:
    """Return options with which a server can be logged in to."""
    plain = ConnectOptions(
        identity_file=server.keys.user,
        known_hosts=server.known_hosts,
        ssh_config=server.no_config,
        agent=False,
        timeouts=QUICK,
    )
    return replace(plain, **more)


@pytest.fixture
def connect():
    """Give a function that connects to a server, if need be through a proxy."""
    opened = []

    def start(server: Sshd, proxy: Proxy | None = None, folder: Path | None = None, **more: object):
        url = server.url(folder, proxy.port if proxy else None)
        opened.append(open_remote(parse_url(url), options_for(server, **more)))
        return opened[-1]

    yield start
    for remote in opened:
        remote.close()


def upload(remote, name: str, data: bytes, *, offset: int = 0, **more: object):
    """Upload bytes."""
    manner = WriteMode(offset=offset)
    return remote.upload(name, io.BytesIO(data), size=len(data), manner=manner, **more)


class Sink(bytearray):
    """A sink that keeps what it gets."""

    def write(self, data) -> int:
        """Keep data."""
        self.extend(data)
        return len(data)


def download(remote, name: str, size: int, *, offset: int = 0) -> bytes:
    """Download bytes."""
    sink = Sink()
    remote.download(name, sink, size=size, offset=offset)
    return bytes(sink)
