"""Inline read models when the connection dies: what was asked for again is in the tables once, and the caller is told the truth."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping

import pytest

from eventcore import PostgresEventStore
from eventcore.projections import project_inline
from eventcore.store import ANY, AppendRequest, Committed, Statement
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
