"""What is asked of the server, and what is not."""

from __future__ import annotations

import asyncio

import pytest

from eventcore import PostgresEventStore, RequestRefused
from eventcore.store import Committed, Refused, StreamRead
from eventcore.stores.postgres import rows
from eventcore.stores.postgres.statements import Schema
from eventcore.testing.contract.bare import folded
from eventcore.testing.contract.making import add, append_one
from tests.faults.arranged import HoldReply, Tape
from tests.faults.proxy import FaultProxy
from tests.integration.postgres.hand import adding, connected

APPEND = b".append("

# The same function, which fails as string_agg does where a text would have more than 1 GB: here from the eleventh version on.
SHORT_TEXTS = """
ALTER FUNCTION {0}.read RENAME TO read_any;
CREATE FUNCTION {0}.read(streams text[], afters bigint[], type_sets jsonb[], kinds text[], keys text[], at_most integer, bare boolean)
RETURNS TABLE (
    number integer, head_version bigint, head_tx bigint, head_ordinal integer, kept bytea,
    tx bigint, ordinal integer, recorded_at timestamptz, stream_id text, version bigint, event_id uuid, type text, type_version integer,
    data jsonb, metadata jsonb, versions bigint[], contents text
)
LANGUAGE plpgsql AS $$
BEGIN
    IF bare AND at_most > 10 THEN
        RAISE EXCEPTION 'string buffer exceeds maximum allowed length' USING ERRCODE = 'program_limit_exceeded';
    END IF;
    RETURN QUERY SELECT * FROM {0}.read_any(streams, afters, type_sets, kinds, keys, at_most, bare);
END $$;
"""


def test_a_stream_that_is_too_long_for_one_text_is_read_all_the_same(postgres: str, schema: str) -> None:
    async def main() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store, connected(postgres) as admin:
            await add(store, "a-1", *range(30))
            await add(store, "b-1", "b")
            reads = [StreamRead(stream, after, bare=True) for stream in ("a-1", "b-1", "c-1") for after in (0, 7)]
            expected = [folded(each) for each in (await store.read(reads)).slices]
            await admin.execute(SHORT_TEXTS.format(Schema(schema).quoted))

            assert [folded(each) for each in (await store.read(reads)).slices] == expected

    asyncio.run(main())


def test_an_append_of_nothing_sends_nothing(postgres: str, schema: str) -> None:
    async def main() -> None:
        async with FaultProxy(postgres) as proxy, PostgresEventStore(proxy.dsn, schema=schema) as store:
            tape = proxy.arm(Tape(marker=APPEND))
            assert list(await store.append([])) == []
            await asyncio.sleep(0.05)
            assert not tape.begun

            await append_one(store, adding("a-1", "seen"))
            await asyncio.wait_for(tape.happened.wait(), 10)

    asyncio.run(main())


def test_what_is_cancelled_while_it_waits_is_not_sent(postgres: str, schema: str) -> None:
    async def main() -> None:
        async with FaultProxy(postgres) as proxy, PostgresEventStore(proxy.dsn, schema=schema, pool_size=3) as store:
            await add(store, "a-1", "warm")
            held = proxy.arm(HoldReply(marker=b"under-way"))
            under_way = asyncio.create_task(store.append([adding("a-1", "under-way", 1)]))
            await asyncio.wait_for(held.happened.wait(), 10)
            waiting = [asyncio.create_task(store.append([adding(f"b-{number}", "cancelled")])) for number in range(3)]
            await asyncio.sleep(0.05)
            for task in waiting:
                task.cancel()
            tape = proxy.arm(Tape(marker=b"cancelled"))
            held.release()
            await under_way
            await append_one(store, adding("c-1", "after"))

            assert not tape.begun
            assert all(task.cancelled() for task in waiting)

    asyncio.run(main())


def test_what_is_too_large_for_a_message_is_refused_alone(postgres: str, schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server cuts a connection over which more than 1 GB comes at once, without a word: that would pass for a lost one."""
    monkeypatch.setattr(rows, "_LONGEST_TEXT", 1000)

    async def main() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store:
            large = adding("b-1", "x" * 2000)
            before, refused, after = await store.append([adding("a-1", 1), large, adding("c-1", 2)])
            assert isinstance(before, Committed)
            assert isinstance(after, Committed)
            assert isinstance(refused, Refused)
            assert isinstance(refused.error, RequestRefused)
            assert "gigabyte" in str(refused.error)

    asyncio.run(main())
