"""What a caller gets back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar, final

import attrs

from eventcore.codec import EventCodec
from eventcore.construct import new_tuple
from eventcore.events import Recorded
from eventcore.ids import Position, StreamId
from eventcore.store import AppendRequest, StoredEvent
from eventcore.typed import ValidWrite

E_co = TypeVar("E_co", covariant=True)
S_co = TypeVar("S_co", covariant=True)


class Source(Protocol):
    """What a result is made of when somebody looks at it: many callers never do, and it would take a tenth of a command's time."""

    def events(self) -> tuple[Recorded[Any], ...]: ...

    def versions(self) -> Mapping[StreamId, int]: ...


@final
class Nothing(NamedTuple):
    """Of a command that had nothing to write."""

    known: Mapping[StreamId, int]

    def events(self) -> tuple[Recorded[object], ...]:
        return ()

    def versions(self) -> Mapping[StreamId, int]:
        return self.known


@final
class Replayed(NamedTuple):
    """Of what was committed under the key before."""

    recorded: tuple[Recorded[object], ...]

    def events(self) -> tuple[Recorded[object], ...]:
        return self.recorded

    def versions(self) -> Mapping[StreamId, int]:
        return {event.stream_id: event.version for event in self.recorded}


@final
class Written(NamedTuple):
    """What `handle` wrote, together with how the store recorded it."""

    codec: EventCodec
    metadata: bytes
    writes: Sequence[ValidWrite]
    request: AppendRequest
    committed: Sequence[StoredEvent]

    def events(self) -> tuple[Recorded[object], ...]:
        decoded = self.codec.decode_metadata(self.metadata)
        return tuple(
            Recorded(write.event, write.stream_id, stored.version, stored.position, stored.event_id, stored.recorded_at, decoded)
            for write, stored in zip(self.writes, self.committed, strict=True)
        )

    def versions(self) -> Mapping[StreamId, int]:
        versions = {StreamId(stream_id): expected.version or 0 for stream_id, expected in self.request.expected.items()}
        return versions | {write.stream_id: stored.version for write, stored in zip(self.writes, self.committed, strict=True)}


@final
class Told(NamedTuple):
    """Of a result from another process."""

    recorded: tuple[Recorded[object], ...]
    known: Mapping[StreamId, int]

    def events(self) -> tuple[Recorded[object], ...]:
        return self.recorded

    def versions(self) -> Mapping[StreamId, int]:
        return self.known


def written(
    codec: EventCodec, metadata: bytes, writes: Sequence[ValidWrite], request: AppendRequest, committed: Sequence[StoredEvent], /
) -> Written:
    """Return a `Written`, as fast as one can be made."""
    source: Written = new_tuple(Written, (codec, metadata, writes, request, committed))
    return source


@final
class CommandResult(Generic[E_co]):
    """What a command did.

    *events* are those it appended, in its order; empty where it had nothing to write. *position* is the token for reading one's own writes: that of
    the last event appended, or of the newest event that the decision rests on, or None where there is none. *attempts* counts runs that reached an
    append or an outcome (1 = no conflict). *versions* are those of all its streams afterwards, as far as it knows. *replayed* tells that
    the outcome was remembered under the idempotency key, and nothing was done now.
    """

    __slots__ = ("_events", "_source", "attempts", "position", "replayed")

    def __init__(self, source: Source, position: Position | None, attempts: int, /, *, replayed: bool = False) -> None:
        self._source = source
        self._events: tuple[Recorded[E_co], ...] | None = None
        self.position: Final = position
        self.attempts: Final = attempts
        self.replayed: Final = replayed

    @property
    def events(self) -> tuple[Recorded[E_co], ...]:
        """The events that the command appended, as they were recorded."""
        if self._events is None:
            self._events = self._source.events()
        return self._events

    @property
    def versions(self) -> Mapping[StreamId, int]:
        """The versions of all its streams afterwards, as far as the command knows."""
        return self._source.versions()

    def __reduce__(self) -> tuple[object, ...]:
        # Not with its source, which holds what its process runs with.
        return _restored, (Told(self.events, dict(self.versions)), self.position, self.attempts, self.replayed)

    def __repr__(self) -> str:
        shown = f"events={self.events!r}, position={self.position!r}, attempts={self.attempts}, versions={dict(self.versions)!r}"
        return f"CommandResult({shown}, replayed={self.replayed})"


def _restored(source: Source, position: Position | None, attempts: int, replayed: bool) -> CommandResult[Any]:  # noqa: FBT001
    return CommandResult(source, position, attempts, replayed=replayed)


@final
@attrs.frozen(kw_only=True)
class Loaded(Generic[S_co]):
    """The state of one stream at *version* (events in it; 0 = none). *position* is that of its newest event."""

    stream_id: StreamId
    state: S_co
    version: int
    position: Position | None
