"""From stored events to states.

`Views` is what one execution knows of its streams. What it learned from the store at a time is of one moment: whole reads and the news of a
conflict are each one snapshot over all the streams concerned. What it took from the `StateCache` need not be, and has to be confirmed
before anyone hears of it.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple, Protocol, TypeAlias, final

from eventcore.codec import EventCodec
from eventcore.errors import EventDataError, EventNotReadable, UnknownEventType, UnknownEventVersion
from eventcore.events import Recorded
from eventcore.execute.snapshots import SnapshotRule
from eventcore.ids import Position, StreamId
from eventcore.store import NewEvent, Snapshot, StoredEvent, StreamRead, StreamSlice
from eventcore.typed.spec import EventType

_log: Final = logging.getLogger("eventcore")


@final
class EventReader:
    """Decodes the events that one state (or one command) takes. *owner* is its name, for errors."""

    def __init__(self, codec: EventCodec, owner: str, types: Mapping[str, EventType]) -> None:
        self.owner = owner
        self.types = types
        self.decoders = {(name, event_type.version): codec.decoder(event_type.cls) for name, event_type in types.items()}
        self.plain = frozenset(event_type.cls for event_type in types.values() if codec.is_plain(event_type.cls))
        self._codec = codec

    def read(self, stored: StoredEvent) -> object:
        """Return the event. Raises `UnknownEventType`, `UnknownEventVersion` or `EventNotReadable`."""
        decode = self.decoders.get((stored.type, stored.type_version))
        if decode is None:
            raise self.unknown(stored)
        try:
            return decode(stored.data)
        except Exception as error:
            raise unreadable(stored, error) from error

    def recorded(self, stored: StoredEvent) -> Recorded[object]:
        """Return the event with all that is known about it."""
        try:
            metadata = self._codec.decode_metadata(stored.metadata)
        except ValueError as error:
            raise unreadable(stored, error) from error
        return Recorded(
            self.read(stored), StreamId(stored.stream_id), stored.version, stored.position, stored.event_id, stored.recorded_at, metadata
        )

    def unknown(self, stored: StoredEvent) -> EventDataError:
        """Say why there is no decoder for *stored*."""
        known = self.types.get(stored.type)
        if known is None:
            return UnknownEventType(stored.type, stored.stream_id, stored.version, self.owner, tuple(self.types))
        return UnknownEventVersion(stored.type, stored.type_version, known.version, _where(stored))


def unreadable(stored: StoredEvent, error: Exception) -> EventDataError:
    """Say what is wrong with the data of *stored*, given what its decoder raised."""
    return EventNotReadable(stored.type, _where(stored), str(error) or repr(error))


def _where(stored: StoredEvent) -> str:
    return f"version {stored.version} of stream {stored.stream_id!r}"


@final
class StateFold:
    """How streams fold into one `@state` class."""

    def __init__(self, state: type[object], reader: EventReader, *, ignore_unknown: bool, snapshots: SnapshotRule | None = None) -> None:
        self.state = state
        self.snapshots = snapshots
        self.reader = reader
        self.types = frozenset(reader.types) if ignore_unknown else None
        self._apply = getattr(state, "apply")  # noqa: B009  # checked by @state; its type is the user's

    def initial(self) -> object:
        return self.state()

    def fold(self, state: object, events: Iterable[StoredEvent]) -> object:
        """Return *state* after *events*. One loop without calls of our own: long histories spend their time here."""
        decoders, apply, types = self.reader.decoders, self._apply, self.types
        stored = event = None
        try:
            for stored in events:
                event = None
                if types is not None and stored.type not in types:
                    continue
                decode = decoders.get((stored.type, stored.type_version))
                if decode is None:
                    raise self.reader.unknown(stored)  # noqa: TRY301
                event = decode(stored.data)
                state = apply(state, event)
        except EventDataError:
            raise
        except Exception as error:
            if stored is None:
                raise
            if event is None:
                raise unreadable(stored, error) from error
            error.add_note(f"while {self.state.__qualname__}.apply folded {event!r}, {_where(stored)}")
            raise
        return state

    def foresee(self, state: object, events: Iterable[tuple[object, NewEvent]]) -> object:
        """Return *state* after events that are yet to be stored, as it will be when they are read.

        An event goes by its bytes, unless it is made of whole numbers and texts: what a caller does later to a mapping in it must not
        reach the cache.
        """
        reader, apply, types = self.reader, self._apply, self.types
        for live, new in events:
            if types is not None and new.type not in types:
                continue
            if type(live) in reader.plain:
                state = apply(state, live)
                continue
            decode = reader.decoders.get((new.type, new.type_version))
            if decode is None:
                raise UnknownEventType(new.type, new.stream_id, 0, reader.owner, tuple(reader.types))
            state = apply(state, decode(new.data))
        return state


class StreamKey(NamedTuple):
    """A stream, and what it folds into (None: its events are kept for a command that folds by itself)."""

    stream_id: StreamId
    fold: StateFold | None


class CachedState(NamedTuple):
    """The state of a stream at a version that was once its head. A baseline, never the truth: an append still checks the version.

    *saved* is the version of the newest snapshot that is known of.
    """

    version: int
    position: Position | None
    state: object
    saved: int = 0


@final
class StateCache:
    """Keeps the states of the streams that were used last, at most *size* of them, so that a command reads only what came after.

    States are frozen, so all commands may share them. Only what the store has committed comes in.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[StreamKey, CachedState] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: StreamKey) -> CachedState | None:
        cached = self._kept.get(key)
        if cached is not None:
            try:
                self._kept.move_to_end(key)
            except KeyError:
                return cached  # another thread dropped it just now; it is as good a baseline as before
        return cached

    def keep(self, key: StreamKey, cached: CachedState) -> None:
        """Keep *cached* unless a newer state is kept already."""
        known = self._kept.get(key)
        if key.fold is None or self._size == 0 or (known is not None and known.version > cached.version):
            return
        self._kept[key] = cached
        if len(self._kept) > self._size:
            with suppress(KeyError):
                self._kept.popitem(last=False)

    def discard(self, key: StreamKey) -> None:
        self._kept.pop(key, None)


