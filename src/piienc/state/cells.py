"""How many cells each sealed key has encrypted.

AES-GCM under random 96-bit IVs is safe for 2^32 encryptions a key: NIST SP 800-38D, 8.3.
Numbers are reserved ahead of use, so a killed run counts too many cells and never too few. What
counts is the key itself, known by a hash of its bytes: under another name or id it is no fresh one.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, Protocol, Self

from piienc.errors import ConfigError, KeyAccessError
from piienc.state.database import StateRecords

if TYPE_CHECKING:
    from pathlib import Path
    from sqlite3 import Connection

CELL_LIMIT = 1 << 32
CELL_WARNING = 1 << 31

_AHEAD = 1 << 20  # cells reserved at a time: one small transaction for each million
_READ = """SELECT coalesce((SELECT cells FROM sealed_keys WHERE key = ?),
                           (SELECT cells FROM sealed_cells WHERE key_id = ?), 0)"""
_WRITE = "INSERT INTO sealed_keys VALUES (?, ?) ON CONFLICT DO UPDATE SET cells = excluded.cells"


class CountedKey(Protocol):
    """A sealed key."""

    @property
    def key_id(self) -> int:
        """Its id."""

    @property
    def fingerprint(self) -> str:
        """A hash of its bytes."""


class CellCounter(StateRecords):
    """Counts the cells that one run encrypts under each sealed key; safe between threads.

    Nothing is made on disk before the first cell is counted. Use it as a context: at its end,
    what was reserved and not used is given back.
    """

    doing = "count the cells of a sealed key"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._keys: dict[str, CountedKey] = {}
        self._left: dict[str, int] = {}
        self._totals: dict[str, int] = {}

    def _locked(self) -> threading.Lock:
        """Return the lock; what was reserved before a fork is the parent's, and so is its lock."""
        if self._process != os.getpid():
            self._begin()
        return self._lock

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back what was reserved and not used; more may be counted afterwards."""
        with self._locked(), contextlib.suppress(ConfigError):
            # An estimate on the safe side is all that is lost if this fails.
            for name, left in self._left.items():
                with self.database() as database:
                    total = _total(database, self._keys[name])
                    database.execute(_WRITE, (name, total - left))
            self._left.clear()

    def spend(self, key: CountedKey, cells: int) -> None:
        """Count cells before they are encrypted.

        Raises:
            KeyAccessError: the key would encrypt more cells than is safe.
            ConfigError: the count cannot be kept.
        """
        with self._locked():
            name = key.fingerprint
            left = self._left.get(name, 0)
            if left < cells:
                left += self._reserve(key, cells - left)
            self._left[name] = left - cells

    def warnings(self) -> tuple[str, ...]:
        """Name the keys of this run that have passed half of their limit."""
        used = {name: total - self._left.get(name, 0) for name, total in self._totals.items()}
        return tuple(
            f"key id {self._keys[name].key_id} has encrypted {cells:,} cells, over half of what is "
            "safe for AES-GCM: plan a new key"
            for name, cells in used.items()
            if cells >= CELL_WARNING
        )

    def _reserve(self, key: CountedKey, needed: int) -> int:
        """Reserve at least as many cells as needed, and more ahead as far as the limit lets."""
        with self.database() as database:
            total = _total(database, key)
            if total + needed > CELL_LIMIT:
                raise KeyAccessError(
                    f"key id {key.key_id} has encrypted {total:,} of the {CELL_LIMIT:,} (2^32) "
                    "cells that are safe for AES-GCM",
                    hint="encrypt under a new key: piienc keys generate-aes NAME --mode sealed",
                )
            ahead = max(needed, min(_AHEAD, CELL_LIMIT - total))
            database.execute(_WRITE, (key.fingerprint, total + ahead))
        self._keys[key.fingerprint] = key
        self._totals[key.fingerprint] = total + ahead
        return ahead


def _total(database: Connection, key: CountedKey) -> int:
    (total,) = database.execute(_READ, (key.fingerprint, key.key_id)).fetchone()
    return int(total)
