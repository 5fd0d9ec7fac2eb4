"""What the tests of destinations share."""

import os
import re
import subprocess

import pytest


@pytest.fixture
def agent(monkeypatch):
    """Give a function that adds keys to an ssh-agent, which is there for this test."""
    told = subprocess.run(["ssh-agent", "-s"], check=True, capture_output=True, text=True).stdout
    values = dict(re.findall(r"(SSH_\w+)=([^;]+);", told))
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    try:
        yield lambda *paths: subprocess.run(
            ["ssh-add", "-q", *paths], check=True, capture_output=True
        )
    finally:
        subprocess.run(["ssh-agent", "-k"], check=False, capture_output=True, env={**os.environ})
