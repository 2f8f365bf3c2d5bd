"""The port to a store: what the executor and the projections ask of one, and the values that travel.

A store moves bytes and versions. It knows nothing of commands, states or event classes: an event arrives encoded and leaves as the same bytes.
Every store, ours or a third party's, proves that it fits with `eventcore.testing.contract`.

The rules that every store keeps:

* a *version* counts the events of a stream; 0 means that it has none (yet), and reading it is no error;
* one `read` is one snapshot: versions and events of all its streams come from the same moment, and the version reported is the head's,
  however the events were limited;
* one request of an `append` is all or nothing; requests are decided in their order, each on the heads that its predecessors left;
  what one request meets (a conflict, a refusal) never touches its neighbours;
* a request without events is a question: are these streams still at these versions?
* a request that conflicts changes nothing that a reader can see, and takes no position;
* a reader that goes on after the last position it saw misses nothing and sees nothing twice;
* a position that the store never gave is refused with `InvalidPosition`, and a page without room with `InvalidArgument`;
* what is closed refuses every call with `StoreClosed`, and so ends the waits for news.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, NamedTuple, Protocol, Self, TypeAlias, cast, final, runtime_checkable
from uuid import UUID

import attrs

from eventcore.arguments import Arguments
from eventcore.construct import new_tuple
from eventcore.errors import InvalidArgument, InvalidPosition
from eventcore.ids import Position, StreamPattern, StreamPrefix


@final
@attrs.frozen
class ExpectedVersion:
    """What a stream's version must be for a request to be committed: exactly *version*, or anything where that is None."""

    version: int | None

    NO_STREAM: ClassVar[ExpectedVersion]
    ANY: ClassVar[ExpectedVersion]

    def __attrs_post_init__(self) -> None:
        version = self.version
        if version is not None and not (type(version) is int and 0 <= version <= _LARGEST_VERSION):
            Arguments("ExpectedVersion").whole(0, _LARGEST_VERSION, version=version)

    @staticmethod
    def exact(version: int, /) -> ExpectedVersion:
        """Expect *version* events in the stream; 0 for a stream that must not exist yet."""
        try:
            if 0 <= version < len(_EXACT):
                return _EXACT[version]
        except TypeError:  # told below: most calls are made by executors, for each stream of a command
            pass
        if cast("object", version) is None:
            Arguments("ExpectedVersion.exact").whole(0, version=version)
        return ExpectedVersion(version)

    def admits(self, actual: int, /) -> bool:
        return self.version is None or self.version == actual


# More than any stream holds. From here on a store that counts in 64 bits cannot go on counting.
_LARGEST_VERSION: Final = 2**62
# Most streams are short: their expectations are made once.
_EXACT: Final = tuple(ExpectedVersion(version) for version in range(1024))
NO_STREAM: Final = _EXACT[0]
"""Expect a stream without events."""
ANY: Final = ExpectedVersion(None)
"""Expect nothing: whatever the version is, it will do."""
ExpectedVersion.NO_STREAM = NO_STREAM
ExpectedVersion.ANY = ANY


# Stored events are named tuples, not attrs classes: they are made by the hundred thousand, and a tuple is made in a third of the time.
class NewEvent(NamedTuple):
    """One event on its way into a stream. *data* and *metadata* are JSON, in UTF-8."""

    stream_id: str
    event_id: UUID
    type: str
    type_version: int
    data: bytes
    metadata: bytes = b"{}"


def new_event(stream_id: str, event_id: UUID, name: str, version: int, data: bytes, metadata: bytes, /) -> NewEvent:
    """Return a `NewEvent`, as fast as one can be made."""
    event: NewEvent = new_tuple(NewEvent, (stream_id, event_id, name, version, data, metadata))
    return event


class StoredEvent(NamedTuple):
    """One event as a store keeps it."""

    stream_id: str
    version: int
    position: Position
    event_id: UUID
    type: str
    type_version: int
    data: bytes
    metadata: bytes
    recorded_at: datetime


def make_stored(
    stream_id: str,
    version: int,
    position: Position,
    event_id: UUID,
    name: str,
    name_version: int,
    data: bytes,
    metadata: bytes,
    recorded_at: datetime,
    /,
) -> StoredEvent:
    """Return a `StoredEvent`, as fast as one can be made."""
    event: StoredEvent = new_tuple(StoredEvent, (stream_id, version, position, event_id, name, name_version, data, metadata, recorded_at))
    return event


