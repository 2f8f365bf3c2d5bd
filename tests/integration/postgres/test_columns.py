"""A page is one row, in which the server tells the events column by column: all that it told row by row."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Sequence
from datetime import UTC

import asyncpg
import pytest

from eventcore import EventCodec, PostgresEventStore, event
from eventcore.errors import EventNotReadable
from eventcore.ids import StreamPattern, new_event_id
from eventcore.store import EVERYTHING, AppendRequest, EventColumns, EventFilter, ExpectedVersion, NewEvent, Page
from eventcore.stores.postgres.log import LogReader
from eventcore.stores.postgres.statements import Schema
from eventcore.subscriptions import EventDecoder
from tests.integration.postgres.hand import connected

ODD: list[tuple[str, int, object, object]] = [
    ("Plain", 1, {"n": 1}, {}),
    ("Plain", 2, {"n": 2}, {}),
    ("Odd\x1e1", 1, {"text": 'ü "€" \x1f \x1e \n ]'}, {}),
    ("Plain", 1, {"n": [1, {"more": None}], "e": 1.5}, {"by": "ada", "note": "{}"}),
    ("Ünï", 7, {}, {}),
]


async def fill(store: PostgresEventStore, stream_id: str, events: Sequence[tuple[str, int, object, object]] = ODD) -> None:
    written = [
        NewEvent(stream_id, new_event_id(), name, version, json.dumps(data).encode(), json.dumps(metadata).encode())
        for name, version, data, metadata in events
    ]
    await store.append([AppendRequest({stream_id: ExpectedVersion.NO_STREAM}, written)])


async def both(connection: asyncpg.Connection, schema: str, limit: int, where: EventFilter) -> tuple[Page, Page]:
    """Read a page in columns and, where the server fails as it does for texts that are too long, in rows."""
    sql = Schema(schema).statements("calls")
    rows = sql["read_log_in_rows"]
    too_long = f"WITH page AS ({rows}) SELECT string_agg(repeat(p.type, 1000000000), '') FROM page AS p"
    return (
        await LogReader(sql["read_log"], rows).read(connection, None, limit, where),
        await LogReader(too_long, rows).read(connection, None, limit, where),
    )


@pytest.mark.parametrize(
    "where", [EVERYTHING, EventFilter(types=frozenset({"Plain", "Ünï"})), EventFilter(streams=(StreamPattern("ä-[1x]"),))]
)
def test_columns_tell_what_rows_tell(postgres: str, schema: str, where: EventFilter) -> None:
    async def run() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store, connected(postgres) as connection:
            for number in range(4):
                await fill(store, f"ä-{number}")
            for limit in (1, 3, 19, 20, 21, 1000):
                columns, rows = await both(connection, schema, limit, where)
                assert list(columns.events) == list(rows.events)
                assert columns[1:] == rows[1:]
                # A set of characters is none that the server knows: those events were picked out one by one.
                assert isinstance(columns.events, EventColumns) == (where.streams is None)
                assert not isinstance(rows.events, EventColumns)
                assert all(stored.recorded_at.tzinfo is UTC for stored in columns.events)

    asyncio.run(run())


def test_large_events_come_in_rows_until_they_are_small_again(postgres: str, schema: str) -> None:
    async def run() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store:
            for name, text in (("Large", "x" * 100_000), ("Small", "x")):
                await fill(store, name, [(name, 1, {"text": text}, {}) for _ in range(4)])

            async def columns(name: str, limit: int) -> bool:
                page = await store.read_all(limit=limit, where=EventFilter(types=frozenset({name})))
                assert [stored.type for stored in page.events] == [name] * min(limit, 4)
                return isinstance(page.events, EventColumns)

            # Of 100 such events a page would have ten million characters; by then it is known how large they are.
            assert [await columns("Large", limit) for limit in (2, 50, 100, 3, 100)] == [True, True, False, True, False]
            assert [await columns("Small", 100) for _ in range(3)] == [False, True, True]

    asyncio.run(run())


def test_an_empty_page_says_where_it_ends(postgres: str, schema: str) -> None:
    async def run() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store:
            assert await store.read_all() == ([], None, False)
            await fill(store, "a-1")
            page = await store.read_all(where=EventFilter(types=frozenset({"Never"})))
            [*_, last] = (await store.read_all()).events
            assert page == ([], last.position, False)
            assert await store.read_all(last.position) == ([], last.position, False)

    asyncio.run(run())


@event
class Counted:
    n: int


def test_an_event_that_cannot_be_read_is_named_when_its_turn_comes(postgres: str, schema: str) -> None:
    async def run() -> tuple[list[int], EventNotReadable]:
        async with PostgresEventStore(postgres, schema=schema) as store:
            await fill(store, "a-1", [("Counted", 1, {"n": n if n != 70 else "seventy"}, {}) for n in range(90)])
            page = await store.read_all()
        decoder = EventDecoder(EventCodec(), "a test", [Counted])
        seen: list[int] = []
        with pytest.raises(EventNotReadable) as caught:
            for _, recorded in decoder.recorded_all(page.events):
                assert isinstance(recorded.event, Counted)
                seen.append(recorded.event.n)
        return seen, caught.value

    seen, error = asyncio.run(run())
    assert seen == list(range(70))
    assert "version 71 of stream 'a-1'" in str(error)


def test_an_event_keeps_nothing_else_of_its_page(postgres: str, schema: str) -> None:
    """Who keeps one event of each page must not keep the pages."""

    async def run() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store:
            await fill(store, "a-1", [("Counted", 1, {"n": n}, {}) for n in range(10)])
            events = (await store.read_all()).events
        assert isinstance(events, EventColumns)
        first, *_ = EventDecoder(EventCodec(), "a test", [Counted]).recorded_all(events)
        [source] = [each for each in gc.get_referents(first[1]) if type(each) is tuple]
        assert not [each for each in gc.get_referents(source) if each is events or isinstance(each, list)]

    asyncio.run(run())
