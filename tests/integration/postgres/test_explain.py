"""The hot path on a million events: what each statement of it touches, counted in buffers of 8 kB, not in time.

The statements are those inside the functions of the schema, planned as they are there: auto_explain tells of each.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import attrs
import pytest

from eventcore import Position, PostgresEventStore
from eventcore.ids import StreamPrefix, new_event_id
from eventcore.store import AppendRequest, EventFilter, ExpectedVersion, NewEvent, StreamRead
from tests.integration.postgres.hand import connected
from tests.servers import run as servers

# The pool is told to forget what listens for plans when it gets a connection back, and says so.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::asyncpg.InterfaceWarning")]

EVENTS = 1_000_000
STREAMS = 50_000
PER_STREAM = EVENTS // STREAMS
BATCH = 500
# A type of one event in a hundred thousand.
RARE = 100_000

# The schema as the store makes it, filled by the superuser; as if each transaction had written a batch, and all of them before this one.
LIVE = f"DO $$ BEGIN FOR n IN 1..{EVENTS // BATCH + 10} LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"
FILL = f"""
SET session_replication_role = replica;
ALTER TABLE {{0}}.events SET (autovacuum_enabled = off);
INSERT INTO {{0}}.events (tx, version, recorded_at, ordinal, type_version, event_id, stream_id, type, data, metadata)
SELECT 3 + n / {BATCH}, 1 + n / {STREAMS}, now(), 1 + n % {BATCH}, 1, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'account-' || n % {STREAMS},
    CASE WHEN n % {RARE} = {RARE} / 2 THEN 'Rare' WHEN n % 2 = 0 THEN 'Sent' ELSE 'Received' END, '{{{{"amount": 5}}}}', '{{{{}}}}'
