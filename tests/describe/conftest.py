"""What the tests of descriptions share: see `shop.py`."""

from shop import shop

__all__ = ["shop"]
