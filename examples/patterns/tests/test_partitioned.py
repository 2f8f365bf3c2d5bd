"""Which partition a customer has, who meets whom there, and what is decided on all of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest

from eventcore import CommandExecutor, CommandRejected, InMemoryEventStore, StreamId
from patterns.partitioned import CREDIT, PARTITIONS, CloseDay, CreditExceeded, PlaceOrder, TradingDay, all_partitions, partition_of
from patterns.tests.meanwhile import Meanwhile

TODAY = StreamId.of(TradingDay, "today")


def neighbour(of: str) -> str:
    """Return another customer of the same partition."""
    return next(name for name in map(str, range(10_000)) if partition_of(name) == partition_of(of))


def stranger(to: str) -> str:
    """Return a customer of another partition."""
    return next(name for name in map(str, range(10_000)) if partition_of(name) != partition_of(to))


def test_a_customer_has_the_same_partition_in_every_process() -> None:
    """Written down, because with another answer all orders of the past would be lost from sight."""
    names = ("ada", "barbara", "claude", "Zoë", "山田")

    assert [partition_of(name) for name in names] == ["orders-7", "orders-7", "orders-8", "orders-10", "orders-2"]


def test_customers_are_spread_over_all_partitions() -> None:
    spread = Counter(partition_of(f"customer-{number}") for number in range(100 * PARTITIONS))

    assert set(spread) == set(all_partitions())
    assert max(spread.values()) < 2 * min(spread.values())


@pytest.mark.parametrize(("meets", "attempts"), [(neighbour, 2), (stranger, 1)])
def test_only_orders_of_one_partition_conflict(meets: Callable[[str], str], attempts: int) -> None:
    async def run() -> None:
        async with InMemoryEventStore() as store:
            shop = CommandExecutor(store)
            race = Meanwhile(store, lambda: shop.execute(PlaceOrder.of(meets("ada"), 10)))
            result = await CommandExecutor(race).execute(PlaceOrder.of("ada", 20))

            assert result.attempts == attempts
            assert (await shop.load(partition_of("ada"))).state.owed["ada"] == 20

    asyncio.run(run())


def test_credit_holds_for_a_customer_whoever_else_orders_at_once() -> None:
    async def run() -> None:
        async with InMemoryEventStore() as store:
            orders = [PlaceOrder.of(customer, 300) for customer in ("ada", neighbour("ada"), stranger("ada")) for _ in range(5)]
            outcomes = await asyncio.gather(*(CommandExecutor(store).execute(order) for order in orders), return_exceptions=True)
            shop = CommandExecutor(store)
            owed = {order.customer: (await shop.load(order.orders)).state.owed[order.customer] for order in orders}

            assert set(owed.values()) == {900}
            assert sum(isinstance(outcome, CreditExceeded) for outcome in outcomes) == 6

    asyncio.run(run())


def test_an_order_in_the_wrong_partition_is_refused() -> None:
    wrong = partition_of(stranger("ada"))

    async def run() -> None:
        async with InMemoryEventStore() as store:
            with pytest.raises(CommandRejected, match=f"the orders of ada are kept in {partition_of('ada')}, not in {wrong}"):
                await CommandExecutor(store).execute(PlaceOrder(wrong, "ada", CREDIT))

    asyncio.run(run())


def test_a_day_is_closed_on_all_partitions_at_one_moment() -> None:
    """An order comes in after all were read: the sum has it."""

    async def run() -> None:
        async with InMemoryEventStore() as store:
            shop = CommandExecutor(store)
            for number in range(40):
                await shop.execute(PlaceOrder.of(f"customer-{number}", 10))
            race = Meanwhile(store, lambda: shop.execute(PlaceOrder.of("late", 5)))
            result = await CommandExecutor(race).execute(CloseDay(TODAY, all_partitions()))

            assert result.attempts == 2
            assert (await shop.load(TODAY)).state.owed == 405
            with pytest.raises(CommandRejected, match="trading_day-today is closed already"):
                await shop.execute(CloseDay(TODAY, all_partitions()))

    asyncio.run(run())