class Link(Protocol):
    """Another command's events that are on their way; *committed* is None until that is known."""

    @property
    def committed(self) -> bool | None: ...

    async def arrival(self) -> None:
        """Wait until it is known."""
        ...


Foreseeing: TypeAlias = Callable[[StreamKey], "tuple[CachedState, Link] | None"]
"""Tells the state that a stream will have when what is on its way has arrived."""


@final
class View:
    """What is known of one stream. *events* are kept where the command folds by itself. *link*: the events of another command that it rests on."""

    __slots__ = ("events", "link", "position", "saved", "state", "version")

    def __init__(self, version: int, position: Position | None, state: object, saved: int = 0, link: Link | None = None) -> None:
        self.version = version
        self.position = position
        self.state = state
        self.saved = saved
        self.link = link
        self.events: Sequence[StoredEvent] = ()


@final
class Views:
    """The streams that one execution knows: their versions, states, and events where the command folds by itself.

    What it knows comes from *cache* or from the store, and from the store alone what is of one moment. *foreseen* tells that some of it comes from
    events of other commands that were not written yet. With *snapshots*, streams that are read for the first time begin at theirs.
    """

    def __init__(self, cache: StateCache, *, snapshots: bool = False) -> None:
        self.foreseen = False
        self._cache = cache
        self._snapshots = snapshots
        self._distrusted: set[StreamKey] = set()
        self._views: dict[StreamKey, View] = {}

    def __contains__(self, key: StreamKey) -> bool:
        return key in self._views

    def keys(self) -> Sequence[StreamKey]:
        return tuple(self._views)

    def __getitem__(self, key: StreamKey) -> View:
        return self._views[key]

    def versions(self) -> Mapping[StreamKey, int]:
        return {key: view.version for key, view in self._views.items()}

    def events(self) -> list[StoredEvent]:
        """Return the kept events of all streams in the order of their positions."""
        by_stream = {key.stream_id: view.events for key, view in self._views.items()}
        return sorted((stored for events in by_stream.values() for stored in events), key=lambda stored: stored.position)

    def newest(self, keys: Iterable[StreamKey]) -> Position | None:
        """Return the position of the newest event among the streams *keys*."""
        positions = [position for key in keys if (position := self._views[key].position) is not None]
        return max(positions, default=None)

    def adopt(self, keys: Iterable[StreamKey], foreseen: Foreseeing | None) -> bool:
        """Take the states of all of *keys* from what is *foreseen* or from the cache; where one is missing, take none and return False."""
        adopted: dict[StreamKey, View] = {}
        ahead = False
        for key in keys:
            if foreseen is not None and (found := foreseen(key)) is not None:
                adopted[key] = View(*found[0], found[1])
                ahead = True
                continue
            cached = self._cache.get(key)
            if cached is None:
                return False
            adopted[key] = View(*cached)
        self._views.update(adopted)
        self.foreseen |= ahead
        return True

    def renew(self, keys: Iterable[StreamKey], foreseen: Foreseeing | None) -> bool:
        """Take from what is *foreseen* or from the cache what is newer there; return True if anything was."""
        renewed = False
        for key in keys:
            view = self._views[key]
            cached = self._cache.get(key)
            if cached is not None and cached.version > view.version:
                view = self._views[key] = View(*cached)
                renewed = True
            if foreseen is not None and (found := foreseen(key)) is not None and found[0].version > view.version:
                self._views[key] = View(*found[0], found[1])
                renewed = self.foreseen = True
        return renewed

    def links(self) -> list[Link]:
        """Return what the views rest on beyond the store, arrived or not."""
        return [view.link for view in self._views.values() if view.link is not None] if self.foreseen else []

    def rest_on_the_store(self) -> None:
        """Say that all that the views rest on was committed: they are what a read would have brought."""
        for view in self._views.values():
            view.link = None
        self.foreseen = False

    def forget(self, keep: Iterable[StreamKey]) -> None:
        """Forget every stream but those to *keep*."""
        kept = set(keep)
        self._views = {key: view for key, view in self._views.items() if key in kept}

    def reads(self, more: Iterable[StreamKey] = ()) -> list[StreamRead]:
        """Begin to know *more* streams; return what to read so that everything known is of one moment again."""
        for key in more:
            if key not in self._views:
                self._views[key] = View(*(self._cache.get(key) or _nothing(key)))
        reads: dict[str, StreamRead] = {}
        for (stream_id, fold), view in self._views.items():
            types = fold.types if fold else None
            other = reads.get(stream_id)
            if other is None:
                rule = fold.snapshots if fold is not None and self._snapshots and view.version == 0 else None
                kind = None if rule is None or (stream_id, fold) in self._distrusted else rule.kind
                reads[stream_id] = StreamRead(stream_id, view.version, types, kind)
            else:
                both = None if types is None or other.types is None else types | other.types
                reads[stream_id] = StreamRead(stream_id, min(other.after, view.version), both)
        return list(reads.values())

    def absorb(self, slices: Iterable[StreamSlice]) -> bool:
        """Fold what is new. A stream that is shorter than it was known to be is folded afresh.

        Return False where a snapshot could not be read: then nothing was taken in, and reading again does without it.
        """
        by_id = {piece.stream_id: piece for piece in slices}
        begun: dict[StreamKey, View] = {}
        for key in self._views:
            piece = by_id.get(key.stream_id)
            if piece is not None and piece.snapshot is not None:
                view = _begun(key, piece.snapshot)
                if view is None:
                    self._distrusted.add(key)
                else:
                    begun[key] = view
        if any(key in self._distrusted for key in self._views if (piece := by_id.get(key.stream_id)) is not None and piece.snapshot):
            return False
        for key, view in self._views.items():
            piece = by_id.get(key.stream_id)
            if piece is not None:
                self._absorb(key, begun.get(key, view), piece)
        return True

    def _absorb(self, key: StreamKey, view: View, piece: StreamSlice) -> None:
        self._views[key] = view
        if piece.version < view.version:
            self._cache.discard(key)
            view = self._views[key] = View(*_nothing(key))
        news = piece.events
        if piece.after < view.version:
            news = [stored for stored in news if stored.version > view.version]
        if key.fold is None:
            view.events = [*view.events, *news]
        elif news:
            view.state = key.fold.fold(view.state, news)
        view.version, view.position = piece.version, piece.position
        self._cache.keep(key, CachedState(view.version, view.position, view.state, view.saved))


def _begun(key: StreamKey, snapshot: Snapshot) -> View | None:
    """Return the state that *snapshot* holds, or None where it cannot be read."""
    rule = key.fold.snapshots if key.fold is not None else None
    if rule is None:
        return None
    try:
        return View(snapshot.version, None, rule.decode(snapshot.data), snapshot.version)
    except Exception as error:  # noqa: BLE001  # whatever is wrong with it, the events tell the same
        _log.warning("a snapshot of %r at version %d cannot be read and is passed over: %s", snapshot.stream_id, snapshot.version, error)
        return None


def _nothing(key: StreamKey) -> CachedState:
    return CachedState(0, None, key.fold.initial() if key.fold else None)
