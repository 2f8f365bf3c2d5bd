"""From stored events to states.

`Views` is what one execution knows of its streams. What it learned from the store at a time is of one moment: whole reads and the news of a
conflict are each one snapshot over all the streams concerned. What it took from the `StateCache` need not be, and has to be confirmed
before anyone hears of it.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from enum import Enum
from itertools import islice, repeat
from operator import length_hint
from typing import Final, NamedTuple, Protocol, TypeAlias, final

import orjson

from eventcore.codec import EventCodec
from eventcore.construct import new_object, new_tuple
from eventcore.errors import DefinitionError, EventDataError, EventNotReadable, UnknownEventType, UnknownEventVersion
from eventcore.events import Recorded
from eventcore.execute.snapshots import SnapshotRule
from eventcore.ids import Position, StreamId
from eventcore.store import SEPARATOR, BareEvents, NewEvent, Snapshot, StoredEvent, StreamRead, StreamSlice
from eventcore.typed.spec import EventType

_log: Final = logging.getLogger("eventcore")


class Encoded(NamedTuple):
    """What folding an event takes."""

    stream_id: str
    version: int
    type: str
    type_version: int
    data: bytes


Stored: TypeAlias = "StoredEvent | Encoded"


@final
class EventReader:
    """Decodes the events that one state (or one command) takes. *owner* is its name, for errors."""

    def __init__(self, codec: EventCodec, owner: str, types: Mapping[str, EventType]) -> None:
        self.owner = owner
        self.types = types
        self.decoders = {(name, event_type.version): codec.decoder(event_type.cls) for name, event_type in types.items()}
        # The same for parsed JSON; those of version 1 by the name alone.
        self.value_decoders: dict[object, Callable[[object], object]] = {
            name if event_type.version == 1 else (name, event_type.version): codec.value_decoder(event_type.cls)
            for name, event_type in types.items()
        }
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

    def unknown(self, stored: Stored) -> EventDataError:
        """Say why there is no decoder for *stored*."""
        known = self.types.get(stored.type)
        if known is None:
            return UnknownEventType(stored.type, stored.stream_id, stored.version, self.owner, tuple(self.types))
        return UnknownEventVersion(stored.type, stored.type_version, known.version, _where(stored))


def unreadable(stored: Stored, error: Exception) -> EventDataError:
    """Say what is wrong with the data of *stored*, given what its decoder raised."""
    return EventNotReadable(stored.type, _where(stored), str(error) or repr(error))


def _where(stored: Stored) -> str:
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

    def fold(self, state: object, events: Iterable[Stored]) -> object:
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
            self._note(error, state, event, stored)
            raise
        if state is None:
            raise self._nothing()
        return state

    def fold_bare(self, state: object, stream_id: str, events: BareEvents) -> object:
        """Return *state* after *events*, as `fold` would, in half its time: the JSON of all of them is parsed at once.

        From an event on that is wrong, or unknown, `fold` goes on, and says what it is. What `apply` raises is told here: no event is applied twice.
        """
        apply, decoders, (_, types, type_versions, data) = self._apply, self.reader.value_decoders, events
        kinds: Iterable[object] = types
        if type_versions is not None:
            kinds = [name if version == 1 else (name, version) for name, version in zip(types, type_versions, strict=True)]
        values: list[object] = []
        following = iter(values)
        event = None
        try:
            values = orjson.loads(f"[{data.replace(SEPARATOR, ',')}]")
            following = iter(values)
            for kind, value in zip(kinds, following, strict=True):
                event = decoders[kind](value)
                state = apply(state, event)
                event = None
        except Exception as error:
            begun = len(values) - length_hint(following)
            rest = islice(_one_by_one(stream_id, events), max(0, begun - 1), None)
            if event is not None:
                self._note(error, state, event, next(rest))
                raise
            # Whatever it is, it is met again and told below.
        else:
            if state is None:
                raise self._nothing()
            return state
        return self.fold(state, rest)

    def _nothing(self) -> DefinitionError:
        """Say that `apply` forgot to return: a command would decide on no state at all."""
        problem = f"it returned None, expected the next {self.state.__qualname__}; let it `return self` where an event changes nothing"
        return DefinitionError(self.state.__qualname__, problem, field="apply")

    def _note(self, error: Exception, state: object, event: object, stored: Stored) -> None:
        """Say of what `apply` raised at which event it was; what is an error of ours says so already."""
        if not isinstance(error, EventDataError):
            before = ", after it had returned None for the event before" if state is None else ""
            error.add_note(f"while {self.state.__qualname__}.apply folded {event!r}, {_where(stored)}{before}")

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
        if state is None:
            raise self._nothing()
        return state


def _one_by_one(stream_id: str, events: BareEvents) -> Iterator[Encoded]:
    versions, types, type_versions, data = events
    for each in zip(versions, types, type_versions or repeat(1, len(types)), data.split(SEPARATOR), strict=True):
        version, name, type_version, text = each
        yield Encoded(stream_id, version, name, type_version, text.encode())


StreamKey: TypeAlias = "tuple[StreamId, StateFold | None]"
"""A stream, and what it folds into (None: its events are kept for a command that folds by itself). No named tuple: it is made for each stream of
each command, and taken apart many times."""


class Link(Protocol):
    """Another command's events that are on their way; *committed* is None until that is known."""

    @property
    def committed(self) -> bool | None: ...

    async def arrival(self) -> None:
        """Wait until it is known."""
        ...


