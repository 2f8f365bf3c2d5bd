"""Several processes on one file."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from contextlib import closing
from pathlib import Path

import pytest

from eventcore.errors import StoreBusy
from eventcore.ids import Position
from eventcore.store import Committed, StoredEvent, StreamRead
from eventcore.stores.sqlite import SqliteEventStore, database, transaction, writer
from eventcore.testing.contract.making import add, append_one, new_event, read_log, request
from tests.soak import times

from .conftest import Start, finish, hear, tell


def everything(path: Path) -> list[StoredEvent]:
    async def read() -> list[StoredEvent]:
        async with SqliteEventStore(path) as store:
            return await read_log(store)

    return asyncio.run(read())


def account_for(path: Path, acknowledged: set[str]) -> set[str]:
    """Check that the file is whole and that every command in it is; return the names of the commands in it."""
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    versions: dict[str, list[int]] = defaultdict(list)
    written: dict[str, list[StoredEvent]] = defaultdict(list)
    for event in everything(path):
        versions[event.stream_id].append(event.version)
        written[json.loads(event.data)["command"]].append(event)
    for stream_id, found in versions.items():
        assert found == list(range(1, len(found) + 1)), f"versions of {stream_id} are not contiguous"
    for command, events in written.items():
        assert len(events) == 2, f"{command} was written {len(events)} events wide"
        assert len({event.stream_id for event in events}) == 2
        assert events[1].position.key[0] == events[0].position.key[0] + 1
    lost = acknowledged - written.keys()
    assert not lost, f"{len(lost)} acknowledged commands are lost: {sorted(lost)[:5]}"
    return set(written)


def lines(*files: Path) -> list[str]:
    return [line for file in files if file.exists() for line in file.read_text().splitlines()]


def test_busy_is_not_failure(path: Path, start: Start) -> None:
    processes = [start("append", path, name, 250) for name in ("one", "two", "three")]
    for process in processes:
        finish(process)

    acknowledged = lines(*(path.with_name(f"events.db.{name}.acknowledged") for name in ("one", "two", "three")))
    assert Counter(acknowledged).most_common(1)[0][1] == 1
    assert len(acknowledged) == 750
    assert account_for(path, set(acknowledged)) == set(acknowledged)


def test_processes_that_share_a_file_get_their_turn(path: Path, start: Start) -> None:
    """Waiting is fair: of three equal processes that start together none has finished before the others have done a good part."""
    names = ("one", "two", "three")
    processes = [start("race", path, name, 400) for name in names]
    for process in processes:
        hear(process, "ready")
    for process in processes:
        tell(process)
    finish(min(processes, key=lambda process: process.wait(timeout=60)))
    done = [len(lines(path.with_name(f"events.db.{name}.acknowledged"))) for name in names]
    for process in processes:
        finish(process)
    assert min(done) > 40, done


@pytest.mark.slow
def test_partial_write_is_impossible(path: Path, tmp_path: Path, start: Start) -> None:
    """A process is killed at 100 random moments while two others write: every acknowledged command is there once, none is there in part."""
    finish(start("kill", path, tmp_path, times(100), 20250101), timeout=times(100))

    acknowledged = lines(*tmp_path.glob("victim-*"), *tmp_path.glob("survivor-*"))
    assert Counter(acknowledged).most_common(1)[0][1] == 1
    victims = [file for file in tmp_path.glob("victim-*") if file.stat().st_size]
    assert len(victims) >= 75, "hardly any victim lived long enough to commit: the test shows nothing"
    written = account_for(path, set(acknowledged))
    assert written - set(acknowledged), "no kill fell between a commit and its acknowledgement: the test shows little"


def test_racing_creation(path: Path, start: Start) -> None:
    """Processes that create the same file at the same moment all get a store, and one schema is made."""
    for attempt in range(3):
        file = path.with_name(f"race-{attempt}.db")
        processes = [start("create", file, f"stream-{number}") for number in range(5)]
        for process in processes:
            tell(process)
        for process in processes:
            finish(process)
        assert {event.stream_id for event in everything(file)} == {f"stream-{number}" for number in range(5)}


def test_who_waited_for_the_making_of_a_file_finds_it_made(path: Path) -> None:
    """All of them saw an empty file, and wait for the lock to make a store of it: the first does, the others look again."""
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("PRAGMA journal_mode = WAL")
    blocker.execute("BEGIN IMMEDIATE")

    async def run() -> None:
        stores = [SqliteEventStore(path) for _ in range(4)]
        opening = [asyncio.create_task(store.__aenter__()) for store in stores]
        await asyncio.sleep(0.3)
        assert not any(task.done() for task in opening)
        blocker.execute("ROLLBACK")
        blocker.close()
        for store in await asyncio.gather(*opening):
            await add(store, "a-1", None)
            await store.__aexit__(None, None, None)

    asyncio.run(run())
    assert len(everything(path)) == 4


def test_opening_while_another_process_writes(path: Path, start: Start) -> None:
    writer = start("append", path, "writer", 600)
    while not path.with_name("events.db.writer.acknowledged").exists():
        assert writer.poll() is None

    async def open_and_append(number: int) -> None:
        async with SqliteEventStore(path) as store:
            assert isinstance(await append_one(store, request({f"mine-{number}": 0}, new_event(f"mine-{number}"))), Committed)

    for number in range(10):
        asyncio.run(open_and_append(number))
    finish(writer)


def test_a_file_locked_for_too_long_is_busy(path: Path, start: Start) -> None:
    """The write is refused in our words, nothing of it is there, reads go on meanwhile, and the store goes on afterwards."""

    async def run() -> None:
        async with SqliteEventStore(path, busy_timeout=0.3) as store:
            await add(store, "a-1", 1)
            locker = start("lock", path)
            hear(locker, "locked")
            with pytest.raises(StoreBusy, match=r"more than 0\.3 s"):
                await store.append([request({"a-1": 1}, new_event("a-1", 2))])
            (piece,) = (await store.read([StreamRead("a-1")])).slices
            assert piece.version == 1
            assert await append_one(store, request({"a-1": 1})) == Committed((), 1)
            tell(locker)
            finish(locker)
            assert isinstance(await append_one(store, request({"a-1": 1}, new_event("a-1", 3))), Committed)

    asyncio.run(run())


def test_a_store_can_be_opened_while_the_file_is_locked(path: Path, start: Start) -> None:
    async def run() -> None:
        async with SqliteEventStore(path) as store:
            await add(store, "a-1", 1)
        locker = start("lock", path)
        hear(locker, "locked")
        async with SqliteEventStore(path) as store:
            assert len(await read_log(store)) == 1
            waiting = asyncio.create_task(add(store, "a-1", 2))
            await asyncio.sleep(0.1)
            assert not waiting.done()
            tell(locker)
            await waiting

    asyncio.run(run())


def test_news_of_another_process_wakes_a_reader(path: Path, start: Start) -> None:
    async def run() -> None:
        async with SqliteEventStore(path) as store:
            writer = start("append", path, "other", 1)
            assert await store.wait_for_news(None, timeout=30)
            finish(writer)
            assert not await store.wait_for_news(Position((2,)), timeout=0.1)

    asyncio.run(run())


def test_a_log_that_is_always_read_does_not_grow_without_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two readers one is always in the middle of a snapshot: SQLite by itself would begin the log anew when neither is."""
    monkeypatch.setattr(writer, "_LONG_LOG", 400_000)
    monkeypatch.setattr(writer, "_LOOK_AGAIN", 0.0)
    monkeypatch.setattr(database, "_CHECKPOINT_PAGES", 20)
    done = threading.Event()

    def read() -> None:
        readers = [sqlite3.connect(path, isolation_level=None, check_same_thread=False) for _ in range(2)]
        with closing(readers[0]), closing(readers[1]):
            while not done.is_set():
                for reader, other in (readers, readers[::-1]):
                    reader.execute("BEGIN")
                    reader.execute("SELECT count(*) FROM events").fetchone()
                    if other.in_transaction:
                        other.execute("COMMIT")
                    done.wait(0.002)

    async def run() -> int:
        longest = 0
        async with SqliteEventStore(path, synchronous="OFF") as store:
            reading = asyncio.create_task(asyncio.to_thread(read))
            for number in range(1000):
                await add(store, "a-1", f"{number}{'x' * 2000}")
                longest = max(longest, path.with_name(f"{path.name}-wal").stat().st_size)
            done.set()
            await reading
            assert [event.version for event in await read_log(store)] == list(range(1, 1001))
        return longest

    assert asyncio.run(run()) < 4_000_000


