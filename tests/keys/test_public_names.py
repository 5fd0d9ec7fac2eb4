"""The names that the room exports, which are loaded when they are first asked for."""

from __future__ import annotations

import pytest

from piienc import keys


@pytest.mark.parametrize("name", keys.__all__)
def test_public_name_is_that_of_what_it_stands_for(name):
    """Whichever module it is at home in."""
    thing = getattr(keys, name)
    assert thing.__name__ == name
    assert thing.__module__.startswith("piienc.keys.")


def test_other_name_is_missing_as_of_any_module():
    """A typing error is told as Python tells it."""
    with pytest.raises(AttributeError, match=r"module 'piienc\.keys' has no attribute"):
        _ = keys.Keysets