@final
class Known:
    """What is known of one stream: its state at a version that was once its head. A baseline, never the truth: an append still checks the version.

    *saved* is the version of the newest snapshot that is known of. *link*: the events of another command that it rests on, and that may not be
    written yet. *events* are kept where the command folds by itself. The cache, the chains and all executions share it: it never changes, but that
    *link* becomes None, and *position* is found out, when they have been written. `known` makes one.
    """

    __slots__ = ("events", "link", "position", "saved", "state", "version")

    version: int
    position: Position | None
    state: object
    saved: int
    link: Link | None
    events: Sequence[StoredEvent]

    def committed(self) -> Known:
        """Return the same without its link, which has arrived."""
        return self if self.link is None else known(self.version, self.position, self.state, self.saved, None, self.events)


def known(
    version: int, position: Position | None, state: object, saved: int = 0, link: Link | None = None, events: Sequence[StoredEvent] = (), /
) -> Known:
    made: Known = new_object(Known)
    made.version = version
    made.position = position
    made.state = state
    made.saved = saved
    made.link = link
    made.events = events
    return made


# States that came last, in a cache that keeps fewer.
_LAST: Final = 256


@final
class StateCache:
    """Keeps the states of the streams that were used last, at most *size* of them, so that a command reads only what came after.

    States are frozen, so all commands may share them. Only what the store has committed comes in.

    However few those are, the states that came last are handed on to commands that were reading meanwhile, which would decide on older ones.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[StreamKey, Known] = OrderedDict()
        self._last = None if size >= _LAST else StateCache(_LAST)

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: StreamKey) -> Known | None:
        cached = self._kept.get(key)
        if cached is not None:
            try:
                self._kept.move_to_end(key)
            except KeyError:
                return cached  # another thread dropped it just now; it is as good a baseline as before
        return cached

    def newest(self, key: StreamKey) -> Known | None:
        """Return what is kept, or came just now and is kept for those who were reading meanwhile."""
        return self.get(key) if self._last is None else self._last.get(key)

    def keep(self, key: StreamKey, known: Known) -> None:
        """Keep *known* unless a newer state is kept already."""
        if self._last is not None:
            self._last.keep(key, known)
        kept = self._kept
        before = kept.get(key)
        if key[1] is None or self._size == 0 or (before is not None and before.version > known.version):
            return
        kept[key] = known
        if before is None and len(kept) > self._size:
            with suppress(KeyError):
                kept.popitem(last=False)

    def discard(self, key: StreamKey) -> None:
        if self._last is not None:
            self._last.discard(key)
        self._kept.pop(key, None)


class Hindered(Enum):
    """What is told of a stream to which something is on its way that no command can be decided upon."""

    HINDERED = "hindered"


Foreseeing: TypeAlias = Callable[[StreamKey], "Known | Hindered | None"]
"""Tells the state that a stream will have when what is on its way has arrived; None where nothing is."""


@final
class Views:
    """The streams that one execution knows: their versions, states, and events where the command folds by itself. *known* is only looked into.

    What it knows comes from *cache* or from the store, and from the store alone what is of one moment. *foreseen* tells that some of it comes from
    events of other commands that were not written yet. With *snapshots*, streams that are read for the first time begin at theirs.
    """

    __slots__ = ("_cache", "_distrusted", "_snapshots", "foreseen", "known")

    def __init__(self, cache: StateCache, snapshots: bool, /) -> None:  # noqa: FBT001  # a keyword would cost more than all of it
        self.foreseen = False
        self._cache = cache
        self._snapshots = snapshots
        self._distrusted: set[StreamKey] = _NONE
        self.known: dict[StreamKey, Known] = {}

    def __contains__(self, key: StreamKey) -> bool:
        return key in self.known

    def keys(self) -> Sequence[StreamKey]:
        return tuple(self.known)

    def versions(self) -> Mapping[StreamKey, int]:
        return {key: known.version for key, known in self.known.items()}

    def events(self) -> list[StoredEvent]:
        """Return the kept events of all streams in the order of their positions."""
        by_stream = {key[0]: known.events for key, known in self.known.items()}
        return sorted((stored for events in by_stream.values() for stored in events), key=lambda stored: stored.position)

    def newest(self, keys: Iterable[StreamKey]) -> Position | None:
        """Return the position of the newest event among the streams *keys*."""
        positions = [position for key in keys if (position := self.known[key].position) is not None]
        return max(positions, default=None)

    def adopt(self, keys: Iterable[StreamKey], foreseen: Foreseeing | None) -> bool:
        """Take the states of all of *keys* from what is *foreseen* or from the cache; take none and return False where one is missing or hindered."""
        adopted: dict[StreamKey, Known] = {}
        ahead = False
        get = self._cache.get
        for key in keys:
            found = None if foreseen is None else foreseen(key)
            if found is None:
                found = get(key)
                if found is None:
                    return False
            elif found is Hindered.HINDERED:
                return False
            else:
                ahead = True
            adopted[key] = found
        self.known.update(adopted)
        self.foreseen |= ahead
        return True

    def renew(self, keys: Iterable[StreamKey], foreseen: Foreseeing | None) -> bool:
        """Take from what is *foreseen* or from the cache what is newer there; return True if anything was."""
        renewed = False
        for key in keys:
            version = self.known[key].version
            cached = self._cache.newest(key)
            if cached is not None and cached.version > version:
                self.known[key], version, renewed = cached, cached.version, True
            found = None if foreseen is None else foreseen(key)
            if isinstance(found, Known) and found.version > version:
                self.known[key] = found
                renewed = self.foreseen = True
        return renewed

    def links(self) -> list[Link]:
        """Return what the views rest on beyond the store, arrived or not."""
        return [known.link for known in self.known.values() if known.link is not None] if self.foreseen else []

    def rest_on_the_store(self) -> None:
        """Say that all that the views rest on was committed: they are what a read would have brought."""
        if self.foreseen:
            self.known = {key: known.committed() for key, known in self.known.items()}
            self.foreseen = False

    def forget(self, keep: Iterable[StreamKey]) -> None:
        """Forget every stream but those to *keep*."""
        kept = set(keep)
        self.known = {key: known for key, known in self.known.items() if key in kept}

    def begin(self, more: Iterable[StreamKey]) -> None:
        """Begin to know *more* streams, with what is kept of them."""
        for key in more:
            if key not in self.known:
                self.known[key] = self._cache.get(key) or _nothing(key)

    def reads(self, more: Iterable[StreamKey] = ()) -> list[StreamRead]:
        """Begin to know *more* streams; return what to read so that everything known is of one moment again."""
        self.begin(more)
        reads: dict[str, StreamRead] = {}
        for (stream_id, fold), known in self.known.items():
            types = fold.types if fold else None
            other = reads.get(stream_id)
            if other is None:
                rule = fold.snapshots if fold is not None and self._snapshots and known.version == 0 else None
                kind = None if rule is None or (stream_id, fold) in self._distrusted else rule.kind
                reads[stream_id] = new_tuple(StreamRead, (stream_id, known.version, types, kind, fold is not None))
            else:
                both = None if types is None or other.types is None else types | other.types
                reads[stream_id] = StreamRead(stream_id, min(other.after, known.version), both)
        return list(reads.values())

    def absorb(self, slices: Iterable[StreamSlice]) -> bool:
        """Fold what is new. A stream that is shorter than it was known to be is folded afresh.

        Return False where a snapshot could not be read: then nothing was taken in, and reading again does without it.
        """
        by_id = {piece[0]: piece for piece in slices}
        begun: dict[StreamKey, Known] = {}
        if any([piece[5] is not None for piece in by_id.values()]):  # noqa: C419  # a list of two is made faster than a generator
            distrusted = {key for key in self.known if not self._begin(key, by_id.get(key[0]), begun)}
            if distrusted:
                self._distrusted = self._distrusted | distrusted
                return False
        for key, known in self.known.items():
            piece = by_id.get(key[0])
            if piece is not None:
                self.known[key] = self._absorbed(key, begun.get(key, known) if begun else known, piece)
        return True

    @staticmethod
    def _begin(key: StreamKey, piece: StreamSlice | None, begun: dict[StreamKey, Known]) -> bool:
        """Note the state that the snapshot of *piece* holds, if there is one; return False where it cannot be read."""
        if piece is not None and piece.snapshot is not None:
            known = _begun(key, piece.snapshot)
            if known is None:
                return False
            begun[key] = known
        return True

    def _absorbed(self, key: StreamKey, before: Known, piece: StreamSlice) -> Known:
        stream_id, after, now, position, news, _, bare = piece
        if now < before.version:
            self._cache.discard(key)
            before = _nothing(key)
        version, state, link, events = before.version, before.state, before.link, before.events
        if after < version:
            news = [stored for stored in news if stored.version > version]
        fold = key[1]
        if fold is None:
            events = [*events, *news]
        elif news:
            state = fold.fold(state, news)
        elif bare:
            assert after == version, "what is read for two folds is not read bare"  # noqa: S101
            for part in bare:
                state = fold.fold_bare(state, stream_id, part)
        absorbed = known(now, position, state, before.saved, link, events)
        self._cache.keep(key, absorbed.committed())
        return absorbed


_NONE: Final[set[StreamKey]] = set()  # never changed: what is distrusted is a set of its own


def _begun(key: StreamKey, snapshot: Snapshot) -> Known | None:
    """Return the state that *snapshot* holds, or None where it cannot be read."""
    fold = key[1]
    rule = None if fold is None else fold.snapshots
    if rule is None:
        return None
    try:
        return known(snapshot.version, None, rule.decode(snapshot.data), snapshot.version)
    except Exception as error:  # noqa: BLE001  # whatever is wrong with it, the events tell the same
        _log.warning("a snapshot of %r at version %d cannot be read and is passed over: %s", snapshot.stream_id, snapshot.version, error)
        return None


def _nothing(key: StreamKey) -> Known:
    fold = key[1]
    return known(0, None, None if fold is None else fold.initial())
