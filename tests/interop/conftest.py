"""The counterparts as fixtures, and the table of how it went with them."""

from __future__ import annotations

import os

import pytest

from interop.command import Desk
from interop.table import Table


@pytest.fixture
def desk(tmp_path):
    """Give an empty folder in which the program is run."""
    return Desk(tmp_path)


@pytest.fixture(scope="session", autouse=True)
def _home(tmp_path_factory):
    """Let no program read or write the developer's own settings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        for name in ("GNUPGHOME", "SSH_AUTH_SOCK", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
            patch.delenv(name, raising=False)
        yield


def pytest_collection_modifyitems(items):
    """Keep the tests of a counterpart in one process, and let the reports tell which it is."""
    for item in items:
        if "counterpart" in getattr(item, "fixturenames", ()):
            counterpart = item.callspec.params["counterpart"]
            item.add_marker(pytest.mark.xdist_group(counterpart.name))
            item.user_properties += [
                ("table", item.module.TABLE),
                ("counterpart", counterpart.name),
                ("scenario", item.callspec.params["scenario"]),
            ]


_table = Table()


def pytest_runtest_logreport(report):
    """Keep the outcome."""
    _table.take(report)


def pytest_terminal_summary(terminalreporter):
    """Print the table."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        for line in _table.lines():
            terminalreporter.write_line(line)
