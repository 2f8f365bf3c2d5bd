from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import attrs

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from moves_streams import MoveState, MoveStreams, MoveWrites

T = TypeVar("T")


@attrs.frozen
class Change(Generic[T]):
    to: T


@event
class Moved(Generic[T]):
    to: T


@event
class Renamed(Change[tuple[T, ...]]):
    pass


@event
class Counted(Change[int]):
    """Not generic itself."""


@state
class Box:
    def apply(self, event: Moved[int] | Counted) -> Box:
        return self


@command
class Move:
    box: StreamId[Box] = stream()

    def handle(self, streams: MoveStreams, state: MoveState) -> MoveWrites:
        yield streams.box.write(Moved(1))
