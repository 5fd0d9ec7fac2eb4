"""What the tests of reports share: every kind of report, a browser, and the public schemas."""

from __future__ import annotations

import sys
import tarfile
from pathlib import Path

import pytest
from reports_made import ALL


@pytest.fixture(params=ALL)
def report(request):
    """Give each report in turn."""
    return ALL[request.param]


@pytest.fixture(scope="session")
def packed():
    """Give what reads a file out of a package that `make lint` has fetched."""

    def read(package: str, name: str) -> str:
        found = list(Path(sys.prefix, "share", "schemas").glob(f"{package}-*.tgz"))
        assert found, f"{package} is missing: make lint fetches it"
        with tarfile.open(found[0]) as archive:
            member = archive.extractfile(f"package/{name}")
            assert member is not None
            return member.read().decode("utf-8")

    return read
