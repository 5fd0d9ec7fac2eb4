"""What holds for one run: where things are; profiles, destinations and jobs of the user's own.

load.py         flag, then variable, then `piienc.toml`, then default
destination.py  what may stand in `[destinations.NAME]`
job.py          what may stand in `[jobs.NAME]` and `[notify]`
"""

from piienc.settings.load import FILE, Settings, load

__all__ = ["FILE", "Settings", "load"]
