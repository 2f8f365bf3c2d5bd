"""The reference store: everything in the memory of one process, and the same contract and errors as the stores that last.

One lock guards all of it, so any number of threads and event loops may share one store. Events are kept as rows, plain tuples of plain
values: they cannot change, and the garbage collector soon leaves them alone, which it would not do with tuples of classes (half a million
events would cost every command a sixth of its time). Nothing else of what is handed out is kept.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import weakref
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, Self, TypeAlias, TypeVar, final
from uuid import UUID

from eventcore.arguments import Arguments
from eventcore.errors import InlineProjectionsDiffer, InvalidArgument, InvalidPosition, RequestRefused, StoreClosed
from eventcore.ids import Position, position_at
from eventcore.store import (
    EVERYTHING,
    AlreadyDone,
    AppendRequest,
    Committed,
    Conflict,
    EventFilter,
    IdempotencyKey,
    InlineSwitch,
    InlineWork,
    KeyReused,
    Lease,
    NewEvent,
    Page,
    ReadResult,
    Refused,
    RememberedOutcome,
    Row,
    Snapshot,
    Statement,
    StoredEvent,
    StreamRead,
    StreamSlice,
    Verdict,
    check_age,
    check_page,
    check_position,
    check_request,
    check_ttl,
    make_committed,
    make_stored,
)
from eventcore.stores import leases
from eventcore.stores.intact import Intact
from eventcore.stores.lite import StatementFailed, drive, execute, fetch, quoted, schema
from eventcore.subscriptions import Subscribing

T = TypeVar("T")

_SCANNED_AT_ONCE: Final = 1000

# Stream id, version, position, event id, type, version of the type, data, metadata, time.
_Row: TypeAlias = "tuple[str, int, int, int, str, int, bytes, bytes, datetime]"
_STREAM: Final = 0
_POSITION: Final = 2
_TYPE: Final = 4


def _utc_now() -> datetime:
    return datetime.now(UTC)


class InMemoryEventStore(Subscribing):
    """Keep events in memory, for tests and for programs whose history may end with the process.

    Usable at once; ``async with`` closes it, and a closed store refuses with `StoreClosed`. *clock* gives the time of every event and
    lease, as an aware `datetime` in UTC.
    """

    def __init__(self, *, clock: Callable[[], datetime] = _utc_now) -> None:
        Arguments("InMemoryEventStore").callables(clock=clock)
        self._clock = clock
        # An inline handler that asks the store something, in the middle of an append, must not wait for itself.
        self._lock = threading.RLock()
        self._closed = False
        self._streams: dict[str, _Stream] = {}
        self._log: list[_Row] = []  # the event at index n has the position n + 1
        self._outcomes: dict[str, _Outcome] = {}
        self._snapshots: dict[tuple[str, str], Snapshot] = {}
        self._checkpoints: dict[str, Position] = {}
        self._leases: dict[str, Lease] = {}
        self._tokens: dict[str, int] = {}
        self._waiters: set[_Waiter] = set()
        self._read_models: sqlite3.Connection | None = None  # made for the first projection
        self._read_models_lock = threading.Lock()
        self._inline: InlineWork | None = None
        self._demanded: str | None = None
        self._switching = False
        self._plain = True  # nobody does, switches or demands anything inline

    async def __aenter__(self) -> Self:
        self._refuse_if_closed()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        with self._lock:
            self._closed = True
            self._wake_waiters()
        # A transaction that is open still takes its connection along at its end.
        if self._read_models is not None and self._read_models_lock.acquire(blocking=False):
            self._read_models.close()
            self._read_models_lock.release()

    # Streams

    async def read(self, streams: Sequence[StreamRead], /, *, idempotency_key: str | None = None) -> ReadResult:
        self._refuse_if_closed()
        with self._lock:
            slices = [self._slice(*read[:4]) for read in streams]
            outcome = None if idempotency_key is None else self._outcomes.get(idempotency_key)
        return ReadResult(slices, None if outcome is None else RememberedOutcome(outcome.fingerprint, _stored(outcome.events)))

    async def append(self, requests: Sequence[AppendRequest], /) -> Sequence[Verdict]:
        self._refuse_if_closed()
        for request in requests:
            check_request(request)
        # A store that lasts lets others run meanwhile. So does this one, or no two commands of a test would ever meet.
        await asyncio.sleep(0)
        self._refuse_if_closed()
        with self._lock:
            # Within the lock: no switch begins between the look and the append.
            if self._plain:
                at = self._clock()
                before = len(self._log)
                verdicts = [self._decide(request, at) for request in requests]
                if self._waiters and len(self._log) > before:
                    self._wake_waiters()
                return verdicts if len(verdicts) == 1 else _with_batch_size(verdicts)
        async with self._read_models_opened() as connection:
            verdicts = self._append_with_read_models(requests, connection)
        return verdicts if len(verdicts) == 1 else _with_batch_size(verdicts)

    async def forget_idempotency_keys(self, *, older_than: timedelta) -> int:
        older_than = check_age(older_than)
        self._refuse_if_closed()
        with self._lock:
            before = self._clock() - older_than
            old = [key for key, outcome in self._outcomes.items() if outcome.at < before]
            for key in old:
                del self._outcomes[key]
        return len(old)

    # The log

    async def read_all(self, after: Position | None = None, /, *, limit: int = 1000, where: EventFilter = EVERYTHING) -> Page:
        self._refuse_if_closed()
        check_page(limit, where)
        start = _index_of(after)
        with self._lock:
            head = len(self._log)
        if start >= head:
            return Page((), after, more=False)
        if where.types is None and where.streams is None:
            rows, end = self._log[start : min(head, start + limit)], min(head, start + limit)
        else:
            rows, end = self._scan(start, head, limit, where)
        return Page(_stored(rows), Position((end,)), more=end < head)

    async def wait_for_news(self, after: Position | None, /, *, timeout: float) -> bool:
        seen = _index_of(after)
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while True:
                    waiter = _Waiter(asyncio.get_running_loop())
                    with self._lock:
                        self._refuse_if_closed()
                        if len(self._log) > seen:
                            return True
                        self._waiters.add(waiter)
                    try:
                        await waiter.woken
                    finally:
                        with self._lock:
                            self._waiters.discard(waiter)
        return False

    # Snapshots, checkpoints, leases

    async def load_snapshots(self, wanted: Sequence[tuple[str, str]], /) -> Sequence[Snapshot]:
        self._refuse_if_closed()
        with self._lock:
            return [self._snapshots[stream_id, kind] for stream_id, kind in wanted if (stream_id, kind) in self._snapshots]

    async def save_snapshots(self, snapshots: Sequence[Snapshot], /) -> None:
        self._refuse_if_closed()
        with self._lock:
            for snapshot in snapshots:
                kept = self._snapshots.get((snapshot.stream_id, snapshot.kind))
                if kept is None or kept.version <= snapshot.version:
                    self._snapshots[snapshot.stream_id, snapshot.kind] = snapshot._replace(data=bytes(snapshot.data))

    async def load_checkpoint(self, name: str, /) -> Position | None:
        self._refuse_if_closed()
        with self._lock:
            return self._checkpoints.get(name)

    async def save_checkpoint(self, name: str, position: Position, /) -> None:
        self._refuse_if_closed()
        _index_of(position)  # refuses the position of another store
        with self._lock:
            self._checkpoints[name] = position

    async def acquire_lease(self, name: str, /, *, owner: str, ttl: timedelta) -> Lease | None:
        self._refuse_if_closed()
        check_ttl(ttl)
        with self._lock:
            now = self._clock()
            held = self._leases.get(name)
            if held is not None and held.owner != owner and held.expires_at > now:
                return None
            if held is None or held.owner != owner:
                self._tokens[name] = self._tokens.get(name, 0) + 1
            lease = self._leases[name] = Lease(name, owner, self._tokens[name], now + ttl)
            return lease

    async def release_lease(self, lease: Lease, /) -> None:
        self._refuse_if_closed()
        with self._lock:
            held = self._leases.get(lease.name)
            if held is not None and (held.owner, held.token) == (lease.owner, lease.token):
                del self._leases[lease.name]

    # Read models

    @asynccontextmanager
    async def transaction(self, *, under: Lease | None = None, read_only: bool = False) -> AsyncGenerator[_ReadModelTransaction]:
        self._refuse_if_closed()
        async with self._read_models_opened() as connection:
            connection.execute("BEGIN")
            transaction = _ReadModelTransaction(connection)
            try:
                with self._lock:
                    self._check_lease(under)
                yield transaction
                transaction.intact.require()
                with self._lock:
                    self._check_lease(under)
                    connection.execute("ROLLBACK" if read_only else "COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            finally:
                transaction.intact.end()

    @asynccontextmanager
    async def _read_models_opened(self) -> AsyncGenerator[sqlite3.Connection]:
        # One transaction at a time, whichever thread and loop it comes from; none of them may be held up by waiting.
        while not self._read_models_lock.acquire(blocking=False):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        try:
            self._refuse_if_closed()
            if self._read_models is None:
                self._read_models = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
                weakref.finalize(self, self._read_models.close)  # for those who never close this store
                self._read_models.executescript(schema())
            yield self._read_models
        finally:
            self._read_models_lock.release()

    # Inline read models

    def attach(self, work: InlineWork | None, /) -> InlineWork | None:
        self._refuse_if_closed()
        before, self._inline = self._inline, work
        self._look()
        return before

    @asynccontextmanager
    async def switch_inline(self) -> AsyncGenerator[InlineSwitch]:
        async with self.transaction() as transaction:
            with self._lock:  # no append is in the middle of it, and one that comes later waits
                self._switching = True
                self._look()
            switch = _InlineSwitch(transaction, len(self._log), self._demanded)
            try:
                yield switch
                transaction.intact.require()
                self._demanded = switch.demanded
            finally:
                self._switching = False
                self._look()

    def _look(self) -> None:
        self._plain = self._inline is None and self._demanded is None and not self._switching

    def _append_with_read_models(self, requests: Sequence[AppendRequest], connection: sqlite3.Connection) -> list[Verdict]:
        """Decide *requests*; those whose events the read models do not take leave no trace."""
        work = self._inline  # whatever is attached from here on
        kept = None if work is None else work.kept
        if kept != self._demanded and any(request.events for request in requests):
            raise InlineProjectionsDiffer("this InMemoryEventStore", self._demanded, kept)
        with self._lock:
            at = self._clock()
            before = len(self._log)
            connection.execute("BEGIN")
            try:
                verdicts = [self._decide_with_read_models(request, at, connection, work) for request in requests]
                connection.execute("COMMIT")
            except BaseException:
                self._take_back(before)
                connection.execute("ROLLBACK")
                raise
            if self._waiters and len(self._log) > before:
                self._wake_waiters()
        return verdicts

    def _decide_with_read_models(
        self, request: AppendRequest, at: datetime, connection: sqlite3.Connection, work: InlineWork | None
    ) -> Verdict:
        before = len(self._log)
        verdict = self._decide(request, at)
        if work is None or not isinstance(verdict, Committed) or not verdict.events:
            return verdict
        connection.execute("SAVEPOINT request")
        try:
            drive(work.handle([verdict.events], _AppendTransaction(connection), step=True))
        except Exception as error:  # noqa: BLE001  # it belongs to the request
            connection.execute("ROLLBACK TO request")
            self._take_back(before)
            verdict = Refused(error)
        connection.execute("RELEASE request")
        return verdict

    def _take_back(self, length: int) -> None:
        """Let the log end after *length* events, as if those beyond it had never been."""
        rows = self._log[length:]
        del self._log[length:]
        for row in reversed(rows):
            stream = self._streams[row[_STREAM]]
            stream.events.pop()
            if not stream.events:
                del self._streams[stream.id]
        kept = {row[_POSITION] for row in rows}
        for key in [key for key, outcome in self._outcomes.items() if outcome.events[0][_POSITION] in kept]:
            del self._outcomes[key]

    # Within the lock

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StoreClosed("this InMemoryEventStore was closed, and what it held is gone; make a new one")

    def _check_lease(self, lease: Lease | None) -> None:
        held = self._leases.get(lease.name) if lease is not None else None
        if lease is not None and (held is None or (held.owner, held.token) != (lease.owner, lease.token)):
            raise leases.lost(lease)

    def _slice(self, stream_id: str, after: int, types: frozenset[str] | None = None, kind: str | None = None) -> StreamSlice:
        if after < 0:
            raise InvalidArgument(f"stream {stream_id!r} cannot be read after version {after}; expected 0 or more")
        stream = self._streams.get(stream_id)
        if stream is None:
            return StreamSlice(stream_id, 0, 0, None, ())
        events = stream.events
        version = len(events)
        snapshot = None if kind is None else self._snapshots.get((stream_id, kind))
        if snapshot is not None and not after < snapshot.version <= version:
            snapshot = None
        if after > version:
            after = 0
        if snapshot is not None:
            after = snapshot.version
        news = events[after:] if after < version else []
        if types is not None:
            news = [row for row in news if row[_TYPE] in types]
        return StreamSlice(stream.id, after, version, Position((events[-1][_POSITION],)), _stored(news) if news else (), snapshot)

    def _decide(self, request: AppendRequest, at: datetime) -> Verdict:
        key = request.idempotency
        if key is not None and (used := self._outcomes.get(key.key)) is not None:
            return AlreadyDone(_stored(used.events)) if used.fingerprint == key.fingerprint else KeyReused(key.key)
        for stream_id, expected in request.expected.items():
            if expected.version is not None:
                stream = self._streams.get(stream_id)
                actual = 0 if stream is None else len(stream.events)
                if actual != expected.version:
                    return self._conflict(request, stream_id, expected.version, actual)
        if not request.events:
            return Committed(())
        if (problem := _unstorable(request.events)) is not None:
            return Refused(RequestRefused(problem))
        return make_committed(self._write(request.events, key, at), 1)

    def _conflict(self, request: AppendRequest, stream_id: str, expected: int, actual: int) -> Conflict:
        exact = ((each, wanted.version) for each, wanted in request.expected.items() if wanted.version is not None)
        return Conflict(stream_id, expected, actual, {each: self._slice(each, version) for each, version in exact})

    def _write(self, events: Sequence[NewEvent], key: IdempotencyKey | None, at: datetime) -> tuple[StoredEvent, ...]:
        committed: list[StoredEvent] = []
        rows: list[_Row] = []
        position = len(self._log)
        for stream_id, event_id, kind, kind_version, data, metadata in events:
            stream = self._streams.get(stream_id)
            if stream is None:
                stream = _Stream(str(stream_id))
                self._streams[stream.id] = stream
            position += 1
            version = len(stream.events) + 1
            row = (stream.id, version, position, event_id.int, kind, kind_version, data, metadata, at)
            stream.events.append(row)
            rows.append(row)
            committed.append(make_stored(stream.id, version, position_at(position), event_id, kind, kind_version, data, metadata, at))
        self._log += rows
        if key is not None:
            self._outcomes[key.key] = _Outcome(key.fingerprint, tuple(rows), at)
        return tuple(committed)

    def _scan(self, start: int, head: int, limit: int, where: EventFilter) -> tuple[list[_Row], int]:
        found: list[_Row] = []
        for begin in range(start, head, _SCANNED_AT_ONCE):
            for index, row in enumerate(self._log[begin : min(head, begin + _SCANNED_AT_ONCE)], begin + 1):
                if where.admits(row[_STREAM], row[_TYPE]):
                    found.append(row)
                    if len(found) == limit:
                        return found, index
        return found, head

    def _wake_waiters(self) -> None:
        for waiter in self._waiters:
            waiter.wake()


@final
class _Stream:
    """The events of one stream, and its id as a plain `str`: what a caller's own subclass of `str` carries stays outside."""

    __slots__ = ("events", "id")

    def __init__(self, stream_id: str) -> None:
        self.id = stream_id
        self.events: list[_Row] = []


