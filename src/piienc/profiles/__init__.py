"""What receivers demand of a file: names, OpenPGP settings, limits and triggers. Data, not code.

    data/*.toml    the built-in profiles, a file each; every demand says where it comes from
    model.py       what may stand in one, and the profile that comes of it
    load.py        find a profile by its name: the user's own from piienc.toml, or a built-in

A new receiver is a new file in `data/` and nothing else. docs/profiles.md is the reference for
users.
"""

from piienc.profiles.load import check_own, load, names
from piienc.profiles.model import Demands, Profile

__all__ = ["Demands", "Profile", "check_own", "load", "names"]
