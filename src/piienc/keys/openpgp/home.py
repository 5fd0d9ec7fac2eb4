"""A GnuPG home in the key folder: whose it is, and which secret keys it holds."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from piienc.base.files import adopt
from piienc.base.trust import require_private

PRIVATE_KEYS = "private-keys-v1.d"
_UNPROTECTED = re.compile(rb"\((?:10:)?protection\s*(?:4:)?none\)")


def is_locked(home: Path, keygrip: str) -> bool:
    """Tell whether a secret key that a home holds needs a passphrase."""
    # gpg-agent's keyformat.txt: in both of its forms the file says so in clear.
    # A key that was imported is kept as it came, which may be without protection.
    data = (home / PRIVATE_KEYS / f"{keygrip}.key").read_bytes()
    return b"protected-private-key" in data and not _UNPROTECTED.search(data)


def has_secret(home: Path, keygrip: str) -> bool:
    """Tell whether a home holds the secret part of a key."""
    return (home / PRIVATE_KEYS / f"{keygrip}.key").is_file()


def require_private_keys(home: Path) -> None:
    """Refuse secret keys that anybody but their owner may get at."""
    keys = home / PRIVATE_KEYS
    for path in (home, keys, *keys.glob("*.key")):
        require_private(path)


def give_to_owner(home: Path) -> None:
    """Give what gpg, run by root, has left in a home to whom the home belongs to: see `adopt`."""
    for folder, folders, files, within in os.fwalk(home):
        for name in (*folders, *files):
            with contextlib.suppress(OSError):
                descriptor = os.open(name, os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=within)
                try:
                    adopt(descriptor, Path(folder))
                finally:
                    os.close(descriptor)