class EventColumns(Sequence[StoredEvent]):
    """Stored events that a store tells column by column as well, for readers who decode many: no `StoredEvent` need be made of each.

    A store may give a page such a sequence, and need not. *type_versions* is None where all of them are 1, *metadata* where all of it is ``{}``.
    Each of *data* is JSON, which the store has seen to: readers parse many joined.
    """

    __slots__ = ("data", "metadata", "type_versions", "types")

    def __init__(
        self, types: Sequence[str], type_versions: Sequence[int] | None, data: Sequence[bytes], metadata: Sequence[bytes] | None
    ) -> None:
        self.types = types
        self.type_versions = type_versions
        self.data = data
        self.metadata = metadata

    def __len__(self) -> int:
        return len(self.types)

    @abstractmethod
    def late(self) -> Iterator[tuple[Callable[..., StoredEvent], *tuple[Any, ...]]]:
        """Yield for each event a function and its arguments: called with them, it returns the `StoredEvent`."""


class BareEvents(NamedTuple):
    """Events of one stream in the order of their versions, told column by column and without what a fold has no use for.

    *type_versions* is None where all of them are 1. *data* is the JSON of each event, joined by `SEPARATOR`, which JSON cannot hold.
    """

    versions: Sequence[int]
    types: Sequence[str]
    type_versions: Sequence[int] | None
    data: str


SEPARATOR: Final = "\x1f"
"""The unit separator, between the texts of `BareEvents.data`."""


class StreamRead(NamedTuple):
    """Ask for the events of one stream whose version is greater than *after*; of the given *types* only, where given.

    With *snapshot_kind*, a snapshot of that kind that is newer than *after* takes the place of the events up to its version. *bare* says that
    the caller only folds: a store may answer with `BareEvents` then, and need not.
    """

    stream_id: str
    after: int = 0
    types: frozenset[str] | None = None
    snapshot_kind: str | None = None
    bare: bool = False


class StreamSlice(NamedTuple):
    """What one stream holds beyond a version.

    *version* and *position* are those of the stream's newest event, whether or not it is among *events* (0 and None: there is none).
    *events* are in the order of their versions. *after* is the version from which they begin: it is less than what was asked for
    where the stream turned out to be shorter than that, and then *events* begins with its first. It is the version of *snapshot* where
    one was asked for and there is one between what was asked for and the head (none that is newer than the stream: it is of another).
    *bare* takes the place of *events* where the store answers a bare read so; a long stream comes in several pieces.
    """

    stream_id: str
    after: int
    version: int
    position: Position | None
    events: Sequence[StoredEvent]
    snapshot: Snapshot | None = None
    bare: Sequence[BareEvents] = ()


class IdempotencyKey(NamedTuple):
    """A key under which the outcome of a request is remembered, with a fingerprint of what was asked under it."""

    key: str
    fingerprint: bytes


class RememberedOutcome(NamedTuple):
    """What was committed under an idempotency key."""

    fingerprint: bytes
    events: Sequence[StoredEvent]


class ReadResult(NamedTuple):
    """The slices in the order in which they were asked for, and the outcome under the key, if one was given and it was used."""

    slices: Sequence[StreamSlice]
    remembered: RememberedOutcome | None = None


class AppendRequest(NamedTuple):
    """One atomic change: what every stream it rests on must be at, and the events to add, in their order.

    A stream of *events* must be in *expected*. A stream of *expected* without events is only checked. No events: only the check is made
    (an idempotency key is not remembered then).
    """

    expected: Mapping[str, ExpectedVersion]
    events: Sequence[NewEvent] = ()
    idempotency: IdempotencyKey | None = None


@final
class Committed(NamedTuple):
    """The request was committed. *events* is empty for a check; *batch* is how many requests shared the transaction."""

    events: Sequence[StoredEvent]
    batch: int = 1


def make_request(
    expected: Mapping[str, ExpectedVersion], events: Sequence[NewEvent], idempotency: IdempotencyKey | None, /
) -> AppendRequest:
    """Return an `AppendRequest`, as fast as one can be made."""
    request: AppendRequest = new_tuple(AppendRequest, (expected, events, idempotency))
    return request


def make_committed(events: Sequence[StoredEvent], batch: int, /) -> Committed:
    """Return a `Committed`, as fast as one can be made."""
    verdict: Committed = new_tuple(Committed, (events, batch))
    return verdict


class Conflict(NamedTuple):
    """The request was not committed: *stream_id* was at *actual*.

    *news* has one slice for every stream of the request with an exact expectation, all of one moment, beginning after the expected version:
    a caller that had folded up to there needs no read to go on. (A stream shorter than expected comes whole; see `StreamSlice.after`.)
    """

    stream_id: str
    expected: int
    actual: int
    news: Mapping[str, StreamSlice]


