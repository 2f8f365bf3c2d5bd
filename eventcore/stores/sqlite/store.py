"""`SqliteEventStore`: the port, on one SQLite file."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from datetime import timedelta
from typing import Final, Self, TypeVar, final
from uuid import UUID

from eventcore.arguments import Arguments
from eventcore.errors import InvalidPosition, StoreClosed, StoreError
from eventcore.ids import Position, StreamPattern, StreamPrefix
from eventcore.store import (
    EVERYTHING,
    AppendRequest,
    EventFilter,
    InlineWork,
    Lease,
    Page,
    ReadResult,
    Snapshot,
    StoredEvent,
    StreamRead,
    Verdict,
    check_age,
    check_page,
    check_position,
    check_request,
)
from eventcore.stores.catalogue import StreamHead
from eventcore.stores.sqlite import catalogue, keep
from eventcore.stores.sqlite.calls import AppendCall, Job, ReadCall
from eventcore.stores.sqlite.database import Database, Synchronous, checked_path
from eventcore.stores.sqlite.faults import Faults
from eventcore.stores.sqlite.lane import Lane
from eventcore.stores.sqlite.log import read_page
from eventcore.stores.sqlite.news import Waiters
from eventcore.stores.sqlite.read_models import ReadModels, SqliteInlineSwitch, SqliteReadModelTransaction
from eventcore.stores.sqlite.reader import ReaderCall, SharedReader, SideReader
from eventcore.stores.sqlite.slices import newest_position
from eventcore.stores.sqlite.writer import Writer, WriterCall
from eventcore.subscriptions import Subscribing

T = TypeVar("T")

# Seconds between two looks for what other processes wrote, while somebody waits for it.
_LOOK_AGAIN: Final = 0.025
# What one transaction or one shared snapshot takes at most: requests and 4 KiB pieces of their data; streams.
_WRITE_WEIGHT: Final = 1024
_READ_WEIGHT: Final = 1024
_SIDE_THREADS: Final = 2
_LAST: Final = 2**63 - 1


@final
class SqliteEventStore(Subscribing):
    """Keep events in the SQLite file at *path*; many processes of one machine may use it at once.

    ``async with`` opens the store, creating or migrating the file where *migrate* allows it, and closes it again: appends under way are
    finished, later calls raise `StoreClosed`. *busy_timeout* is how many seconds a write waits for other processes before it raises
    `StoreBusy`. *synchronous* is SQLite's own setting: ``"FULL"`` keeps every acknowledged append through a power cut, ``"NORMAL"`` may
    lose the last ones then, but never a part of one.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        migrate: bool = True,
        busy_timeout: float = 30.0,
        synchronous: Synchronous = "FULL",
    ) -> None:
        given = Arguments("SqliteEventStore")
        given.instances(str | os.PathLike, path=path)
        given.flags(migrate=migrate)
        given.number(0, busy_timeout=busy_timeout)
        given.check(synchronous in ("OFF", "NORMAL", "FULL", "EXTRA"), "synchronous", synchronous, "OFF, NORMAL, FULL or EXTRA")
        self._migrate = migrate
        location = checked_path(path)
        self._database = Database(location, busy_timeout, synchronous, Faults(str(location), busy_timeout))
        self._waiters = Waiters()
        self._lanes: _Lanes | None = None
        self._opening = False

    async def __aenter__(self) -> Self:
        if self._lanes is not None:
            self._lanes.refuse_if_forked()
        if self._lanes is not None or self._opening:
            raise StoreError(f"{self._database.path} is open already through this store; make another SqliteEventStore, or share this one")
        lanes = _Lanes(self._database, self._waiters, migrate=self._migrate)
        self._opening = True
        try:
            await lanes.open()
        finally:
            self._opening = False
        self._lanes = lanes
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._lanes is not None and self._lanes.forked:
            return  # It is the parent's, whose threads are not here.
        lanes, self._lanes = self._lanes, None
        if lanes is not None:
            self._waiters.wake()
            await asyncio.shield(lanes.close())

    async def read(self, streams: Sequence[StreamRead], /, *, idempotency_key: str | None = None) -> ReadResult:
        call = ReadCall(streams, idempotency_key)
        self._opened.reader.submit(call)
        return await call.future

    async def append(self, requests: Sequence[AppendRequest], /) -> Sequence[Verdict]:
        for request in requests:
            check_request(request)
        call = AppendCall(requests)
        self._opened.writer.submit(call)
        return await call.future

    async def forget_idempotency_keys(self, *, older_than: timedelta) -> int:
        older_than = check_age(older_than)
        return await self._write(lambda connection: keep.forget_outcomes(connection, older_than))

    async def read_all(self, after: Position | None = None, /, *, limit: int = 1000, where: EventFilter = EVERYTHING) -> Page:
        limit = check_page(limit, where)
        _check_position(after)
        call = Job(lambda connection: read_page(connection, after, limit, where))
        self._opened.side.submit(call)
        return await call.future

    async def wait_for_news(self, after: Position | None, /, *, timeout: float) -> bool:
        _check_position(after)
        seen = 0 if after is None else after.key[0]
        deadline = asyncio.get_running_loop().time() + timeout
        with self._waiters.waiting() as woken:
            while True:
                # Forget old wake-ups before looking: one that comes while we look is kept.
                woken.clear()
                if (await self._read(newest_position) or 0) > seen:
                    return True
                remaining = deadline - asyncio.get_running_loop().time()
                if remaining <= 0:
                    return False
                with suppress(TimeoutError):
                    # Not `wait_for`, which before Python 3.12 passes over a cancellation that comes together with the news.
                    async with asyncio.timeout(min(remaining, _LOOK_AGAIN)):
                        await woken.wait()

    async def load_snapshots(self, wanted: Sequence[tuple[str, str]], /) -> Sequence[Snapshot]:
        return await self._read(lambda connection: keep.load_snapshots(connection, wanted))

    async def save_snapshots(self, snapshots: Sequence[Snapshot], /) -> None:
        await self._write(lambda connection: keep.save_snapshots(connection, snapshots))

    async def load_checkpoint(self, name: str, /) -> Position | None:
        return await self._read(lambda connection: keep.load_checkpoint(connection, name))

    async def save_checkpoint(self, name: str, position: Position, /) -> None:
        _check_position(position)
        await self._write(lambda connection: keep.save_checkpoint(connection, name, position))

    async def acquire_lease(self, name: str, /, *, owner: str, ttl: timedelta) -> Lease | None:
        return await self._write(lambda connection: keep.acquire_lease(connection, name, owner, ttl))

    async def release_lease(self, lease: Lease, /) -> None:
        await self._write(lambda connection: keep.release_lease(connection, lease))

    async def list_streams(
        self, after: str | None = None, /, *, limit: int = 1000, streams: Sequence[StreamPrefix | StreamPattern] | None = None
    ) -> Sequence[StreamHead]:
        return await self._look(lambda connection: catalogue.list_streams(connection, after, limit, streams))

    async def read_back(self, before: Position | None = None, /, *, limit: int = 1000, where: EventFilter = EVERYTHING) -> Page:
        limit = check_page(limit, where)
        _check_position(before)
        return await self._look(lambda connection: catalogue.read_back(connection, before, limit, where))

    async def find_event(self, event_id: UUID, /) -> StoredEvent | None:
        return await self._look(lambda connection: catalogue.find_event(connection, event_id))

    async def find_lease(self, name: str, /) -> Lease | None:
        return await self._look(lambda connection: catalogue.find_lease(connection, name))

    def transaction(
        self, *, under: Lease | None = None, read_only: bool = False
    ) -> AbstractAsyncContextManager[SqliteReadModelTransaction]:
        return self._opened.read_models.transaction(under, read_only=read_only)

    def attach(self, work: InlineWork | None, /) -> InlineWork | None:
        inline = self._opened.inline
        before, inline.work = inline.work, work
        return before

    def switch_inline(self) -> AbstractAsyncContextManager[SqliteInlineSwitch]:
        return self._opened.read_models.switch()

    @property
    def _opened(self) -> _Lanes:
        lanes = self._lanes
        if lanes is None:
            raise _closed(self._database)
        lanes.refuse_if_forked()
        return lanes

    async def _read(self, act: Callable[[sqlite3.Connection], T]) -> T:
        job = Job(act)
        self._opened.reader.submit(job)
        return await job.future

    async def _look(self, act: Callable[[sqlite3.Connection], T]) -> T:
        """Read what may take long, so that nobody else waits for it."""
        job = Job(act)
        self._opened.side.submit(job)
        return await job.future

    async def _write(self, act: Callable[[sqlite3.Connection], T]) -> T:
        job = Job(act, writes=True)
        self._opened.writer.submit(job)
        return await job.future


