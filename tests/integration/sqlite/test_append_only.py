"""What no connection may do to a history, ours or anybody's."""

# ruff: noqa: ISC004 - statements are put together from constants

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventcore.store import StoredEvent
from eventcore.stores.sqlite import SqliteEventStore
from eventcore.testing.contract.making import add, read_log

_COLUMNS = "event_id, type, type_version, data, metadata, recorded_at"


def history(path: Path) -> list[StoredEvent]:
    async def run() -> list[StoredEvent]:
        async with SqliteEventStore(path) as store:
            return await read_log(store)

    return asyncio.run(run())


@pytest.fixture
def foreign(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that knows nothing of eventcore, on a file with events."""

    async def fill() -> None:
        async with SqliteEventStore(path) as store:
            await add(store, "a-1", 1, 2, 3)
            await add(store, "b-1", 4)

    asyncio.run(fill())
    connection = sqlite3.connect(path, isolation_level=None)
    yield connection
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET data = '{}' WHERE position = 1",
        "UPDATE OR REPLACE events SET position = 2 WHERE position = 1",
        "UPDATE OR IGNORE events SET version = 9 WHERE position = 1",
        "DELETE FROM events WHERE position = 4",
        "DELETE FROM events",
        f"INSERT OR REPLACE INTO events SELECT position, stream, version, {_COLUMNS} FROM events WHERE position = 4",
        f"REPLACE INTO events SELECT position, stream, version, {_COLUMNS} FROM events WHERE position = 1",
        # REPLACE through the other unique key: a new position, the version of an event that is there.
        f"INSERT OR REPLACE INTO events SELECT 99, stream, version, {_COLUMNS} FROM events WHERE position = 3",
        f"INSERT INTO events SELECT position, stream, version, {_COLUMNS} FROM events WHERE position = 4 "
        "ON CONFLICT (position) DO UPDATE SET data = '{}'",
        f"INSERT INTO events SELECT 99, stream, version, {_COLUMNS} FROM events WHERE position = 4 "
        "ON CONFLICT (stream, version) DO UPDATE SET data = '{}'",
        # Not what follows the newest event: a gap, a place in the past, a stream that is not there.
        f"INSERT INTO events SELECT 99, stream, 5, {_COLUMNS} FROM events WHERE position = 3",
        f"INSERT INTO events SELECT 0, stream, 4, {_COLUMNS} FROM events WHERE position = 3",
        f"INSERT INTO events SELECT 99, 77, 1, {_COLUMNS} FROM events WHERE position = 3",
        "UPDATE streams SET version = 2 WHERE stream_id = 'a-1'",
        "UPDATE streams SET version = 4 WHERE stream_id = 'a-1'",
        "UPDATE streams SET stream_id = 'c-1' WHERE stream_id = 'a-1'",
        "UPDATE OR REPLACE streams SET id = 2 WHERE id = 1",
        "REPLACE INTO streams (id, stream_id, version, position) VALUES (1, 'a-1', 0, 0)",
        "REPLACE INTO streams (id, stream_id, version, position) VALUES (77, 'a-1', 0, 0)",
        "INSERT INTO streams (id, stream_id, version, position) VALUES (77, 'c-1', 5, 0)",
        "DELETE FROM streams",
    ],
)
def test_replace_is_refused(path: Path, foreign: sqlite3.Connection, statement: str) -> None:
    before = history(path)

    with pytest.raises(sqlite3.IntegrityError, match="eventcore"):
        foreign.execute(statement)

    assert history(path) == before


def test_users_can_query_their_history(foreign: sqlite3.Connection) -> None:
    rows = foreign.execute(
        "SELECT stream_id, version, json_extract(data, '$.label'), type, recorded_at FROM history WHERE stream_id = 'a-1' ORDER BY version"
    ).fetchall()

    assert [row[:4] for row in rows] == [("a-1", version, version, "Happened") for version in (1, 2, 3)]
    assert all(row[4].endswith("Z") for row in rows)
