"""What is read may be longer than any one value of SQLite."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from eventcore import SqliteEventStore
from eventcore.ids import StreamPattern, StreamPrefix, new_event_id
from eventcore.store import (
    AlreadyDone,
    AppendRequest,
    Committed,
    EventFilter,
    ExpectedVersion,
    IdempotencyKey,
    NewEvent,
    StoredEvent,
    StreamRead,
)
from eventcore.stores.sqlite.database import Database

# SQLite's own limit is a gigabyte.
LONGEST = 20_000
EVENTS = 60


@pytest.fixture
def short_values(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = Database._connect

    def connect_with_limit(self: Database, uri: str, factory: type[sqlite3.Connection] = sqlite3.Connection) -> sqlite3.Connection:
        connection = connect(self, uri, factory)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
        return connection

    monkeypatch.setattr(Database, "_connect", connect_with_limit)


def numbers(events: Sequence[StoredEvent]) -> list[int]:
    return [json.loads(event.data)["number"] for event in events]


@pytest.mark.usefixtures("short_values")
def test_more_than_one_value_can_hold_is_read_all_the_same(tmp_path: Path) -> None:
    async def main() -> None:
        async with SqliteEventStore(tmp_path / "long.db") as store:
            padding = "x" * (3 * LONGEST // EVENTS)
            events = [
                NewEvent("book-1", new_event_id(), "Noted", 1, json.dumps({"number": number, "padding": padding}).encode())
                for number in range(EVENTS)
            ]
            request = AppendRequest({"book-1": ExpectedVersion.NO_STREAM}, events, IdempotencyKey("once", b"print"))
            (written,) = await store.append([request])
            assert isinstance(written, Committed)

            for bare in (False, True):
                (found,) = (await store.read([StreamRead("book-1", bare=bare)])).slices
                assert numbers(found.events) == list(range(EVENTS))
            (later,) = (await store.read([StreamRead("book-1", EVENTS - 30, frozenset({"Noted"}))])).slices
            assert numbers(later.events) == list(range(EVENTS - 30, EVENTS))
            for where in (
                EventFilter(),
                EventFilter(types=frozenset({"Noted"})),
                EventFilter(streams=(StreamPrefix("book-"),)),
                EventFilter(types=frozenset({"Noted"}), streams=(StreamPattern("b[o]ok-?"),)),
            ):
                page = await store.read_all(None, where=where)
                assert numbers(page.events) == list(range(EVENTS))
            (again,) = await store.append([request])
            assert isinstance(again, AlreadyDone)
            assert numbers(again.events) == list(range(EVENTS))

    asyncio.run(main())
