"""What all tests share: a clean environment, and how far Hypothesis searches."""

import os

import pytest
from hypothesis import settings

settings.register_profile("piienc", deadline=None, max_examples=50)
settings.load_profile("piienc")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch, tmp_path_factory):
    """No test reads the developer's own settings, or writes into their home."""
    for name in [name for name in os.environ if name.startswith("PIIENC_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
