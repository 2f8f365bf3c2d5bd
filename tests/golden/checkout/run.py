from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, CommandRejected, InMemoryEventStore, StreamId
from shop.checkout import AddItem, Cart, CheckedOut, CheckoutCart
from shop.customers import BlockCustomer, Customer
from shop.products import Product, StockProduct, StockReserved


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        cart, customer = StreamId.of(Cart, 1), StreamId.of(Customer, "ann")
        tea, milk = StreamId.of(Product, "tea"), StreamId.of(Product, "milk")
        await executor.execute(StockProduct(tea, 5))
        await executor.execute(StockProduct(milk, 1))
        await executor.execute(AddItem(cart, "tea", 2))
        await executor.execute(AddItem(cart, "milk"))
        result = await executor.execute(CheckoutCart(cart, customer, "o-1"))
        assert [(recorded.stream_id, recorded.event) for recorded in result.events] == [
            (tea, StockReserved(2)),
            (milk, StockReserved(1)),
            (cart, CheckedOut("o-1")),
        ]
        assert (await executor.load(tea)).state == Product(3)
        assert (await executor.load(cart)).state == Cart()
        await executor.execute(AddItem(cart, "milk"))
        await rejected(executor, CheckoutCart(cart, customer, "o-2"), "insufficient stock for product-milk")
        await executor.execute(BlockCustomer(customer))
        await rejected(executor, CheckoutCart(cart, customer, "o-3"), "customer customer-ann may not order")


async def rejected(executor: CommandExecutor, command: CheckoutCart, reason: str) -> None:
    try:
        await executor.execute(command)
    except CommandRejected as rejection:
        assert str(rejection) == reason, rejection
    else:
        raise AssertionError(f"{command} was not rejected")


asyncio.run(main())
