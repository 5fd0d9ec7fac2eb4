"""What the tests of jobs share; those of the command line are in tests/cli/send."""

import pytest
from verify_desk import Desk


@pytest.fixture
def desk(tmp_path):
    """Give a desk of the test's own."""
    return Desk(tmp_path)
