"""Files at a destination that finished or unknown transfers have left behind."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from piienc.remote import FILE, OURS, UNKNOWN

if TYPE_CHECKING:
    from piienc.remote import Remote
    from piienc.state import Ledger

_GROWING = re.compile(rf"{re.escape(OURS)}([0-9a-f]{{16}})(\.[0-9]+)?\.(part|trigger)")
_WEEK = 7 * 24 * 60 * 60.0  # seconds: what others have begun meanwhile is younger


def orphans(remote: Remote, ledger: Ledger) -> tuple[str, ...]:
    """Return hidden files of no unfinished transfer that are unchanged for a week.

    Files that a replace has moved aside are not orphans: they belong to the receiver.

    Raises:
        IncompleteError: the folder cannot be listed.
    """
    latest = time.time() - _WEEK
    ids = {
        entry.name: match[1]
        for entry in remote.entries()
        if (match := _GROWING.fullmatch(entry.name))
        and entry.facts.kind in {FILE, UNKNOWN}
        and entry.facts.modified is not None
        and entry.facts.modified < latest
    }
    awaited = ledger.unfinished_ids(set(ids.values())) if ids else set()
    return tuple(sorted(name for name, unique in ids.items() if unique not in awaited))


def sweep(remote: Remote, ledger: Ledger) -> tuple[str, ...]:
    """Remove the files that `orphans` finds, and return their names.

    Raises:
        IncompleteError: the folder cannot be listed, or a file not removed.
    """
    names = orphans(remote, ledger)
    for name in names:
        remote.remove(name)
    return names
