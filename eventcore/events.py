"""What a reader gets: an event together with where, when and in which order it was recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Generic, TypeAlias, TypeVar, final
from uuid import UUID

import attrs

from eventcore.ids import Position, StreamId

JsonValue: TypeAlias = "str | int | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
Metadata: TypeAlias = "Mapping[str, JsonValue]"

E_co = TypeVar("E_co", covariant=True)


@final
@attrs.frozen
class Recorded(Generic[E_co]):
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
