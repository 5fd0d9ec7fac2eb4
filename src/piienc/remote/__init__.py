"""The remote: destinations to which files are delivered, by SFTP or in a local folder.

open.py        a destination by its URL: parse_url, places_of, open_remote
kinds/         the kinds of destinations, and what each can do
remote.py      Remote: what any destination can do
folder.py      a local folder
sftp/          an SFTP server; ssh/: the connection to it
url.py         where a destination is, and what the parts of its URL must be
names.py       names from outside, all of them hostile until they are found to be plain
options.py     how to connect, and how long it may take; limit.py: how fast
retry.py       trying again what may pass by itself

Nothing here imports paramiko until an SFTP server is connected to.
"""

from piienc.remote.kinds.kind import DestinationFeatures
from piienc.remote.limit import Limiter
from piienc.remote.names import OURS, aside_of, is_safe, safe_name, shown_name
from piienc.remote.open import features_of, open_remote, parse_url, places_of
from piienc.remote.options import ConnectOptions, Timeouts
from piienc.remote.remote import (
    FILE,
    FOLDER,
    FREELY,
    OTHER,
    UNKNOWN,
    UNSEEN,
    DirectoryEntry,
    FileAttributes,
    Remote,
    WriteMode,
    find,
)
from piienc.remote.retry import retrying
from piienc.remote.url import RemoteUrl

__all__ = [
    "FILE",
    "FOLDER",
    "FREELY",
    "OTHER",
    "OURS",
    "UNKNOWN",
    "UNSEEN",
    "ConnectOptions",
    "DestinationFeatures",
    "DirectoryEntry",
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
    "retrying",
    "safe_name",
    "shown_name",
]
