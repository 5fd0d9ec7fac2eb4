"""What holds for one run: where keys and state are, profiles and destinations of the user's own.

load.py         flag, then variable, then `piienc.toml`, then default
destination.py  what may stand in `[destinations.NAME]`
"""

from piienc.settings.load import FILE, Settings, load

__all__ = ["FILE", "Settings", "load"]
