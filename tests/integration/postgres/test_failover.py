"""A standby that takes over without the newest commits: what this process knows of those is of a history that is no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import attrs
import pytest
from lab.accounts import Account, Guarded

from eventcore import CommandExecutor, CommandRejected, HistoryChanged, PostgresEventStore, StreamId
from eventcore.local_postgres import LocalPostgres
from eventcore.store import Committed, Snapshot
from eventcore.testing.contract.making import version_of
from tests.faults.arranged import DeliverAndCut
from tests.faults.proxy import FaultProxy
from tests.integration.postgres.hand import adding, connected, labels, opened_when_replicated
from tests.servers.run import dsn_of
from tests.servers.standby import primary_and_standby

MINE, NOTHING = StreamId.of(Account, "mine"), StreamId.of(Account, "nothing")


def moving(rule: str, amount: int) -> Guarded:
    return Guarded(main=MINE, other=NOTHING, by="test", rule=rule, amount=amount)


@attrs.frozen
class Pair:
    """A primary and a standby."""

    primary: LocalPostgres
    standby: LocalPostgres

    def both(self, attributes: str = "read-write", *, first: int | None = None) -> str:
        """Return a DSN that names both; another port *first* leads to the primary."""
        port = self.primary.port
        named = dsn_of(self.primary).replace(f":{port}/", f":{first or port},127.0.0.1:{self.standby.port}/")
        return f"{named}?target_session_attrs={attributes}"

    async def caught_up(self, version: int) -> None:
        """Wait until the standby has so many events of `MINE`, then let it hear no more."""
        async with AsyncExitStack() as stack:
            store = await opened_when_replicated(stack, dsn_of(self.standby))
            while await version_of(store, MINE) < version:
                await asyncio.sleep(0.01)
        async with connected(dsn_of(self.standby)) as hand:
            await hand.execute("ALTER SYSTEM SET primary_conninfo = ''")
            await hand.execute("SELECT pg_reload_conf()")
            while await hand.fetchval("SELECT count(*) FROM pg_stat_wal_receiver"):
                await asyncio.sleep(0.01)

    async def take_over(self) -> None:
        await asyncio.to_thread(self.primary.stop)
        async with connected(dsn_of(self.standby)) as hand:
            await hand.execute("SELECT pg_promote()")


@pytest.fixture
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with primary_and_standby(tmp_path_factory.mktemp("failover")) as (primary, standby):
        yield Pair(primary, standby)


@asynccontextmanager
async def elsewhere(pair: Pair) -> AsyncIterator[CommandExecutor]:
    """Another process, which knows only the new primary."""
    async with PostgresEventStore(dsn_of(pair.standby)) as store:
        yield CommandExecutor(store)


@pytest.mark.parametrize("attributes", ["any", "read-write"])
def test_nothing_is_decided_on_states_that_were_lost(pair: Pair, attributes: str) -> None:
    async def scenario() -> None:
        async with PostgresEventStore(pair.both(attributes)) as store:
            executor = CommandExecutor(store)
            await executor.execute(moving("add", 10))
            await pair.caught_up(1)
            await executor.execute(moving("add", 20))
            assert (await executor.load(MINE)).state.balance == 30
            await pair.take_over()
            async with elsewhere(pair) as other:
                await other.execute(moving("add", 1))
                with pytest.raises(CommandRejected):
                    await executor.execute(moving("take", 25))
                await executor.execute(moving("take", 11))
                assert (await executor.load(MINE)).state.balance == 0
                await executor.save_snapshots()
                fresh = [CommandExecutor(other.store, snapshots=snapshots) for snapshots in (True, False)]
                assert len({(await each.load(MINE)).state for each in (executor, *fresh)}) == 1

    asyncio.run(scenario())


def test_nothing_is_refused_because_of_what_was_lost(pair: Pair) -> None:
    async def scenario() -> None:
        async with PostgresEventStore(pair.both()) as store:
            # Its first word to the new primary is the read that confirms: no snapshot is under way.
            executor = CommandExecutor(store, snapshots=False)
            await executor.execute(moving("add", 10))
            await pair.caught_up(1)
            await executor.execute(moving("take", 9))
            await pair.take_over()
            async with elsewhere(pair) as other:
                await other.execute(moving("add", 30))
                assert (await executor.execute(moving("take", 20))).attempts == 1
                assert (await executor.load(MINE)).state == (await other.load(MINE)).state

    asyncio.run(scenario())


def test_a_snapshot_of_what_was_lost_is_not_kept(pair: Pair) -> None:
    async def scenario() -> None:
        async with PostgresEventStore(pair.both()) as store:
            await CommandExecutor(store).execute(moving("add", 10))
            await pair.caught_up(1)
            await asyncio.to_thread(pair.primary.stop)
            saving = asyncio.create_task(store.save_snapshots([Snapshot(MINE, "kind", 1, b"lost")]))
            await asyncio.sleep(0.1)
            await pair.take_over()
            await saving
            assert await store.load_snapshots([(MINE, "kind")]) == []
            await store.save_snapshots([Snapshot(MINE, "kind", 1, b"there")])
            assert [snapshot.data for snapshot in await store.load_snapshots([(MINE, "kind")])] == [b"there"]

    asyncio.run(scenario())


def test_what_waits_for_the_new_primary_is_decided_again(pair: Pair) -> None:
    """Those who met each other on the way as well, and what rests on no version goes on."""

    async def scenario() -> None:
        async with PostgresEventStore(pair.both()) as store:
            executor = CommandExecutor(store)
            await executor.execute(moving("add", 10))
            await pair.caught_up(1)
            await executor.execute(moving("add", 20))
            await asyncio.to_thread(pair.primary.stop)
            taking = [asyncio.create_task(executor.execute(moving("take", 6))) for _ in range(5)]
            exact = asyncio.create_task(store.append([adding("by-hand", "exact", **{MINE: 2})]))
            blind = asyncio.create_task(store.append([adding("by-hand", "blind")]))
            await asyncio.sleep(0.2)
            await pair.take_over()
            told = await asyncio.gather(*taking, return_exceptions=True)
            assert sorted(type(each).__name__ for each in told) == [*["CommandRejected"] * 4, "CommandResult"]
            with pytest.raises(HistoryChanged, match="nothing was written"):
                await exact
            assert [type(verdict) for verdict in await blind] == [Committed]
            async with elsewhere(pair) as other:
                assert (await other.load(MINE)).state.balance == 4
                assert await labels(other.store, "by-hand") == ["blind"]

    asyncio.run(scenario())


def test_what_the_standby_had_got_before_its_reply_was_lost_is_found_there(pair: Pair) -> None:
    async def scenario() -> None:
        async with FaultProxy(dsn_of(pair.primary)) as proxy, PostgresEventStore(pair.both(first=urlsplit(proxy.dsn).port)) as store:
            executor = CommandExecutor(store)
            await executor.execute(moving("add", 10))
            proxy.arm(DeliverAndCut(marker=b"twenty"))
            proxy.refusing = True
            adding_twenty = asyncio.create_task(executor.execute(attrs.evolve(moving("add", 20), by="twenty")))
            await pair.caught_up(2)
            await pair.take_over()
            assert (await adding_twenty).events
            assert (await executor.load(MINE)).state.balance == 30

    asyncio.run(scenario())
