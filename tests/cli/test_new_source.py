"""A kind of place that is one file and one row: this file, and a row of `SOURCES`."""

from __future__ import annotations

import contextlib
import io
import json

import pytest

from piienc.errors import InputError, PolicyError
from piienc.storage import SOURCES, StreamSource
from piienc.storage.hashing import HashingWriter
from piienc.storage.places import SourceKind

# --- what would be `storage/shelf.py`: a store of whole objects --------------------------------

SHELF: dict[str, bytes] = {}


class ShelfSource:
    """An object on the shelf."""

    folder = path = None

    def __init__(self, name):
        self.name = name

    def opened(self, *, ahead=False):
        """Begin to read."""
        if self.name not in SHELF:
            raise InputError(f"{self.name} is not on the shelf")
        return StreamSource(io.BytesIO(SHELF[self.name]), self.name).opened(ahead=ahead)


class ShelfTarget:
    """An object that appears whole or not at all."""

    path = None

    def __init__(self, name):
        self.name = name

    @contextlib.contextmanager
    def opened(self, *, overwrite):
        """Write it, and put it on the shelf."""
        if self.name in SHELF and not overwrite:
            raise PolicyError(f"{self.name} is on the shelf already")
        file = io.BytesIO()
        yield HashingWriter(file)
        SHELF[self.name] = file.getvalue()


# ------------------------------------------------------------------------------------------------

SCHEMA = ("--schema", "schema.toml")
PLAIN = b"id,email,note\n1,ada@example.org,seven\n2,,\n"


@pytest.fixture
def shelf(monkeypatch):
    """Give what is on the shelf, and the row."""
    monkeypatch.setitem(SOURCES, "shelf", SourceKind(ShelfSource, ShelfTarget))
    yield SHELF
    SHELF.clear()


def _run(project, *arguments):
    ended = project.run(*arguments)
    assert ended.code == 0, ended.err
    return ended


@pytest.fixture
def desk(project):
    """Give a project whose schema fits."""
    project.write("schema.toml", project.read("schema.toml").replace(b"integer", b"string"))
    return project


def test_table_is_encrypted_verified_and_decrypted_on_a_new_kind_of_place(desk, shelf):
    """Each command takes its URL, and puts the output there under its whole name."""
    shelf["shelf://a/x.csv"] = PLAIN
    _run(desk, "encrypt-file", "shelf://a/x.csv", "shelf://a/y.csv", *SCHEMA)
    assert b"ada@example.org" not in shelf["shelf://a/y.csv"]
    assert shelf["shelf://a/y.csv"].startswith(b"id,email,note\n1,")
    _run(desk, "verify", "shelf://a/y.csv", *SCHEMA)
    inspected = _run(desk, "inspect", "shelf://a/y.csv", *SCHEMA, "--json")
    assert inspected.document["name"] == "shelf://a/y.csv"
    _run(desk, "decrypt-file", "shelf://a/y.csv", "back.csv", *SCHEMA)
    assert desk.read("back.csv") == PLAIN


def test_audit_log_names_a_file_of_a_new_kind_by_its_url(desk, shelf):
    """Not by a path that the URL would make."""
    shelf["shelf://a/x.csv"] = PLAIN
    _run(desk, "encrypt-file", "shelf://a/x.csv", "shelf://a/y.csv", *SCHEMA)
    shown = _run(desk, "audit", "show", "--json").document
    names = {file["name"] for line in shown["lines"] for file in line.get("files", [])}
    assert {"shelf://a/x.csv", "shelf://a/y.csv"} <= names
    assert "shelf:/" not in json.dumps(shown).replace("shelf://", "")


def test_object_of_a_new_kind_is_not_replaced_without_force(desk, shelf):
    """The target's own error comes through, and nothing has changed."""
    shelf |= {"shelf://a/x.csv": PLAIN, "shelf://a/y.csv": b"precious"}
    ended = desk.run("encrypt-file", "shelf://a/x.csv", "shelf://a/y.csv", *SCHEMA)
    assert (ended.code, shelf["shelf://a/y.csv"]) == (12, b"precious")
    _run(desk, "encrypt-file", "shelf://a/x.csv", "shelf://a/y.csv", *SCHEMA, "--force")
    assert shelf["shelf://a/y.csv"] != b"precious"


def test_missing_object_is_told_by_its_url(desk, shelf):
    """The source's own error comes through."""
    ended = desk.run("inspect", "shelf://a/none.csv")
    assert ended.code == 4
    assert "shelf://a/none.csv is not on the shelf" in ended.err


def test_url_of_an_unknown_kind_is_wrong_usage_and_names_the_known(desk, shelf):
    """A password in it is not shown."""
    ended = desk.run("inspect", "s3://me:secret@bucket/x.csv")
    assert ended.code == 2
    assert "by path, or by file:// and shelf://" in ended.err
    assert "secret" not in ended.err


def test_file_url_is_the_path_that_it_names(desk):
    """As RFC 8089 has it: percent-encoded, absolute, of this machine."""
    desk.write("x y.csv", PLAIN.decode())
    url = f"file://{desk.folder}/x%20y.csv"
    _run(desk, "encrypt-file", url, f"file://localhost{desk.folder}/y.csv", *SCHEMA)
    _run(desk, "verify", "y.csv", *SCHEMA)
    assert desk.run("inspect", f"file:{desk.folder}/y.csv").code == 4, "a path, for no // follows"


@pytest.mark.parametrize("url", ["file://host/x.csv", "file://", "file:///x?y", "file:///x#y"])
def test_bad_file_url_is_wrong_usage(desk, url):
    """With the form that is right."""
    ended = desk.run("inspect", url)
    assert ended.code == 2
    assert "file:///folder/name" in ended.err or "%3F" in ended.err
    assert "begins with ./" in ended.err
