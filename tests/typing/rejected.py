"""What the type checkers reject: the list of the design, and what is near it."""

from __future__ import annotations

from bank.accounts import Deposited
from bank.transfer_streams import TransferMoneyStreams, TransferMoneyWrites
from pricing_streams import SetPriceWrites
from shop.checkout import Cart, CheckedOut, CheckoutCart, ItemAdded
from shop.checkout_streams import (
    AddItemStreams,
    AddItemWrites,
    CheckoutCartResolver,
    CheckoutCartState,
    CheckoutCartStreams,
    CheckoutCartWrites,
)
from shop.customers import Blocked, Customer
from shop.products import Product, StockReserved

from eventcore import StreamId, StreamWrite


def streams_and_events(
    streams: CheckoutCartStreams,
    state: CheckoutCartState,
    resolver: CheckoutCartResolver,
    cart_id: StreamId[Cart],
    customer_id: StreamId[Customer],
    product_id: StreamId[Product],
) -> None:
    streams.warehouse.write(CheckedOut("o-1"))  # E: not declared
    streams.customer.write(Blocked())  # E: a read-only stream has no write
    streams.cart.write(StockReserved(1))  # E: not one of CartEvent
    streams.products[product_id].write(CheckedOut("o-1"))  # E: not one of ProductEvent
    streams.products[cart_id]  # E: StreamId[Cart] is not StreamId[Product]
    state.products[cart_id]  # E: StreamId[Cart] is not StreamId[Product]
    state.products.get(customer_id)  # E, but not in ty: StreamId[Customer] is not StreamId[Product]
    resolver.products.add(cart_id)  # E: StreamId[Cart] is not StreamId[Product]
    resolver.warehouse.add(product_id)  # E: not declared
    state.warehouse  # E: not declared
    CheckoutCart(customer_id, cart_id, "o-1")  # E: swapped streams
    CheckoutCart(cart_id, customer_id, 1)  # E: plain data of another type
    streams.cart = streams.cart.write(CheckedOut("o-1"))  # E: streams are not set
    streams.cart.write(CheckedOut(1))  # E: an event made with another type
    streams.cart.write(CheckedOut())  # E: an event that is not complete


def another_commands_write(streams: CheckoutCartStreams, transfer: TransferMoneyStreams) -> CheckoutCartWrites:
    return [transfer.source.write(Deposited(1))]  # E: a write of another command's StreamSet


def another_commands_stream_of_the_same_events(streams: AddItemStreams, other: CheckoutCartStreams) -> AddItemWrites:
    yield streams.cart.write(ItemAdded("x", 1))
    yield other.cart.write(ItemAdded("x", 1))  # E, but not in ty: a write of another command's StreamSet


def one_among_many(streams: CheckoutCartStreams, transfer: TransferMoneyStreams) -> CheckoutCartWrites:
    return [streams.cart.write(CheckedOut("o")), transfer.source.write(Deposited(1))]  # E: the second is another command's


def one_write_is_no_iterable(streams: TransferMoneyStreams) -> TransferMoneyWrites:
    return streams.source.write(Deposited(1))  # E: one write is no iterable of writes


def nothing_is_no_iterable(streams: TransferMoneyStreams) -> TransferMoneyWrites:
    return None  # E: None is no iterable of writes


def events_are_no_writes(streams: TransferMoneyStreams) -> TransferMoneyWrites:
    yield Deposited(1)  # E, but not in ty: an event is no write


def anothers_writes(writes: SetPriceWrites) -> TransferMoneyWrites:
    return writes  # E: writes of another command


def through_the_constructor(streams: CheckoutCartStreams, cart_id: StreamId[Cart], transfer: TransferMoneyStreams) -> CheckoutCartWrites:
    yield StreamWrite(streams, cart_id, CheckedOut("o-1"))
    yield StreamWrite(streams, "cart-1", CheckedOut("o-1"))  # E: text is no stream
    yield StreamWrite(transfer, cart_id, CheckedOut("o-1"))  # E, but not in ty: streams of another command
    yield StreamWrite(streams, cart_id, Deposited(1))  # E, but not in ty: an event of none of the command's streams
