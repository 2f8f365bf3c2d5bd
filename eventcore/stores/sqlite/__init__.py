"""The embedded store: one SQLite file, shared by all the processes of one machine."""

from __future__ import annotations

from eventcore.stores.sqlite.store import SqliteEventStore

__all__ = ["SqliteEventStore"]
