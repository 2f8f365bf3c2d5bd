"""A stream of each kind: every row of the table of declarations, as it is and with ``read_only=True``.

`Stateful`'s fold into states of their own, `SelfFolding`'s are folded by the command. The proofs import what is generated for this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from eventcore import Discovered, Recorded, StreamId, command, discovered, event, state, stream

if TYPE_CHECKING:
    from kinds_streams import (
        AsynchronousState,
        AsynchronousStreams,
        AsynchronousWrites,
        LabelledState,
        LabelledStreams,
        LabelledWrites,
        SelfFoldingResolver,
        SelfFoldingStreams,
        SelfFoldingWrites,
        StatefulResolver,
        StatefulState,
        StatefulStreams,
        StatefulWrites,
    )

T = TypeVar("T", int, str)


@event
class Filled:
    litres: int


@event("tank.drained", version=2)
class Drained:
    pass


TankEvent = Filled | Drained


@event
class Measured:
    celsius: float


@state
class Tank:
    litres: int = 0

    def apply(self, event: TankEvent) -> Tank:
        match event:
            case Filled(litres):
                return Tank(self.litres + litres)
            case Drained():
                return Tank()


@state(category="probe")
class Gauge:
    celsius: float = 0.0

    def apply(self, event: Measured) -> Gauge:
        return Gauge(event.celsius)


@command
class Stateful:
    one: StreamId[Tank] = stream()
    one_read: StreamId[Gauge] = stream(read_only=True)
    perhaps: StreamId[Tank] | None = stream()
    perhaps_read: StreamId[Gauge] | None = stream(read_only=True)
    many: tuple[StreamId[Tank], ...] = stream()
    many_read: tuple[StreamId[Gauge], ...] = stream(read_only=True)
    found: Discovered[Tank] = discovered()
    found_read: Discovered[Gauge] = discovered(read_only=True)
    litres: int

    def handle(self, streams: StatefulStreams, state: StatefulState, resolver: StatefulResolver) -> StatefulWrites:
        yield streams.one.write(Filled(self.litres))
        if streams.perhaps is not None:
            yield streams.perhaps.write(Drained())
        for many in streams.many.values():
            yield many.write(Drained())
        for found in streams.found.values():
            yield found.write(Drained())


@command
class SelfFolding:
    one: StreamId = stream(events=TankEvent)
    one_read: StreamId = stream(events=Measured, read_only=True)
    perhaps: StreamId | None = stream(events=TankEvent)
    perhaps_read: StreamId | None = stream(events=Measured, read_only=True)
    many: tuple[StreamId, ...] = stream(events=TankEvent)
    many_read: tuple[StreamId, ...] = stream(events=Measured, read_only=True)
    found: Discovered = discovered(events=TankEvent)
    found_read: Discovered = discovered(events=Measured, read_only=True)
    litres: int

    def initial(self) -> int:
        return 0

    def apply(self, state: int, event: Recorded[TankEvent | Measured]) -> int:
        return state + 1

    def handle(self, streams: SelfFoldingStreams, state: int, resolver: SelfFoldingResolver) -> SelfFoldingWrites:
        yield streams.one.write(Filled(state))
        if streams.perhaps is not None:
            yield streams.perhaps.write(Drained())
        for many in streams.many.values():
            yield many.write(Drained())
        for found in streams.found.values():
            yield found.write(Drained())


@command(allow_aliases=True)
class Labelled(Generic[T]):
    """Generic over a plain field, and content with one stream in both fields."""

    one: StreamId[Tank] = stream()
    other: StreamId[Tank] = stream()
    label: T

    def handle(self, streams: LabelledStreams, state: LabelledState) -> LabelledWrites:
        return [streams.one.write(Drained()), streams.other.write(Drained())]


@command
class Asynchronous:
    one: StreamId[Tank] = stream()

    async def handle(self, streams: AsynchronousStreams, state: AsynchronousState) -> AsynchronousWrites:
        return [streams.one.write(Drained())]
