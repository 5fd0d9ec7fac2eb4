"""The engines: what is tested here holds for each of them."""

import pytest

from piienc.core.choice import LIBRARY
from piienc.core.native import NativeEngine
from piienc.core.plain import PlainEngine


@pytest.fixture(scope="session", params=[PlainEngine, NativeEngine], ids=lambda kind: kind.name)
def engine(request):
    """Each engine in turn."""
    made = request.param() if request.param is PlainEngine else NativeEngine.load(LIBRARY)
    assert made, "the core was not built"
    return made
