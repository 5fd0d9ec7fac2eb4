"""Sources in a stranger's folder, who would have other files of ours sent, moved or deleted."""

from __future__ import annotations

import contextlib
import json
import os

import pytest
from desk import rows

from piienc.jobs import after
from piienc.jobs.spooling import sources
from piienc.storage import FileSource

STRANGER = 12_345

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a link away")


@pytest.fixture
def theirs(desk):
    """Give a desk whose folder of sources is a stranger's, and a file of ours beside it."""
    desk.private = desk.project.write("private.csv", rows("private"))
    os.chown(desk.project.folder / "in", STRANGER, STRANGER)
    return desk


def planted(path, target):
    """Put a stranger's link there."""
    path.symlink_to(target)
    os.lchown(path, STRANGER, STRANGER)
    return path


@pytest.mark.parametrize("quarantine", [False, True])
def test_link_of_a_stranger_is_no_source(theirs, quarantine):
    """It is told, or put aside as it is, and the others are sent; so it is with a dry run."""
    if quarantine:
        theirs.write(on_failed_verification="quarantine", quarantine="bad", after="delete")
    link = planted(theirs.project.folder / "in" / "b.csv", theirs.private)
    theirs.put("a.csv", "c.csv")
    checked = theirs.send("--check")
    assert (checked.code, "is a symbolic link of another user" in checked.err) == (4, True)
    assert theirs.send("--dry-run").code == 4
    ended = theirs.send("--json")
    assert ended.code == 4
    assert sorted(theirs.there()) == ["a.csv.pgp", "c.csv.pgp"]
    assert theirs.private.read_bytes() == rows("private")
    outcomes = {file["source"]: file["outcome"] for file in json.loads(ended.out)["files"]}
    assert outcomes[str(link)] == ("quarantined" if quarantine else "failed")
    if quarantine:
        aside = theirs.project.folder / "bad" / "b.csv"
        assert (aside.is_symlink(), aside.lstat().st_uid) == (True, STRANGER)
    assert link.is_symlink() is not quarantine


def test_link_of_a_stranger_to_a_folder_leads_to_no_source(theirs):
    """What is in the folder is neither sent nor put aside."""
    theirs.write(source="in/*/*.csv", on_failed_verification="quarantine", quarantine="bad")
    ours = theirs.project.folder / "ours"
    ours.mkdir()
    theirs.private.rename(ours / "private.csv")
    planted(theirs.project.folder / "in" / "deep", ours)
    assert theirs.send().code == 4
    assert theirs.there() == {}
    assert (ours / "private.csv").read_bytes() == rows("private")


def test_link_of_a_stranger_counts_where_his_folder_is_trusted(theirs, monkeypatch):
    """Then who can put links there is believed."""
    folder = theirs.project.folder / "in"
    monkeypatch.setenv("PIIENC_TRUST", str(folder))
    planted(folder / "a.csv", theirs.private)
    assert theirs.send().code == 0
    assert sorted(theirs.there()) == ["a.csv.pgp"]


def test_source_that_is_exchanged_for_a_link_is_not_read_in_its_place(theirs, monkeypatch):
    """Not even where the source has its name again once the other file is open."""
    path, aside = (theirs.project.folder / "in" / name for name in ("a.csv", "aside"))
    theirs.put("a.csv")
    real = FileSource.opened

    @contextlib.contextmanager
    def exchanged(*told, **more):
        path.rename(aside)
        planted(path, theirs.private)
        with real(*told, **more) as opened:
            path.unlink()
            aside.rename(path)
            yield opened

    monkeypatch.setattr(FileSource, "opened", exchanged)
    ended = theirs.send("--json")
    assert [file["outcome"] for file in json.loads(ended.out)["files"]] == ["left"]
    assert theirs.there() == {}
    assert theirs.spooled() == []


@pytest.mark.parametrize("what", ["file", "link", "folder"])
@pytest.mark.parametrize("then", ["move", "delete"])
def test_what_takes_a_sources_name_is_neither_moved_nor_deleted(theirs, monkeypatch, then, what):
    """It is another file; or another folder has the name of the sources' one."""
    theirs.write(after=then, **({"move_to": "sent"} if then == "move" else {}))
    folder = theirs.project.folder / "in"
    path = folder / "a.csv"
    theirs.put("a.csv")
    real = sources.SourceFile.at

    def look(at):
        found = real(at)
        if theirs.there():
            monkeypatch.undo()
            if what == "folder":
                folder.rename(theirs.project.folder / "gone")
                folder.mkdir()
                path.write_bytes(rows("other"))
            else:
                path.unlink()
                planted(path, theirs.private) if what == "link" else path.write_bytes(rows("other"))
        return found

    monkeypatch.setattr(after.SourceFile, "at", look)
    assert theirs.send().code == 0
    assert sorted(theirs.there()) == ["a.csv.pgp"]
    assert path.read_bytes() == rows("private" if what == "link" else "other")
    sent = theirs.project.folder / "sent"
    assert not (sent.is_dir() and list(sent.iterdir()))
