"""One command with every kind of stream field, and small ones for what it cannot show."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from eventcore import Discovered, Recorded, StreamId, command, discovered, event, state, stream

if TYPE_CHECKING:
    from lab.probes_streams import (
        AliasedState,
        AliasedStreams,
        AliasedWrites,
        AsyncProbeResolver,
        AsyncProbeState,
        AsyncProbeStreams,
        AsyncProbeWrites,
        JournalResolver,
        JournalStreams,
        JournalWrites,
        OtherState,
        OtherStreams,
        OtherWrites,
        ProbeResolver,
        ProbeState,
        ProbeStreams,
        ProbeWrites,
        SelectState,
        SelectStreams,
        SelectWrites,
        TwofoldState,
        TwofoldStreams,
        TwofoldWrites,
    )


@event
class Added:
    amount: int


@event
class Noted:
    text: str


@event
class Retired:
    pass


@state
class Counter:
    total: int = 0
    count: int = 0

    def apply(self, event: Added) -> Counter:
        return Counter(self.total + event.amount, self.count + 1)


@state(ignore_unknown=True)
class Selective:
    total: int = 0

    def apply(self, event: Added) -> Selective:
        return Selective(self.total + event.amount)


@state
class Notes:
    texts: tuple[str, ...] = ()

    def apply(self, event: Noted) -> Notes:
        return Notes((*self.texts, event.text))


@command
class Probe:
    main: StreamId[Counter] = stream()
    rules: StreamId[Counter] = stream(read_only=True)
    notes: StreamId[Notes] | None = stream(default=None)
    several: tuple[StreamId[Counter], ...] = stream(default=())
    friends: Discovered[Counter] = discovered()
    seen: Discovered[Counter] = discovered(read_only=True)
    act: Callable[[ProbeStreams, ProbeState, ProbeResolver], Any] = lambda streams, state, resolver: ()

    def handle(self, streams: ProbeStreams, state: ProbeState, resolver: ProbeResolver) -> ProbeWrites:
        writes: ProbeWrites = self.act(streams, state, resolver)
        return writes


@command
class AsyncProbe:
    main: StreamId[Counter] = stream()
    friends: Discovered[Counter] = discovered()
    act: Callable[[AsyncProbeStreams, AsyncProbeState, AsyncProbeResolver], Awaitable[Any]]

    async def handle(self, streams: AsyncProbeStreams, state: AsyncProbeState, resolver: AsyncProbeResolver) -> AsyncProbeWrites:
        writes: AsyncProbeWrites = await self.act(streams, state, resolver)
        return writes


@command
class Other:
    main: StreamId[Counter] = stream()
    act: Callable[[OtherStreams], Any]

    def handle(self, streams: OtherStreams, state: OtherState) -> OtherWrites:
        writes: OtherWrites = self.act(streams)
        return writes


@command(allow_aliases=True)
class Aliased:
    left: StreamId[Counter] = stream()
    right: StreamId[Counter] = stream()
    watched: StreamId[Counter] = stream(read_only=True)
    amount: int

    def handle(self, streams: AliasedStreams, state: AliasedState) -> AliasedWrites:
        yield streams.left.write(Added(self.amount))
        yield streams.right.write(Added(self.amount))


@command
class Select:
    """Reads a stream that holds more than it knows."""

    main: StreamId[Selective] = stream()

    def handle(self, streams: SelectStreams, state: SelectState) -> SelectWrites:
        yield streams.main.write(Added(state.main.total))


@command(allow_aliases=True)
class Twofold:
    """May fold one stream in two ways."""

    one: StreamId[Counter] = stream()
    other: StreamId[Selective] = stream(read_only=True)

    def handle(self, streams: TwofoldStreams, state: TwofoldState) -> TwofoldWrites:
        yield streams.one.write(Added(100 * state.one.total + state.other.total))


Lines = tuple[tuple[str, int, object], ...]


@command
class Journal:
    """Folds by itself what it meets, in the order in which it meets it."""

    left: StreamId = stream(events=Added)
    right: StreamId = stream(events=Added | Noted, read_only=True)
    more: Discovered = discovered(events=Noted)
    act: Callable[[JournalStreams, Lines, JournalResolver], Any]

    def initial(self) -> Lines:
        return ()

    def apply(self, state: Lines, event: Recorded[Added | Noted]) -> Lines:
        return (*state, (event.stream_id, event.version, event.event))

    def handle(self, streams: JournalStreams, state: Lines, resolver: JournalResolver) -> JournalWrites:
        writes: JournalWrites = self.act(streams, state, resolver)
        return writes
