"""What the tests of transformations share: see `shop.py`."""

from shop import bench, shop

__all__ = ["bench", "shop"]