FROM generate_series(0, {EVENTS} - 1) AS n;
INSERT INTO {{0}}.streams (stream_id, version, tx, ordinal)
SELECT DISTINCT ON (stream_id) stream_id, version, tx, ordinal FROM {{0}}.events ORDER BY stream_id, version DESC;
"""


@attrs.frozen
class Plan:
    """What the server did for one statement."""

    sql: str
    nodes: tuple[str, ...]
    buffers: int


def nodes_of(plan: dict[str, Any]) -> Iterator[str]:
    yield " ".join(str(plan[key]) for key in ("Node Type", "Index Name", "Relation Name") if key in plan)
    for child in plan.get("Plans", ()):
        yield from nodes_of(child)


@asynccontextmanager
async def nobody_else_makes_or_drops(server: str) -> AsyncIterator[asyncpg.Connection]:
    """Keep the other workers of this run from it."""
    async with connected(server) as admin:
        # Given back with the connection.
        await admin.execute("SELECT pg_advisory_lock(hashtext('eventcore: a million events'))")
        yield admin


async def use(server: str, database: str, dsn: str) -> asyncpg.Connection:
    """Make *database*, unless another worker of this run has made it. Return a connection to it: while there is one, nobody drops it."""
    async with nobody_else_makes_or_drops(server) as admin:
        if not await admin.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", database):
            await admin.execute(f'CREATE DATABASE "{database}"')
            async with PostgresEventStore(dsn, schema="million"), connected(dsn) as filling:
                for sql in (LIVE, FILL.format("million"), "VACUUM ANALYZE million.events", "VACUUM ANALYZE million.streams"):
                    await filling.execute(sql)
        return await asyncpg.connect(dsn)


async def leave(server: str, database: str, using: asyncpg.Connection) -> None:
    """Drop *database*, unless another worker uses it: the last one does it."""
    await using.close()
    async with nobody_else_makes_or_drops(server) as admin:
        with suppress(asyncpg.ObjectInUseError):
            await admin.execute(f'DROP DATABASE IF EXISTS "{database}"')


def server_of_all() -> str:
    """Return the DSN of the server that all workers of this run use."""
    return os.environ.get("EVENTCORE_TEST_POSTGRES") or servers.shared_server("postgres18")


@pytest.fixture(scope="module")
def filled() -> Iterator[tuple[str, str]]:
    """A DSN and a schema with a million events, which all workers share: they are written once."""
    server = server_of_all()
    database = f"eventcore_million_{Path(os.environ[servers.RUN]).name.rpartition('-')[2]}"
    base, question, options = server.partition("?")
    dsn = f"{base.rpartition('/')[0]}/{database}{question}{options}"
    with asyncio.Runner() as runner:
        using = runner.run(use(server, database, dsn))
        yield dsn, "million"
        runner.run(leave(server, database, using))


@asynccontextmanager
async def explained(dsn: str, schema: str) -> AsyncIterator[tuple[PostgresEventStore, list[Plan]]]:
    """A store on one pool whose server tells the plan of every statement, those within functions too."""
    plans: list[Plan] = []

    def listen(_: object, message: asyncpg.PostgresLogMessage) -> None:
        _, _, text = str(message.message).partition("plan:\n")
        if text:
            told = json.loads(text)
            plan = told["Plan"]
            plans.append(Plan(told["Query Text"], tuple(nodes_of(plan)), plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]))

    async def listening(connection: asyncpg.Connection) -> None:
        connection.add_log_listener(listen)

    settings = {
        "session_preload_libraries": "auto_explain",
        "auto_explain.log_min_duration": "0",
        "auto_explain.log_analyze": "on",
        "auto_explain.log_buffers": "on",
        "auto_explain.log_timing": "off",
        "auto_explain.log_nested_statements": "on",
        "auto_explain.log_format": "json",
        "auto_explain.log_level": "notice",
    }
    async with (
        asyncpg.create_pool(dsn, min_size=0, max_size=8, init=listening, server_settings=settings) as pool,
        PostgresEventStore(pool, schema=schema, migrate=False) as store,
    ):
        yield store, plans


def require_cheap(plans: Sequence[Plan], *, buffers: int, also: Sequence[str] = ()) -> None:
    """No statement reads events, streams or outcomes from end to end, and all together touch few buffers."""
    assert any("events" in node or "streams" in node for plan in plans for node in plan.nodes), "no plan was told: the test shows nothing"
    for plan in plans:
        scans = [node for node in plan.nodes if node.startswith("Seq Scan") and node.split()[-1] in {"events", "streams", "outcomes"}]
        assert not scans, f"{scans} in {plan.sql}: {plan.nodes}"
    # A statement's own buffers are also those of the function that it is in: the largest is that of the call.
    touched = max(plan.buffers for plan in plans)
    assert touched <= buffers, f"{touched} buffers were touched, {buffers} are enough: " + "; ".join(
        f"{plan.buffers} for {plan.nodes}" for plan in plans
    )


@asynccontextmanager
async def writing_alone() -> AsyncIterator[None]:
    """Keep others away who write to the million, or count on nobody doing so: another worker of this run may be at it."""
    async with connected(server_of_all()) as admin:
        # Given back with the connection.
        await admin.execute("SELECT pg_advisory_lock(hashtext('eventcore: more than a million events'))")
        yield


def requests_of(number: int) -> AppendRequest:
    source, target = f"account-{number}", f"account-{number + 1000}"
    events = [NewEvent(stream, new_event_id(), "Sent", 1, b'{"amount":1}') for stream in (source, target)]
    return AppendRequest({source: ExpectedVersion.exact(PER_STREAM), target: ExpectedVersion.ANY}, events)


def test_a_read_touches_what_it_returns(filled: tuple[str, str]) -> None:
    async def scenario() -> None:
        async with explained(*filled) as (store, plans):
            await store.read([StreamRead("warm-1")])
            plans.clear()
            result = await store.read([StreamRead(f"account-{n}") for n in range(20_000, 20_010)])
            assert [len(piece.events) for piece in result.slices] == [PER_STREAM] * 10
            # Ten streams of twenty events each, which lie apart: a page of the table for each event, a few of the index for each stream.
            require_cheap(plans, buffers=10 * (PER_STREAM + 12))

    asyncio.run(scenario())


@pytest.mark.parametrize("types", [None, frozenset({"Sent", "Received"})], ids=["all types", "its types"])
@pytest.mark.parametrize("kind", [None, "State"])
def test_a_bare_read_touches_what_it_returns(filled: tuple[str, str], types: frozenset[str] | None, kind: str | None) -> None:
    async def scenario() -> None:
        async with explained(*filled) as (store, plans):
            await store.read([StreamRead("warm-1", 0, types, kind, bare=True)])
            plans.clear()
            result = await store.read([StreamRead(f"account-{n}", 0, types, kind, bare=True) for n in range(20_000, 20_010)])
            assert [len(part.types) for piece in result.slices for part in piece.bare] == [PER_STREAM] * 10
            require_cheap(plans, buffers=10 * (PER_STREAM + 12))

    asyncio.run(scenario())


def test_news_of_a_stream_touch_no_history(filled: tuple[str, str]) -> None:
    async def scenario() -> None:
        async with explained(*filled) as (store, plans):
            await store.read([StreamRead("warm-1")])
            plans.clear()
            result = await store.read([StreamRead(f"account-{n}", PER_STREAM - 1) for n in range(30_000, 30_050)])
            assert [len(piece.events) for piece in result.slices] == [1] * 50
            require_cheap(plans, buffers=50 * 13)

    asyncio.run(scenario())


def test_an_append_touches_little_however_much_there_is(filled: tuple[str, str]) -> None:
    async def scenario() -> None:
        async with writing_alone(), explained(*filled) as (store, plans):
            await store.append([requests_of(1)])
            plans.clear()
            await store.append([requests_of(number) for number in range(2, 22)])
            # Forty events: a row of the table, four indexes, a head.
            require_cheap(plans, buffers=40 * 40)
            plans.clear()
            # Those of before: a conflict each, with its news.
            await store.append([requests_of(number) for number in range(2, 22)])
            require_cheap(plans, buffers=40 * 20)

    asyncio.run(scenario())


@pytest.mark.parametrize("part", [0, 0.5, 0.999])
def test_a_page_touches_its_own_events_wherever_it_is(filled: tuple[str, str], part: float) -> None:
    async def scenario() -> None:
        async with explained(*filled) as (store, plans):
            after = Position((3 + int(EVENTS / BATCH * part), 1))
            await store.read_all(after, limit=1)
            plans.clear()
            page = await store.read_all(after, limit=500)
            assert len(page.events) == 500
            require_cheap(plans, buffers=120)

    asyncio.run(scenario())


def test_a_poll_for_a_rare_type_is_cheap(filled: tuple[str, str]) -> None:
    """Ten of a million: neither finding them nor finding no more looks at the others."""

    async def scenario() -> None:
        async with explained(*filled) as (store, plans):
            rare = EventFilter(types=frozenset({"Rare"}))
            await store.read_all(None, limit=1, where=rare)
            plans.clear()
            page = await store.read_all(None, limit=100, where=rare)
            assert len(page.events) == EVENTS // RARE
            require_cheap(plans, buffers=80)
            plans.clear()
            page = await store.read_all(page.events[-1].position, limit=100, where=rare)
            assert page.events == []
            require_cheap(plans, buffers=80)
            plans.clear()
            page = await store.read_all(
                None, limit=100, where=EventFilter(types=frozenset({"Rare", "Unheard"}), streams=(StreamPrefix("account-"),))
            )
            assert len(page.events) == EVENTS // RARE
            require_cheap(plans, buffers=80)

    asyncio.run(scenario())


def test_a_poll_without_news_is_cheap(filled: tuple[str, str]) -> None:
    async def scenario() -> None:
        async with writing_alone(), explained(*filled) as (store, plans):
            page = await store.read_all(Position((EVENTS // BATCH, 1)), limit=10_000)
            after = page.position
            assert not await store.wait_for_news(after, timeout=0)
            plans.clear()
            assert not await store.wait_for_news(after, timeout=0)
            assert (await store.read_all(after)).events == []
            require_cheap(plans, buffers=40)

    asyncio.run(scenario())
