"""A user without a name and a home: a container that runs under any number."""

from __future__ import annotations

import pwd
from pathlib import Path

import pytest
from ssh_fixtures import QUICK

from piienc.deliver.endpoint import endpoint_of
from piienc.errors import ConfigError
from piienc.keys import Unlocker
from piienc.remote import ConnectOptions, open_remote, parse_url, places_of
from piienc.settings.destination import Destination


@pytest.fixture
def nobody(monkeypatch):
    """Be nobody."""

    def unknown(*_):
        raise KeyError

    for name in ("HOME", "LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(pwd, "getpwnam", unknown)


def test_user_without_a_home_delivers_with_what_is_named(sshd, request):
    """Without a configuration, default keys and known hosts of his own."""
    request.getfixturevalue("nobody")  # after the server, which looks for its own user
    options = ConnectOptions(
        known_hosts=sshd.known_hosts, identity_file=sshd.keys.user, agent=False, timeouts=QUICK
    )
    url = parse_url(str(sshd.url(sshd.folder)))
    with open_remote(url, options) as remote:
        assert list(remote.entries()) == []


@pytest.mark.usefixtures("nobody")
def test_user_without_a_name_must_say_who_logs_in():
    """Nothing else can tell."""
    with pytest.raises(ConfigError, match="who logs in at example is not known"):
        places_of(parse_url("sftp://example/in/"))
    assert places_of(parse_url("sftp://me@example/in/")) == (
        "sftp://me@example/in/",
        "sftp://me@example:22/in/",
    )


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize("name", ["identity_file", "certificate_file", "known_hosts"])
def test_file_that_is_named_in_no_home_is_an_error(name):
    """It tells which."""
    destination = Destination("sftp://me@example/in/", **{name: Path("~/x")})
    with pytest.raises(ConfigError, match="~/x: there is no such home folder"):
        endpoint_of(destination, Unlocker())


@pytest.mark.usefixtures("nobody")
def test_files_that_a_configuration_names_in_no_home_are_not_there(tmp_path, monkeypatch):
    """So the rest of it counts, once the user has a name: paramiko asks for it at each host."""
    config = tmp_path / "config"
    config.write_text(
        "Include ~/more\nHost x\n  HostName 192.0.2.1\n  User me\n  IdentityFile ~nobody/key\n"
        "  UserKnownHostsFile ~nobody/hosts\n"
    )
    options = ConnectOptions(ssh_config=config)
    url = parse_url("sftp://x/in/")
    with pytest.raises(ConfigError, match="this user has no name"):
        places_of(url, options)
    monkeypatch.setenv("LOGNAME", "me")
    assert places_of(url, options)[0] == "sftp://me@192.0.2.1/in/"
