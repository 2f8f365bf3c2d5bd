from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from lamp.light_streams import SwitchState, SwitchStreams, SwitchWrites


@event
class Switched:
    on: bool


@state
class Light:
    on: bool = False

    def apply(self, event: Switched) -> Light:
        return Light(event.on)


@command
class Switch:
    light: StreamId[Light] = stream()

    def handle(self, streams: SwitchStreams, state: SwitchState) -> SwitchWrites:
        yield streams.light.write(Switched(not state.light.on))
