from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from eventcore import Discovered, StreamId, command, discovered, event, require, state, stream
from shop.customers import Customer
from shop.products import Product, StockReserved

if TYPE_CHECKING:
    from shop.checkout_streams import (
        AddItemState,
        AddItemStreams,
        AddItemWrites,
        CheckoutCartResolver,
        CheckoutCartState,
        CheckoutCartStreams,
        CheckoutCartWrites,
    )


@event
class ItemAdded:
    sku: str
    quantity: int


@event
class CheckedOut:
    order_id: str


CartEvent = ItemAdded | CheckedOut


@state
class Cart:
    items: Mapping[str, int] = attrs.field(factory=dict[str, int])

    def apply(self, event: CartEvent) -> Cart:
        match event:
            case ItemAdded(sku, quantity):
                return Cart({**self.items, sku: quantity})
            case CheckedOut():
                return Cart()


@command
class AddItem:
    cart: StreamId[Cart] = stream()
    sku: str
    quantity: int = 1

    def handle(self, streams: AddItemStreams, state: AddItemState) -> AddItemWrites:
        require(self.sku not in state.cart.items, "{} is in the cart already", self.sku)
        yield streams.cart.write(ItemAdded(self.sku, self.quantity))


@command
class CheckoutCart:
    cart: StreamId[Cart] = stream()
    customer: StreamId[Customer] = stream(read_only=True)
    products: Discovered[Product] = discovered()
    order_id: str

    def handle(
        self,
        streams: CheckoutCartStreams,
        state: CheckoutCartState,
        resolver: CheckoutCartResolver,
    ) -> CheckoutCartWrites:
        wanted = {StreamId.of(Product, sku): n for sku, n in state.cart.items.items()}
        resolver.products.add(wanted)
        require(state.customer.may_order, "customer {} may not order", self.customer)
        for product, quantity in wanted.items():
            require(state.products[product].available >= quantity, "insufficient stock for {}", product)
            yield streams.products[product].write(StockReserved(quantity))
        yield streams.cart.write(CheckedOut(self.order_id))
