"""What the memory store does beyond the contract: threads, clocks, and the ways in which it refuses."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from eventcore.errors import InvalidArgument, InvalidPosition, RequestRefused, StoreClosed
from eventcore.ids import Position, StreamId, new_event_id
from eventcore.store import (
    ANY,
    NO_STREAM,
    AppendRequest,
    Committed,
    ExpectedVersion,
    IdempotencyKey,
    NewEvent,
    Refused,
    StreamRead,
    Verdict,
)
from eventcore.stores.memory import InMemoryEventStore


def event(stream_id: str, kind: str = "Happened") -> NewEvent:
    return NewEvent(stream_id, new_event_id(), kind, 1, b"{}")


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def test_it_is_usable_without_being_opened() -> None:
    async def use() -> Verdict:
        store = InMemoryEventStore()
        (verdict,) = await store.append([AppendRequest({"a-1": NO_STREAM}, [event("a-1")])])
        return verdict

    assert isinstance(asyncio.run(use()), Committed)


def test_once_closed_it_is_not_opened_again() -> None:
    async def use() -> None:
        store = InMemoryEventStore()
        async with store:
            pass
        with pytest.raises(StoreClosed, match="make a new one"):
            await store.__aenter__()

    asyncio.run(use())


def test_its_clock_tells_the_time_of_events_keys_and_leases() -> None:
    clock = Clock()

    async def use() -> None:
        store = InMemoryEventStore(clock=clock)
        (verdict,) = await store.append([AppendRequest({"a-1": NO_STREAM}, [event("a-1")], IdempotencyKey("k", b""))])
        assert isinstance(verdict, Committed)
        assert verdict.events[0].recorded_at == clock.now
        lease = await store.acquire_lease("daily", owner="one", ttl=timedelta(hours=1))
        assert lease is not None
        assert lease.expires_at == clock.now + timedelta(hours=1)

        clock.now += timedelta(minutes=59)
        assert await store.acquire_lease("daily", owner="two", ttl=timedelta(hours=1)) is None
        assert await store.forget_idempotency_keys(older_than=timedelta(hours=1)) == 0

        clock.now += timedelta(minutes=2)
        assert await store.acquire_lease("daily", owner="two", ttl=timedelta(hours=1)) is not None
        assert await store.forget_idempotency_keys(older_than=timedelta(hours=1)) == 1

    asyncio.run(use())


def test_threads_with_loops_of_their_own_share_it() -> None:
    store = InMemoryEventStore()
    threads, rounds = 4, 200

    def work() -> int:
        async def run() -> int:
            won = 0
            for version in range(rounds):
                (verdict,) = await store.append([AppendRequest({"race-1": ExpectedVersion.exact(version)}, [event("race-1")])])
                won += isinstance(verdict, Committed)
                assert await store.wait_for_news(Position((version,)), timeout=20)
            return won

        return asyncio.run(run())

    async def race() -> list[int]:
        return await asyncio.gather(*(asyncio.to_thread(work) for _ in range(threads)))

    assert sum(asyncio.run(race())) == rounds


def test_no_thread_appends_in_the_middle_of_a_switch() -> None:
    """An append that is about to take the lock when a switch begins waits for its end, like one that comes later."""
    store = InMemoryEventStore()
    lock, arrived, switching = store._lock, threading.Event(), threading.Event()

    class Late:
        """The lock of the store, which the appending thread takes once the switch has begun."""

        def __enter__(self) -> None:
            if threading.current_thread() is appending:
                arrived.set()
                assert switching.wait(20)
            lock.acquire()

        def __exit__(self, *exc_info: object) -> None:
            lock.release()

    async def switch() -> Position | None:
        assert arrived.wait(20)
        async with store.switch_inline() as switched:
            switching.set()
            await asyncio.sleep(0.1)
            assert (await store.read_all()).events == ()
            return await switched.newest()

    appending = threading.Thread(target=lambda: asyncio.run(append(store, event("a-1"))))
    store._lock = cast("threading._RLock", Late())
    appending.start()
    assert asyncio.run(switch()) is None
    appending.join(20)
    assert len(asyncio.run(store.read_all()).events) == 1


def test_news_reaches_waiters_in_other_threads() -> None:
    store = InMemoryEventStore()

    def wait() -> bool:
        return asyncio.run(store.wait_for_news(None, timeout=20))

    async def use() -> list[bool]:
        waiting = [asyncio.create_task(asyncio.to_thread(wait)) for _ in range(3)]
        await asyncio.sleep(0.05)
        await store.append([AppendRequest({"a-1": NO_STREAM}, [event("a-1")])])
        return await asyncio.gather(*waiting)

    assert asyncio.run(use()) == [True, True, True]


def test_a_waiter_whose_loop_is_gone_stops_nobody() -> None:
    store = InMemoryEventStore()
    loop = asyncio.new_event_loop()
    abandoned = loop.create_task(store.wait_for_news(None, timeout=60))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()

    (verdict,) = asyncio.run(append(store, event("a-1")))
    assert isinstance(verdict, Committed)
    abandoned.get_coro().close()  # its loop cannot end it any more
    abandoned._log_destroy_pending = False  # type: ignore[attr-defined]


async def append(store: InMemoryEventStore, *events: NewEvent) -> list[Verdict]:
    return [*await store.append([AppendRequest(dict.fromkeys((each.stream_id for each in events), ANY), events)])]


def test_it_keeps_plain_text_of_the_ids_it_is_given() -> None:
    async def use() -> None:
        store = InMemoryEventStore()
        await append(store, event(StreamId[object]("a-1")))
        (found,) = (await store.read([StreamRead(StreamId[object]("a-1"))])).slices
        assert (type(found.stream_id), type(found.events[0].stream_id)) == (str, str)

    asyncio.run(use())


@pytest.mark.parametrize(
    "bad",
    [
        NewEvent("a-1", new_event_id(), "Happened", 1, bytearray(b"{}")),  # type: ignore[arg-type]
        NewEvent("a-1", new_event_id(), "Happened", 1, "{}"),  # type: ignore[arg-type]
        NewEvent("a-1", new_event_id(), "Happened", 1, b"{}", None),  # type: ignore[arg-type]
        NewEvent("a-1", new_event_id(), "\udfff", 1, b"{}"),
        NewEvent("a-\ud800", new_event_id(), "Happened", 1, b"{}"),
    ],
    ids=["bytearray", "text", "no metadata", "type with a surrogate", "stream id with a surrogate"],
)
def test_it_refuses_what_no_store_can_keep(bad: NewEvent) -> None:
    async def use() -> None:
        store = InMemoryEventStore()
        (verdict,) = await append(store, event("b-1"), bad)
        assert isinstance(verdict, Refused)
        assert isinstance(verdict.error, RequestRefused)
        assert (await store.read_all()).events == ()

    asyncio.run(use())


@pytest.mark.parametrize("position", [Position((1, 2)), Position((-1,)), Position(())])
def test_it_refuses_positions_of_other_stores(position: Position) -> None:
    store = InMemoryEventStore()

    with pytest.raises(InvalidPosition, match="use a position that this store returned"):
        asyncio.run(store.read_all(position))
    with pytest.raises(InvalidPosition):
        asyncio.run(store.wait_for_news(position, timeout=1))


def test_it_refuses_senseless_numbers() -> None:
    store = InMemoryEventStore()

    with pytest.raises(InvalidArgument, match="limit=0"):
        asyncio.run(store.read_all(limit=0))
    with pytest.raises(InvalidArgument, match="'a-1' cannot be read after version -1"):
        asyncio.run(store.read([StreamRead("a-1", -1)]))
    with pytest.raises(InvalidArgument, match="ttl"):
        asyncio.run(store.acquire_lease("daily", owner="one", ttl=timedelta(0)))
