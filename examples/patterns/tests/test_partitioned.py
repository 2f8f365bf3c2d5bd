"""Which partition a customer has, who meets whom there, and what is decided on all of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest

from eventcore import CommandExecutor, EventStore, StreamId
from eventcore.testing import Scenario, on
from patterns.partitioned import (
    CREDIT,
    PARTITIONS,
    CloseDay,
    CreditExceeded,
    DayClosed,
    OrderPlaced,
    PlaceOrder,
    TradingDay,
    all_partitions,
    partition_of,
)

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
def test_only_orders_of_one_partition_conflict(scenario: Scenario, meets: Callable[[str], str], attempts: int) -> None:
    placed = scenario.meanwhile(PlaceOrder.of(meets("ada"), 10)).when(PlaceOrder.of("ada", 20))

    placed.then(on(partition_of("ada"), OrderPlaced("ada", 20)))
    assert placed.result.attempts == attempts


async def test_credit_holds_for_a_customer_whoever_else_orders_at_once(executor: CommandExecutor, event_store: EventStore) -> None:
    orders = [PlaceOrder.of(customer, 300) for customer in ("ada", neighbour("ada"), stranger("ada")) for _ in range(5)]
    outcomes = await asyncio.gather(*(CommandExecutor(event_store).execute(order) for order in orders), return_exceptions=True)
    owed = {order.customer: (await executor.load(order.orders)).state.owed[order.customer] for order in orders}

    assert set(owed.values()) == {900}
    assert sum(isinstance(outcome, CreditExceeded) for outcome in outcomes) == 6


def test_an_order_in_the_wrong_partition_is_refused(scenario: Scenario) -> None:
    wrong = partition_of(stranger("ada"))

    refused = scenario.when(PlaceOrder(wrong, "ada", CREDIT))

    refused.then_rejected(match=f"the orders of ada are kept in {partition_of('ada')}, not in {wrong}")


def test_a_day_is_closed_on_all_partitions_at_one_moment(scenario: Scenario) -> None:
    """An order comes in after all were read: the sum has it."""
    scenario.given(*(PlaceOrder.of(f"customer-{number}", 10) for number in range(40))).meanwhile(PlaceOrder.of("late", 5))

    closed = scenario.when(CloseDay(TODAY, all_partitions())).then(on(TODAY, DayClosed(405)))

    assert closed.result.attempts == 2
    scenario.when(CloseDay(TODAY, all_partitions())).then_rejected(match="trading_day-today is closed already")
