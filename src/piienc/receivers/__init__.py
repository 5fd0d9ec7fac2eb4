"""What receivers demand of a file: names, OpenPGP, limits, triggers and rows. Data, not code.

    data/*.toml    the built-in profiles, a file each; every demand says where it comes from
    model.py       what may stand in one, and the profile that comes of it
    rows.py        what may be demanded of the rows, as rules
    row_checks.py  rows held to the rules; demands.py, stored.py: each demand, and what it judges
    manifest.py    MANIFESTS: the forms of manifests; clevertap/ is one
    load.py        find a profile by its name: the user's own from piienc.toml, or a built-in

A new receiver is a new file in `data/` and nothing else. docs/profiles.md is the reference for
users.
"""

from piienc.receivers.load import check_own, load, names
from piienc.receivers.model import Demands, Profile
from piienc.receivers.rows import RowRule

__all__ = ["Demands", "Profile", "RowRule", "check_own", "load", "names"]
