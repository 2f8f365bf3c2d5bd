from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, StreamWrite, command, event, require, state, stream

if TYPE_CHECKING:
    from chapter_streams import ConfirmState, ConfirmStreams, ConfirmWrites


@event
class Confirmed:
    pass


@event
class Reserved:
    quantity: int


@state
class Order:
    confirmed: bool = False

    def apply(self, event: Confirmed) -> Order:
        return Order(confirmed=True)


@state
class Inventory:
    reserved: int = 0

    def apply(self, event: Reserved) -> Inventory:
        return Inventory(self.reserved + event.quantity)


@command
class Confirm:
    order: StreamId[Order] = stream()
    inventory: StreamId[Inventory] = stream()
    quantity: int
    elsewhere: str | None = None

    def handle(self, streams: ConfirmStreams, state: ConfirmState) -> ConfirmWrites:
        require(not state.order.confirmed, "confirmed before")
        inventory = self.inventory if self.elsewhere is None else StreamId[Inventory](self.elsewhere)
        return [
            StreamWrite(streams, self.order, Confirmed()),
            StreamWrite(streams, inventory, Reserved(self.quantity)),
        ]
