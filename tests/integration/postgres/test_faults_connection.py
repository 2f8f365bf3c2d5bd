"""The connection is cut in every phase of request and reply; what callers were told is true."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence

import asyncpg
import pytest

from eventcore import OutcomeUnknown, PostgresEventStore, StoreUnavailable
from eventcore.store import Committed, Conflict
from eventcore.stores.postgres.connections import Session, source_of
from eventcore.stores.postgres.faults import Faults
from eventcore.testing.contract.making import add, append_one, labels_of, new_event, read_log, read_one, request
from tests.faults.arranged import CutAtByte, CutAtMessage, DeliverAndCut, Fault, HoldReply, Tape
from tests.faults.judge import Told
from tests.faults.proxy import FaultProxy
from tests.faults.wire import Direction
from tests.faults.workload import account_ids, following, make_executor, open_bank, require_truth, run_clients, transfer
from tests.integration.postgres.hand import connected
from tests.soak import SOAKING, times

ACCOUNTS = account_ids(3)
# The statement of an append, and of a read, as they are prepared on a new connection.
COLD_APPEND = b".append("
COLD_READ = b".read("


def drawn(length: int, count: int) -> Sequence[int]:
    """Return *count* places in *length* bytes, the first and the last among them; in a soak all of them."""
    if SOAKING or length <= count:
        return range(length)
    return sorted({0, 1, length - 1, *random.Random(length).sample(range(length), count - 3)})


async def lengths(postgres: str, schema: str, marker: bytes) -> Tape:
    """Record one transfer on new connections."""
    async with FaultProxy(postgres) as proxy, PostgresEventStore(proxy.dsn, schema=schema) as store:
        tape = proxy.arm(Tape(marker=marker))
        told: list[Told] = []
        await transfer(make_executor(store), ACCOUNTS, "measured", random.Random(1), told.append, most=1)
        await asyncio.wait_for(tape.happened.wait(), 10)
        return tape


@pytest.mark.slow
@pytest.mark.timeout(times(60, soak=60))
@pytest.mark.parametrize("direction", ["request", "reply"])
def test_partial_write_is_impossible(postgres: str, schema: str, direction: Direction) -> None:
    """Cut at a byte of an append, on a warm connection: the caller is told that it is committed, once, for it is."""

    async def scenario() -> None:
        told: list[Told] = []
        async with FaultProxy(postgres) as proxy, PostgresEventStore(proxy.dsn, schema=schema, pool_size=3) as store:
            await open_bank(store, ACCOUNTS)
            executor = make_executor(store)
            rng = random.Random(7)
            await transfer(executor, ACCOUNTS, "cut-at-warm", rng, told.append, most=1)
            tape = proxy.arm(Tape(marker=b"cut-at-tape"))
            await transfer(executor, ACCOUNTS, "cut-at-tape", rng, told.append, most=1)
            for byte in drawn(tape.bytes[direction], 40):
                name = f"cut-at-{byte:04}"
                proxy.disarm()
                cut = proxy.arm(CutAtByte(direction, byte, marker=name.encode()))
                await transfer(executor, ACCOUNTS, name, rng, told.append, most=1)
                assert cut.happened.is_set(), f"{name} was not cut"
                # Warm again: what follows is cut on a connection that knows its statements.
                await transfer(executor, ACCOUNTS, f"after-{byte:04}", rng, told.append, most=1)
            proxy.disarm()
            await require_truth(store, ACCOUNTS, told)
        assert [each for each in told if each.outcome != "committed"] == []

    asyncio.run(scenario())


@pytest.mark.slow
@pytest.mark.timeout(times(60, soak=60))
@pytest.mark.parametrize("direction", ["request", "reply"])
@pytest.mark.parametrize("marker", [COLD_APPEND, COLD_READ])
def test_a_statement_that_is_being_prepared_is_cut(postgres: str, schema: str, direction: Direction, marker: bytes) -> None:
    async def scenario() -> None:
        told: list[Told] = []
        rng = random.Random(8)
        async with PostgresEventStore(postgres, schema=schema) as store:
            await open_bank(store, ACCOUNTS)
            tape = await lengths(postgres, schema, marker)
            told.append(Told("measured", "unknown"))
            for byte in drawn(tape.bytes[direction], 12):
                async with FaultProxy(postgres) as proxy, PostgresEventStore(proxy.dsn, schema=schema, pool_size=3) as cold:
                    cut = proxy.arm(CutAtByte(direction, byte, marker=marker))
                    await transfer(make_executor(cold), ACCOUNTS, f"cold-{byte:04}", rng, told.append, most=1)
                    assert cut.happened.is_set()
            await require_truth(store, ACCOUNTS, told)
        assert [each for each in told[1:] if each.outcome != "committed"] == []

    asyncio.run(scenario())


PHASES: list[tuple[Direction, str, str]] = [
    ("request", "Bind", "before"),
    ("request", "Bind", "after"),
    ("request", "Execute", "after"),
    ("request", "Sync", "before"),
    ("request", "Sync", "after"),
    ("reply", "BindComplete", "before"),
    ("reply", "DataRow", "before"),
    ("reply", "CommandComplete", "after"),
    ("reply", "ReadyForQuery", "before"),
]


@pytest.mark.parametrize(("direction", "kind", "side"), PHASES)
@pytest.mark.parametrize("expected", [0, None])
def test_an_append_that_was_cut_is_there_once(
    postgres: str, schema: str, direction: Direction, kind: str, side: str, expected: int | None
) -> None:
    """Also where any version will do: nothing but the ids of its events tells that it was there already."""

    async def scenario() -> None:
        async with FaultProxy(postgres) as proxy, PostgresEventStore(proxy.dsn, schema=schema) as store:
            await add(store, "warm-1", 1)
            cut = proxy.arm(CutAtMessage(direction, kind, side=side, marker=b"cut-1"))
            verdict = await append_one(store, request({"cut-1": expected, "cut-2": None}, new_event("cut-1", "a"), new_event("cut-2", "b")))
            assert cut.happened.is_set()
            assert isinstance(verdict, Committed)
            assert [event for event in await read_log(store) if event.stream_id != "warm-1"] == list(verdict.events)
            assert labels_of(verdict.events) == ["a", "b"]

    asyncio.run(scenario())


# Whoever holds the advisory lock decides when.
SLOW_COMMIT = """
CREATE FUNCTION "{0}".linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(2711); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER lingers AFTER INSERT ON "{0}".events DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.stream_id = 'slow-1') EXECUTE FUNCTION "{0}".linger();
"""


@pytest.mark.parametrize("expected", [0, None])
def test_lost_reply_is_no_failure(postgres: str, schema: str, expected: int | None) -> None:
    """The connection dies after the request was sent, the server commits a while later: the answer is "committed", once."""

    async def scenario() -> None:
        async with (
            FaultProxy(postgres) as proxy,
            PostgresEventStore(proxy.dsn, schema=schema) as store,
            connected(postgres) as admin,
        ):
            await add(store, "warm-1", 1)
            await admin.execute(SLOW_COMMIT.format(schema))
            await admin.execute("SELECT pg_advisory_lock(2711)")
            cut = proxy.arm(DeliverAndCut(marker=b"slow-1"))
            sent = asyncio.create_task(append_one(store, request({"slow-1": expected}, new_event("slow-1", "late"))))
            await asyncio.wait_for(cut.happened.wait(), 10)
            async with asyncio.timeout(20):
                # The one whose connection died, at its commit, and behind it the same append, sent again.
                while await admin.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted") < 2:
                    await asyncio.sleep(0.01)
            assert await admin.fetchval(f"SELECT count(*) FROM \"{schema}\".events WHERE stream_id = 'slow-1'") == 0, "not committed yet"
            await admin.execute("SELECT pg_advisory_unlock(2711)")
            verdict = await sent
            assert isinstance(verdict, Committed), verdict
            assert [*verdict.events] == list((await read_one(store, "slow-1")).events)
            assert labels_of(verdict.events) == ["late"]

    asyncio.run(scenario())


def test_a_lost_request_that_conflicts_is_a_conflict(postgres: str, schema: str) -> None:
    """The request never ran, and another writer was faster: not committed, for certain."""

    async def scenario() -> None:
        async with (
            FaultProxy(postgres) as proxy,
            PostgresEventStore(proxy.dsn, schema=schema) as store,
            PostgresEventStore(postgres, schema=schema) as rival,
        ):
            await add(store, "a-1", 1)
            cut = proxy.arm(CutAtMessage("request", "Sync", marker=b"mine"))
            proxy.refusing = True
            sent = asyncio.create_task(append_one(store, request({"a-1": 1}, new_event("a-1", "mine"))))
            await asyncio.wait_for(cut.happened.wait(), 10)
            await add(rival, "a-1", "theirs")
            proxy.refusing = False
            verdict = await sent
            assert isinstance(verdict, Conflict)
            assert (verdict.expected, verdict.actual) == (1, 2)
            assert labels_of(await read_log(store)) == [1, "theirs"]

    asyncio.run(scenario())


@pytest.mark.parametrize("fault", [CutAtMessage("reply", "ReadyForQuery", marker=b"b-1"), HoldReply(marker=b"b-1")])
def test_what_no_server_can_tell_is_unknown(postgres: str, schema: str, fault: Fault) -> None:
    """After a lost reply, or none at all, and with nobody to ask until the patience ends."""

    async def scenario() -> None:
        async with FaultProxy(postgres) as proxy, PostgresEventStore(proxy.dsn, schema=schema, patience=1.5, reply_timeout=1.5) as store:
            await add(store, "a-1", 1)
            proxy.arm(fault)
            proxy.refusing = True
            with pytest.raises(OutcomeUnknown, match="b-1"):
                await append_one(store, request({"b-1": None}, new_event("b-1", 2)))
            proxy.disarm()
            proxy.cut_all()
            with pytest.raises(StoreUnavailable, match="no connection"):
                # This one was never sent.
                await append_one(store, request({"c-1": None}, new_event("c-1", 3)))
            proxy.refusing = False
            await add(store, "d-1", 4)
            assert labels_of(await read_log(store)) == [1, 2, 4]

    asyncio.run(scenario())


def test_a_server_behind_a_black_hole_is_asked_again(postgres: str, schema: str) -> None:
    async def scenario() -> None:
        async with FaultProxy(postgres) as proxy, PostgresEventStore(proxy.dsn, schema=schema, reply_timeout=0.3) as store:
            await add(store, "a-1", 1)
            proxy.black_hole = True
            calls = [
                asyncio.create_task(call)
                for call in (add(store, "a-1", 2), read_one(store, "a-1"), store.read_all(), store.load_checkpoint("nobody"))
            ]
            await asyncio.sleep(0.1)
            proxy.black_hole = False
            added, read, _, checkpoint = await asyncio.gather(*calls)
            assert labels_of(added) == [2]
            assert read.version in {1, 2}
            assert checkpoint is None
            assert labels_of(await read_log(store)) == [1, 2]

    asyncio.run(scenario())


def test_a_question_is_asked_again_though_its_answer_was_waited_for_longer_than_a_server_would_be(postgres: str, schema: str) -> None:
    """As by default: `reply_timeout` is longer than `patience`, which begins when a connection is lost. Another one is let in at once."""

    async def scenario() -> None:
        async with FaultProxy(postgres) as proxy, PostgresEventStore(proxy.dsn, schema=schema, reply_timeout=1, patience=0.3) as store:
            await add(store, "a-1", 1)
            for ask, marker in (
                (lambda: read_one(store, "a-1"), b"a-1"),
                (lambda: store.load_checkpoint("nobody"), b"nobody"),
                (lambda: store.load_snapshots([("a-1", "State")]), b"State"),
            ):
                await ask()
                held = proxy.arm(HoldReply(marker=marker))
                async with asyncio.timeout(10):
                    await ask()
                assert held.happened.is_set()
                proxy.disarm()
            held = proxy.arm(HoldReply(marker=b"b-1"))
            async with asyncio.timeout(10):
                await add(store, "b-1", 1)
            assert held.happened.is_set()
            assert [event.stream_id for event in await read_log(store)] == ["a-1", "b-1"]

    asyncio.run(scenario())


@pytest.mark.parametrize("pooled", [False, True])
def test_each_question_gets_the_whole_time(postgres: str, schema: str, pooled: bool) -> None:
    """One timer looks after all questions of a connection: what is asked shortly before it runs out is not cut off with the one before."""

    async def scenario() -> None:
        async with asyncpg.create_pool(postgres, min_size=1) as pool:
            store = PostgresEventStore(pool if pooled else postgres, schema=schema, reply_timeout=0.6)
            settings = store._settings
            session = Session(source_of(settings, watched=True), Faults(settings.described, settings.dsns), patience=5)
            for seconds in (0.4, 0.4, 0.05, 0.4):
                await session.connected()
                assert len(await session.fetch("SELECT pg_sleep($1::float8)", seconds)) == 1
            began = time.monotonic()
            with pytest.raises(TimeoutError, match=r"no answer for 0\.6 seconds"):
                await session.fetch("SELECT pg_sleep(20)")
            assert 0.5 < time.monotonic() - began < 5
            await session.connected()
            assert (await session.fetch("SELECT 1"))[0][0] == 1
            await session.close()

    asyncio.run(scenario())


def test_an_answer_that_came_while_the_loop_was_held_up_is_no_silence(postgres: str, schema: str) -> None:
    """A program that blocks its event loop, or a machine that slept, finds the answers and the timers at the same moment."""

    async def scenario() -> None:
        store = PostgresEventStore(postgres, schema=schema, reply_timeout=0.3)
        settings = store._settings
        session = Session(source_of(settings, watched=True), Faults(settings.described, settings.dsns), patience=5)
        pid = (await session.connected()).get_server_pid()
        for _ in range(3):
            asked = asyncio.create_task(session.fetch("SELECT pg_sleep(0.1)"))
            await asyncio.sleep(0.05)
            time.sleep(0.5)  # noqa: ASYNC251
            assert len(await asked) == 1
            assert (await session.connected()).get_server_pid() == pid
        await session.close()

    asyncio.run(scenario())


@pytest.mark.slow
def test_connections_that_are_cut_all_the_time(postgres: str, schema: str) -> None:
    """All connections at once, at random moments, under load: everybody is told the truth, and every reader sees all of it."""

    async def scenario() -> None:
        told: list[Told] = []
        rng = random.Random(20250402)
        count = times(300)
        async with FaultProxy(postgres) as proxy, PostgresEventStore(proxy.dsn, schema=schema) as store:
            await open_bank(store, ACCOUNTS)
            cuts = 0
            async with following(store, "one", "two") as followers:
                clients = asyncio.create_task(
                    run_clients(
                        store, ACCOUNTS, name="c", clients=12, seed=3, tell=told.append, going_on=lambda begun: begun < count or cuts < 5
                    )
                )
                while not clients.done():
                    await asyncio.sleep(rng.uniform(0.05, 0.4))
                    proxy.cut_all()
                    cuts += 1
                await clients
            await require_truth(store, ACCOUNTS, told, followers)
        assert cuts >= 5
        assert "unknown" not in {each.outcome for each in told}

    asyncio.run(scenario())
