"""What staff and customers do before a checkout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, require, stream
from shop.carts import Cart, ItemAdded
from shop.customers import Blocked, Customer
from shop.products import Product, Stocked

if TYPE_CHECKING:
    from shop.commands_streams import (
        BlockCustomerState,
        BlockCustomerStreams,
        BlockCustomerWrites,
        PutIntoCartState,
        PutIntoCartStreams,
        PutIntoCartWrites,
        StockProductState,
        StockProductStreams,
        StockProductWrites,
    )


@command
class StockProduct:
    product: StreamId[Product] = stream()
    quantity: int

    def handle(self, streams: StockProductStreams, state: StockProductState) -> StockProductWrites:
        require(self.quantity > 0, "stock is added in quantities above 0, got {}", self.quantity)
        yield streams.product.write(Stocked(self.quantity))


@command
class PutIntoCart:
    cart: StreamId[Cart] = stream()
    sku: str
    quantity: int

    def handle(self, streams: PutIntoCartStreams, state: PutIntoCartState) -> PutIntoCartWrites:
        require(self.quantity > 0, "items are added in quantities above 0, got {}", self.quantity)
        yield streams.cart.write(ItemAdded(self.sku, self.quantity))


@command
class BlockCustomer:
    customer: StreamId[Customer] = stream()
    reason: str

    def handle(self, streams: BlockCustomerStreams, state: BlockCustomerState) -> BlockCustomerWrites:
        if state.customer.may_order:
            yield streams.customer.write(Blocked(self.reason))