@final
class _ReadModelTransaction:
    """A transaction on the read models of a memory store: tables of SQLite, in memory."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._within = _AppendTransaction(connection)
        self.intact = Intact()

    def table(self, name: str, /) -> str:
        return quoted(name)

    async def execute(self, statements: Sequence[Statement], /) -> None:
        await self._do(self._within.execute(statements))

    async def fetch(self, statement: Statement, /) -> Sequence[Row]:
        return await self._do(self._within.fetch(statement))

    async def _do(self, work: Coroutine[object, object, T]) -> T:
        try:
            with self.intact.step():
                await asyncio.sleep(0)
                self.intact.require()
                return await work
        finally:
            work.close()


@final
class _InlineSwitch:
    """A transaction on read models while nobody appends."""

    def __init__(self, transaction: _ReadModelTransaction, newest: int, demanded: str | None) -> None:
        self.demanded = demanded
        self._newest = newest
        self._transaction = transaction

    def table(self, name: str, /) -> str:
        return self._transaction.table(name)

    async def execute(self, statements: Sequence[Statement], /) -> None:
        await self._transaction.execute(statements)

    async def fetch(self, statement: Statement, /) -> Sequence[Row]:
        return await self._transaction.fetch(statement)

    async def newest(self) -> Position | None:
        return Position((self._newest,)) if self._newest else None

    async def demand(self, kept: str | None, /) -> None:
        self.demanded = kept


@final
class _AppendTransaction:
    """SQL of read models inside an append."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def table(self, name: str, /) -> str:
        return quoted(name)

    async def execute(self, statements: Sequence[Statement], /) -> None:
        try:
            execute(self._connection, statements)
        except StatementFailed as failed:
            raise failed.refused("the memory store") from failed.error

    async def fetch(self, statement: Statement, /) -> Sequence[Row]:
        try:
            return fetch(self._connection, statement)
        except StatementFailed as failed:
            raise failed.refused("the memory store") from failed.error


