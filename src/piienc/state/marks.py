"""The recorded marks: which columns of a schema were encrypted, how, and since when.

Marking cannot be undone, so no row is ever removed. Each allowed change, such as a new key of the
same mode, adds a row; the newest row of a column is valid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from piienc.state.database import StateRecords
from piienc.state.transfers import now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from sqlite3 import Connection

_READ = (
    "SELECT column_name, key, mode, context, version, time FROM marks "
    "WHERE schema = ? ORDER BY number"
)
_ADD = (
    "INSERT INTO marks (schema, column_name, key, mode, context, version, time) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)


class RecordedMark(Struct, frozen=True):
    """A column's mark, as it was when a file was last encrypted with a change of it.

    Attributes:
        column: the column's name.
        key: the keyset's name.
        mode: searchable or sealed.
        context: the associated data.
        version: the schema's.
        since: when the column was first encrypted: UTC, as ISO 8601; empty before that.
    """

    column: str
    key: str
    mode: str
    context: str
    version: int
    since: str = ""

    def same_as(self, other: RecordedMark) -> bool:
        """Tell whether another mark of the column means the same; a version means nothing."""
        mine = (self.key, self.mode, self.context)
        return mine == (other.key, other.mode, other.context)


class Marks(StateRecords):
    """The marks of a state folder."""

    doing = "keep the marks"

    def of(self, schema: str) -> dict[str, RecordedMark]:
        """Return the valid marks of a schema's columns, by its name; this creates no database.

        Raises:
            ConfigError: the state folder cannot be used.
        """
        if not self.is_begun:
            return {}
        with self.database() as database:
            return _read(database, schema)

    def record(
        self,
        schema: str,
        marks: Iterable[RecordedMark],
        check: Callable[[Mapping[str, RecordedMark]], None],
    ) -> None:
        """Record the marks of a schema that is being used.

        Args:
            schema: its name.
            marks: the marks of all its marked columns; `since` is set here.
            check: called with the valid marks; it raises if the new ones would undo them. No other
                run can record marks between this call and the write.

        Raises:
            ConfigError: they cannot be kept.
        """
        with self.database() as database:
            held = _read(database, schema)
            check(held)
            for mark in marks:
                before = held.get(mark.column)
                if before is None or not mark.same_as(before):
                    facts = (mark.column, mark.key, mark.mode, mark.context, mark.version)
                    database.execute(_ADD, (schema, *facts, now()))


def _read(database: Connection, schema: str) -> dict[str, RecordedMark]:
    marks: dict[str, RecordedMark] = {}
    for column, key, mode, context, version, time in database.execute(_READ, (schema,)):
        since = marks[column].since if column in marks else time
        marks[column] = RecordedMark(column, key, mode, context, version, since)
    return marks
