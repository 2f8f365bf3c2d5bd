from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import Discovered, StreamId, command, discovered, event, state, stream

if TYPE_CHECKING:
    from parcels_streams import SendState, SendStreams, SendWrites


@event
class Sent:
    pass


@state
class Parcel:
    sent: bool = False

    def apply(self, event: Sent) -> Parcel:
        return Parcel(sent=True)


@command
class Send:
    parcel: str = stream()
    bare: StreamId = stream()
    several: list[StreamId[Parcel]] = stream()
    pair: tuple[StreamId[Parcel], StreamId[Parcel]] = stream()
    one_or_other: StreamId[Parcel] | str = stream()
    found: StreamId[Parcel] = discovered()
    given: Discovered[Parcel] = stream()
    not_given = stream()

    def handle(self, streams: SendStreams, state: SendState) -> SendWrites:
        return ()
