"""The ledger's name of a place: one, however the destination is written."""

from __future__ import annotations

import getpass

import pytest
from msgspec.structs import replace

from piienc.remote import ConnectOptions, parse_url, places_of

CONFIG = """
Host Partner
  HostName SFTP.example.com
  User account
  Port 2200
"""


@pytest.fixture
def options(tmp_path):
    """Give options with a configuration that knows an alias."""
    config = tmp_path / "config"
    config.write_text(CONFIG)
    return replace(ConnectOptions(), ssh_config=config)


def place(text, options):
    """Return the first of the places."""
    return places_of(parse_url(text), options)[0]


@pytest.mark.parametrize(
    "text",
    [
        "sftp://account@sftp.example.com:2200/in/",
        "sftp://account@SFTP.example.COM:2200/in",
        "sftp://Partner/in/",
        "sftp://account@Partner:2200//in/./",
    ],
)
def test_place_is_the_same_however_it_is_written(options, text):
    """Alias, letter case, port, user and slashes are settled."""
    assert place(text, options) == "sftp://account@sftp.example.com:2200/in/"


def test_place_with_the_usual_port_is_the_one_without(options):
    """And who logs in is named, also where it is whoever runs this."""
    me = getpass.getuser()
    assert place("sftp://host/in/", options) == f"sftp://{me}@host/in/"
    assert place(f"sftp://{me}@host:22/in/", options) == f"sftp://{me}@host/in/"


@pytest.mark.parametrize(
    "text",
    [
        "sftp://account@sftp.example.com/in/",
        "sftp://other@Partner/in/",
        "sftp://Partner/out/",
        "sftp://partner/in/",  # an alias is matched with its case
    ],
)
def test_place_of_another_port_user_folder_or_host_is_another(options, text):
    """What differs at the server differs here."""
    assert place(text, options) != "sftp://account@sftp.example.com:2200/in/"


def test_places_hold_the_url_as_it_is_written(options):
    """Older entries of the ledger have that."""
    assert places_of(parse_url("sftp://Partner/in/"), options) == (
        "sftp://account@sftp.example.com:2200/in/",
        "sftp://Partner/in/",
    )
    assert places_of(parse_url("file:///in")) == ("file:///in/",)
