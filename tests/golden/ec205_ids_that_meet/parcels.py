"""States of which the streams can have one id, and ids that are computed in two ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from parcels_streams import SendState, SendStreams, SendWrites, SortState, SortStreams, SortWrites


@event
class Sent:
    to: str


@state
class Parcel:
    to: str = ""

    def apply(self, event: Sent) -> Parcel:
        return Parcel(event.to)


@state(category="parcel-line")
class Line:
    """`Parcel` with the key "line-1" has the id of the `Line` with the key 1."""

    to: str = ""

    def apply(self, event: Sent) -> Line:
        return Line(event.to)


@state(category="parcel")
class Address:
    """Meets `Parcel`, but is only read: a view of the same streams."""

    to: str = ""

    def apply(self, event: Sent) -> Address:
        return Address(event.to)


@command
class Send:
    parcel: StreamId[Parcel] = stream()
    before: StreamId[Address] | None = stream(read_only=True, default=None)

    def handle(self, streams: SendStreams, state: SendState) -> SendWrites:
        yield streams.parcel.write(Sent("home"))


@command
class Sort:
    line: StreamId[Line] = stream()

    def handle(self, streams: SortStreams, state: SortState) -> SortWrites:
        yield streams.line.write(Sent("north"))


def parcel_id(number: int) -> StreamId[Parcel]:
    return StreamId.of(Parcel, number)


def parcel_by_hand(number: int) -> StreamId[Parcel]:
    return StreamId[Parcel](f"parcel-{number}")


def address_of(number: int) -> StreamId[Address]:
    return StreamId[Address](f"parcel-{number}")


def van_by_hand(number: int) -> StreamId:
    return StreamId(f"van-{number}")
