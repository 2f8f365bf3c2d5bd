"""One request that fails for a reason of its own, and what its neighbours see of it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from eventcore.errors import InvalidPosition, OutcomeUnknown, RequestRefused, StoreFull
from eventcore.ids import Position
from eventcore.store import AppendRequest, Committed, Conflict, NewEvent, Refused, Statement, StreamRead
from eventcore.stores.sqlite import SqliteEventStore
from eventcore.stores.sqlite.writer import Writer
from eventcore.testing.contract.making import add, append_one, labels_of, new_event, read_log, read_one, request


def forbid(path: Path, action: str) -> None:
    """Let a trigger of the user's forbid events of the type Forbidden."""
    connection = sqlite3.connect(path)
    connection.execute(f"CREATE TRIGGER users_own BEFORE INSERT ON events WHEN NEW.type = 'Forbidden' BEGIN SELECT RAISE({action}); END")
    connection.close()


@pytest.mark.parametrize("action", ["ABORT, 'not here'", "FAIL, 'not here'", "ROLLBACK, 'not here'"])
def test_one_bad_request_harms_no_neighbour(path: Path, action: str) -> None:
    async def run() -> None:
        async with SqliteEventStore(path) as store:
            forbid(path, action)
            requests = [
                request(
                    {f"s-{n}": 0, "all": None}, new_event(f"s-{n}", n), new_event("all", n, kind="Forbidden" if n in {3, 8} else "Happened")
                )
                for n in range(12)
            ]
            verdicts = await store.append(requests)
            for number, verdict in enumerate(verdicts):
                if number in {3, 8}:
                    assert isinstance(verdict, Refused)
                    assert isinstance(verdict.error, RequestRefused)
                    assert "not here" in str(verdict.error)
                    assert isinstance(verdict.error.__cause__, sqlite3.IntegrityError)
                else:
                    assert isinstance(verdict, Committed)
            found = await read_one(store, "all")
            assert labels_of(found.events) == [n for n in range(12) if n not in {3, 8}]
            assert (await read_one(store, "s-3")).version == 0
            assert [event.position.key[0] for event in await read_log(store)] == list(range(1, 21))

    asyncio.run(run())


def test_neighbours_of_other_calls_are_unharmed(path: Path) -> None:
    async def run() -> None:
        async with SqliteEventStore(path) as store:
            forbid(path, "ABORT, 'not here'")
            calls = [
                append_one(store, request({f"s-{n}": 0}, new_event(f"s-{n}", kind="Happened" if n % 5 else "Forbidden"))) for n in range(50)
            ]
            verdicts = await asyncio.gather(*calls)
            assert [isinstance(verdict, Refused) for verdict in verdicts] == [n % 5 == 0 for n in range(50)]
            assert sum(isinstance(verdict, Committed) for verdict in verdicts) == 40

    asyncio.run(run())


def test_foreign_error_is_no_conflict(path: Path) -> None:
    """A user's constraint that fails is reported as what it is, even with a message that speaks of versions."""

    async def run() -> None:
        async with SqliteEventStore(path) as store:
            forbid(path, "ABORT, 'UNIQUE constraint failed: events.stream, events.version'")
            verdict = await append_one(store, request({"a-1": 0}, new_event("a-1", kind="Forbidden")))
            assert isinstance(verdict, Refused)
            assert isinstance(await append_one(store, request({"a-1": 0}, new_event("a-1"))), Committed)

    asyncio.run(run())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda event: event._replace(data=b'{"name": "\xff"}'),
        lambda event: event._replace(metadata=b"\xc3"),
        lambda event: event._replace(type_version=2**70),
        lambda event: event._replace(type="lone \ud800 surrogate"),
    ],
    ids=["data", "metadata", "huge integer", "surrogate"],
)
def test_what_the_file_cannot_keep_is_refused(path: Path, spoil: Callable[[NewEvent], NewEvent]) -> None:
    async def run() -> None:
        async with SqliteEventStore(path) as store:
            good, bad, after = await store.append(
                [
                    request({"a-1": 0}, new_event("a-1", 1)),
                    request({"b-1": 0, "a-1": 1}, new_event("b-1", 2), spoil(new_event("a-1", 3))),
                    request({"b-1": 0, "a-1": 1}, new_event("b-1", 4)),
                ]
            )
            assert isinstance(good, Committed)
            assert isinstance(bad, Refused)
            assert isinstance(bad.error, RequestRefused)
            assert isinstance(after, Committed)
            assert [event.position.key for event in await read_log(store)] == [(1,), (2,)]

    asyncio.run(run())


