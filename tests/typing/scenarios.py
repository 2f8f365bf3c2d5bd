"""Scenarios take the events of a stream, and of no other: read from the stream's state, without a generated file of their own."""

from __future__ import annotations

from typing import assert_type

from bank.accounts import Account, AccountEvent, OpenAccount
from bank.transfer import TransferMoney
from eventcore import StreamId
from eventcore.testing import Outcome, Scenario, on, on_any
from shop.checkout import Cart, CheckedOut, CheckoutCart, ItemAdded
from shop.customers import Blocked, Customer
from shop.products import Product, Stocked, StockReserved


def streams(cart: StreamId[Cart], customer: StreamId[Customer], product: StreamId[Product], bare: StreamId) -> None:
    on(cart, ItemAdded("lamp", 1), CheckedOut("o-1"))
    on(customer, Blocked())
    on(product, Stocked(1), StockReserved(1), Stocked(2))
    on_any(bare, CheckedOut("o-1"))
    on(cart, StockReserved(1))  # E: no event of a cart
    on(cart, ItemAdded("lamp", 1), StockReserved(1))  # E: the second is none
    on(customer, CheckedOut("o-1"))  # E: no event of a customer
    on(cart)  # E: at least one event
    on(cart, "checked out")  # E: no event at all
    on("cart-1", CheckedOut("o-1"))  # E: text is no stream id
    on(bare, CheckedOut("o-1"))  # E: nothing says which events it takes; on_any


def steps(
    scenario: Scenario,
    cart: StreamId[Cart],
    customer: StreamId[Customer],
    product: StreamId[Product],
    bare: StreamId,
    either: StreamId[Cart | Product],
) -> None:
    scenario.given(on(cart, ItemAdded("lamp", 1)), CheckoutCart(cart, customer, "o-0")).meanwhile(on(customer, Blocked()))
    outcome = scenario.when(CheckoutCart(cart, customer, "o-1"))
    outcome.then(on(cart, CheckedOut("o-1"))).then_state(cart, Cart()).then_state(bare, Cart()).then_state(either, Product())
    outcome.then_rejected(match="blocked")
    assert_type(scenario.state(product), Product)
    scenario.given(ItemAdded("lamp", 1))  # E: in which stream?
    scenario.when(on(cart, CheckedOut("o-1")))  # E: no command
    scenario.when(CheckoutCart)  # E: the class, not a command
    outcome.then(CheckedOut("o-1"))  # E: in which stream?
    outcome.then_state(cart, Product())  # E: what another stream folds into
    outcome.then_state(cart, None)  # E: nothing a cart folds into
    outcome.then_state(either, Customer())  # E: neither of them
    outcome.then_state("cart-1", Cart())  # E: text is no stream id
    outcome.then_rejected("blocked")  # E: a class of errors, or match=


def results(scenario: Scenario, account: StreamId[Account], other: StreamId[Account]) -> None:
    assert_type(scenario.when(OpenAccount(account, 5)), Outcome[AccountEvent])
    for recorded in scenario.when(TransferMoney(account, other, 5)).result.events:
        assert_type(recorded.event, AccountEvent)
