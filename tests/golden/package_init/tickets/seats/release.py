from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, stream

from .. import Booking
from . import Seat
from .model import Released

if TYPE_CHECKING:
    from .release_streams import ReleaseState, ReleaseStreams, ReleaseWrites


@command
class Release:
    seat: StreamId[Seat] = stream()
    booking: StreamId[Booking] = stream(read_only=True)

    def handle(self, streams: ReleaseStreams, state: ReleaseState) -> ReleaseWrites:
        if state.seat.taken and str(self.seat) in state.booking.seats:
            yield streams.seat.write(Released())
