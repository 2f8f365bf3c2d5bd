"""Streams that nobody writes, and ways of using streams that are not looked through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

from eventcore import Discovered, StreamId, StreamWrite, command, discovered, event, require, state, stream

if TYPE_CHECKING:
    from gates_streams import (
        CloseState,
        CloseStreams,
        CloseWrites,
        GuardState,
        GuardStreams,
        GuardWrites,
        OpenResolver,
        OpenState,
        OpenStreams,
        OpenWrites,
        SealState,
        SealStreams,
        SealWrites,
    )


@event
class Turned:
    by: str


GateEvent: TypeAlias = Turned


@state
class Gate:
    turns: int = 0

    def apply(self, event: GateEvent) -> Gate:
        return Gate(self.turns + 1)


@command
class Open:
    """Reads `yard`, `spare` and `others` only."""

    gate: StreamId[Gate] = stream()
    yard: StreamId[Gate] = stream()
    spare: StreamId[Gate] | None = stream(default=None)
    others: Discovered[Gate] = discovered()
    by: str = "nobody"

    def handle(self, streams: OpenStreams, state: OpenState, resolver: OpenResolver) -> OpenWrites:
        resolver.others.add(StreamId.of(Gate, "back"))
        require(streams.yard.version == 0 and streams.spare is None, "the yard is in use")
        for gate in streams.others:
            require(state.others[gate].turns == streams.others[gate].version, "{} lost count", gate)
        yield streams.gate.write(Turned(self.by))


@command
class Close:
    """Hands its streams on: what is written is for nobody to see."""

    gate: StreamId[Gate] = stream()
    yard: StreamId[Gate] = stream()

    def handle(self, streams: CloseStreams, state: CloseState) -> CloseWrites:
        yield from self.turned(streams)

    def turned(self, streams: CloseStreams) -> Iterator[StreamWrite[CloseStreams, GateEvent]]:
        yield streams.gate.write(Turned("closer"))


@command
class Guard:
    """Is still to be written."""

    gate: StreamId[Gate] = stream()

    def handle(self, streams: GuardStreams, state: GuardState) -> GuardWrites:
        raise NotImplementedError


@command
class Seal:
    """Writes one stream under another name, and one by the founding chapter's constructor."""

    gate: StreamId[Gate] = stream()
    yard: StreamId[Gate] = stream()
    road: StreamId[Gate] = stream()

    def handle(self, streams: SealStreams, state: SealState) -> SealWrites:
        gate = streams.gate
        yield gate.write(Turned("sealer"))
        yield StreamWrite(streams, self.yard, Turned("sealer"))
