"""docs/manifests.md tells the truth."""

import re
from pathlib import Path

from piienc.receivers.clevertap import words as manifest

ROOT = Path(__file__).parents[2]
PAGE = " ".join((ROOT / "docs" / "manifests.md").read_text("utf-8").split())
SOURCES = ROOT / "src" / "piienc" / "receivers" / "clevertap"


def test_docs_list_every_rule():
    """No rule is left out, and none is there that is gone."""
    listed = re.findall(r"\| `([\w-]+)` \|", PAGE)
    code = "".join(file.read_text("utf-8") for file in sorted(SOURCES.glob("*.py")))
    assert set(listed) == set(re.findall(r'Problem\(\s*"([\w-]+)"', code))
    assert len(listed) == len(set(listed))


def test_docs_list_the_receivers_words():
    """Formats, identities and limits are those of the code."""
    for word in (*manifest.DATE_FORMATS, *manifest.IDENTITIES, manifest.EVENT_NAME):
        assert f"`{word}`" in PAGE
    assert f"over {manifest.LONGEST_NAME} bytes" in PAGE
