"""The guard of a destination belongs to its place, however that is named."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from piienc.deliver import addressed
from piienc.settings import Settings
from piienc.settings.destination import Destination

SSH = "Host alias\n  HostName sftp.example.com\n  User ada\n  Port 2022\n"
DESTINATIONS = {
    "guarded": ("sftp://ada@sftp.example.com:2022/import/", ("rsa",)),
    "open": ("sftp://ada@sftp.example.com:2022/import/open/", ()),
    "login": ("sftp://bob@sftp.example.com", ("third",)),
    "usual": ("sftp://eve@sftp.example.com/in/", ("curve",)),
    "numbers": ("sftp://ada@127.0.0.1/in/", ("rsa",)),
    "six": ("sftp://ada@[::1]/in/", ("rsa",)),
    "local": ("file:///{folder}/outbox/", ("weak",)),
}
# What is said, and for whose keys a file must then be wrapped.
PLACES = {
    "guarded": {"rsa"},
    "open": set(),
    "sftp://ada@sftp.example.com:2022/import/": {"rsa"},
    "sftp://ada@sftp.example.com:2022/import": {"rsa"},
    "sftp://ada@SFTP.Example.COM:2022//import/./": {"rsa"},
    "sftp://%61da@sftp.example.com:2022/%69mport/": {"rsa"},
    "sftp://alias/import/": {"rsa"},
    "sftp://ada@sftp.example.com.:2022/import/": {"rsa"},
    "sftp://ada@127.1/in/": {"rsa"},
    "sftp://ada@[0:0:0:0:0:0:0:1]/in/": {"rsa"},
    "sftp://ada@[::0001]/in/": {"rsa"},
    "sftp://alias/import/deeper/": {"rsa"},
    "sftp://alias/import/open/": set(),
    "sftp://alias/imports/": set(),
    "sftp://alias/": set(),
    "sftp://alias": {"rsa"},  # where the login begins: it may be /import
    "sftp://ada@sftp.example.com/import/": set(),  # another port
    "sftp://bob@sftp.example.com/any/": {"third"},
    "sftp://eve@sftp.example.com:22/in/": {"curve"},
    "sftp://eve@other.example.com/in/": set(),
    "file:///{folder}/outbox/": {"weak"},
    "file:///{folder}/link/": {"weak"},
    "file:///{folder}/link/in/": {"weak"},
    "file:///{folder}/": set(),
}


@pytest.mark.parametrize("said", PLACES)
def test_what_goes_to_a_place_is_wrapped_for_those_of_the_place(tmp_path, monkeypatch, said):
    """By its name, by its URL in any spelling, and for a folder in it."""
    (Path(os.environ["HOME"]) / ".ssh").mkdir(mode=0o700)
    (Path(os.environ["HOME"]) / ".ssh" / "config").write_text(SSH)
    (tmp_path / "outbox").mkdir()
    (tmp_path / "link").symlink_to("outbox")
    monkeypatch.setattr(
        addressed.PgpFolder,
        "load",
        lambda _, names: [SimpleNamespace(name=name, parts=()) for name in names],
    )
    known = {
        name: Destination(url.format(folder=tmp_path), name, recipients=recipients)
        for name, (url, recipients) in DESTINATIONS.items()
    }
    settled = Settings(None, tmp_path / "keys", tmp_path / ".piienc", destinations=known)
    destination = addressed.destination_named(said.format(folder=tmp_path), settled)
    way = addressed.way_by(destination, lambda _: None)
    assert set(addressed.pushing_by(destination, way, settled).recipients) == PLACES[said]
