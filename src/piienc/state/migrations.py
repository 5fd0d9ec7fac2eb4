"""The versions of the state folder's database, and the way from each to the next.

`PRAGMA user_version` holds the version of a file: the number of migrations it has been through.
Version 0 is an empty file, or one made before versions were kept, which may have any of its tables.
To change a table, add a migration at the end. One that was released is never changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path
    from sqlite3 import Connection

_VERSION_1 = """
CREATE TABLE IF NOT EXISTS sealed_keys (key TEXT PRIMARY KEY, cells INTEGER);
-- Cells counted by key id: a key found here begins with this count in sealed_keys.
CREATE TABLE IF NOT EXISTS sealed_cells (key_id INTEGER PRIMARY KEY, cells INTEGER);
CREATE TABLE IF NOT EXISTS marks (
    number INTEGER PRIMARY KEY, schema TEXT, column_name TEXT, key TEXT, mode TEXT, context TEXT,
    version INTEGER, time TEXT
);
CREATE TABLE IF NOT EXISTS one_go (destination TEXT PRIMARY KEY, since TEXT);
CREATE TABLE IF NOT EXISTS sendings (
    id, job, source, size, modified, inode, number, name, step, begun, changed, sha256, files,
    facts, PRIMARY KEY (id)
);
CREATE TABLE IF NOT EXISTS transfers (
    id, direction, destination, name, source, size, phase, outcome, begun, ended, sha256,
    remote_size, trigger, attempts, job, growing, again, error_code, error, PRIMARY KEY (id)
);
CREATE INDEX sendings_by_size ON sendings (job, size);
CREATE INDEX transfers_by_name ON transfers (name)
"""

MIGRATIONS = (_VERSION_1,)
"""The statements that lead to version 1, 2, and so on; no semicolon stands within one."""


def migrate(database: Connection, file: Path) -> None:
    """Bring the database to the newest version, within the transaction that is open.

    Raises:
        ConfigError: a newer piienc has changed it.
    """
    (version,) = database.execute("PRAGMA user_version").fetchone()
    newest = len(MIGRATIONS)
    if version > newest:
        raise ConfigError(
            f"{file} was written by a newer piienc: its version is {version}, and this piienc "
            f"knows versions up to {newest}",
            hint="run the newer piienc, or name another state folder: --state DIR",
        )
    for script in MIGRATIONS[version:]:
        for statement in script.split(";"):  # executescript would commit
            database.execute(statement)
    if version < newest:
        database.execute(f"PRAGMA user_version = {newest}")
