"""The kinds of destinations.

`DESTINATIONS` has every one. A kind is cheap to import: what is heavy is imported when it connects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.remote.kinds.file import FILE_KIND
from piienc.remote.kinds.sftp import SFTP_KIND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from piienc.remote.kinds.kind import DestinationKind

__all__ = ["DESTINATIONS"]

DESTINATIONS: Mapping[str, DestinationKind] = {
    "sftp": SFTP_KIND,
    "file": FILE_KIND,
}
"""By the scheme of its URLs, what a kind of destination is."""
