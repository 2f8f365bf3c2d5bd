"""A product: how many there are to sell."""

from __future__ import annotations

from eventcore import event, state


@event
class Stocked:
    quantity: int


@event
class StockReserved:
    quantity: int
    order_id: str


ProductEvent = Stocked | StockReserved


@state
class Product:
    available: int = 0

    def apply(self, event: ProductEvent) -> Product:
        match event:
            case Stocked(quantity):
                return Product(self.available + quantity)
            case StockReserved(quantity):
                return Product(self.available - quantity)
