"""Names from outside."""

import os
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.errors import PolicyError
from piienc.remote import OURS, is_safe, safe_name
from piienc.remote.names import shown_name

HOSTILE = [
    "",
    ".",
    "..",
    "../x",
    "a/b",
    "/etc/passwd",
    "a\\b",
    "..\\x",
    "a\nb",
    "a\rb",
    "a\x00",
    "\x1b[2J",
    "a\x7f",
    "a\u0085b",
    "a\u2028b",
    "a\u202egpj.exe",
    "\udcff",
    "x" * 256,
    "ä" * 128,
    f"{OURS}x",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_name_that_is_hostile_is_refused_and_shown_escaped(name):
    """Neither the path nor the terminal is touched."""
    with pytest.raises(PolicyError) as caught:
        safe_name(name)
    assert str(caught.value).isprintable()
    assert not is_safe(name)


@pytest.mark.parametrize("name", ["a", "a.csv.pgp", "ä b-ñ_1.csv", "x" * 255, "...", "~", "-rf"])
def test_name_that_is_plain_passes(name):
    """A plain name stays as it is."""
    assert safe_name(name) == name


def test_name_of_ours_passes_only_where_it_is_asked_for():
    """Nobody else makes our temporary files."""
    assert safe_name(f"{OURS}1", ours=True) == f"{OURS}1"
    assert not is_safe(f"{OURS}../x", ours=True)


@given(st.text() | st.text(alphabet="./\\\x00\n~%a", max_size=8) | st.sampled_from(HOSTILE))
def test_name_that_passes_never_leaves_its_folder(name):
    """Whatever passes is one step below the folder."""
    assert shown_name(name).isprintable()
    if not is_safe(name, ours=True):
        return
    assert (PurePosixPath("/base") / name).parent == PurePosixPath("/base")
    assert os.path.normpath(f"/base/{name}") == f"/base/{name}"
    assert len(os.fsencode(name)) <= 255
    assert name.encode().decode() == name
