"""How far readers may read, asked all the time while transactions end in every way there is: never beyond what its snapshot does not show."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import asyncpg
import pytest

from eventcore import PostgresEventStore
from eventcore.testing.contract.making import add
from tests.integration.postgres.hand import adding, append_in, connected
from tests.soak import times


@asynccontextmanager
async def looked_at(postgres: str, schema: str) -> AsyncIterator[None]:
    """Ask for the horizon, on two connections and while a store appends, until the block ends. Then see what would have been passed by."""
    async with PostgresEventStore(postgres, schema=schema) as store, AsyncExitStack() as stack:
        lookers = [await stack.enter_async_context(connected(postgres)) for _ in range(2)]
        done = asyncio.Event()

        async def look(looker: asyncpg.Connection) -> list[tuple[int, str]]:
            seen = []
            while not done.is_set():
                seen.append(tuple(await looker.fetchrow(f'SELECT tx, pg_current_snapshot()::text FROM "{schema}".horizon()')))
            return seen

        async def go_on() -> None:
            # An event beyond what is open: without one there is nothing to hold back.
            while not done.is_set():
                await add(store, "other", 0)

        async with asyncio.TaskGroup() as group:
            looks = [group.create_task(look(looker)) for looker in lookers]
            group.create_task(go_on())
            try:
                yield
            finally:
                done.set()
        passed_by = await lookers[0].fetch(
            f"""
            SELECT e.stream_id, e.tx, l.horizon, l.seen FROM unnest($1::bigint[], $2::text[]) AS l (horizon, seen), "{schema}".events AS e
            WHERE e.tx >= pg_snapshot_xmin(l.seen::pg_snapshot)::text::bigint AND e.tx < l.horizon
                AND NOT pg_visible_in_snapshot(e.tx::text::xid8, l.seen::pg_snapshot)
            """,
            *map(list, zip(*(each for looking in looks for each in looking.result()), strict=True)),
        )
        assert not passed_by


def test_who_commits_while_the_locks_are_looked_at_is_not_passed_by(postgres: str, schema: str) -> None:
    """The server lists locks one by one, and a transaction that ends in the middle has no number of its own from then on (`virtualtransaction`)."""

    async def scenario() -> None:
        async with connected(postgres) as holder, looked_at(postgres, schema), AsyncExitStack() as stack:
            # A long list takes long.
            await holder.execute("BEGIN; SELECT count(pg_advisory_xact_lock(4711, n)) FROM generate_series(1, 3000) AS n")
            stores = [await stack.enter_async_context(PostgresEventStore(postgres, schema=schema, pool_size=3)) for _ in range(4)]

            async def write(number: int) -> None:
                for label in range(1500):
                    await add(stores[number], f"s-{number}", label)

            await asyncio.gather(*(write(number) for number in range(4)))

    asyncio.run(scenario())


def test_prepared_appends_whose_locks_are_looked_at_are_not_passed_by(postgres: str, schema: str) -> None:
    """PREPARE TRANSACTION hands the locks over one by one, and COMMIT PREPARED gives them up one by one: that of appends may be gone before its number is."""

    async def scenario() -> None:
        async def write(number: int) -> None:
            async with connected(postgres) as hand:
                for label in range(900):
                    # Many locks take long to hand over, and to give up.
                    await hand.execute(f"BEGIN; SELECT count(pg_advisory_xact_lock({number}, n)) FROM generate_series(1, 1000) AS n")
                    await append_in(hand, schema, adding(f"s-{number}", label, label))
                    await hand.execute(f"PREPARE TRANSACTION '{schema}-{number}'")
                    await hand.execute(f"COMMIT PREPARED '{schema}-{number}'")

        async with looked_at(postgres, schema):
            await asyncio.gather(write(0), write(1))

    asyncio.run(scenario())


Way = Callable[[asyncpg.Connection, asyncpg.Pool, str, str], Awaitable[object]]
"""What one transaction does, with a connection, others, the schema, and a name of its own."""


async def _in_one(hand: asyncpg.Connection, *steps: str | Awaitable[None]) -> None:
    for step in steps:
        await (hand.execute(step) if isinstance(step, str) else step)


async def committed(hand: asyncpg.Connection, _others: asyncpg.Pool, schema: str, name: str) -> None:
    await append_in(hand, schema, adding(name, "alone"))


async def undone(hand: asyncpg.Connection, _others: asyncpg.Pool, schema: str, name: str) -> None:
    await _in_one(hand, "BEGIN", append_in(hand, schema, adding(name, "undone")), "ROLLBACK")


async def twice(hand: asyncpg.Connection, _others: asyncpg.Pool, schema: str, name: str) -> None:
    first, second = (append_in(hand, schema, adding(f"{name}-{which}", which)) for which in ("first", "second"))
    await _in_one(hand, "BEGIN", first, second, "COMMIT")


async def half_undone(hand: asyncpg.Connection, _others: asyncpg.Pool, schema: str, name: str) -> None:
    first, second = (append_in(hand, schema, adding(f"{name}-{which}", which)) for which in ("first", "second"))
    await _in_one(hand, "BEGIN", first, "SAVEPOINT here", second, "ROLLBACK TO here", "COMMIT")


async def in_a_savepoint(hand: asyncpg.Connection, _others: asyncpg.Pool, schema: str, name: str) -> None:
    await _in_one(hand, "BEGIN; SAVEPOINT here", append_in(hand, schema, adding(name, "inside")), "RELEASE here", "COMMIT")


async def undone_to_a_savepoint(hand: asyncpg.Connection, _others: asyncpg.Pool, schema: str, name: str) -> None:
    """The locks are gone with it, the number stays: nothing may be appended any more."""
    await _in_one(hand, "BEGIN; SAVEPOINT here", append_in(hand, schema, adding(name, "undone")), "ROLLBACK TO here")
    with pytest.raises(asyncpg.PostgresError, match="first to write"):
        await append_in(hand, schema, adding(name, "too late"))
    await hand.execute("ROLLBACK")


async def foreign(hand: asyncpg.Connection, _others: asyncpg.Pool, _schema: str, _name: str) -> None:
    await hand.execute("BEGIN; SELECT pg_current_xact_id(); SELECT pg_sleep(0.002); COMMIT")


async def prepared(hand: asyncpg.Connection, others: asyncpg.Pool, schema: str, name: str) -> None:
    await _in_one(hand, "BEGIN", append_in(hand, schema, adding(name, "prepared")), f"PREPARE TRANSACTION '{schema}-{name}'")
    await others.execute(f"{random.choice(('COMMIT', 'ROLLBACK'))} PREPARED '{schema}-{name}'")


async def cut(hand: asyncpg.Connection, others: asyncpg.Pool, schema: str, name: str) -> None:
    """In the middle of a statement, or while it commits."""
    pid = hand.get_server_pid()
    await hand.execute("BEGIN")
    await append_in(hand, schema, adding(name, "cut"))
    ending = asyncio.create_task(hand.execute(random.choice(("COMMIT", "SELECT pg_sleep(1)"))))
    await others.execute(f"SELECT pg_terminate_backend({pid})")
    await asyncio.wait([ending])
    ending.exception()
    hand.terminate()


WAYS: Final[tuple[Way, ...]] = (
    committed,
    undone,
    twice,
    half_undone,
    in_a_savepoint,
    undone_to_a_savepoint,
    foreign,
    prepared,
    cut,
)


@pytest.mark.timeout(times(120, soak=25))
def test_whatever_ends_in_whatever_way_is_not_passed_by(postgres: str, schema: str) -> None:
    async def scenario() -> None:
        async def write(number: int) -> None:
            left = times(150)
            while left:
                async with connected(postgres) as hand:
                    while left and not hand.is_closed():
                        left -= 1
                        await random.choice(WAYS)(hand, others, schema, f"{number}-{left}")

        async with looked_at(postgres, schema), asyncpg.create_pool(postgres, min_size=1, max_size=4) as others:
            await asyncio.gather(*(write(number) for number in range(4)))

    asyncio.run(scenario())
