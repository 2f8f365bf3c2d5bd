"""What a reader gets: an event together with where, when and in which order it was recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar, final
from uuid import UUID

import attrs

from eventcore.ids import Position, StreamId

JsonValue: TypeAlias = "str | int | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
"""Whatever JSON can hold."""
Metadata: TypeAlias = "Mapping[str, JsonValue]"
"""What goes onto every event of a command beside what the event says: who asked, in which request."""

E_co = TypeVar("E_co", covariant=True)


def _stream_id(stored: tuple[Any, ...]) -> StreamId:
    # Around the check: it was made when the event was written.
    return str.__new__(StreamId, stored[0])


def _no_metadata(_stored: tuple[Any, ...]) -> Metadata:
    # Where there is some, it is decoded with the event, so that what cannot be read is found there.
    return {}


# Where a stored event has what a `Recorded` one tells of it.
_FROM_STORED: Final[Mapping[str, Callable[[tuple[Any, ...]], object]]] = {
    "stream_id": _stream_id,
    "version": itemgetter(1),
    "position": itemgetter(2),
    "event_id": itemgetter(3),
    "recorded_at": itemgetter(8),
    "metadata": _no_metadata,
}


class FromStored:
    """Fills attributes from a stored event when somebody looks at them: most readers of many events look at few.

    The stored event may be late itself: a function, and the arguments that it makes it of.
    """

    __slots__ = ("_stored",)
    _stored: tuple[Any, ...]

    if not TYPE_CHECKING:  # no other attributes than those that are declared

        def __getattr__(self, name: str) -> object:
            fill = _FROM_STORED.get(name)
            if fill is None:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
            stored = self._stored
            if callable(stored[0]):
                stored = stored[0](*stored[1:])
                object.__setattr__(self, "_stored", stored)
            value = fill(stored)
            object.__setattr__(self, name, value)
            return value


@final
@attrs.frozen
class Recorded(FromStored, Generic[E_co]):
    """One event as it stands in a store.

    *version* counts the events of its stream up to and including this one, so the first has version 1. *position* orders the
    events of the whole store. *recorded_at* is the store's clock, in UTC; it need not grow with the position.
    """

    event: E_co
    stream_id: StreamId
    version: int
    position: Position
    event_id: UUID
    recorded_at: datetime
    metadata: Metadata = attrs.field(hash=False)
