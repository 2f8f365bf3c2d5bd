"""A busy day: many customers check out at once what there is too little of, and some are blocked while they do."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable, Sequence

import attrs

from eventcore import CommandExecutor, ConflictMet, Observation, Position, StreamId, StreamsDiscovered
from shop.carts import Cart
from shop.checkout import CheckoutCart, OrderingForbidden, OutOfStock
from shop.commands import BlockCustomer, PutIntoCart, StockProduct
from shop.customers import Customer
from shop.products import Product

SKUS = ("kettle", "lamp", "mug", "notebook", "pencil", "radio", "scarf", "teapot")


@attrs.frozen
class Shopper:
    """A customer with a filled cart."""

    customer: StreamId[Customer]
    cart: StreamId[Cart]
    order_id: str


@attrs.define
class Day:
    """What happened on the day. It is also the executor's observer."""

    ordered: dict[StreamId[Customer], Position] = attrs.field(factory=dict[StreamId[Customer], Position])
    blocked: dict[StreamId[Customer], Position] = attrs.field(factory=dict[StreamId[Customer], Position])
    sold_out: int = 0
    forbidden: int = 0
    conflicts: int = 0
    discoveries: int = 0
    seconds: float = 0.0

    def __call__(self, observation: Observation) -> None:
        match observation:
            case ConflictMet():
                self.conflicts += 1
            case StreamsDiscovered():
                self.discoveries += 1
            case _:
                pass

    @property
    def ordered_after_block(self) -> int:
        """Count the orders that were written after their customer was blocked. There must be none."""
        return sum(customer in self.blocked and self.blocked[customer] < at for customer, at in self.ordered.items())

    @property
    def per_second(self) -> float:
        return (len(self.ordered) + self.sold_out + self.forbidden) / self.seconds


def product_ids(count: int) -> list[StreamId[Product]]:
    """Return the ids of *count* products; the first ones have names of their own."""
    names = [*SKUS, *(f"part-{number}" for number in range(len(SKUS) + 1, count + 1))]
    return [StreamId.of(Product, name) for name in names[:count]]


async def stock(executor: CommandExecutor, products: Iterable[StreamId[Product]], *, quantity: int) -> None:
    for product in products:
        await executor.execute(StockProduct(product, quantity))


async def fill_carts(executor: CommandExecutor, products: Sequence[StreamId[Product]], *, count: int, day: str, seed: int) -> list[Shopper]:
    """Make *count* shoppers whose carts hold one to three products each, drawn by *seed*. *day* keeps them apart from other days'."""
    dice = random.Random(seed)
    shoppers: list[Shopper] = []
    for number in range(1, count + 1):
        key = f"{day}-{number}"
        shopper = Shopper(StreamId.of(Customer, key), StreamId.of(Cart, key), f"order-{key}")
        for product in dice.sample(products, dice.randint(1, min(3, len(products)))):
            await executor.execute(PutIntoCart(shopper.cart, product.removeprefix("product-"), dice.randint(1, 3)))
        shoppers.append(shopper)
    return shoppers


async def open_doors(executor: CommandExecutor, shoppers: Sequence[Shopper], *, block: int, concurrency: int, day: Day, seed: int) -> None:
    """Let all shoppers check out, *concurrency* at a time, and block *block* of them in the midst of it."""
    dice = random.Random(seed)
    blockings = [BlockCustomer(shopper.customer, "unpaid bills") for shopper in dice.sample(shoppers, block)]
    jobs: list[BlockCustomer | CheckoutCart] = [*blockings, *(CheckoutCart(s.cart, s.customer, s.order_id) for s in shoppers)]
    dice.shuffle(jobs)
    waiting = iter(jobs)

    async def work() -> None:
        for job in waiting:
            await _do(executor, job, day)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as workers:
        for _ in range(concurrency):
            workers.create_task(work())
    day.seconds = time.perf_counter() - began


async def _do(executor: CommandExecutor, job: BlockCustomer | CheckoutCart, day: Day) -> None:
    try:
        result = await executor.execute(job)
    except OutOfStock:
        day.sold_out += 1
    except OrderingForbidden:
        day.forbidden += 1
    else:
        if result.position is not None:
            (day.blocked if isinstance(job, BlockCustomer) else day.ordered)[job.customer] = result.position
