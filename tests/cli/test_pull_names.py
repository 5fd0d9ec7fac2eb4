"""Files that a server named: none of them is hidden, or believed, unless the user says so."""

from __future__ import annotations

import pytest

HOSTILE = '[notify]\ncommand = ["touch", "pwned"]\n'
OTHERS = ("PIIENC.toml", "Piienc.TOML", "p\u200biienc.toml", "\uff50iienc.toml", "piienc.toml.")


@pytest.fixture
def outbox(project):
    """Give a project with an empty folder, and a destination of some files."""
    box = project.folder / "box"
    box.mkdir()
    for name in (".profile", "a.csv", "b.csv", "piienc.toml", *OTHERS):
        (box / name).write_text(HOSTILE if "toml" in name.lower() else name)
    (project.folder / "in").mkdir()
    return project


def pull(project, *said):
    """Fetch from the destination."""
    return project.run("pull", *said, "--from", f"file://{project.folder}/box/")


def fetched(project):
    """Return the names that were fetched."""
    return {path.name for path in (project.folder / "in").iterdir()}


def test_pull_of_a_pattern_gets_no_configuration_and_no_hidden_file(outbox):
    """The others come; the error tells how to have the one under a name that says nothing."""
    ended = pull(outbox, "*", "in")
    assert ended.code == 12
    assert fetched(outbox) == {"a.csv", "b.csv"}
    ended = pull(outbox, "p*toml", "in")
    assert "piienc.toml was not fetched" in ended.err
    assert "piienc pull piienc.toml OTHER-NAME --from file://" in ended.err


@pytest.mark.parametrize("name", ["piienc.toml", *OTHERS])
def test_pull_of_a_configuration_needs_a_name_of_the_users_own(outbox, name):
    """Also where its name is one only for a file system that does not tell letters apart."""
    assert pull(outbox, name, "in").code == 12
    assert fetched(outbox) == set()
    assert pull(outbox, name, "in/other.txt").code == 0
    assert (outbox.folder / "in" / "other.txt").read_text() == HOSTILE
    assert pull(outbox, name, "in/piienc.toml").code == 0


@pytest.mark.parametrize("pattern", ["*profile", "?profile", "[.]profile", "*"])
def test_pull_of_a_pattern_leaves_hidden_files_out(outbox, pattern):
    """As a shell does, whatever else could stand for the dot."""
    pull(outbox, pattern, "in")
    assert ".profile" not in fetched(outbox)


@pytest.mark.parametrize("pattern", [".p*", ".profile"])
def test_pull_of_hidden_files_says_the_dot(outbox, pattern):
    """Then it is the user who has named them."""
    assert pull(outbox, pattern, "in").code == 0
    assert fetched(outbox) == {".profile"}
