"""Where files are read from and written to.

source.py   what is read: a file or a stream, opened once
target.py   what is written: a file, which appears whole or not at all, or a stream
places.py   SOURCES: either of them by a path or a URL
content.py  what a file is, by what it begins with
hashing.py  bytes that are counted and hashed on their way
progress.py how much of it is done
"""

from piienc.storage.places import SOURCES, source_at, target_at
from piienc.storage.source import FileSource, OpenedSource, Source, StreamSource
from piienc.storage.target import FileTarget, StreamTarget, Target, refuse_same

__all__ = [
    "SOURCES",
    "FileSource",
    "FileTarget",
    "OpenedSource",
    "Source",
    "StreamSource",
    "StreamTarget",
    "Target",
    "refuse_same",
    "source_at",
    "target_at",
]