class AlreadyDone(NamedTuple):
    """The idempotency key was used before, with the same fingerprint: nothing was appended, and this is what was committed then."""

    events: Sequence[StoredEvent]


class KeyReused(NamedTuple):
    """The idempotency key was used before, with another fingerprint: nothing was appended."""

    key: str


class Refused(NamedTuple):
    """The store refused this request for a reason of its own, and nothing of it was written.

    *error* is one of eventcore's, `RequestRefused` mostly: text that the store cannot keep, say.
    """

    error: Exception


Verdict: TypeAlias = Committed | Conflict | AlreadyDone | KeyReused | Refused


def _frozenset(given: Collection[str] | None) -> frozenset[str] | None:
    return frozenset(given) if isinstance(given, set | list | tuple) else cast("frozenset[str] | None", given)


def _tuple(given: Sequence[StreamPrefix | StreamPattern] | None) -> tuple[StreamPrefix | StreamPattern, ...] | None:
    return tuple(given) if isinstance(given, list) else cast("tuple[StreamPrefix | StreamPattern, ...] | None", given)


@final
@attrs.frozen(kw_only=True)
class EventFilter:
    """Select events by type and by stream; the filter is applied before any limit. None selects all; several streams select any of them."""

    types: frozenset[str] | None = attrs.field(default=None, converter=_frozenset)
    streams: tuple[StreamPrefix | StreamPattern, ...] | None = attrs.field(default=None, converter=_tuple)

    def __attrs_post_init__(self) -> None:
        given = Arguments("EventFilter")
        given.instances(frozenset | None, types=self.types)
        given.instances(tuple | None, streams=self.streams)
        for stream in self.streams or ():
            given.instances(StreamPrefix | StreamPattern, streams=stream)

    def admits(self, stream_id: str, event_type: str, /) -> bool:
        """Tell whether an event of this type in this stream is selected."""
        if self.types is not None and event_type not in self.types:
            return False
        return self.streams is None or any(select.matches(stream_id) for select in self.streams)


EVERYTHING: Final = EventFilter()


class Page(NamedTuple):
    """A piece of the global order. *position* is where the next one begins: it moves on even where the filter let nothing through.

    *more* tells whether asking again at once may bring more; False means that the reader has caught up with this moment.
    """

    events: Sequence[StoredEvent]
    position: Position | None
    more: bool


class Snapshot(NamedTuple):
    """A folded state at a version of its stream. *kind* names the state class and everything that makes its data valid."""

    stream_id: str
    kind: str
    version: int
    data: bytes


class Lease(NamedTuple):
    """The right to be the one who does *name*, until *expires_at* (the store's clock, UTC) unless renewed.

    *token* grows with every new owner, also where the lease was given back in between: give it along with what is written
    under the lease, so that a late write of a former owner can be told.
    """

    name: str
    owner: str
    token: int
    expires_at: datetime


@final
class History:
    """Which history the events of a store are of: *now* becomes another object when some of what was read before may be no more.

    A server that fell back on a copy of itself has lost its newest events, and versions cannot tell, for the streams grow again. Whoever keeps
    what was read remembers of which history it is, and drops it when that is over.
    """

    __slots__ = ("now",)

    def __init__(self) -> None:
        self.now = object()

    def turn(self) -> None:
        """Begin another history."""
        self.now = object()


@runtime_checkable
class TellsHistory(Protocol):
    """A store whose history may become another one while it is open. Who appends then what rests on versions of the former gets `HistoryChanged`."""

    @property
    def history(self) -> History: ...


class StreamStore(Protocol):
    """Read streams and append to them: what commands need."""

    async def read(self, streams: Sequence[StreamRead], /, *, idempotency_key: str | None = None) -> ReadResult:
        """Read many streams, and look up a key, in one snapshot."""
        ...

    async def append(self, requests: Sequence[AppendRequest], /) -> Sequence[Verdict]:
        """Decide many independent requests, each atomic, in their order; return a verdict for each.

        A call that is cancelled before it was begun writes nothing; one that is on its way runs on in the store's own task.
        Raises a `StoreError` only where no request was written, and `OutcomeUnknown` where that cannot be learned.
        """
        ...

    async def forget_idempotency_keys(self, *, older_than: timedelta) -> int:
        """Forget the outcomes that were committed longer than *older_than* ago; return how many. Their events stay."""
        ...


