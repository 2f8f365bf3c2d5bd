"""The chapter's checkout, in its own form: discovery, indexing and writing in one pass, and `StreamWrite(streams, id, event)`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from eventcore import Discovered, StreamId, StreamWrite, command, discovered, event, require, state, stream

if TYPE_CHECKING:
    from chapter.checkout_streams import CheckoutCartResolver, CheckoutCartState, CheckoutCartStreams, CheckoutCartWrites


@event
class ItemAdded:
    product: str
    quantity: int


@event
class CheckedOut:
    order_id: str


@state
class Cart:
    items: Mapping[str, int] = attrs.field(factory=dict[str, int])
    order_id: str | None = None

    def apply(self, event: ItemAdded | CheckedOut) -> Cart:
        match event:
            case ItemAdded(product, quantity):
                return Cart({**self.items, product: quantity}, self.order_id)
            case CheckedOut(order_id):
                return Cart({}, order_id)


@event
class Registered:
    name: str


@state
class Shopper:
    name: str = ""

    def apply(self, event: Registered) -> Shopper:
        return Shopper(event.name)


@event
class PaymentCharged:
    amount: int


@state
class PaymentMethod:
    charged: int = 0

    def apply(self, event: PaymentCharged) -> PaymentMethod:
        return PaymentMethod(self.charged + event.amount)


@event
class StockAdded:
    quantity: int


@event
class StockReserved:
    quantity: int


@state
class Product:
    available_stock: int = 0

    def apply(self, event: StockAdded | StockReserved) -> Product:
        match event:
            case StockAdded(quantity):
                return Product(self.available_stock + quantity)
            case StockReserved(quantity):
                return Product(self.available_stock - quantity)


@command
class CheckoutCart:
    cart: StreamId[Cart] = stream()
    customer: StreamId[Shopper] = stream(read_only=True)
    payment_method: StreamId[PaymentMethod] = stream()
    products: Discovered[Product] = discovered()
    order_id: str

    def handle(self, streams: CheckoutCartStreams, state: CheckoutCartState, resolver: CheckoutCartResolver) -> CheckoutCartWrites:
        product_streams = {id: StreamId.of(Product, id) for id in state.cart.items}
        resolver.add_streams(product_streams.values())
        for id, quantity in state.cart.items.items():
            product = state.products[product_streams[id]]
            require(product.available_stock >= quantity, "Insufficient stock for product {}", id)
        yield StreamWrite(streams, self.cart, CheckedOut(self.order_id))
        yield StreamWrite(streams, self.payment_method, PaymentCharged(sum(state.cart.items.values())))
        for id, quantity in state.cart.items.items():
            yield StreamWrite(streams, product_streams[id], StockReserved(quantity))
