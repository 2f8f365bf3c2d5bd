"""What the type checkers reject: the list of the design, and what is near it."""

from __future__ import annotations

from typing import assert_type

from bank.accounts import Deposited
from bank.transfer_streams import TransferMoneyStreams, TransferMoneyWrites
from pricing_streams import SetPriceWrites
from shop.checkout import Cart, CartEvent, CheckedOut, CheckoutCart, ItemAdded
from shop.checkout_streams import (
    AddItemStreams,
    AddItemWrites,
    CheckoutCartResolver,
    CheckoutCartState,
    CheckoutCartStreams,
    CheckoutCartWrites,
)
from shop.customers import Blocked, Customer
from shop.products import Product, ProductEvent, StockReserved

from eventcore import CommandExecutor, CommandResult, StreamId, StreamWrite
from eventcore.typed import ReadOnlyStream, WritableStream


def not_declared(
    streams: CheckoutCartStreams, state: CheckoutCartState, resolver: CheckoutCartResolver, product: StreamId[Product]
) -> None:
    """row: streams.warehouse.write(x)"""
    assert_type(streams.cart.write(CheckedOut("o-1")), StreamWrite[CheckoutCartStreams, CartEvent])
    streams.warehouse.write(CheckedOut("o-1"))  # E: not declared
    resolver.warehouse.add(product)  # E: not declared
    state.warehouse  # E: not declared


def read_only(streams: CheckoutCartStreams) -> None:
    """row: streams.customer.write(x)"""
    assert_type(streams.customer, ReadOnlyStream)
    streams.customer.write(Blocked())  # E: a read-only stream has no write


def events(streams: CheckoutCartStreams, product: StreamId[Product]) -> None:
    """row: streams.cart.write(StockReserved(1))"""
    assert_type(streams.cart.write(ItemAdded("lamp", 1)).event, CartEvent)
    streams.cart.write(StockReserved(1))  # E: not one of CartEvent
    streams.products[product].write(CheckedOut("o-1"))  # E: not one of ProductEvent
    streams.cart.write(CheckedOut(1))  # E: an event made with another type
    streams.cart.write(CheckedOut())  # E: an event that is not complete
    streams.cart = streams.cart.write(CheckedOut("o-1"))  # E: streams are not set


def found_streams(
    streams: CheckoutCartStreams,
    state: CheckoutCartState,
    resolver: CheckoutCartResolver,
    cart_id: StreamId[Cart],
    customer_id: StreamId[Customer],
    product_id: StreamId[Product],
) -> None:
    """row: streams.products[cart_id]"""
    assert_type(streams.products[product_id], WritableStream[CheckoutCartStreams, ProductEvent])
    streams.products[cart_id]  # E: StreamId[Cart] is not StreamId[Product]
    state.products[cart_id]  # E: StreamId[Cart] is not StreamId[Product]
    state.products.get(customer_id)  # E, but not in ty: StreamId[Customer] is not StreamId[Product]
    resolver.products.add(cart_id)  # E: StreamId[Cart] is not StreamId[Product]


def swapped(cart_id: StreamId[Cart], customer_id: StreamId[Customer]) -> None:
    """row: CheckoutCart(customer_id, cart_id, "o-1")"""
    assert_type(CheckoutCart(cart_id, customer_id, "o-1"), CheckoutCart)
    CheckoutCart(customer_id, cart_id, "o-1")  # E: swapped streams
    CheckoutCart(cart_id, customer_id, 1)  # E: plain data of another type


def another_commands_write(streams: CheckoutCartStreams, other_commands_streams: TransferMoneyStreams) -> CheckoutCartWrites:
    """row: return [other_commands_streams.a.write(e)]"""
    own = [streams.cart.write(CheckedOut("o-1"))]
    assert_type(own, list[StreamWrite[CheckoutCartStreams, CartEvent]])
    if own:
        return own
    return [other_commands_streams.source.write(Deposited(1))]  # E: a write of another command's StreamSet


async def no_command(executor: CommandExecutor, cart_id: StreamId[Cart], checkout: CheckoutCart) -> None:
    """row: executor.execute(cart_id)"""
    assert_type(await executor.execute(checkout), CommandResult[CartEvent | ProductEvent])
    await executor.execute(cart_id)  # E: no command


async def the_class(executor: CommandExecutor, checkout: CheckoutCart) -> None:
    """row: executor.execute(CheckoutCart)"""
    assert_type(await executor.execute(checkout), CommandResult[CartEvent | ProductEvent])
    await executor.execute(CheckoutCart)  # E: the class instead of a command


def another_commands_stream_of_the_same_events(streams: AddItemStreams, other: CheckoutCartStreams) -> AddItemWrites:
    """row: <Command>Writes"""
    yield streams.cart.write(ItemAdded("x", 1))
    yield other.cart.write(ItemAdded("x", 1))  # E, but not in ty: a write of another command's StreamSet


def one_among_many(streams: CheckoutCartStreams, transfer: TransferMoneyStreams) -> CheckoutCartWrites:
    """row: <Command>Writes"""
    return [streams.cart.write(CheckedOut("o")), transfer.source.write(Deposited(1))]  # E: the second is another command's


def one_write_is_no_iterable(streams: TransferMoneyStreams) -> TransferMoneyWrites:
    """row: <Command>Writes"""
    return streams.source.write(Deposited(1))  # E: one write is no iterable of writes


def nothing_is_no_iterable(streams: TransferMoneyStreams) -> TransferMoneyWrites:
    """row: <Command>Writes"""
    return None  # E: None is no iterable of writes


def events_are_no_writes(streams: TransferMoneyStreams) -> TransferMoneyWrites:
    """row: <Command>Writes"""
    yield Deposited(1)  # E, but not in ty: an event is no write


def anothers_writes(writes: SetPriceWrites) -> TransferMoneyWrites:
    """row: <Command>Writes"""
    return writes  # E: writes of another command


def through_the_constructor(streams: CheckoutCartStreams, cart_id: StreamId[Cart], transfer: TransferMoneyStreams) -> CheckoutCartWrites:
    """row: StreamWrite(streams, stream_id, event)"""
    assert_type(StreamWrite(streams, cart_id, CheckedOut("o-1")), StreamWrite[CheckoutCartStreams, CheckedOut])
    yield StreamWrite(streams, cart_id, CheckedOut("o-1"))
    yield StreamWrite(streams, "cart-1", CheckedOut("o-1"))  # E: text is no stream
    yield StreamWrite(transfer, cart_id, CheckedOut("o-1"))  # E, but not in ty: streams of another command
    yield StreamWrite(streams, cart_id, Deposited(1))  # E, but not in ty: an event of none of the command's streams
