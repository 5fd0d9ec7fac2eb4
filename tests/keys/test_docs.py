from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from piienc.base.secret import SecretBytes
from piienc.keys import Mode, dump, generate
from piienc.keys.wraps.passphrase import (
    CHEAPEST_FOR_TESTS_ONLY,
    MAX_ITERATIONS,
    MAX_LANES,
    MAX_MEMORY_KIB,
    RFC_9106_LOW_MEMORY,
    wrap,
)

PAGE = (Path(__file__).parents[2] / "docs" / "keys.md").read_text()
KEYSET = generate(Mode.SEALED)


@pytest.mark.parametrize("profile", [CHEAPEST_FOR_TESTS_ONLY, RFC_9106_LOW_MEMORY])
def test_docs_snippet_opens_a_wrapped_file_without_piienc(profile):
    """The few lines of the page give back the Tink keyset."""
    (snippet,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert "piienc" not in snippet
    scope = {}
    exec(compile(snippet, "docs/keys.md", "exec"), scope)  # noqa: S102  # our own page
    document = wrap(KEYSET, SecretBytes(b"open sesame"), profile)
    assert scope["open_wrapped"](document, b"open sesame") == dump(KEYSET)


def _names(document, path=""):
    for name, value in document.items():
        if isinstance(value, dict):
            yield from _names(value, f"{path}{name}.")
        else:
            yield path + name


def test_docs_table_names_every_member_of_a_wrapped_file():
    """The page describes the whole format, and nothing that is not in it."""
    document = json.loads(wrap(KEYSET, SecretBytes(b"x"), CHEAPEST_FOR_TESTS_ONLY))
    table = PAGE.split("## The wrapped file")[1].split("Bytes are")[0]
    assert re.findall(r"^\| `([\w.]+)` \|", table, re.MULTILINE) == list(_names(document))
    for name in document["keyset"]["keys"][0]:
        assert f"`{name}`" in table


def test_docs_numbers_are_those_of_the_code():
    """The costs and bounds on the page are ours."""
    profile = RFC_9106_LOW_MEMORY
    assert f"t, 1 to {MAX_ITERATIONS}; we write {profile.iterations}" in PAGE
    assert f"p, 1 to {MAX_LANES}; we write {profile.lanes}" in PAGE
    assert f"at most {MAX_MEMORY_KIB}; we write {profile.memory_kib}" in PAGE