class SnapshotStore(Protocol):
    """Keep folded states. A snapshot may be lost at any time, and nothing but time is lost with it."""

    async def load_snapshots(self, wanted: Sequence[tuple[str, str]], /) -> Sequence[Snapshot]:
        """Return the newest snapshot for each (stream id, kind) that has one."""
        ...

    async def save_snapshots(self, snapshots: Sequence[Snapshot], /) -> None:
        """Keep each snapshot unless a newer one of its stream and kind is kept already."""
        ...


class EventLog(Protocol):
    """Read everything in its global order: what projections need."""

    async def read_all(self, after: Position | None = None, /, *, limit: int = 1000, where: EventFilter = EVERYTHING) -> Page:
        """Return at most *limit* events that follow *after* (None: from the beginning)."""
        ...

    async def wait_for_news(self, after: Position | None, /, *, timeout: float) -> bool:
        """Return True as soon as there is an event beyond *after*, False when *timeout* seconds have passed without one.

        Whichever process wrote it; a wake-up may be early, never lost.
        """
        ...


class CheckpointStore(Protocol):
    """Keep how far each reader has come."""

    async def load_checkpoint(self, name: str, /) -> Position | None: ...

    async def save_checkpoint(self, name: str, position: Position, /) -> None:
        """Set the checkpoint of *name*; the last call wins, also where it goes back."""
        ...


class LeaseStore(Protocol):
    """Let one of many processes be the one."""

    async def acquire_lease(self, name: str, /, *, owner: str, ttl: timedelta) -> Lease | None:
        """Return the lease for *ttl* if nobody else holds it, else None. Its owner renews it by acquiring it again, and keeps its token."""
        ...

    async def release_lease(self, lease: Lease, /) -> None:
        """Give the lease back; nothing happens where it has passed to another owner."""
        ...


class Statement(NamedTuple):
    """SQL of a projection's, with an argument for each of its placeholders: ``$1``, ``$2`` and so on, whichever the store."""

    sql: str
    arguments: tuple[object, ...] = ()


Row: TypeAlias = "Mapping[str, Any]"
"""A row of a read model by the names of its columns. What type a column has is known to whoever wrote the SQL."""


class ReadModelTransaction(Protocol):
    """All or nothing. It begins with its first statement; a statement that the database refused is the end of it, whoever catches the error."""

    def table(self, name: str, /) -> str:
        """Return how SQL has to call the table or view *name*: quoted, and in its schema."""
        ...

    async def execute(self, statements: Sequence[Statement], /) -> None:
        """Run *statements* in their order. Raises `RequestRefused` where the database refuses one; nothing of the transaction stays then."""
        ...

    async def fetch(self, statement: Statement, /) -> Sequence[Row]:
        """Run *statement* and return its rows; it sees what was written before it in this transaction."""
        ...


@runtime_checkable
class HoldsOthersUp(Protocol):
    """A transaction on read models that keeps others from writing while it is open, and can say so."""

    def kept_waiting(self) -> float:
        """Return the seconds for which it has kept the first of those who wait for its end, 0.0 where nobody waits."""
        ...


class Sharing(Protocol):
    """What a transaction has to do with others before it replaces tables that they use at the same time."""

    async def hold_back(self, leases: Sequence[str], /, *, patience: float) -> None:
        """Wait for the transactions under the leases of these names, and let no other one begin before the end of this one.

        Comes before whatever they may want. Raises `StoreBusy` after *patience* seconds.
        """
        ...

    async def take(self, views: Sequence[str], /, *, patience: float) -> None:
        """Wait until nobody uses these views or what they show, and keep all others from it to the end. Raises `StoreBusy`.

        New readers are held up for *patience* seconds at most, while the first of the views is waited for; the others are waited for only as
        long as no reader that waits for the first could be taken for a part of a deadlock.
        """
        ...

    async def follows(self, view: str, table: str, /) -> bool:
        """Return whether the view can come to show the table without being dropped, so that whatever rests on it stays."""
        ...

    async def resting_on(self, dropped: Sequence[str], ours: Sequence[str], /) -> Sequence[str]:
        """Describe what others made of the views and tables *dropped*, which could not be dropped because of it; without what belongs to *ours*."""
        ...

    async def used_by(self, names: Sequence[str], /, *, seconds: float, surely: bool = False) -> Sequence[str]:
        """Describe the sessions that have used these views and tables in a transaction that has been open for so long.

        Unless *surely*, also those of which nobody may know since when.
        """
        ...


@runtime_checkable
class SharesTables(Protocol):
    """A transaction on read models that is not alone: others read and write the same tables meanwhile."""

    def sharing(self) -> Sharing: ...


