"""Transactions around what is done in a lane's thread."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final, final

import attrs

from eventcore.errors import EventCoreError
from eventcore.stores.sqlite.database import Database, Files, Places, files_at, log_size

_log: Final = logging.getLogger("eventcore")
# Milliseconds for which those who read the log are waited for, and all writers with them.
_PATIENCE: Final = 1000


@final
@attrs.define
class Transactions:
    """Opens and ends transactions on one connection; every error leaves in our words."""

    connection: sqlite3.Connection
    database: Database
    _has_turn: bool = attrs.field(default=False, init=False)
    _places: Places = attrs.field(init=False)
    _files: Files = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        # The connection has looked into its files: while it holds them, SQLite neither makes nor removes any.
        self._places = self.database.places()
        self._files = files_at(self._places)

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """One snapshot, from the first statement on."""
        with self._scope():
            self.begin_reading()
            yield self.connection
            self.connection.execute("COMMIT")

    @contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """The write lock, waited for as long as the store may, behind those of this store who asked for it before."""
        with self._scope():
            self.begin_writing()
            yield self.connection
            self.commit()

    def check_files(self) -> None:
        """Raise `StoreUnavailable` where the connection sees other files than those who come now."""
        self.database.check_still_frozen(self.connection)
        self.database.check_still_there(self._places, self._files)

    def begin_reading(self) -> None:
        self.check_files()
        self.connection.execute("BEGIN")

    def begin_writing(self) -> None:
        deadline = time.monotonic() + self.database.busy_timeout
        if not self.database.turns.take(self.database.busy_timeout):
            raise self.database.faults.busy()
        self._has_turn = True
        try:
            self.database.patiently(lambda: self.connection.execute("BEGIN IMMEDIATE"), until=deadline)
            self.database.check_still_there(self._places, self._files)
        except BaseException:
            self.roll_back()
            raise

    def commit(self) -> None:
        try:
            self.connection.execute("COMMIT")
        except sqlite3.Error as error:
            if (unknown := self.database.faults.unconfirmed(error)) is not None:
                raise unknown from error
            raise
        self._give_turn()

    def roll_back(self) -> None:
        try:
            # SQLite has done it by itself after a full disk, or where a trigger said RAISE(ROLLBACK).
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
        finally:
            self._give_turn()

    def log_size(self) -> int:
        return log_size(self._places)

    def begin_log_anew(self) -> bool:
        """Move the log into the file and begin it anew. False where those who read it have not ended in time.

        By itself SQLite begins it anew when nobody reads it. Where some always do, it would grow without end.
        """
        self.connection.execute(f"PRAGMA busy_timeout = {_PATIENCE}")
        try:
            (busy, _, _) = self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error as error:
            # What was committed is in the log, however long that gets.
            _log.warning("the log of %s could not be moved into it, and grows on: %s", self.database.path, error)
            return False
        else:
            return not busy
        finally:
            self.connection.execute("PRAGMA busy_timeout = 0")

    def kept_waiting(self) -> float:
        """Return for how many seconds others of this store have waited for the write lock that this one holds."""
        return self.database.turns.kept_waiting() if self._has_turn else 0.0

    def close(self) -> None:
        """Close the connection, which takes back what is open."""
        self.connection.close()
        self._give_turn()

    def _give_turn(self) -> None:
        if self._has_turn:
            self._has_turn = False
            self.database.turns.give()

    @contextmanager
    def _scope(self) -> Generator[None]:
        try:
            yield
        except BaseException as error:
            self.roll_back()
            if isinstance(error, Exception) and not isinstance(error, EventCoreError):
                raise self.database.faults.translate(error) from error
            raise
