"""What all contestants on SQLite must run with: a commit that is on the disk when it returns."""

from __future__ import annotations

import sqlite3

_SYNCHRONOUS = ("OFF", "NORMAL", "FULL", "EXTRA")


def durable_settings(connection: sqlite3.Connection) -> dict[str, str | int]:
    """Return the journal mode and the synchronous level of a connection that was writing. Raises where they are not WAL and FULL."""
    [mode] = connection.execute("PRAGMA journal_mode").fetchone()
    [level] = connection.execute("PRAGMA synchronous").fetchone()
    found = {"journal_mode": str(mode).upper(), "synchronous": _SYNCHRONOUS[level]}
    if found != {"journal_mode": "WAL", "synchronous": "FULL"}:
        raise AssertionError(f"the contestant runs with {found}, expected WAL and FULL; its figures could not be compared")
    return {**found, "sqlite": sqlite3.sqlite_version}
