"""A kind of destination that the house does not know: one file and one row, and files go there."""

from __future__ import annotations

import pytest

from piienc.errors import IncompleteError
from piienc.remote import FileAttributes, Remote, RemoteUrl
from piienc.remote.kinds import DESTINATIONS
from piienc.remote.kinds.kind import DestinationFeatures, DestinationKind

# --- what would be `remote/kinds/shelf.py`: a store of whole objects ---------------------------

SHELVES = {}


class ShelfRemote(Remote):
    """A `Remote` on a shelf."""

    concurrency, alive = 1, True

    def __init__(self, folder):
        self.objects = SHELVES.setdefault(folder, {})

    def stat(self, name):
        """Look at an object."""
        there = self.objects.get(name)
        return None if there is None else FileAttributes(len(there))

    def upload(self, name, source, *, size, manner, progress=None):
        """Put a whole object."""
        assert manner.once, "an object is put in one go"
        if name in self.objects and not manner.over:
            raise IncompleteError(f"{name} is there")
        manner.on_created()
        source.seek(0)
        self.objects[name] = source.read(size)
        return self.stat(name)

    def publish(self, temporary, final, *, replace):
        """Give an object its name."""
        self.objects[final] = self.objects.pop(temporary)

    def remove(self, name):
        """Remove an object."""
        return self.objects.pop(name, None) is not None

    def blocks(self, name, begin, end):
        """Give what is on the shelf."""
        yield self.objects[name][begin:end]

    def entries(self, refused=None):
        """List nothing."""
        return iter(())

    def can_write(self, *, make=True):
        """Try nothing."""
        return False

    def free_space(self):
        """Tell of no limit."""

    def close(self):
        """Leave the shelf."""


def kind_of(*, rename):
    return DestinationKind(
        "shelf:///name/",
        parse=lambda parts: RemoteUrl("shelf", parts.path),
        places=lambda url, _options: (str(url),),
        connect=lambda url, _options: ShelfRemote(url.folder),
        features=DestinationFeatures(rename=rename, append=False),
    )


# ------------------------------------------------------------------------------------------------


@pytest.fixture(params=[False, True], ids=["in place", "by a rename"])
def shelf(request, monkeypatch):
    """Give what is on a shelf, and the row."""
    monkeypatch.setitem(DESTINATIONS, "shelf", kind_of(rename=request.param))
    yield SHELVES.setdefault("/a/", {})
    SHELVES.clear()


def test_push_to_a_new_kind_puts_files_there_once(project, shelf):
    """In one go, since it cannot append, and the ledger knows it the next time."""
    project.write("x.csv", "id\n1\n")
    for _ in range(2):
        ended = project.run("push", "x.csv", "--to", "shelf:///a/")
        assert ended.code == 0, ended.err
    assert shelf == {"x.csv": b"id\n1\n"}
    assert "delivered already" in ended.err


def test_pull_from_a_new_kind_fetches_a_file(project, shelf):
    """By what the seam makes of its blocks."""
    shelf["y.csv"] = b"id\n2\n"
    ended = project.run("pull", "y.csv", "here.csv", "--from", "shelf:///a/")
    assert ended.code == 0, ended.err
    assert project.read("here.csv") == b"id\n2\n"


def test_push_by_a_name_and_dry_run_know_a_new_kind(project, shelf):
    """A destination of `piienc.toml`, and one that is only tried."""
    project.write("piienc.toml", '[destinations.there]\nurl = "shelf:///a/"\n')
    project.write("x.csv", "id\n1\n")
    assert project.run("push", "x.csv", "--to", "there", "--dry-run").code == 0
    assert shelf == {}
    assert project.run("push", "x.csv", "--to", "there").code == 0
    assert [*shelf] == ["x.csv"]


def test_hint_about_a_url_names_a_new_kind_too(project, shelf):
    """What is known, is told."""
    project.write("x.csv", "id\n1\n")
    ended = project.run("push", "x.csv", "--to", "ftp://host/dir/")
    assert "only sftp:// and file:// and shelf:// are known" in ended.err
    assert "or shelf:///name/" in ended.err
