"""What the tests of the profiles share: tables in a piienc.toml."""

import pytest

from piienc import settings
from piienc.errors import ConfigError


@pytest.fixture
def own(tmp_path):
    """Give a function that reads a text as piienc.toml and returns the profiles in it."""

    def own(text):
        (tmp_path / "piienc.toml").write_text(text, "utf-8")
        return settings.load(environ={}, cwd=tmp_path).profiles

    return own


@pytest.fixture
def mistakes(own):
    """Give a function that reads a faulty text and returns the lines of the refusal."""

    def mistakes(text):
        with pytest.raises(ConfigError) as caught:
            own(text)
        return str(caught.value).split("\n  ")[1:]

    return mistakes
