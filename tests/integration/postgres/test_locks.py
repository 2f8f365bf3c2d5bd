"""What an append locks: all that it rests on, until it has ended, and nothing that two readers would wait for. However many streams it is about."""

from __future__ import annotations

import asyncio

import pytest

from eventcore import PostgresEventStore
from eventcore.store import AppendRequest, Committed, Conflict
from eventcore.stores.postgres.statements import Schema
from eventcore.testing.contract.making import add, append_one, new_event, read_one, request
from tests.integration.postgres.hand import adding, append_in, connected

# Few streams are locked, and written, in another way than many; which of two is locked first depends on their hashes.
OTHERS = [[], ["b"], ["c"], ["d"], ["b", "c", "d", "e"]]


def writing(stream_id: str, versions: dict[str, int]) -> AppendRequest:
    return request(versions, new_event(stream_id, "x"))


@pytest.mark.parametrize("others", OTHERS)
@pytest.mark.parametrize("version", [0, 1])
def test_what_is_written_is_waited_for_by_who_reads_it(postgres: str, schema: str, others: list[str], version: int) -> None:
    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store, connected(postgres) as slow:
            for stream_id in ["a", *others] * version:
                await add(store, stream_id, "before")
            known = dict.fromkeys(["a", *others], version)
            for end, met in (("ROLLBACK", Committed), ("COMMIT", Conflict)):
                await slow.execute("BEGIN")
                head = known["a"]
                await append_in(slow, schema, writing("a", known))
                # Each writes a stream of its own; the store's append says of the other one only at which version it read it.
                waiting = asyncio.create_task(append_one(store, writing("mine", {"mine": 0 if end == "ROLLBACK" else 1, "a": head})))
                await asyncio.sleep(0.1)
                assert not waiting.done(), "what another append was about to write was read as if nobody did"
                await slow.execute(end)
                verdict = await waiting
                assert type(verdict) is met
            assert (await read_one(store, "a")).version == version + 1
            assert (await read_one(store, "mine")).version == 1

    asyncio.run(scenario())


@pytest.mark.parametrize("others", OTHERS)
def test_what_is_read_is_waited_for_by_who_writes_it(postgres: str, schema: str, others: list[str]) -> None:
    """Neither of two that each read what the other one writes may be committed on what was there before."""

    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store, connected(postgres) as slow:
            known = dict.fromkeys(["mine", "a", *others], 0)
            await slow.execute("BEGIN")
            await append_in(slow, schema, writing("mine", known))
            for stream_id in ["a", *others]:
                waiting = asyncio.create_task(append_one(store, writing(stream_id, known)))
                await asyncio.sleep(0.1)
                assert not waiting.done(), "what another append rests on was written before that one had ended"
                waiting.cancel()
            await slow.execute("COMMIT")
            verdict = await append_one(store, writing("a", known))
            assert isinstance(verdict, Conflict)
            assert verdict.stream_id == "mine"

    asyncio.run(scenario())


@pytest.mark.parametrize("others", OTHERS)
def test_readers_of_one_stream_do_not_wait_for_each_other(postgres: str, schema: str, others: list[str]) -> None:
    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store, connected(postgres) as slow, asyncio.timeout(10):
            await add(store, "a", "rules")
            await slow.execute("BEGIN")
            await append_in(slow, schema, writing("theirs", {"theirs": 0, "a": 1, **dict.fromkeys(others, 0)}))
            verdict = await append_one(store, writing("mine", {"mine": 0, "a": 1, **dict.fromkeys(others, 0)}))
            assert isinstance(verdict, Committed)
            await slow.execute("COMMIT")

    asyncio.run(scenario())


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("others", [[], ["c"]])
def test_streams_are_locked_in_one_order(postgres: str, schema: str, turned: bool, others: list[str]) -> None:
    """Whichever a request names first: while it waits for the first in that order it holds none of the others, or appends would wait in a ring."""

    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store, connected(postgres) as slow, connected(postgres) as other:
            key = "SELECT stream_id FROM unnest($1::text[]) AS stream_id ORDER BY hashtextextended(stream_id, $2::bigint)"
            in_order = [row[0] for row in await slow.fetch(key, ["a", "b", *others], Schema(schema).seed + 1)]
            named = in_order[::-1] if turned else in_order
            await slow.execute("BEGIN")
            await append_in(slow, schema, adding(in_order[0], "held"))
            waiting = asyncio.create_task(append_one(store, request(dict.fromkeys(named, 0), *[new_event(name) for name in named])))
            await asyncio.sleep(0.1)
            assert not waiting.done()
            async with asyncio.timeout(5):
                for name in in_order[1:]:
                    await append_in(other, schema, adding(name, "free"))
            await slow.execute("COMMIT")
            assert isinstance(await waiting, Conflict)

    asyncio.run(scenario())
