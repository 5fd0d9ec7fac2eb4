"""What earlier runs have learned about destinations."""

from __future__ import annotations

from json import dumps
from typing import TYPE_CHECKING

from piienc.state.database import StateRecords
from piienc.state.transfers import now

if TYPE_CHECKING:
    from collections.abc import Sequence

_FIND = "SELECT 1 FROM one_go WHERE destination IN (SELECT value FROM json_each(?)) LIMIT 1"
_SAVE = "INSERT OR IGNORE INTO one_go (destination, since) VALUES (?, ?)"


class Destinations(StateRecords):
    """What a state folder knows of destinations."""

    doing = "keep what is known of destinations"

    def take_one_go(self, places: Sequence[str]) -> bool:
        """Tell whether a destination, by its URLs, is known to take a file only in one go.

        Raises:
            ConfigError: the state folder cannot be used.
        """
        with self.database() as database:
            return database.execute(_FIND, (dumps(places),)).fetchone() is not None

    def learn_one_go(self, place: str) -> None:
        """Keep that a destination takes a file only in one go.

        Raises:
            ConfigError: it cannot be kept.
        """
        with self.database() as database:
            database.execute(_SAVE, (place, now()))
