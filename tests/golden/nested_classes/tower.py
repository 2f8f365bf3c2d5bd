"""Declarations inside of classes, which group them; two events of one class name in two groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    import tower_streams as g


class Big:
    @event("big.rung")
    class Rung:
        times: int

    @state(category="big-bell")
    class Bell:
        rung: int = 0

        def apply(self, event: Big.Rung) -> Big.Bell:
            return Big.Bell(self.rung + event.times)


class Small:
    @event("small.rung")
    class Rung:
        softly: bool

    @state(category="small-bell")
    class Bell:
        rung: int = 0

        def apply(self, event: Small.Rung) -> Small.Bell:
            return Small.Bell(self.rung + 1)

    @command
    class Ring:
        small: StreamId[Small.Bell] = stream()
        big: StreamId[Big.Bell] = stream()

        def handle(self, streams: g.SmallRingStreams, state: g.SmallRingState) -> g.SmallRingWrites:
            yield streams.small.write(Small.Rung(softly=True))
            yield streams.big.write(Big.Rung(1 + state.small.rung))
