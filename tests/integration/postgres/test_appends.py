"""What an append tells is what was done, whatever else happens at the same time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from eventcore import OutcomeUnknown, PostgresEventStore, StoreBusy
from eventcore.store import AlreadyDone, AppendRequest, Committed, IdempotencyKey, NewEvent, Refused, StreamRead
from eventcore.stores.postgres.statements import Schema
from eventcore.testing.contract.bare import folded
from eventcore.testing.contract.making import add, append_one, labels_of, new_event, read_log, request
from tests.faults.arranged import CutAtMessage, DeliverAndCut
from tests.faults.proxy import FaultProxy
from tests.integration.postgres.hand import adding, append_in, connected

# Whoever writes events waits for whoever holds this lock, in the middle of the append.
WAITING = """
CREATE FUNCTION {0}.wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NULL; END $$;
CREATE TRIGGER wait BEFORE INSERT ON {0}.events FOR EACH STATEMENT EXECUTE FUNCTION {0}.wait();
SELECT pg_advisory_lock(4711);
"""

SWALLOWING = """
CREATE FUNCTION {0}.swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER swallow BEFORE INSERT ON {0}.events FOR EACH ROW WHEN (NEW.type = 'Swallowed') EXECUTE FUNCTION {0}.swallow();
"""


def test_a_key_that_is_forgotten_in_the_middle_of_a_batch_spoils_no_answer(postgres: str, schema: str) -> None:
    """What shares the batch was taken for refused, though it was committed."""

    async def scenario() -> None:
        key = IdempotencyKey("once", b"asked")
        keyed = AppendRequest(*request({"a": 0}, new_event("a", 1))[:2], key)
        async with PostgresEventStore(postgres, schema=schema) as store, connected(postgres) as hand:
            assert isinstance(await append_one(store, keyed), Committed)
            await hand.execute(WAITING.format(Schema(schema).quoted))
            waiting = asyncio.create_task(store.append([adding("b", 2), keyed, adding("c", 3, 0)]))
            await asyncio.sleep(0.2)
            assert await store.forget_idempotency_keys(older_than=timedelta(0)) == 1
            await hand.execute("SELECT pg_advisory_unlock(4711)")
            one, done, other = await waiting
            assert isinstance(one, Committed)
            assert isinstance(other, Committed)
            assert isinstance(done, AlreadyDone)
            assert labels_of(done.events) == [1]
            assert labels_of(await read_log(store)) == [1, 2, 3]

    asyncio.run(scenario())


@pytest.mark.parametrize("version", [0, None])
@pytest.mark.parametrize(
    "event",
    [
        new_event("", "empty"),
        new_event("a\x1fb", "joined"),
        new_event("a", "joined", kind="Opened\x1fClosed"),
        new_event("a", "empty", kind=""),
        new_event("a")._replace(data=b'{"label": "mine"}\x1f{}'),
        new_event("a")._replace(metadata=b'{"by": "me"}\x1f{}'),
    ],
)
@pytest.mark.parametrize("more", [0, 1, 2])
def test_what_would_be_taken_apart_wrong_is_refused(postgres: str, schema: str, event: NewEvent, version: int | None, more: int) -> None:
    """It was committed as something else, for another stream, or not at all, and told committed as it was asked for."""

    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store:
            bad = request({event.stream_id: version}, event, *[new_event(event.stream_id, "more") for _ in range(more)])
            assert isinstance(await append_one(store, bad), Refused)
            before, refused, after = await store.append([adding("c", 1, 0), bad, adding("c", 2, 1)])
            assert [type(each) for each in (before, refused, after)] == [Committed, Refused, Committed]
            assert labels_of(await read_log(store)) == [1, 2]

    asyncio.run(scenario())


@pytest.mark.parametrize("odd", ["", "a\x1fb", "a\0", "\ud800"])
@pytest.mark.parametrize("bare", [False, True])
def test_a_stream_that_cannot_be_there_is_read_as_one_without_events(postgres: str, schema: str, bare: bool, odd: str) -> None:
    """And takes nothing away from those that others read at the same time."""

    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store:
            for stream_id in ("a", "b", "c"):
                await add(store, stream_id, stream_id)
            ids = [odd, "a", "c", "d"]
            whole, alone = await asyncio.gather(
                store.read([StreamRead(each, bare=bare) for each in ids]), store.read([StreamRead(odd, bare=bare)])
            )
            assert [each.stream_id for each in whole.slices] == ids
            assert [each.version for each in whole.slices] == [0, 1, 1, 0]
            assert folded(whole.slices[2])[-1] == folded((await store.read([StreamRead("c")])).slices[0])[-1]
            assert [each.version for each in alone.slices] == [0]

    asyncio.run(scenario())


@pytest.mark.parametrize("data", [None, 5, "{}"])
def test_data_that_is_no_bytes_is_refused_alone(postgres: str, schema: str, data: object) -> None:
    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store:
            bad = request({"a": 0}, new_event("a")._replace(data=data))  # type: ignore[arg-type]
            before, refused, after = await store.append([adding("c", 1, 0), bad, adding("c", 2, 1)])
            assert [type(each) for each in (before, refused, after)] == [Committed, Refused, Committed]
            assert labels_of(await read_log(store)) == [1, 2]

    asyncio.run(scenario())


def test_a_call_whose_outcome_is_partly_unknown_does_not_say_that_nothing_was_written(postgres: str, schema: str) -> None:
    """Two requests of one key are decided one after the other; the first meets a locked stream, the second loses the server in the middle."""

    async def scenario() -> None:
        async with (
            FaultProxy(postgres) as proxy,
            PostgresEventStore(proxy.dsn, schema=schema, patience=1, lock_timeout=0.3, pool_size=3) as store,
            connected(postgres) as slow,
        ):
            await add(store, "a-1", 1)
            await slow.execute("BEGIN")
            await append_in(slow, schema, adding("a-1", "held"))
            proxy.arm(DeliverAndCut(marker=b"b-1"))
            proxy.refusing = True
            key = IdempotencyKey("once", b"asked")
            busy, unknown = await store.append([adding("a-1", 2)._replace(idempotency=key), adding("b-1", 3)._replace(idempotency=key)])
            assert isinstance(busy, Refused)
            assert isinstance(busy.error, StoreBusy)
            assert isinstance(unknown, Refused)
            assert isinstance(unknown.error, OutcomeUnknown)
            await slow.execute("ROLLBACK")
            proxy.refusing = False
            assert labels_of(await read_log(store)) == [1, 3]

    asyncio.run(scenario())


@pytest.mark.parametrize("events", [1, 3])
@pytest.mark.parametrize("version", [0, None])
def test_what_a_trigger_swallows_is_not_committed(postgres: str, schema: str, version: int | None, events: int) -> None:
    """BEFORE each row, RETURN NULL leaves the row out without a word."""

    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store, connected(postgres) as hand:
            await hand.execute(SWALLOWING.format(Schema(schema).quoted))
            bad = request({"a": version}, *[new_event("a", "kept") for _ in range(events - 1)], new_event("a", "gone", kind="Swallowed"))
            before, refused, after = await store.append([adding("b", 1, 0), bad, adding("c", 2)])
            assert [type(each) for each in (before, refused, after)] == [Committed, Refused, Committed]
            assert isinstance(refused, Refused)
            assert "trigger" in str(refused.error)
            assert labels_of(await read_log(store)) == [1, 2]

    asyncio.run(scenario())


def test_an_id_that_was_used_before_does_not_make_a_lost_append_committed(postgres: str, schema: str) -> None:
    """What is sent again is looked for by the ids of its events: all of them, in their streams."""

    async def scenario() -> None:
        async with FaultProxy(postgres) as proxy, PostgresEventStore(proxy.dsn, schema=schema) as store:
            (used,) = await add(store, "a", 1)
            twice = new_event("b", "again")._replace(event_id=used.event_id)
            for events in ([twice], [twice, new_event("b", "new")], [twice._replace(stream_id="a"), new_event("b", "new")]):
                proxy.arm(CutAtMessage("request", "Bind", marker=b"Happened"))
                with pytest.raises(OutcomeUnknown):
                    await append_one(store, request({"a": None, "b": None}, *events))
            assert labels_of(await read_log(store)) == [1]

    asyncio.run(scenario())