class ReadModelStore(Protocol):
    """Keep tables beside the events: what a projection writes, and how far it has come, change together or not at all."""

    def transaction(self, *, under: Lease | None = None, read_only: bool = False) -> AbstractAsyncContextManager[ReadModelTransaction]:
        """Open a transaction on the read models; leaving the block commits it, and an exception takes all of it back.

        With a lease, it is refused with `LeaseLost` once the lease has passed to another owner, so that nothing is committed by two.
        One that is *read_only* is a snapshot and waits for nobody.
        """
        ...


class ProjectionStore(EventLog, LeaseStore, ReadModelStore, Protocol):
    """What a `ProjectionRunner` needs of a store."""


class InlineWork(Protocol):
    """What is done in the transaction of every append: read models that must never lag."""

    @property
    def kept(self) -> str:
        """Name all that is kept so, in ASCII without quotes; an append is refused unless this is what the store demands."""
        ...

    async def handle(self, requests: Sequence[Sequence[StoredEvent]], transaction: ReadModelTransaction, /, *, step: bool) -> None:
        """Handle the events of some requests, which are written and not committed yet, in their order. Awaits nothing but *transaction*.

        With *step*, each event's SQL runs before the next event is handled. Raises `InlineProjectionFailed` where it cannot; nothing of the
        requests is committed then, and the store finds out which of them is to blame.
        """
        ...


class InlineSwitch(ReadModelTransaction, Protocol):
    """A transaction on the read models while nobody appends."""

    async def newest(self) -> Position | None:
        """Return the position of the newest event of all."""
        ...

    async def demand(self, kept: str | None, /) -> None:
        """From the commit on, refuse appends of everybody who does not keep this (None: nothing) in the append's own transaction."""
        ...


class InlineStore(ProjectionStore, Protocol):
    """What inline projections need of a store."""

    def attach(self, work: InlineWork | None, /) -> InlineWork | None:
        """Do *work* in every append that is made through this store object, until it is closed (None: nothing); return what was done before."""
        ...

    def switch_inline(self) -> AbstractAsyncContextManager[InlineSwitch]:
        """Open a transaction that begins when all appends under way have ended, and keeps others waiting until its end."""
        ...


class EventStore(StreamStore, EventLog, SnapshotStore, CheckpointStore, LeaseStore, Protocol):
    """Everything that a store offers. Open it with ``async with``."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc_info: object) -> None: ...


def is_store(value: object) -> bool:
    """Tell whether *value* looks like a store: what the executor needs of one is there. A class of stores is none."""
    return not isinstance(value, type) and all(callable(getattr(value, name, None)) for name in ("read", "append"))


_LARGEST_PAGE: Final = 1_000_000_000


def check_page(limit: int, where: object) -> int:
    """Refuse a page without room, and what is no filter; return *limit*, or the most that a database takes. For stores. Raises `InvalidArgument`."""
    given = Arguments("read_all")
    given.whole(1, limit=limit)
    given.instances(EventFilter, where=where)
    return min(limit, _LARGEST_PAGE)


# A thousand years: what is further from now may have no date.
_LONGEST: Final = timedelta(days=365_000)


def check_age(older_than: timedelta) -> timedelta:
    """Refuse what is no span of time; return it, or the most that one can go back from now. For stores. Raises `InvalidArgument`."""
    Arguments("forget_idempotency_keys").instances(timedelta, older_than=older_than)
    return max(-_LONGEST, min(older_than, _LONGEST))


def check_ttl(ttl: timedelta) -> None:
    """Refuse a lease of no time, which would be nobody's at once, and one that ends beyond the calendar. For stores. Raises `InvalidArgument`."""
    if not timedelta(0) < ttl <= _LONGEST:
        raise InvalidArgument(f"a lease lasts some time, up to {_LONGEST.days} days; its ttl cannot be {ttl}")


def check_position(position: object) -> None:
    """Refuse what is neither None nor a position of some store. For stores. Raises `InvalidPosition`."""
    if position is not None and not isinstance(position, Position):
        raise InvalidPosition(position, f"expected a Position, got {type(position).__name__} (`Position.parse` makes one of its text)")


def check_request(request: AppendRequest) -> None:
    """Refuse a request that contradicts itself, before anything is sent. For stores. Raises `InvalidArgument`."""
    expected, events, _ = request
    for event in events:
        if event[0] not in expected:
            raise InvalidArgument(f"the request writes {event.type!r} to {event.stream_id!r} without saying what version it expects there")
