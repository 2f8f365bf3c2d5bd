from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from shop.products_streams import StockProductState, StockProductStreams, StockProductWrites


@event
class Stocked:
    quantity: int


@event
class StockReserved:
    quantity: int


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


@command
class StockProduct:
    product: StreamId[Product] = stream()
    quantity: int

    def handle(self, streams: StockProductStreams, state: StockProductState) -> StockProductWrites:
        yield streams.product.write(Stocked(self.quantity))
