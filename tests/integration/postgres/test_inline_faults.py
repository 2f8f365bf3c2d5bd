"""Inline read models when the connection dies: what was asked for again is in the tables once, and the caller is told the truth."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping

import pytest

from eventcore import PostgresEventStore, Recorded, RequestRefused, StoreUnavailable
from eventcore.projections import Context, on, project_inline, projection
from eventcore.store import ANY, AppendRequest, Committed, Refused, Statement
from tests.faults.arranged import CutAtMessage, DeliverAndCut, Fault
from tests.faults.proxy import FaultProxy
from tests.integration.postgres.hand import connected
from tests.integration.projections.inline_lab import is_unlucky, moment, projections, random_request
from tests.integration.projections.lab import Paid, folded, new, pay
from tests.soak import times

# The whole message: "READ COMMITTED" is something else.
COMMIT = b"COMMIT\0"
# Of one append: BEGIN and the lock, the append, SQL of the read models (here the upsert of a balance), COMMIT.
PHASES: list[tuple[str, Fault]] = [
    ("the beginning", CutAtMessage("request", "Query", side="after", marker=b"eventcore.inline")),
    ("the lock", CutAtMessage("reply", "ReadyForQuery", side="before", marker=b"eventcore.inline")),
    ("the append was sent", CutAtMessage("request", "Execute", side="after", marker=b"cut-here")),
    ("the append was answered", CutAtMessage("reply", "ReadyForQuery", side="before", marker=b"cut-here")),
    ("the read model was sent", CutAtMessage("request", "Sync", side="after", marker=b"account-of-the-cut", number=2)),
    ("the read model was answered", CutAtMessage("reply", "ReadyForQuery", side="after", marker=b"account-of-the-cut", number=2)),
    ("before the commit", CutAtMessage("request", "Query", side="before", marker=COMMIT)),
    ("the commit was sent", DeliverAndCut(marker=COMMIT)),
    ("the commit was done", CutAtMessage("reply", "CommandComplete", side="before", marker=COMMIT)),
    ("the commit was answered in part", CutAtMessage("reply", "ReadyForQuery", side="before", marker=COMMIT)),
]


async def balances(store: PostgresEventStore) -> Mapping[str, tuple[int, int]]:
    async with store.transaction(read_only=True) as transaction:
        rows = await transaction.fetch(Statement(f"SELECT account, balance, payments FROM {transaction.table('balances')}"))
    return {row["account"]: (row["balance"], row["payments"]) for row in rows}


@pytest.mark.parametrize("number", range(len(PHASES)), ids=[name for name, _ in PHASES])
def test_an_append_that_was_cut_is_in_the_read_model_once(postgres: str, schema: str, number: int) -> None:
    async def scenario() -> None:
        _, fault = PHASES[number]
        async with FaultProxy(postgres) as proxy, PostgresEventStore(proxy.dsn, schema=schema) as store:
            await project_inline(store, projections())
            await pay(store, [("a", 1)])
            proxy.arm(fault)
            (verdict,) = await store.append([AppendRequest({"cut-here": ANY}, [new(Paid("account-of-the-cut", 5), "cut-here")])])
            assert fault.happened.is_set()
            assert isinstance(verdict, Committed), verdict
            assert await balances(store) == await folded(store) == {"a": (1, 1), "account-of-the-cut": (5, 1)}

    asyncio.run(scenario())


SLOW_COMMIT = """
CREATE FUNCTION "{0}".linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.4); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER lingers AFTER INSERT ON "{0}".events DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.stream_id = 'slow-1') EXECUTE FUNCTION "{0}".linger();
"""


def test_a_commit_that_comes_after_its_connection_died_is_not_handled_again(postgres: str, schema: str) -> None:
    async def scenario() -> None:
        async with FaultProxy(postgres) as proxy, PostgresEventStore(proxy.dsn, schema=schema) as store:
            await project_inline(store, projections())
            await pay(store, [("a", 1)])
            async with connected(postgres) as admin:
                await admin.execute(SLOW_COMMIT.format(schema))
            cut = proxy.arm(DeliverAndCut(marker=COMMIT))
            position = await pay(store, [("late", 7)], "slow-1")
            assert cut.happened.is_set()
            assert (await store.read_all()).position == position
            assert await balances(store) == await folded(store) == {"a": (1, 1), "late": (7, 1)}

    asyncio.run(scenario())


@projection
class Lingering:
    """Waits for something that is no SQL, where an account asks for it; *linger* is told how often it was asked before."""

    def __init__(self, linger: Callable[[int], Awaitable[None]]) -> None:
        self.linger = linger
        self.asked = 0

    def create(self, context: Context) -> None:
        context.execute(f"CREATE TABLE {context.table('lingering')} (account TEXT PRIMARY KEY)")

    @on(Paid)
    async def paid(self, recorded: Recorded[Paid], context: Context) -> None:
        context.execute(f"INSERT INTO {context.table('lingering')} VALUES ($1)", recorded.event.account)
        await context.flush()
        if recorded.event.account == "slow":
            self.asked += 1
            await self.linger(self.asked)


async def take_long(*, held_up: bool) -> None:
    """Take longer than an `impatient` server allows, waiting or not."""
    if held_up:
        time.sleep(0.6)  # noqa: ASYNC251
    else:
        await asyncio.sleep(0.6)


def impatient(dsn: str) -> str:
    return f"{dsn}?options=-c%20idle_in_transaction_session_timeout%3D200ms"


def paying(account: str) -> AppendRequest:
    return AppendRequest({f"payments-{account}": ANY}, [new(Paid(account, 1), f"payments-{account}")])


async def lingering(store: PostgresEventStore) -> set[str]:
    async with store.transaction(read_only=True) as transaction:
        return {row["account"] for row in await transaction.fetch(Statement(f"SELECT account FROM {transaction.table('lingering')}"))}


@pytest.mark.parametrize("held_up", [False, True], ids=["a handler that waits", "a handler that computes"])
def test_what_the_server_ends_because_a_handler_takes_long_is_told_truly_and_harms_no_neighbour(
    postgres: str, schema: str, held_up: bool
) -> None:
    """`idle_in_transaction_session_timeout` comes before COMMIT is sent: nothing was written, and nobody need be told that it is unknown."""

    async def linger(asked: int) -> None:
        await take_long(held_up=held_up)

    async def scenario() -> None:
        async with PostgresEventStore(impatient(postgres), schema=schema, patience=60) as store, asyncio.timeout(20):
            await project_inline(store, [Lingering(linger)])
            before, ended, after = await store.append([paying("a"), paying("slow"), paying("b")])
            assert isinstance(before, Committed)
            assert isinstance(after, Committed)
            assert isinstance(ended, Refused)
            assert isinstance(ended.error, StoreUnavailable)
            assert "nothing was written" in str(ended.error)
            assert "idle_in_transaction_session_timeout" in str(ended.error)
            assert await lingering(store) == {"a", "b"}

    asyncio.run(scenario())


def test_a_connection_that_is_cut_while_a_handler_waits_is_replaced(postgres: str, schema: str) -> None:
    async def scenario() -> None:
        async with FaultProxy(postgres) as proxy:

            async def linger(asked: int) -> None:
                if asked == 1:
                    proxy.cut_all()
                await asyncio.sleep(0.1)

            async with PostgresEventStore(proxy.dsn, schema=schema) as store:
                await project_inline(store, [Lingering(linger)])
                (verdict,) = await store.append([paying("slow")])
                assert isinstance(verdict, Committed)
                assert await lingering(store) == {"slow"}

    asyncio.run(scenario())


def test_a_server_that_goes_away_before_the_commit_is_asked_for_has_written_nothing(postgres: str, schema: str) -> None:
    async def scenario() -> None:
        async with FaultProxy(postgres) as proxy, PostgresEventStore(proxy.dsn, schema=schema, patience=1) as store:
            await project_inline(store, projections())
            await pay(store, [("a", 1)])
            cut = proxy.arm(CutAtMessage("reply", "ReadyForQuery", side="before", marker=b"cut-here"))
            proxy.refusing = True
            with pytest.raises(StoreUnavailable, match="no connection"):
                await store.append([AppendRequest({"cut-here": ANY}, [new(Paid("a", 5), "cut-here")])])
            assert cut.happened.is_set()
            proxy.refusing = False
            assert await balances(store) == await folded(store) == {"a": (1, 1)}

    asyncio.run(scenario())


@pytest.mark.parametrize("held_up", [False, True])
def test_a_transaction_on_read_models_that_was_ended_before_its_commit_was_asked_for_is_not_unknown(
    postgres: str, schema: str, held_up: bool
) -> None:
    async def scenario() -> None:
        async with PostgresEventStore(impatient(postgres), schema=schema) as store:
            with pytest.raises(StoreUnavailable, match=r"nothing was written.*idle_in_transaction_session_timeout"):
                async with store.transaction() as transaction:
                    await transaction.execute([Statement(f"CREATE TABLE {transaction.table('made')} (id INTEGER)")])
                    await take_long(held_up=held_up)
            with pytest.raises(RequestRefused, match="made"):
                async with store.transaction() as transaction:
                    await transaction.fetch(Statement(f"SELECT * FROM {transaction.table('made')}"))

    asyncio.run(scenario())


@pytest.mark.slow
@pytest.mark.timeout(times(120))
def test_connections_that_are_cut_all_the_time(postgres: str, schema: str) -> None:
    """At random moments, under load, with handlers that fail: what was acknowledged is there once, what was refused is not, and the tables agree."""
    chance = random.Random(20250403)
    refused = acknowledged = cuts = 0

    async def client(store: PostgresEventStore, rounds: int) -> None:
        nonlocal refused, acknowledged
        for _ in range(rounds):
            asked = random_request(chance)
            (verdict,) = await store.append([asked])
            if isinstance(verdict, Committed):
                assert not is_unlucky(asked)
                acknowledged += len(verdict.events)
            else:
                assert is_unlucky(asked), verdict
                refused += 1

    async def scenario() -> None:
        nonlocal cuts
        async with FaultProxy(postgres) as proxy, PostgresEventStore(proxy.dsn, schema=schema) as store:
            await project_inline(store, projections())
            clients = asyncio.gather(*(client(store, times(25)) for _ in range(12)))
            while not clients.done():
                await asyncio.sleep(chance.uniform(0.02, 0.2))
                proxy.cut_all()
                cuts += 1
            await clients
        history, shown, total = await moment(postgres, schema)
        assert history == shown
        assert total == (sum(amount for amount, _ in history.values()), sum(count for _, count in history.values()))
        assert total[1] == acknowledged

    asyncio.run(scenario())
    assert refused
    assert cuts
