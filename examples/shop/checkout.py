"""The checkout: it learns from the cart which products it needs, and decides on all of them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import CommandRejected, Discovered, StreamId, command, discovered, require, stream
from shop.carts import Cart, CheckedOut
from shop.customers import Customer
from shop.products import Product, StockReserved

if TYPE_CHECKING:
    from shop.checkout_streams import CheckoutCartResolver, CheckoutCartState, CheckoutCartStreams, CheckoutCartWrites


class OutOfStock(CommandRejected):
    """A product that the cart holds is not there in that quantity."""


class OrderingForbidden(CommandRejected):
    """The customer may not order."""


@command
class CheckoutCart:
    """Turn a cart into an order. The customer is only read, yet one who is blocked meanwhile gets no order."""

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
        wanted = {StreamId.of(Product, sku): quantity for sku, quantity in state.cart.items.items()}
        resolver.products.add(wanted)
        require(state.customer.may_order, OrderingForbidden(f"{self.customer} may not order"))
        require(wanted, "{} is empty", self.cart)
        for product, quantity in wanted.items():
            require(state.products[product].available >= quantity, OutOfStock(f"insufficient stock for {product}"))
            yield streams.products[product].write(StockReserved(quantity, self.order_id))
        yield streams.cart.write(CheckedOut(self.order_id))
