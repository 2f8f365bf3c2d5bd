from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, require, state, stream
from stock import facts
from stock.facts import Counted, ItemAdded, ItemTaken

if TYPE_CHECKING:
    from stock.items_streams import MoveState, MoveStreams, MoveWrites


@state(category="stock.item")
class Item:
    quantity: int = 0

    def apply(self, event: ItemAdded | ItemTaken | Counted | facts.Emptied) -> Item:
        match event:
            case ItemAdded(quantity):
                return Item(self.quantity + quantity)
            case ItemTaken(quantity):
                return Item(self.quantity - quantity)
            case Counted(quantity):
                return Item(quantity)
            case facts.Emptied():
                return Item()


@command
class Move:
    item: StreamId[Item] = stream()
    quantity: int

    def handle(self, streams: MoveStreams, state: MoveState) -> MoveWrites:
        require(state.item.quantity + self.quantity >= 0, "there are only {}", state.item.quantity)
        if self.quantity > 0:
            yield streams.item.write(ItemAdded(self.quantity))
        elif self.quantity < 0:
            yield streams.item.write(ItemTaken(-self.quantity))
        else:
            yield streams.item.write(facts.Emptied())
            yield streams.item.write(Counted(100))
