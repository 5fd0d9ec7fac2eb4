"""The guard of a destination belongs to its place, however that is named."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from piienc.deliver import addressed
from piienc.deliver.endpoint import endpoint_of
from piienc.keys import Unlocker
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
    "zone": ("sftp://ada@[fe80::1%25lo]/in/", ("rsa",)),
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
    "sftp://ada@[::ffff:127.0.0.1]/in/": {"rsa"},
    "sftp://ada@[0:0::ffff:7f00:1]/in/": {"rsa"},
    "sftp://ada@[fe80:0::1%25lo]/in/": {"rsa"},
    "sftp://ada@[FE80::0:1%251]/in/": {"rsa"},
    "sftp://ada@[fe80::1%25none]/in/": set(),
    "sftp://ada@[fe80::1%25999999]/in/": set(),
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
    settings = Settings(None, tmp_path / "keys", tmp_path / ".piienc", destinations=known)
    destination = addressed.destination_named(said.format(folder=tmp_path), settings)
    way = endpoint_of(destination, Unlocker())
    assert set(addressed.push_request(destination, way, settings).recipients) == PLACES[said]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_folder_that_is_mounted_at_another_place_is_the_same(tmp_path, monkeypatch):
    """And so are those in it; the nearest destination around them says it, by its place."""
    monkeypatch.setattr(
        addressed.PgpFolder,
        "load",
        lambda _, names: [SimpleNamespace(name=name, parts=()) for name in names],
    )
    box, mounted = tmp_path / "a-name-that-is-longer", tmp_path / "m"
    (box / "open" / "deep").mkdir(parents=True)
    mounted.mkdir()
    known = {
        "box": Destination(f"file://{box}/", "box", recipients=("weak",)),
        "open": Destination(f"file://{box}/open/", "open"),
    }
    settings = Settings(None, tmp_path / "keys", tmp_path / ".piienc", destinations=known)

    def recipients(folder):
        destination = addressed.destination_named(f"file://{folder}/", settings)
        way = endpoint_of(destination, Unlocker())
        return set(addressed.push_request(destination, way, settings).recipients)

    done = subprocess.run(["mount", "--bind", box, mounted], check=False)
    if done.returncode:
        pytest.skip("nothing may be mounted here")
    try:
        assert recipients(mounted) == recipients(mounted / "new") == {"weak"}
        assert recipients(mounted / "open") == recipients(mounted / "open" / "deep") == set()
    finally:
        subprocess.run(["umount", mounted], check=True)