def test_a_lost_request_takes_no_position(path: Path) -> None:
    """loser_takes_no_position, in the file: losers between winners leave no gap in positions, versions or streams."""

    async def run() -> None:
        async with SqliteEventStore(path) as store:
            verdicts = await store.append(
                [request({"a-1": n // 2, f"new-{n}": 0}, new_event("a-1", n), new_event(f"new-{n}", n)) for n in range(20)]
            )
            assert [type(verdict) for verdict in verdicts] == [Committed, Conflict] * 10
            assert [event.position.key[0] for event in await read_log(store)] == list(range(1, 21))

    asyncio.run(run())
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*), max(id) FROM streams").fetchone() == (11, 11)
    connection.close()


def test_news_are_those_of_the_moment_of_the_decision(path: Path) -> None:
    """A loser in the middle of a batch is told of what came before it, not of what its successors add; all its streams at one moment."""

    async def run() -> None:
        async with SqliteEventStore(path) as store:
            _, lost, _ = await store.append(
                [
                    request({"a-1": 0}, new_event("a-1", 1)),
                    request({"a-1": 0, "b-1": 0, "c-1": None}, new_event("b-1", 2)),
                    request({"a-1": 1, "b-1": 0}, new_event("a-1", 3), new_event("b-1", 3)),
                ]
            )
            assert isinstance(lost, Conflict)
            assert (lost.stream_id, lost.expected, lost.actual) == ("a-1", 0, 1)
            assert set(lost.news) == {"a-1", "b-1"}
            assert labels_of(lost.news["a-1"].events) == [1]
            assert (lost.news["a-1"].version, lost.news["b-1"].version, lost.news["b-1"].position) == (1, 0, None)

    asyncio.run(run())


def test_long_news_do_not_hold_up_the_writer(path: Path) -> None:
    async def run() -> None:
        async with SqliteEventStore(path) as store:
            await add(store, "long", *range(3000))
            lost, other = await asyncio.gather(
                append_one(store, request({"long": 10, "other": None}, new_event("long"))),
                append_one(store, request({"other": 0}, new_event("other"))),
            )
            assert isinstance(lost, Conflict)
            assert isinstance(other, Committed)
            assert labels_of(lost.news["long"].events) == list(range(10, 3000))

    asyncio.run(run())


def writer_of(store: SqliteEventStore) -> Writer:
    (servant,) = store._opened.writer._servants
    work = servant._work
    assert isinstance(work, Writer)
    return work


def limit_size(store: SqliteEventStore, pages: int) -> None:
    """Let the file grow by *pages* more and no further: what a full disk looks like from inside SQLite."""
    connection = writer_of(store).connection
    (count,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {count + pages}")


def test_a_full_disk_loses_nothing_and_the_store_goes_on(path: Path) -> None:
    async def run() -> None:
        async with SqliteEventStore(path) as store:
            await add(store, "a-1", 1)
            limit_size(store, 3)
            big = new_event("big", "x" * 100_000)
            with pytest.raises(StoreFull, match="full"):
                await store.append([AppendRequest(request({"a-1": None, "big": 0}).expected, (new_event("a-1"), big))])
            # Side by side in one batch: the one that fits is not harmed by the one that does not.
            verdicts = await store.append([request({"big": 0}, big), request({"a-1": 1}, new_event("a-1", 2))])
            assert isinstance(verdicts[0], Refused)
            assert isinstance(verdicts[0].error, StoreFull)
            assert isinstance(verdicts[1], Committed)
            slices = (await store.read([StreamRead("a-1"), StreamRead("big")])).slices
            assert [piece.version for piece in slices] == [2, 0]
            limit_size(store, 1000)
            assert isinstance(await append_one(store, request({"big": 0}, big)), Committed)

    asyncio.run(run())
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


class FailsTo:
    """A connection of which each *statement* fails with the next of *codes*, as long as there is one."""

    def __init__(self, statement: str, connection: sqlite3.Connection, *codes: int) -> None:
        self._statement = statement
        self._connection = connection
        self._codes = list(codes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if sql == self._statement and self._codes:
            error = sqlite3.OperationalError("arranged")
            error.sqlite_errorcode = self._codes.pop(0)
            raise error
        return self._connection.execute(sql, parameters)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (sqlite3.SQLITE_IOERR_FSYNC, OutcomeUnknown),
        (sqlite3.SQLITE_IOERR_SHMSIZE, OutcomeUnknown),
        (sqlite3.SQLITE_IOERR_SHMMAP, OutcomeUnknown),
        (sqlite3.SQLITE_IOERR_WRITE, StoreFull),
        (sqlite3.SQLITE_FULL, StoreFull),
    ],
)
def test_nothing_is_called_unwritten_that_may_come_back(path: Path, code: int, told: type[Exception]) -> None:
    """SQLite writes all of the log before it notes that in the index of the log: where there is no room for the note, a crash commits the append."""

    async def run() -> None:
        async with SqliteEventStore(path) as store:
            await add(store, "a-1", 1)
            transactions = writer_of(store).transactions
            connection = transactions.connection
            transactions.connection = cast("sqlite3.Connection", FailsTo("COMMIT", connection, code))
            with pytest.raises(told):
                await add(store, "a-1", 2)
            transactions.connection = connection
            assert labels_of(await add(store, "a-1", 3)) == [3]

    asyncio.run(run())


def test_who_is_in_the_way_again_and_again_is_waited_for(path: Path) -> None:
    """After a hundred tries to begin a snapshot SQLite speaks of its locking protocol. No request is to blame for that."""

    async def run() -> None:
        async with SqliteEventStore(path) as store:
            await add(store, "a-1", 1)
            transactions = writer_of(store).transactions
            failing = FailsTo("BEGIN IMMEDIATE", transactions.connection, *[sqlite3.SQLITE_PROTOCOL] * 3)
            transactions.connection = cast("sqlite3.Connection", failing)
            assert labels_of(await add(store, "a-1", 2)) == [2]

    asyncio.run(run())


def test_a_call_that_may_be_written_in_part_is_not_called_unwritten(path: Path) -> None:
    """For both requests there is no room, nor for the first alone; the second may come back."""

    async def run() -> None:
        async with SqliteEventStore(path) as store:
            transactions = writer_of(store).transactions
            codes = sqlite3.SQLITE_FULL, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE
            transactions.connection = cast("sqlite3.Connection", FailsTo("COMMIT", transactions.connection, *codes))
            verdicts = await store.append([request({f"{name}-1": 0}, new_event(f"{name}-1")) for name in "ab"])
            assert [type(verdict.error) for verdict in verdicts if isinstance(verdict, Refused)] == [StoreFull, OutcomeUnknown]

    asyncio.run(run())


def test_a_full_disk_is_no_fault_of_a_statement_on_a_read_model(path: Path) -> None:
    async def run() -> None:
        async with SqliteEventStore(path) as store:
            async with store.transaction() as transaction:
                await transaction.execute([Statement("CREATE TABLE large (text TEXT)")])
                [row] = await transaction.fetch(Statement("PRAGMA page_count"))
                await transaction.fetch(Statement(f"PRAGMA max_page_count = {row['page_count'] + 3}"))
            with pytest.raises(StoreFull, match="room"):
                async with store.transaction() as transaction:
                    await transaction.execute([Statement("INSERT INTO large VALUES ($1)", ("x" * 100_000,))])

    asyncio.run(run())


@pytest.mark.parametrize("key", [(1, 1), (2**63,), (-1,)])
def test_a_position_that_cannot_be_is_refused(path: Path, key: tuple[int, ...]) -> None:
    position = Position(key)

    async def run() -> None:
        async with SqliteEventStore(path) as store:
            await add(store, "a-1", 1)
            for call in (
                store.read_all(position),
                store.read_back(position),
                store.wait_for_news(position, timeout=0),
                store.save_checkpoint("reader", position),
            ):
                with pytest.raises(InvalidPosition, match="single numbers"):
                    await call

    asyncio.run(run())
