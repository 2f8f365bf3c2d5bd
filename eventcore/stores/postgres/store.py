"""`PostgresEventStore`: the port, on one schema of a PostgreSQL database."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import timedelta
from typing import Final, Self, TypeVar, final
from uuid import UUID

from eventcore.arguments import Arguments
from eventcore.errors import StoreClosed, StoreError
from eventcore.ids import Position, StreamPattern, StreamPrefix
from eventcore.store import (
    EVERYTHING,
    AppendRequest,
    EventFilter,
    History,
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
    check_request,
)
from eventcore.stores.catalogue import StreamHead
from eventcore.stores.postgres.catalogue import Catalogue
from eventcore.stores.postgres.connections import LAST_ANSWERS, Connection, DsnSource, Session, Sessions, Source, close_all, source_of
from eventcore.stores.postgres.faults import Faults
from eventcore.stores.postgres.inline import Inline, PostgresInlineSwitch
from eventcore.stores.postgres.keep import Keep
from eventcore.stores.postgres.lane import Lane
from eventcore.stores.postgres.log import LogReader
from eventcore.stores.postgres.migrations import Migrations
from eventcore.stores.postgres.news import Listener, Teller, Waiters
from eventcore.stores.postgres.read_models import PostgresReadModelTransaction, ReadModels
from eventcore.stores.postgres.reader import ReadCall, Reader
from eventcore.stores.postgres.rows import place_of
from eventcore.stores.postgres.settings import Pool, Settings
from eventcore.stores.postgres.statements import Schema
from eventcore.stores.postgres.timelines import Timelines
from eventcore.stores.postgres.writer import AppendCall, Writer
from eventcore.subscriptions import Subscribing

T = TypeVar("T")

# Requests, and streams, that are taken from a queue at once.
_WRITE_WEIGHT: Final = 1024
_READ_WEIGHT: Final = 1024
# What a share of a lane's queue weighs at least: each statement has a price of its own, whatever is in it.
_WRITE_WORTH: Final = 8
_READ_WORTH: Final = 48
# Seconds between two looks for news: where NOTIFY wakes us, where it cannot, and while an older transaction holds the newest events back.
_SLOW_LOOK: Final = 2.0
_LOOK: Final = 0.1
_HELD_LOOK: Final = 0.002
_LONGEST_HELD_LOOK: Final = 0.1
# Seconds that a server is waited for when the store is opened.
_PATIENCE_AT_START: Final = 3.0


@final
class PostgresEventStore(Subscribing):
    """Keep events in one schema of a PostgreSQL database; any number of processes may use it at once.

    *source* is a DSN (``postgresql://user@host/database``, several hosts and ``sslmode`` included), an `asyncpg.Pool` of yours, or None
    for the environment of libpq (``PGHOST`` and its kin). ``async with`` opens the store, creating or migrating the schema where *migrate*
    allows it, and closes it again: appends under way are finished, other calls have two seconds, later ones raise `StoreClosed`. A store
    belongs to the event loop that opened it.

    *pool_size* is how many connections it keeps at most (two of them to append); one more listens for events of other processes. Of a pool
    that is smaller it keeps no more than there are. Times are in seconds: *lock_timeout* is how long an append waits for others before
    `StoreBusy`, *statement_timeout* is the server's own (None: as the server has it), *reply_timeout* how long an answer may take before the
    connection counts as lost, and *patience* how long a lost server is waited for before `StoreUnavailable`, or `OutcomeUnknown` where an
    append was on its way.

    Behind a pooler that hands out connections per transaction (pgbouncer), set ``statement_cache_size=0``, and *listen_dsn* to a direct
    connection where news of other processes should come at once; without it they are looked for every tenth of a second.
    """

    def __init__(
        self,
        source: str | Pool | None = None,
        /,
        *,
        schema: str = "eventcore",
        migrate: bool = True,
        pool_size: int = 8,
        lock_timeout: float = 30.0,
        statement_timeout: float | None = None,
        reply_timeout: float = 60.0,
        patience: float = 30.0,
        statement_cache_size: int = 100,
        listen_dsn: str | None = None,
    ) -> None:
        Arguments("PostgresEventStore").instances(str, schema=schema)
        self._settings = Settings(
            source=source,
            schema=Schema(schema),
            migrate=migrate,
            pool_size=pool_size,
            lock_timeout=lock_timeout,
            statement_timeout=statement_timeout,
            reply_timeout=reply_timeout,
            patience=patience,
            statement_cache_size=statement_cache_size,
            listen_dsn=listen_dsn,
        )
        self.history: Final = History()
        self._timelines = Timelines(self.history, self._settings.described)
        self._open: _OpenStore | None = None
        self._opening = False

    def __repr__(self) -> str:
        return f"<PostgresEventStore schema={self._settings.schema.name!r} {'open' if self._open else 'closed'}>"

    async def __aenter__(self) -> Self:
        if self._open is not None or self._opening:
            raise StoreError(
                f"{self._settings.described} is open already through this store; make another PostgresEventStore, or share this one"
            )
        self._opening = True
        try:
            self._open = await _OpenStore.of(self._settings, self._timelines)
        finally:
            self._opening = False
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._open is None:
            return
        if self._open.process != os.getpid() or self._open.loop.is_closed():
            # A parent's connections are its own: a word to the server would end them there. What a loop left behind when it ended is no more.
            self._open = None
            return
        opened, self._open = self._opened, None
        await asyncio.shield(opened.close())

    async def read(self, streams: Sequence[StreamRead], /, *, idempotency_key: str | None = None) -> ReadResult:
        return await self._opened.read(ReadCall(streams, idempotency_key))

    async def append(self, requests: Sequence[AppendRequest], /) -> Sequence[Verdict]:
        for request in requests:
            check_request(request)
        return await self._opened.append(AppendCall(requests, self.history.now))

    async def forget_idempotency_keys(self, *, older_than: timedelta) -> int:
        older_than = check_age(older_than)
        opened = self._opened
        return await opened.run(lambda connection: opened.keep.forget_outcomes(connection, older_than))

    async def read_all(self, after: Position | None = None, /, *, limit: int = 1000, where: EventFilter = EVERYTHING) -> Page:
        limit = check_page(limit, where)
        opened = self._opened
        place_of(after)
        return await opened.run(lambda connection: opened.log.read(connection, after, limit, where))

    async def wait_for_news(self, after: Position | None, /, *, timeout: float) -> bool:
        return await self._opened.wait_for_news(place_of(after), timeout)

    async def load_snapshots(self, wanted: Sequence[tuple[str, str]], /) -> Sequence[Snapshot]:
        opened = self._opened
        return await opened.run(lambda connection: opened.keep.load_snapshots(connection, wanted))

    async def save_snapshots(self, snapshots: Sequence[Snapshot], /) -> None:
        opened, of = self._opened, self.history.now

        async def save(connection: Connection) -> None:
            if self.history.now is of:  # or their events may be no more
                await opened.keep.save_snapshots(connection, snapshots)

        await opened.run(save)

    async def load_checkpoint(self, name: str, /) -> Position | None:
        opened = self._opened
        return await opened.run(lambda connection: opened.keep.load_checkpoint(connection, name))

    async def save_checkpoint(self, name: str, position: Position, /) -> None:
        opened = self._opened
        place_of(position)
        await opened.run(lambda connection: opened.keep.save_checkpoint(connection, name, position))

    async def acquire_lease(self, name: str, /, *, owner: str, ttl: timedelta) -> Lease | None:
        opened = self._opened
        return await opened.run(lambda connection: opened.keep.acquire_lease(connection, name, owner, ttl))

    async def release_lease(self, lease: Lease, /) -> None:
        opened = self._opened
        await opened.run(lambda connection: opened.keep.release_lease(connection, lease))

    async def list_streams(
        self, after: str | None = None, /, *, limit: int = 1000, streams: Sequence[StreamPrefix | StreamPattern] | None = None
    ) -> Sequence[StreamHead]:
        opened = self._opened
        return await opened.run(lambda connection: opened.catalogue.list_streams(connection, after, limit, streams))

    async def read_back(self, before: Position | None = None, /, *, limit: int = 1000, where: EventFilter = EVERYTHING) -> Page:
        limit = check_page(limit, where)
        opened = self._opened
        place_of(before)
        return await opened.run(lambda connection: opened.catalogue.read_back(connection, before, limit, where))

    async def find_event(self, event_id: UUID, /) -> StoredEvent | None:
        opened = self._opened
        return await opened.run(lambda connection: opened.catalogue.find_event(connection, event_id))

    async def find_lease(self, name: str, /) -> Lease | None:
        opened = self._opened
        return await opened.run(lambda connection: opened.catalogue.find_lease(connection, name))

    def transaction(
        self, *, under: Lease | None = None, read_only: bool = False
    ) -> AbstractAsyncContextManager[PostgresReadModelTransaction]:
        return self._opened.read_models.transaction(under, read_only=read_only)

    def attach(self, work: InlineWork | None, /) -> InlineWork | None:
        return self._opened.attach(work)

    def switch_inline(self) -> AbstractAsyncContextManager[PostgresInlineSwitch]:
        opened = self._opened
        return opened.inline.switch(opened.read_models, f"{max(1, round(self._settings.lock_timeout * 1000))}ms")

    @property
    def _opened(self) -> _OpenStore:
        if self._open is None:
            raise _closed(self._settings)
        if self._open.loop is not asyncio.get_running_loop():
            raise StoreError(
                f"{self._settings.described} was opened in another event loop; open a store in each loop, or run the call in that loop with "
                "asyncio.run_coroutine_threadsafe"
            )
        return self._open


@final
class _OpenStore:
    """The tasks and connections of an open store."""

    def __init__(self, settings: Settings, timelines: Timelines) -> None:
        self.loop = asyncio.get_running_loop()
        self.process = os.getpid()
        self.sql = settings.schema.statements("calls")
        self.log = LogReader(self.sql["read_log"], self.sql["read_log_in_rows"])
        self.keep = Keep(settings.schema.statements("keep"))
        self.catalogue = Catalogue(settings.schema)
        self._settings = settings
        self._timelines = timelines
        self._faults = Faults(settings.described, settings.dsns)
        self.inline = Inline(settings.schema, self._faults)
        self._source = source_of(settings)
        self.read_models = ReadModels(self._session, settings.schema, self._faults)
        self._waiters = Waiters()
        self._closed = False

        connections = settings.connections
        writers = 2 if connections >= 6 else 1
        others = max(1, (connections - writers) // 2)
        readers = connections - writers - others
        watched = source_of(settings, watched=True)
        self._writers = [self._session(watched) for _ in range(writers)]
        self._readers = [self._session(watched) for _ in range(readers)]
        self._side = Sessions([self._session() for _ in range(others)])
        self._teller = Teller(self._side, settings.schema)
        self._listener = self._make_listener()

        read = [Reader(session, self.sql["read"]) for session in self._readers]
        write = [self._writer(session) for session in self._writers]

        def refuse() -> StoreClosed:
            return _closed(settings)

        self._reads: Lane[ReadCall] = Lane(
            "eventcore-read", [each.serve for each in read], max_weight=_READ_WEIGHT, worth=_READ_WORTH, at_once=False, refuse=refuse
        )
        # Appends have gathered before they come (`eventcore.execute.chains`).
        self._writes: Lane[AppendCall] = Lane(
            "eventcore-write", [each.serve for each in write], max_weight=_WRITE_WEIGHT, worth=_WRITE_WORTH, at_once=True, refuse=refuse
        )

    @classmethod
    async def of(cls, settings: Settings, timelines: Timelines) -> _OpenStore:
        migrations = Migrations(settings.schema, settings.described)
        opened = cls(settings, timelines)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(opened.close)
            # Who starts with a wrong address should hear of it soon.
            patience = min(settings.patience, _PATIENCE_AT_START)
            await opened._side.run(lambda connection: migrations.bring_up(connection, migrate=settings.migrate), patience=patience)
            stack.pop_all()
        return opened

    def _session(self, source: Source | None = None) -> Session:
        settings = self._settings
        return Session(source or self._source, self._faults, patience=settings.patience, timelines=self._timelines)

    def _writer(self, session: Session) -> Writer:
        settings = self._settings
        return Writer(
            session,
            Reader(session, self.sql["read"]),
            self._faults,
            self.sql["append"],
            self.inline,
            committed=self._committed,
            lock_timeout=settings.lock_timeout,
            patience=settings.patience,
        )

    def _make_listener(self) -> Listener | None:
        """Return what listens, where something can."""
        settings = self._settings
        if not settings.listens:
            return None
        source = self._source if settings.listen_dsn is None else DsnSource(settings.listen_dsn, settings)
        return Listener(Session(source, self._faults, patience=settings.patience), settings.schema, self._waiters.wake)

    async def close(self) -> None:
        """Finish what is under way, then give the connections back."""
        self._closed = True
        self._waiters.wake()
        await self._writes.close()
        await self._teller.close()
        if self._listener is not None:
            await self._listener.close()
        # Each waits for the server's goodbye for a while.
        await asyncio.gather(self._close_readers(), close_all(self._writers), self.read_models.close(), self._side.close())

    async def _close_readers(self) -> None:
        """Let those who have come be answered, unless that takes long."""
        answered = asyncio.create_task(self._reads.close(), name="eventcore-close")
        await asyncio.wait([answered], timeout=LAST_ANSWERS)
        await close_all(self._readers)
        await asyncio.wait([answered])

    async def read(self, call: ReadCall) -> ReadResult:
        result: ReadResult = await self._reads.ask(call)
        return result

    def append(self, call: AppendCall) -> Awaitable[Sequence[Verdict]]:
        return self._writes.ask(call)

    def attach(self, work: InlineWork | None) -> InlineWork | None:
        before, self.inline.work = self.inline.work, work
        # Such appends wait for one another: of two half batches one would only be later.
        self._writes.one_at_a_time = work is not None
        return before

    async def run(self, act: Callable[[Connection], Awaitable[T]]) -> T:
        """Do something that is shared with nobody, and may be done twice."""
        return await self._side.run(act)

    async def wait_for_news(self, place: tuple[int, int], timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        held_for = _HELD_LOOK
        if self._listener is not None:
            self._listener.begin()
        with self._waiters.waiting() as woken:
            while True:
                if self._closed:
                    raise _closed(self._settings)
                woken.clear()
                row = await self.run(lambda connection: connection.fetchrow(self.sql["news"], *place))
                assert row is not None  # noqa: S101 - a function with OUT parameters returns a row
                visible, held = row
                left = deadline - time.monotonic()
                if visible or left <= 0:
                    return bool(visible)
                # An older transaction is still open: no NOTIFY tells when it ends.
                held_for = min(2 * held_for, _LONGEST_HELD_LOOK) if held else _HELD_LOOK
                await _until(woken, min(left, held_for if held else self._next_look()))

    def _next_look(self) -> float:
        return _SLOW_LOOK if self._listener is not None and self._listener.listening else _LOOK

    def _committed(self) -> None:
        self._waiters.wake()
        self._teller.tell()


async def _until(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


def _closed(settings: Settings) -> StoreClosed:
    return Faults(settings.described).closed()
