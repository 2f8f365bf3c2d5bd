from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from lights_streams import SwitchState, SwitchStreams, SwitchWrites


@event
class Switched:
    pass


@state
class Light:
    on: bool = False

    def apply(self, event) -> Light:
        return Light(not self.on)


@state
class Lamp:
    on: bool = False

    def apply(self, event: Any) -> Lamp:
        return Lamp(not self.on)


@state
class Torch:
    on: bool = False

    def apply(self) -> Torch:
        return Torch(not self.on)


@command
class Switch:
    light: StreamId[Light] = stream()
    lamp: StreamId[Lamp] = stream()

    def handle(self, streams: SwitchStreams, state: SwitchState) -> SwitchWrites:
        return ()
