"""Namen, die kein ASCII sind: Klassen, Felder, Ereignisse, das Modul selbst."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import Discovered, StreamId, command, discovered, event, state, stream

if TYPE_CHECKING:
    from größen_streams import MeßFühlerResolver, MeßFühlerState, MeßFühlerStreams, MeßFühlerWrites, Ändern2State, Ändern2Streams, Ändern2Writes


@event("größe.geändert → 測定")
class GrößeGeändert:
    länge: int


@state(category="größe")
class Größe:
    länge: int = 0

    def apply(self, event: GrößeGeändert) -> Größe:
        return Größe(event.länge)


@command
class Ändern2:
    größe: StreamId[Größe] = stream()
    länge: int

    def handle(self, streams: Ändern2Streams, state: Ändern2State) -> Ändern2Writes:
        yield streams.größe.write(GrößeGeändert(self.länge))


@command
class MeßFühler:
    größe: StreamId[Größe] = stream()
    übrige: Discovered[Größe] = discovered(read_only=True)

    def handle(self, streams: MeßFühlerStreams, state: MeßFühlerState, resolver: MeßFühlerResolver) -> MeßFühlerWrites:
        andere = StreamId.of(Größe, "ß")
        resolver.übrige.add(andere)
        yield streams.größe.write(GrößeGeändert(state.übrige[andere].länge + state.größe.länge))
