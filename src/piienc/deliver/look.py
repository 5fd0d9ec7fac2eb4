"""A look at a file of a destination that may not tell of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.errors import IncompleteError
from piienc.remote import UNKNOWN, FileAttributes

if TYPE_CHECKING:
    from piienc.remote import Remote

UNSEEN = FileAttributes(None, None, UNKNOWN)
"""What is known of a file where the destination does not tell whether there is one."""


def look(remote: Remote, name: str) -> FileAttributes | None:
    """Return what is told of a file; None if there is none, `UNSEEN` if that is not told.

    Some servers deny the question, or answer that a file is not there by a failure.

    Raises:
        IncompleteError: the connection fails.
    """
    try:
        return remote.stat(name)
    except IncompleteError as error:
        if error.transient:
            raise
        return UNSEEN
