"""What staff and customers do before a checkout."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

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

SKU: Final = re.compile(r"[\w-]{1,64}")


@command
class StockProduct:
    product: StreamId[Product] = stream()
    quantity: int

    def handle(self, streams: StockProductStreams, state: StockProductState) -> StockProductWrites:
        require(self.quantity > 0, "stock is added in quantities above 0, got {}", self.quantity)
        yield streams.product.write(Stocked(self.quantity))


@command
class PutIntoCart:
    """Put a product into the cart, which need not be in stock; but its sku has to be one, for a checkout makes the product's id of it."""

    cart: StreamId[Cart] = stream()
    sku: str
    quantity: int

    def handle(self, streams: PutIntoCartStreams, state: PutIntoCartState) -> PutIntoCartWrites:
        require(self.quantity > 0, "items are added in quantities above 0, got {}", self.quantity)
        require(SKU.fullmatch(self.sku), "{!r} is no sku: expected 1 to 64 letters, digits and hyphens", self.sku)
        yield streams.cart.write(ItemAdded(self.sku, self.quantity))


@command
class BlockCustomer:
    customer: StreamId[Customer] = stream()
    reason: str

    def handle(self, streams: BlockCustomerStreams, state: BlockCustomerState) -> BlockCustomerWrites:
        if state.customer.may_order:
            yield streams.customer.write(Blocked(self.reason))
