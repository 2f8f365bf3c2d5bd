"""Opening, closing, cancelling, pausing, and callers on several event loops."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from eventcore.errors import StoreClosed, StoreError
from eventcore.store import Committed, StreamRead
from eventcore.stores.sqlite import SqliteEventStore
from eventcore.stores.sqlite.calls import Job
from eventcore.testing.contract.making import add, append_one, labels_of, new_event, read_log, read_one, request


def our_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("eventcore-")]


def test_closing_leaves_no_thread_and_no_log(path: Path) -> None:
    """The last connection to close moves the log into the file; of two that close at the same moment neither would."""

    async def run() -> None:
        for life in range(25):
            async with SqliteEventStore(path) as store:
                await add(store, "a-1", life)
                await asyncio.gather(*(store.read_all() for _ in range(4)))
                assert our_threads()
            assert our_threads() == []
            assert [file.name for file in path.parent.iterdir()] == [path.name]

    asyncio.run(run())


def test_an_opening_that_fails_leaves_no_thread(path: Path) -> None:
    path.write_bytes(b"no database, but long enough to be looked at" * 100)

    async def run() -> None:
        with pytest.raises(StoreError):
            async with SqliteEventStore(path):
                pass

    asyncio.run(run())
    assert our_threads() == []


def test_a_store_is_opened_again_and_again(path: Path) -> None:
    async def run() -> None:
        store = SqliteEventStore(path)
        for life in range(3):
            async with store:
                assert isinstance(await append_one(store, request({"a-1": life}, new_event("a-1", life))), Committed)
            with pytest.raises(StoreClosed, match="not open"):
                await store.read([StreamRead("a-1")])
        async with store:
            assert labels_of((await read_one(store, "a-1")).events) == [0, 1, 2]
            with pytest.raises(StoreError, match="open already"):
                await store.__aenter__()

    asyncio.run(run())


def test_a_store_that_is_being_opened_is_not_opened_a_second_time(path: Path) -> None:
    async def run() -> None:
        store = SqliteEventStore(path)
        opened, refused = await asyncio.gather(store.__aenter__(), store.__aenter__(), return_exceptions=True)
        assert opened is store
        assert isinstance(refused, StoreError)
        await store.__aexit__(None, None, None)
        assert our_threads() == []

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await store.__aenter__()
        async with store:
            await add(store, "a-1", 1)

    asyncio.run(run())


def test_closing_finishes_what_is_under_way(path: Path) -> None:
    async def run() -> None:
        store = SqliteEventStore(path)
        async with store:
            tasks = [asyncio.create_task(append_one(store, request({f"s-{n}": 0}, new_event(f"s-{n}")))) for n in range(300)]
            reads = [asyncio.create_task(read_one(store, "s-1")) for _ in range(50)]
            await asyncio.sleep(0)
        assert all(isinstance(verdict, Committed) for verdict in await asyncio.gather(*tasks))
        await asyncio.gather(*reads)
        async with store:
            assert len(await read_log(store)) == 300

    asyncio.run(run())


async def occupy_writer(store: SqliteEventStore) -> threading.Event:
    """Keep the writing thread busy until the event is set."""
    began, go_on = threading.Event(), threading.Event()

    def occupy(_: object) -> None:
        began.set()
        go_on.wait(20)

    store._opened.writer.submit(Job(occupy))
    while not began.is_set():
        await asyncio.sleep(0.001)
    return go_on


@pytest.mark.parametrize("taken", [False, True], ids=["queued", "taken together with what is under way"])
def test_a_caller_cancelled_before_its_turn_writes_nothing(path: Path, taken: bool) -> None:
    async def run() -> None:
        async with SqliteEventStore(path) as store:
            go_on = await occupy_writer(store)
            # Where `taken`, the next batch begins with another such job, and waits for it with the appends in hand.
            next_batch = asyncio.create_task(occupy_writer(store)) if taken else None
            await asyncio.sleep(0)
            cancelled = asyncio.create_task(append_one(store, request({"a-1": 0}, new_event("a-1", "cancelled"))))
            kept = asyncio.create_task(append_one(store, request({"a-1": 0}, new_event("a-1", "kept"))))
            await asyncio.sleep(0.01)
            if next_batch is not None:
                go_on.set()
                go_on = await next_batch
            cancelled.cancel()
            with pytest.raises(asyncio.CancelledError):
                await cancelled
            go_on.set()
            assert isinstance(await kept, Committed)
            assert labels_of(await read_log(store)) == ["kept"]

    asyncio.run(run())


def test_an_append_in_flight_runs_on_without_its_caller(path: Path) -> None:
    async def run() -> None:
        async with SqliteEventStore(path) as store:
            await add(store, "a-1", 1)
            other = sqlite3.connect(path, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            task = asyncio.create_task(append_one(store, request({"a-1": 1}, new_event("a-1", "in flight"))))
            # The writing thread has taken it and waits for the lock.
            async with asyncio.timeout(20):
                while (turns := store._database.turns).take(0):
                    turns.give()
                    await asyncio.sleep(0.001)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            other.execute("ROLLBACK")
            other.close()
            assert isinstance(await append_one(store, request({"a-1": 2}, new_event("a-1", "after"))), Committed)
            assert labels_of(await read_log(store)) == [1, "in flight", "after"]

    asyncio.run(run())


def test_callers_on_several_event_loops(path: Path) -> None:
    async def run() -> None:
        async with SqliteEventStore(path) as store:

            def elsewhere(number: int) -> None:
                async def work() -> None:
                    for count in range(40):
                        assert (await read_one(store, f"s-{number}")).version == count
                        verdict = await append_one(
                            store, request({f"s-{number}": count, "all": None}, new_event(f"s-{number}"), new_event("all"))
                        )
                        assert isinstance(verdict, Committed)

                asyncio.run(work())

            await asyncio.gather(*(asyncio.to_thread(elsewhere, number) for number in range(4)))
            assert (await read_one(store, "all")).version == 160

    asyncio.run(run())


def test_a_caller_whose_loop_has_ended_harms_nobody(path: Path) -> None:
    async def run() -> None:
        async with SqliteEventStore(path) as store:
            go_on = await occupy_writer(store)

            def elsewhere() -> None:
                loop = asyncio.new_event_loop()

                async def ask() -> None:
                    store._opened.writer.submit(Job(lambda _: None))

                loop.run_until_complete(ask())
                loop.close()

            await asyncio.to_thread(elsewhere)
            go_on.set()
            await add(store, "a-1", 1)
            assert (await read_one(store, "a-1")).version == 1

    asyncio.run(run())


def test_a_reader_that_pauses_holds_nobody_up(path: Path) -> None:
    """A foreign reader sits on an old snapshot, and one of ours pauses between pages: writes go on, checkpoints do not wait."""

    async def run() -> None:
        async with SqliteEventStore(path) as store:
            await add(store, "a-1", *range(50))
            reader = sqlite3.connect(path, isolation_level=None)
            reader.execute("BEGIN")
            assert reader.execute("SELECT count(*) FROM events").fetchone() == (50,)
            page = await store.read_all(limit=10)
            # Less than a single wait for a lock would take.
            async with asyncio.timeout(25):
                for number in range(40):
                    # More than a checkpoint's worth of pages in all.
                    await add(store, "b-1", *("x" * 9000 for _ in range(50)))
                    assert (await read_one(store, "b-1", after=number * 50)).version == (number + 1) * 50
            assert reader.execute("SELECT count(*) FROM events").fetchone() == (50,)
            reader.close()
            assert labels_of((await store.read_all(page.position, limit=5)).events) == [10, 11, 12, 13, 14]

    asyncio.run(run())


def test_a_long_read_holds_up_no_other(path: Path) -> None:
    """While a stream of 100 000 events is read, short reads and appends are answered many times over."""

    async def run() -> None:
        async with SqliteEventStore(path) as store:
            await append_one(store, request({"long": 0}, *(new_event("long", n) for n in range(100_000))))
            await add(store, "short", 1)
            long = asyncio.create_task(read_one(store, "long"))
            answered = 0
            while not long.done():
                await read_one(store, "short")
                await add(store, "other", answered)
                answered += 1
            found = await long
            assert [event.version for event in found.events] == list(range(1, 100_001))
            assert answered > 10, f"only {answered} short reads and appends were answered meanwhile"

    asyncio.run(run())


@pytest.mark.parametrize("streams", [1, 1000, 40_000])
def test_no_hidden_limit_of_streams_in_one_request(path: Path, streams: int) -> None:
    """SQLite binds 32 766 variables at most; nobody should notice."""

    async def run() -> None:
        async with SqliteEventStore(path) as store:
            ids = [f"s-{number}" for number in range(streams)]
            (verdict,) = await store.append([request(dict.fromkeys(ids, 0), *(new_event(stream, stream) for stream in ids))])
            assert isinstance(verdict, Committed)
            slices = (await store.read([StreamRead(stream) for stream in ids])).slices
            assert [piece.stream_id for piece in slices] == ids
            assert all(piece.version == 1 and labels_of(piece.events) == [piece.stream_id] for piece in slices)

    asyncio.run(run())
