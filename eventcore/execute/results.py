"""What a caller gets back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Generic, TypeVar, final

import attrs

from eventcore.events import Recorded
from eventcore.ids import Position, StreamId

E_co = TypeVar("E_co", covariant=True)
S_co = TypeVar("S_co", covariant=True)


@final
class CommandResult(Generic[E_co]):
    """What a command did.

    *events* are those it appended, in its order; empty where it had nothing to write. *position* is the token for reading one's own writes: that of
    the last event appended, or of the newest event that the decision rests on, or None where there is none. *attempts* counts runs that reached an
    append or an outcome (1 = no conflict). *versions* are those of all its streams afterwards, as far as it knows. *replayed* tells that
    the outcome was remembered under the idempotency key, and nothing was done now.
    """

    # Not an attrs class: many callers never look at the events, and making them would take a tenth of a command's time.
    __slots__ = ("_events", "_record", "attempts", "position", "replayed", "versions")

    def __init__(
        self,
        *,
        record: Callable[[], tuple[Recorded[E_co], ...]],
        position: Position | None,
        attempts: int,
        versions: Mapping[StreamId, int],
        replayed: bool = False,
    ) -> None:
        self._record = record
        self._events: tuple[Recorded[E_co], ...] | None = None
        self.position: Final = position
        self.attempts: Final = attempts
        self.versions: Final = versions
        self.replayed: Final = replayed

    @property
    def events(self) -> tuple[Recorded[E_co], ...]:
        """The events that the command appended, as they were recorded."""
        if self._events is None:
            self._events = self._record()
        return self._events

    def __repr__(self) -> str:
        shown = f"events={self.events!r}, position={self.position!r}, attempts={self.attempts}, versions={self.versions!r}"
        return f"CommandResult({shown}, replayed={self.replayed})"


@final
@attrs.frozen(kw_only=True)
class Loaded(Generic[S_co]):
    """The state of one stream at *version* (events in it; 0 = none). *position* is that of its newest event."""

    stream_id: StreamId
    state: S_co
    version: int
    position: Position | None
