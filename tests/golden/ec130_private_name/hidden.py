from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from eventcore import Recorded, StreamId, command, event, state, stream

if TYPE_CHECKING:
    from hidden_streams import HideStreams, HideWrites, OpenState, OpenStreams, OpenWrites, _ShutDoorState, _ShutDoorStreams, _ShutDoorWrites


@event
class _Change:
    """Private, but nothing that is generated names it."""

    by: str


@event
class Opened(_Change):
    pass


@event
class _Shut(_Change):
    pass


_DoorEvent = Opened | _Shut


@state
class Door:
    opened: bool = False

    def apply(self, event: _DoorEvent) -> Door:
        return Door(isinstance(event, Opened))


class _Parts:
    @state
    class Hinge:
        def apply(self, event: Opened) -> _Parts.Hinge:
            return self


@attrs.frozen
class _Seen:
    times: int = 0


@command
class Open:
    door: StreamId[Door] = stream()
    hinge: StreamId[_Parts.Hinge] | None = stream()

    def handle(self, streams: OpenStreams, state: OpenState) -> OpenWrites:
        yield streams.door.write(Opened("me"))


@command
class _ShutDoor:
    door: StreamId[Door] = stream()

    def handle(self, streams: _ShutDoorStreams, state: _ShutDoorState) -> _ShutDoorWrites:
        yield streams.door.write(_Shut("me"))


@command
class Hide:
    door: StreamId = stream(events=_Shut)

    def initial(self) -> tuple[_Seen, ...]:
        return ()

    def apply(self, state: tuple[_Seen, ...], event: Recorded[_Shut]) -> tuple[_Seen, ...]:
        return (*state, _Seen())

    def handle(self, streams: HideStreams, state: tuple[_Seen, ...]) -> HideWrites:
        yield streams.door.write(_Shut(str(state)))
