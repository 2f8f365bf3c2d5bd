"""The shop's rules, on the memory store; and the program, on SQLite."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from eventcore import CommandExecutor, CommandRejected, InMemoryEventStore, RetryPolicy, StreamId
from shop.__main__ import main
from shop.carts import Cart, CheckedOut
from shop.checkout import CheckoutCart, OrderingForbidden, OutOfStock
from shop.commands import BlockCustomer, PutIntoCart, StockProduct
from shop.customers import Customer
from shop.opening_day import Day, fill_carts, open_doors, product_ids, stock
from shop.products import Product, StockReserved

T = TypeVar("T")
CART, ADA = StreamId.of(Cart, "1"), StreamId.of(Customer, "ada")
LAMP, MUG = StreamId.of(Product, "lamp"), StreamId.of(Product, "mug")


def with_shop(use: Callable[[CommandExecutor], Awaitable[T]], *, observer: Day | None = None) -> T:
    """Run *use* on a shop with two lamps and five mugs, and a cart that holds one lamp and three mugs."""

    async def run() -> T:
        async with InMemoryEventStore() as store:
            executor = CommandExecutor(store, retry=RetryPolicy(max_attempts=1_000), observer=observer)
            await executor.execute(StockProduct(LAMP, 2))
            await executor.execute(StockProduct(MUG, 5))
            await executor.execute(PutIntoCart(CART, "lamp", 1))
            await executor.execute(PutIntoCart(CART, "mug", 3))
            return await use(executor)

    return asyncio.run(run())


async def available(shop: CommandExecutor, product: StreamId[Product]) -> int:
    return (await shop.load(product)).state.available


def test_a_checkout_reserves_what_the_cart_holds_and_empties_it() -> None:
    async def use(shop: CommandExecutor) -> None:
        result = await shop.execute(CheckoutCart(CART, ADA, "o-1"))

        assert [recorded.event for recorded in result.events] == [StockReserved(1, "o-1"), StockReserved(3, "o-1"), CheckedOut("o-1")]
        assert [recorded.stream_id for recorded in result.events] == [LAMP, MUG, CART]
        assert (await available(shop, LAMP), await available(shop, MUG)) == (1, 2)
        assert (await shop.load(CART)).state.items == {}
        assert (await shop.load(ADA)).version == 0

    with_shop(use)


def test_a_checkout_asks_for_its_products_once() -> None:
    day = Day()

    async def use(shop: CommandExecutor) -> None:
        await shop.execute(CheckoutCart(CART, ADA, "o-1"))

    with_shop(use, observer=day)

    assert day.discoveries == 1


def test_one_product_too_few_reserves_none_of_the_others() -> None:
    async def use(shop: CommandExecutor) -> None:
        await shop.execute(PutIntoCart(CART, "mug", 3))
        with pytest.raises(OutOfStock, match="insufficient stock for product-mug"):
            await shop.execute(CheckoutCart(CART, ADA, "o-1"))

        assert (await available(shop, LAMP), await available(shop, MUG)) == (2, 5)
        assert (await shop.load(CART)).state.items == {"lamp": 1, "mug": 6}

    with_shop(use)


def test_a_product_that_nobody_stocked_is_out_of_stock() -> None:
    async def use(shop: CommandExecutor) -> None:
        await shop.execute(PutIntoCart(CART, "unicorn", 1))
        with pytest.raises(OutOfStock, match="product-unicorn"):
            await shop.execute(CheckoutCart(CART, ADA, "o-1"))

    with_shop(use)


def test_a_blocked_customer_may_not_order() -> None:
    async def use(shop: CommandExecutor) -> None:
        await shop.execute(BlockCustomer(ADA, "unpaid bills"))
        with pytest.raises(OrderingForbidden, match="customer-ada may not order"):
            await shop.execute(CheckoutCart(CART, ADA, "o-1"))

        assert await available(shop, LAMP) == 2

    with_shop(use)


def test_blocking_twice_writes_once() -> None:
    async def use(shop: CommandExecutor) -> None:
        first = await shop.execute(BlockCustomer(ADA, "unpaid bills"))
        second = await shop.execute(BlockCustomer(ADA, "still unpaid"))

        assert (len(first.events), len(second.events)) == (1, 0)
        assert second.position == first.position

    with_shop(use)


def test_a_cart_is_checked_out_once() -> None:
    async def use(shop: CommandExecutor) -> None:
        outcomes = await asyncio.gather(*(shop.execute(CheckoutCart(CART, ADA, f"o-{n}")) for n in range(8)), return_exceptions=True)
        rejections = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]

        assert len(rejections) == 7
        assert {(type(rejection), str(rejection)) for rejection in rejections} == {(CommandRejected, "cart-1 is empty")}
        assert await available(shop, MUG) == 2

    with_shop(use)


def test_a_busy_day_sells_no_piece_twice_and_nothing_to_the_blocked() -> None:
    day = Day()

    async def use(shop: CommandExecutor) -> None:
        products = product_ids(3)
        await stock(shop, products, quantity=40)
        shoppers = await fill_carts(shop, products, count=80, day="d", seed=3)
        await open_doors(shop, shoppers, block=20, concurrency=16, day=day, seed=3)

        assert all([await available(shop, product) >= 0 for product in products])
        assert len(day.ordered) + day.sold_out + day.forbidden == 80

    with_shop(use, observer=day)

    assert len(day.blocked) == 20
    assert day.ordered_after_block == 0
    assert min(len(day.ordered), day.sold_out, day.forbidden, day.conflicts) > 0


def test_the_program_shows_that_nothing_was_sold_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--file", str(tmp_path / "shop.db"), "--customers", "60", "--stock", "20"]

    assert main(arguments) == 0
    assert main(arguments) == 0

    assert "sold more than there was                         0   never" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["products", "stock", "customers", "concurrency"])
def test_the_program_refuses_options_that_make_no_sense(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([f"--{name}", "0"])

    assert caught.value.code == 2
    assert f"--{name} must be at least 1" in capsys.readouterr().err
