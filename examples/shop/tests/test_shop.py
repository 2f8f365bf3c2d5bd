"""The shop's rules, as scenarios; and the program, on SQLite."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import strategies as st

from eventcore import CommandExecutor, CommandRejected, EventStore, RetryPolicy, StreamId
from eventcore.testing import Scenario, check_command, on
from shop.__main__ import main
from shop.carts import Cart, CheckedOut
from shop.checkout import CheckoutCart, OrderingForbidden, OutOfStock
from shop.commands import BlockCustomer, PutIntoCart, StockProduct
from shop.customers import Blocked, Customer
from shop.opening_day import Day, fill_carts, open_doors, product_ids, stock
from shop.products import Product, StockReserved

CART, ADA = StreamId.of(Cart, "1"), StreamId.of(Customer, "ada")
LAMP, MUG = StreamId.of(Product, "lamp"), StreamId.of(Product, "mug")
CHECKOUT = CheckoutCart(CART, ADA, "o-1")


@pytest.fixture
def day() -> Day:
    return Day()


@pytest.fixture
def executor(event_store: EventStore, day: Day) -> CommandExecutor:
    return CommandExecutor(event_store, retry=RetryPolicy(max_attempts=1_000), observer=day)


@pytest.fixture
def shop(scenario: Scenario) -> Scenario:
    """A shop with two lamps and five mugs, and a cart that holds one lamp and three mugs."""
    return scenario.given(StockProduct(LAMP, 2), StockProduct(MUG, 5), PutIntoCart(CART, "lamp", 1), PutIntoCart(CART, "mug", 3))


def test_a_checkout_reserves_what_the_cart_holds_and_empties_it(shop: Scenario, day: Day) -> None:
    outcome = shop.when(CHECKOUT).then(on(LAMP, StockReserved(1, "o-1")), on(MUG, StockReserved(3, "o-1")), on(CART, CheckedOut("o-1")))

    outcome.then_state(LAMP, Product(1)).then_state(MUG, Product(2)).then_state(CART, Cart())
    assert day.discoveries == 1


def test_one_product_too_few_reserves_none_of_the_others(shop: Scenario) -> None:
    shop.given(PutIntoCart(CART, "mug", 3))

    outcome = shop.when(CHECKOUT).then_rejected(OutOfStock, match="insufficient stock for product-mug")

    outcome.then_state(LAMP, Product(2)).then_state(MUG, Product(5)).then_state(CART, Cart({"lamp": 1, "mug": 6}))


def test_a_product_that_nobody_stocked_is_out_of_stock(shop: Scenario) -> None:
    shop.given(PutIntoCart(CART, "unicorn", 1)).when(CHECKOUT).then_rejected(OutOfStock, match="product-unicorn")


def test_what_can_be_no_product_does_not_get_into_a_cart(shop: Scenario) -> None:
    shop.when(PutIntoCart(CART, " ", 1)).then_rejected(match="' ' is no sku")


def test_a_blocked_customer_may_not_order(shop: Scenario) -> None:
    shop.given(BlockCustomer(ADA, "unpaid bills")).when(CHECKOUT).then_rejected(OrderingForbidden, match="customer-ada may not order")


@pytest.mark.parametrize("after", [1, 2])
def test_nor_may_one_who_is_blocked_meanwhile(shop: Scenario, after: int) -> None:
    shop.meanwhile(BlockCustomer(ADA, "unpaid bills"), after=after).when(CHECKOUT).then_rejected(OrderingForbidden)


def test_blocking_twice_writes_once(shop: Scenario) -> None:
    first = shop.when(BlockCustomer(ADA, "unpaid bills")).then(on(ADA, Blocked("unpaid bills")))
    second = shop.when(BlockCustomer(ADA, "still unpaid")).then_nothing()

    assert second.result.position == first.result.position


async def test_a_cart_is_checked_out_once(executor: CommandExecutor) -> None:
    for command in (StockProduct(MUG, 5), PutIntoCart(CART, "mug", 3)):
        await executor.execute(command)

    outcomes = await asyncio.gather(*(executor.execute(CheckoutCart(CART, ADA, f"o-{n}")) for n in range(8)), return_exceptions=True)
    rejections = [(type(outcome), str(outcome)) for outcome in outcomes if isinstance(outcome, BaseException)]

    assert rejections == [(CommandRejected, "cart-1 is empty")] * 7
    assert (await executor.load(MUG)).state == Product(2)


def test_checkouts_keep_the_rules_of_commands_after_all_that_can_happen() -> None:
    names = st.sampled_from(("a", "b", " "))

    check_command(CheckoutCart, others=[BlockCustomer], after=[StockProduct, PutIntoCart, BlockCustomer], strategies={str: names})


async def test_a_busy_day_sells_no_piece_twice_and_nothing_to_the_blocked(executor: CommandExecutor, day: Day) -> None:
    products = product_ids(3)
    await stock(executor, products, quantity=40)
    shoppers = await fill_carts(executor, products, count=80, day="d", seed=3)
    await open_doors(executor, shoppers, block=20, concurrency=16, day=day, seed=3)

    assert all([(await executor.load(product)).state.available >= 0 for product in products])
    assert len(day.ordered) + day.sold_out + day.forbidden == 80
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