@final
class _Lanes:
    """The threads of an open store: one writes, one reads for all, some read what takes long."""

    def __init__(self, database: Database, waiters: Waiters, *, migrate: bool) -> None:
        def refuse() -> StoreClosed:
            return _closed(database)

        self._path = database.path
        self._process = os.getpid()
        self.read_models = ReadModels(database)
        sides = [SideReader(database) for _ in range(_SIDE_THREADS)]
        self.side: Lane[ReaderCall] = Lane("eventcore-side", sides, max_weight=1, refuse=refuse)
        self.reader: Lane[ReaderCall] = Lane(
            "eventcore-read", [SharedReader(database, self.side.submit)], max_weight=_READ_WEIGHT, refuse=refuse
        )
        writer = Writer(database, self.side.submit, waiters.wake, migrate=migrate)
        self.inline = writer.inline
        self.writer: Lane[WriterCall] = Lane("eventcore-write", [writer], max_weight=_WRITE_WEIGHT, refuse=refuse)

    @property
    def forked(self) -> bool:
        """Whether this is a copy in a forked process: without threads."""
        return self._process != os.getpid()

    def refuse_if_forked(self) -> None:
        if self.forked:
            raise StoreError(
                f"the store of {self._path} was opened before this process was forked, and its threads stayed behind; make a "
                "SqliteEventStore in each process, and open it there"
            )

    async def open(self) -> None:
        """Open the file, the writer first: it makes what the others read."""
        async with AsyncExitStack() as opened:
            for lane in (self.writer, self.side, self.reader):
                await lane.open()
                opened.push_async_callback(lane.close)
            opened.pop_all()

    async def close(self) -> None:
        """Finish what is under way. The side threads end last: the others may still pass something on to them."""
        await self.read_models.close()
        await self.writer.close()
        await self.reader.close()
        await self.side.close()


def _closed(database: Database) -> StoreClosed:
    return StoreClosed(f"the store of {database.path} is not open; use it inside `async with SqliteEventStore(...) as store:`")


def _check_position(position: Position | None) -> None:
    check_position(position)
    if position is not None and not (len(position.key) == 1 and 0 <= position.key[0] <= _LAST):
        raise InvalidPosition(str(position), "the positions of an SQLite store are single numbers of up to 63 bits")
