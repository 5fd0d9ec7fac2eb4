"""What the tests of the audit log share."""

import pytest
from audit_log import Log


@pytest.fixture
def log(tmp_path):
    """Give an empty log of the test's own."""
    return Log(tmp_path)
