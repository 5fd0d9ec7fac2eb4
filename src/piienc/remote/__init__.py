"""The remote: destinations to which files are delivered, by SFTP or in a local folder.

kinds/         a destination by its URL: what each kind can do, and how one is opened
remote.py      Remote: what any destination can do
folder.py      a local folder
sftp/          an SFTP server; ssh/: the connection to it
url.py         where a destination is, and what the parts of its URL must be
names.py       names from outside, all of them hostile until they are found to be plain
options.py     how to connect, and how long it may take; limit.py: how fast
retry.py       trying again what may pass by itself

Nothing here imports paramiko until an SFTP server is connected to.
"""

from piienc.remote.kinds import features_of, open_remote, parse_url, places_of
from piienc.remote.limit import Limiter
from piienc.remote.names import OURS, aside_of, is_safe, safe_name, taken
from piienc.remote.options import ConnectOptions, Timeouts
from piienc.remote.remote import (
    FILE,
    UNKNOWN,
    UNSEEN,
    FileAttributes,
    Remote,
    WriteMode,
    find,
    unless_refused,
)
from piienc.remote.url import RemoteUrl

__all__ = [
    "FILE",
    "OURS",
    "UNKNOWN",
    "UNSEEN",
    "ConnectOptions",
    "FileAttributes",
    "Limiter",
    "Remote",
    "RemoteUrl",
    "Timeouts",
    "WriteMode",
    "aside_of",
    "features_of",
    "find",
    "is_safe",
    "open_remote",
    "parse_url",
    "places_of",
    "safe_name",
    "taken",
    "unless_refused",
]