class _Outcome(NamedTuple):
    fingerprint: bytes
    events: tuple[_Row, ...]
    at: datetime


@final
class _Waiter:
    """One call that waits for news in its own event loop; any thread may wake it."""

    __slots__ = ("_loop", "woken")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.woken: asyncio.Future[None] = loop.create_future()

    def wake(self) -> None:
        # A loop that was closed while one of its calls waited has nobody left to wake.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._finish)

    def _finish(self) -> None:
        if not self.woken.done():
            self.woken.set_result(None)


def _stored(rows: Iterable[_Row]) -> list[StoredEvent]:
    """Return *rows* as what the store hands out."""
    return [
        make_stored(stream_id, version, position_at(position), UUID(int=event_id), kind, kind_version, data, metadata, at)
        for stream_id, version, position, event_id, kind, kind_version, data, metadata, at in rows
    ]


def _index_of(after: Position | None) -> int:
    """Return how many events of the log lie up to and including *after*."""
    check_position(after)
    if after is None:
        return 0
    if len(after.key) != 1 or after.key[0] < 0:
        raise InvalidPosition(str(after), "a memory store counts its events in one number")
    return after.key[0]


def _with_batch_size(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Tell every committed request how many were committed together."""
    decided = list(verdicts)
    size = sum(isinstance(verdict, Committed) for verdict in decided)
    return [Committed(verdict.events, size) if isinstance(verdict, Committed) else verdict for verdict in decided]


def _unstorable(events: Iterable[NewEvent]) -> str | None:
    """Say what keeps one of *events* out of every store, or None: those that last hold text as UTF-8 and data as bytes."""
    for event in events:
        stream_id, _, name, _, data, metadata = event
        if type(data) is not bytes or type(metadata) is not bytes:
            kinds = f"{type(event.data).__name__} and {type(event.metadata).__name__}"
            return f"the data and metadata of {event.type!r} for {event.stream_id!r} are {kinds}; expected bytes"
        if not (name.isascii() and stream_id.isascii()) and not _is_text(event.type + event.stream_id):
            return f"{event.type!r} for {event.stream_id!r} holds a lone surrogate, which is no text; no store can keep it"
    return None


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
