"""One bug in each command, or in what its streams fold into."""

from __future__ import annotations

import random
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

import attrs

from eventcore import Discovered, StreamId, StreamWrite, command, discovered, event, require, state, stream

if TYPE_CHECKING:
    from planted.bugs_streams import (
        DrainTankState,
        DrainTankStreams,
        DrainTankWrites,
        DrawTicketState,
        DrawTicketStreams,
        DrawTicketWrites,
        FillTankState,
        FillTankStreams,
        FillTankWrites,
        OpenValveState,
        OpenValveStreams,
        OpenValveWrites,
        PickAnywhereResolver,
        PickAnywhereState,
        PickAnywhereStreams,
        PickAnywhereWrites,
        PickFromManyState,
        PickFromManyStreams,
        PickFromManyWrites,
        PickItemState,
        PickItemStreams,
        PickItemWrites,
        SetPriceState,
        SetPriceStreams,
        SetPriceWrites,
    )


@event("planted.filled")
class Filled:
    litres: int


@state
class Tank:
    litres: int = 0

    def apply(self, event: Filled) -> Tank:
        return Tank(self.litres + event.litres)


@command
class FillTank:
    """An undeclared write: what does not fit goes into a tank that the command does not have."""

    tank: StreamId[Tank] = stream()
    litres: int

    def handle(self, streams: FillTankStreams, state: FillTankState) -> FillTankWrites:
        if self.litres > 100:
            yield StreamWrite(streams, StreamId.of(Tank, "overflow"), Filled(self.litres - 100))
        yield streams.tank.write(Filled(min(self.litres, 100)))


@command
class DrawTicket:
    """Not deterministic: it draws."""

    tank: StreamId[Tank] = stream()

    def handle(self, streams: DrawTicketStreams, state: DrawTicketState) -> DrawTicketWrites:
        yield streams.tank.write(Filled(random.randint(1, 1_000_000)))


@event("planted.drained")
class Drained:
    share: int


@state
class Basin:
    level: int = 100

    def apply(self, event: Drained) -> Basin:
        return Basin(self.level // event.share)


@command
class DrainTank:
    """A fold that is not total: nothing keeps a share of 0 out."""

    basin: StreamId[Basin] = stream()
    share: int

    def handle(self, streams: DrainTankStreams, state: DrainTankState) -> DrainTankWrites:
        yield streams.basin.write(Drained(self.share))


@event("planted.priced")
class Priced:
    amount: Decimal


@state
class Offer:
    amount: Decimal = Decimal(0)

    def apply(self, event: Priced) -> Offer:
        return Offer(event.amount)


@command
class SetPrice:
    """Right by itself; the codec that it is checked with keeps amounts as floats."""

    offer: StreamId[Offer] = stream()
    amount: Decimal

    def handle(self, streams: SetPriceStreams, state: SetPriceState) -> SetPriceWrites:
        yield streams.offer.write(Priced(self.amount))


@event("planted.stocked")
class Stocked:
    item: str


@state
class Shelf:
    items: Mapping[str, int] = attrs.field(factory=dict[str, int])

    def apply(self, event: Stocked) -> Shelf:
        return Shelf({**self.items, event.item: self.items.get(event.item, 0) + 1})


@command
class PickItem:
    """It changes the state that it was given."""

    shelf: StreamId[Shelf] = stream()

    def handle(self, streams: PickItemStreams, state: PickItemState) -> PickItemWrites:
        items = state.shelf.items
        if isinstance(items, dict) and items:
            items.popitem()
        return ()


@command
class PickAnywhere:
    """It changes a state that it discovered."""

    tank: StreamId[Tank] = stream(read_only=True)
    found: Discovered[Shelf] = discovered(read_only=True)

    def handle(self, streams: PickAnywhereStreams, state: PickAnywhereState, resolver: PickAnywhereResolver) -> PickAnywhereWrites:
        shelf = StreamId.of(Shelf, "a")
        resolver.found.add([shelf])
        items = state.found[shelf].items
        if isinstance(items, dict) and items:
            items.popitem()
        return ()


@command
class PickFromMany:
    """It changes a state of several."""

    shelves: tuple[StreamId[Shelf], ...] = stream(read_only=True)

    def handle(self, streams: PickFromManyStreams, state: PickFromManyState) -> PickFromManyWrites:
        for shelf in state.shelves.values():
            if isinstance(shelf.items, dict):
                shelf.items.clear()
        return ()


@event("planted.opened")
class Opened:
    pass


@state
class Valve:
    is_open: bool = False

    def apply(self, event: Opened) -> Valve:
        return Valve(is_open=True)


@command
class OpenValve:
    """Right by itself: never both valves. The store that it is checked on does not look at streams that are only read."""

    valve: StreamId[Valve] = stream()
    other: StreamId[Valve] = stream(read_only=True)

    def handle(self, streams: OpenValveStreams, state: OpenValveState) -> OpenValveWrites:
        require(not state.other.is_open, "{} is open", self.other)
        yield streams.valve.write(Opened())
