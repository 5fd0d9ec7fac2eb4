"""Commands as hints name them, read back by a real shell."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from piienc.base.printable import command

NAMES = ("a;touch PWN;$(id).csv", "it's `id`.csv", "a b", "a\nb", "$HOME/*", '"', "plain.csv")


@pytest.mark.parametrize("name", NAMES)
def test_command_that_is_pasted_has_each_name_as_one_word(tmp_path, name):
    """A shell runs nothing in it, and expands nothing."""
    pasted = command("printf", "%s\\0", name, Path(name))
    told = subprocess.run(["sh", "-c", pasted], capture_output=True, check=True, cwd=tmp_path)
    assert told.stdout.decode().split("\0")[:-1] == [name, str(Path(name))]
    assert not list(tmp_path.iterdir())


def test_command_with_a_path_like_an_option_names_the_file():
    """What is said as text may be an option."""
    assert command("piienc", "--json", Path("-x.csv")) == "piienc --json ./-x.csv"
