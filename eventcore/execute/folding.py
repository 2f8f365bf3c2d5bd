"""From stored events to states.

`Views` is what one execution knows of its streams. What it learned from the store at a time is of one moment: whole reads and the news of a
conflict are each one snapshot over all the streams concerned. What it took from the `StateCache` need not be, and has to be confirmed
before anyone hears of it.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple, final

from eventcore.codec import EventCodec
from eventcore.errors import EventDataError, EventNotReadable, UnknownEventType, UnknownEventVersion
from eventcore.events import Recorded
from eventcore.ids import Position, StreamId
from eventcore.store import StoredEvent, StreamRead, StreamSlice
from eventcore.typed.spec import EventType

_log: Final = logging.getLogger("eventcore")


@final
class EventReader:
    """Decodes the events that one state (or one command) takes. *owner* is its name, for errors."""

    def __init__(self, codec: EventCodec, owner: str, types: Mapping[str, EventType]) -> None:
        self.owner = owner
        self.types = types
        self.decoders = {(name, event_type.version): codec.decoder(event_type.cls) for name, event_type in types.items()}
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

    def __init__(self, state: type[object], reader: EventReader, *, ignore_unknown: bool) -> None:
        self.state = state
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


class StreamKey(NamedTuple):
    """A stream, and what it folds into (None: its events are kept for a command that folds by itself)."""

    stream_id: StreamId
    fold: StateFold | None


class CachedState(NamedTuple):
    """The state of a stream at a version that was once its head. A baseline, never the truth: an append still checks the version."""

    version: int
    position: Position | None
    state: object


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


@final
class View:
    """What is known of one stream. *events* are kept where the command folds by itself."""

    __slots__ = ("events", "position", "state", "version")

    def __init__(self, version: int, position: Position | None, state: object) -> None:
        self.version = version
        self.position = position
        self.state = state
        self.events: Sequence[StoredEvent] = ()


@final
class Views:
    """The streams that one execution knows: their versions, states, and events where the command folds by itself.

    What it knows comes from *cache* or from the store, and from the store alone what is of one moment.
    """

    def __init__(self, cache: StateCache) -> None:
        self._cache = cache
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

    def adopt(self, keys: Iterable[StreamKey]) -> bool:
        """Take the states of all of *keys* from the cache; where one is missing, take none and return False."""
        adopted: dict[StreamKey, View] = {}
        for key in keys:
            cached = self._cache.get(key)
            if cached is None:
                return False
            adopted[key] = View(*cached)
        self._views.update(adopted)
        return True

    def renew(self, keys: Iterable[StreamKey]) -> bool:
        """Take from the cache what is newer there; return True if anything was."""
        renewed = False
        for key in keys:
            cached = self._cache.get(key)
            if cached is not None and cached.version > self._views[key].version:
                self._views[key] = View(*cached)
                renewed = True
        return renewed

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
                reads[stream_id] = StreamRead(stream_id, view.version, types)
            else:
                both = None if types is None or other.types is None else types | other.types
                reads[stream_id] = StreamRead(stream_id, min(other.after, view.version), both)
        return list(reads.values())

    def absorb(self, slices: Iterable[StreamSlice]) -> None:
        """Fold what is new. A stream that is shorter than it was known to be is folded afresh."""
        by_id = {piece.stream_id: piece for piece in slices}
        for key, view in self._views.items():
            piece = by_id.get(key.stream_id)
            if piece is not None:
                self._absorb(key, view, piece)

    def _absorb(self, key: StreamKey, view: View, piece: StreamSlice) -> None:
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
        self._cache.keep(key, CachedState(view.version, view.position, view.state))

    def settle(self, keys: Iterable[StreamKey], committed: Iterable[StoredEvent]) -> None:
        """Keep the states of *keys* for later commands, as they are after what was just *committed* to them.

        The events are folded as they were stored, not as `handle` made them: what a caller does to an object later must not reach the cache.
        """
        written: dict[str, list[StoredEvent]] = {}
        for stored in committed:
            events = written.get(stored.stream_id)
            if events is None:
                written[stored.stream_id] = [stored]
            else:
                events.append(stored)
        for key in keys:
            events = written.get(key.stream_id)
            if events is not None and key.fold is not None:
                self._settle(key, key.fold, events)

    def _settle(self, key: StreamKey, fold: StateFold, events: Sequence[StoredEvent]) -> None:
        try:
            state = fold.fold(self._views[key].state, events)
        except Exception as error:  # noqa: BLE001  # the command is done; the next one that reads the stream meets the error
            self._cache.discard(key)
            _log.warning("a command was committed whose events do not fold into %s: %s", fold.state.__qualname__, error)
        else:
            self._cache.keep(key, CachedState(events[-1].version, events[-1].position, state))


def _nothing(key: StreamKey) -> CachedState:
    return CachedState(0, None, key.fold.initial() if key.fold else None)
