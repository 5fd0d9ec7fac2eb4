"""docs/profiles.md tells the truth."""

import re
from pathlib import Path
from typing import get_args

import pytest

from piienc import receivers as profiles
from piienc.receivers import Demands, Profile, RowRule
from piienc.receivers.model import Algorithm, Cipher, Compression, Signing, Trigger
from piienc.receivers.rows import When

PAGE = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text("utf-8")
RULE_FIELDS = re.findall(r"^\| `(\w+)` \| ([^|]+) \| [^|]+ \|$", PAGE, re.MULTILINE)
ROWS = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \| .+ \|$", PAGE, re.MULTILINE)
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
_WORDS = {
    "armor": "yours to choose",
    "summary": "empty",
    "extensions": "any",
    "names": "any",
    **dict.fromkeys(("properties", "kinds", "rows"), "none"),
    "algorithms": "both",
    "notes": "empty",
    "sources": "empty",
}


@pytest.mark.parametrize("example", EXAMPLES)
def test_docs_example_loads(own, example):
    """The page's own profile is one."""
    table = own(example)
    assert [profiles.load(name, table).name for name in table] == ["partner"]


def test_docs_list_the_fields_in_order_with_their_defaults():
    """Every field has its row, and no row is of a field that is gone."""
    assert [name for name, *_ in ROWS] == [*Demands.__struct_fields__]
    for name, _, default in ROWS[1:]:
        value = getattr(Profile(name="p"), name)
        shown = {None: "none", True: "`true`", False: "`false`"}
        if name in _WORDS:
            assert default == _WORDS[name]
        elif isinstance(value, str):
            assert default == f'`"{value}"`'
        else:
            assert default == (shown[value] if value in shown else str(value))


@pytest.mark.parametrize("kind", [Algorithm, Cipher, Compression, Signing, Trigger])
def test_docs_list_every_choice(kind):
    """What may be chosen is told in full."""
    assert any(all(f'`"{choice}"`' in row[1] for choice in get_args(kind)) for row in ROWS)


def test_docs_list_the_fields_of_a_rule_in_order():
    """Each with what it takes."""
    assert [name for name, _ in RULE_FIELDS] == [*RowRule.__struct_fields__]
    choices = ", ".join(f'`"{choice}"`' for choice in get_args(When))
    assert dict(RULE_FIELDS)["when"] == choices