def test_who_reads_for_long_holds_no_writer_up_again_and_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that cannot begin anew is left alone until it is twice as long."""
    monkeypatch.setattr(writer, "_LONG_LOG", 100_000)
    monkeypatch.setattr(writer, "_LOOK_AGAIN", 0.0)
    monkeypatch.setattr(transaction, "_PATIENCE", 200)

    async def run() -> None:
        async with SqliteEventStore(path, synchronous="OFF") as store:
            await add(store, "a-1", "first")
            with closing(sqlite3.connect(path, isolation_level=None)) as reader:
                reader.execute("BEGIN")
                assert reader.execute("SELECT count(*) FROM events").fetchone() == (1,)
                begun = time.monotonic()
                for number in range(100):
                    await add(store, "a-1", f"{number}{'x' * 2000}")
                assert time.monotonic() - begun < 10
                assert reader.execute("SELECT count(*) FROM events").fetchone() == (1,)
            await add(store, "a-1", "last")
            assert path.with_name(f"{path.name}-wal").stat().st_size > 100_000

    asyncio.run(run())


def test_a_quota_loses_nothing_and_the_store_goes_on(path: Path, start: Start) -> None:
    finish(start("fill_up", path))

    assert [event.version for event in everything(path)] == [1, 2]
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


FORKING = """
import asyncio, os, sys
from eventcore import SqliteEventStore, StoreError
from eventcore.store import StreamRead
from eventcore.testing.contract.making import add, read_log

async def in_the_child(inherited):
    for call in (add(inherited, "a-1", "child"), inherited.read([StreamRead("a-1")]), inherited.read_all(), inherited.__aenter__()):
        try:
            async with asyncio.timeout(10):
                await call
        except StoreError as error:
            assert "forked" in str(error), error
        else:
            raise AssertionError(call)
    await inherited.__aexit__(None, None, None)
    async with SqliteEventStore(sys.argv[1]) as own:
        await add(own, "a-1", "own")

async def main():
    async with SqliteEventStore(sys.argv[1]) as store:
        await add(store, "a-1", "parent")
        if (child := os.fork()) == 0:
            asyncio._set_running_loop(None)
            status = 1
            try:
                asyncio.run(in_the_child(store))
                status = 0
            finally:
                os._exit(status)
        _, status = await asyncio.to_thread(os.waitpid, child, 0)
        assert status == 0, status
        await add(store, "a-1", "again")
        assert len(await read_log(store)) == 3

asyncio.run(main())
"""


def test_a_store_that_was_open_before_a_fork_says_so(path: Path) -> None:
    """Its threads are not in the child: a call would wait for them for ever."""
    done = subprocess.run([sys.executable, "-c", FORKING, str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
