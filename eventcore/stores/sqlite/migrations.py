"""From whatever is at the path to the schema of this code: numbered .sql files, applied under the file's own write lock.

The file says whose it is (`application_id`) and how far it has come (`user_version`), so that what is not ours is left as it was.
"""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Sequence
from typing import Final

from eventcore.errors import MigrationNeeded, NotAnEventStore, StoreReadOnly, StoreTooNew
from eventcore.stores.sql_files import Migration, numbered_migrations
from eventcore.stores.sqlite.database import Database, FrozenConnection
from eventcore.stores.sqlite.statements import split

# "evco", in the header of every file of ours (sqlite.org/fileformat.html, 1.2.14).
APPLICATION_ID: Final = 0x6576636F


def migrations() -> Sequence[Migration]:
    """Return all migrations in their order."""
    return numbered_migrations("eventcore.stores.sqlite")


def newest_version() -> int:
    return migrations()[-1].number


def bring_up(database: Database, *, migrate: bool) -> None:
    """Create or migrate the file where that is needed and *migrate* allows it; else only look.

    Raises `MigrationNeeded`, `StoreTooNew`, `NotAnEventStore`, and whatever else says that the file cannot be used.
    """
    database.check_surroundings()
    if not migrate and not database.path.exists():
        raise _needed(database, "does not exist")
    connection = database.connect("rwc" if migrate else "rw", waits=False)
    try:
        version = database.patiently(lambda: _look(connection, database))
        if version < newest_version():
            if not migrate:
                raise _needed(
                    database, "holds nothing yet" if version == 0 else f"has the schema {version}, this code needs {newest_version()}"
                )
            _migrate(connection, database)
        _use_write_ahead_log(connection, database)
    finally:
        connection.close()


def _needed(database: Database, problem: str) -> MigrationNeeded:
    command = shlex.join(["eventcore", "migrate", f"sqlite:///{database.path}"])
    return MigrationNeeded(f"{database.path} {problem}; run `{command}`, or open it with migrate=True")


def _look(connection: sqlite3.Connection, database: Database) -> int:
    """Return the version as of one moment: another process may be at the making of the file."""
    connection.execute("BEGIN")
    try:
        return _version(connection, database)
    finally:
        connection.execute("ROLLBACK")


def _version(connection: sqlite3.Connection, database: Database) -> int:
    """Return the number of the last migration applied, 0 for an empty file."""
    application = _pragma(connection, "application_id")
    version = _pragma(connection, "user_version")
    if application == APPLICATION_ID:
        if version > newest_version():
            raise StoreTooNew(
                f"{database.path} has the schema {version}, this code knows schemas up to {newest_version()}; nothing was changed; use the "
                "newer eventcore that made it"
            )
        return version
    (objects,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application or version or objects:
        raise NotAnEventStore(
            f"{database.path} is a database of something else (application id {application}, {objects} tables and indexes); it was left as "
            "it is; give the event store a file of its own"
        )
    return 0


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)


def _migrate(connection: sqlite3.Connection, database: Database) -> None:
    _use_write_ahead_log(connection, database)
    database.patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
    try:
        # Another process may have done it while this one waited for the lock.
        done = _version(connection, database)
        for migration in migrations():
            if migration.number > done:
                for statement in split(migration.script):
                    connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {newest_version()}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _use_write_ahead_log(connection: sqlite3.Connection, database: Database) -> None:
    """Let readers and the writer not wait for each other. The file remembers it."""
    if isinstance(connection, FrozenConnection):
        return
    if connection.execute("PRAGMA journal_mode").fetchone() == ("wal",):
        return
    (mode,) = database.patiently(lambda: connection.execute("PRAGMA journal_mode = WAL").fetchone())
    if mode != "wal":
        raise StoreReadOnly(f"{database.path} cannot be switched to a write-ahead log (it stays in {mode!r}); allow this user to write it")
