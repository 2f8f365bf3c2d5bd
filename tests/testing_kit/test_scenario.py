"""What a scenario accepts, and how it says what it does not."""

from __future__ import annotations

import asyncio
import re

import pytest

from bank.accounts import Account, AccountOpened, MoneyDeposited, MoneyReceived, MoneySent
from bank.commands import DepositMoney, InsufficientFunds, OpenAccount, TransferMoney
from eventcore import InvalidArgument, NotACommand, StreamId
from eventcore.testing import Scenario, check_command, on
from shop.carts import Cart, CheckedOut, ItemAdded
from shop.checkout import CheckoutCart
from shop.commands import BlockCustomer
from shop.customers import Customer
from shop.products import Product, Stocked, StockReserved

ADA, GRACE = StreamId.of(Account, "ada"), StreamId.of(Account, "grace")
CART, EVE, LAMP = StreamId.of(Cart, "1"), StreamId.of(Customer, "eve"), StreamId.of(Product, "lamp")


@pytest.fixture
def bank():
    return Scenario().given(on(ADA, AccountOpened("Ada"), MoneyDeposited(1000)), OpenAccount(GRACE, "Grace"))


def said(check):
    with pytest.raises(AssertionError) as caught:
        check()
    return str(caught.value)


def test_exactly_the_new_events_are_expected_in_any_order_of_streams(bank):
    outcome = bank.when(TransferMoney(ADA, GRACE, 300))

    outcome.then(on(GRACE, MoneyReceived(300, ADA)), on(ADA, MoneySent(300, GRACE))).then_state(ADA, Account("Ada", 700))


def test_a_difference_is_shown_stream_by_stream(bank):
    outcome = bank.when(TransferMoney(ADA, GRACE, 300))

    assert said(lambda: outcome.then(on(ADA, MoneySent(300, GRACE), MoneySent(1, GRACE)), on(GRACE, MoneyReceived(301, ADA)))) == (
        "TransferMoney(source='account-ada', target='account-grace', amount=300) wrote something else:\n"
        "\n"
        "  account-ada (source)\n"
        "      MoneySent(amount=300, receiver='account-grace')\n"
        "    - MoneySent(amount=1, receiver='account-grace')\n"
        "  account-grace (target)\n"
        "    - MoneyReceived(amount=301, sender='account-ada')\n"
        "    + MoneyReceived(amount=300, sender='account-ada')\n"
        "        amount: expected 301, got 300\n"
        "\n"
        "(- expected, + written)"
    )


def test_an_event_in_a_stream_that_nobody_named_is_too_many(bank):
    outcome = bank.when(TransferMoney(ADA, GRACE, 300))

    assert "account-grace (target)\n    + MoneyReceived" in said(lambda: outcome.then(on(ADA, MoneySent(300, GRACE))))
    assert "wrote something else" in said(outcome.then_nothing)


def test_a_rejection_is_told_by_its_class_and_text(bank):
    outcome = bank.when(TransferMoney(ADA, GRACE, 3000)).then_rejected(InsufficientFunds, match="holds 1000")

    assert "was refused for another reason:\n\n    - holds nothing\n    + account-ada holds 1000" in said(
        lambda: outcome.then_rejected(match="holds nothing")
    )
    assert "should have been refused with ValueError" in said(lambda: outcome.then_rejected(ValueError))
    assert "but was rejected: account-ada holds 1000" in said(outcome.then_nothing)
    assert "should have been refused with CommandRejected, but wrote" in said(lambda: bank.when(DepositMoney(ADA, 1)).then_rejected())


def test_discovered_streams_are_as_good_as_declared_ones():
    scenario = Scenario().given(on(CART, ItemAdded("lamp", 1)), on(LAMP, Stocked(2)))

    outcome = scenario.when(CheckoutCart(CART, EVE, "o-1")).then(on(LAMP, StockReserved(1, "o-1")), on(CART, CheckedOut("o-1")))

    assert "product-lamp (products)\n    + StockReserved" in said(lambda: outcome.then(on(CART, CheckedOut("o-1"))))


@pytest.mark.parametrize("after", [1, 2])
def test_what_happens_meanwhile_is_met(after):
    scenario = Scenario().given(on(CART, ItemAdded("lamp", 1)), on(LAMP, Stocked(2)))

    scenario.meanwhile(BlockCustomer(EVE, "unpaid"), after=after).when(CheckoutCart(CART, EVE, "o-1")).then_rejected(match="may not order")


def test_nothing_that_should_happen_meanwhile_is_lost(bank):
    assert "never did: after read 9" in said(lambda: bank.meanwhile(DepositMoney(ADA, 1), after=9).when(DepositMoney(ADA, 1)))
    assert "meanwhile failed: a deposit needs" in said(lambda: bank.meanwhile(DepositMoney(ADA, -1)).when(DepositMoney(ADA, 1)))


def test_a_when_without_a_then_is_refused(bank):
    bank.when(DepositMoney(ADA, 1))

    assert "was followed by no then" in said(bank.finish)
    bank.when(DepositMoney(ADA, 1)).then(on(ADA, MoneyDeposited(1)))
    bank.finish()


def test_commands_that_meet_do_what_they_do_in_some_order(bank):
    together = bank.when_together(TransferMoney(ADA, GRACE, 700), TransferMoney(ADA, GRACE, 800), DepositMoney(GRACE, 1), seed=3)

    assert "was followed by no then: say then_in_some_order()" in said(bank.finish)
    assert together.then_in_some_order() is together
    bank.finish()
    assert bank.state(ADA).balance in {200, 300}


@pytest.mark.parametrize(
    ("say", "message"),
    [
        (
            lambda bank: bank.given(ADA, MoneyDeposited(1)),
            r"given(history='account-ada'): expected commands, and what `on(stream, event, ...)`",
        ),
        (lambda bank: bank.meanwhile(MoneyDeposited(1)), "meanwhile(history=MoneyDeposited("),
        (lambda bank: bank.when(DepositMoney(ADA, 1)).then(MoneyDeposited(1)), "): expected what `on(stream, event, ...)` makes"),
        (lambda bank: on("account-ada", MoneyDeposited(1)), "on(stream='account-ada'): expected a StreamId"),
        (lambda bank: on(ADA), "on(events=()): expected at least one event"),
    ],
)
def test_what_scenarios_are_made_of_is_checked(bank, say, message):
    with pytest.raises(InvalidArgument, match=re.escape(message)):
        say(bank)


@pytest.mark.parametrize("wrong", [5, DepositMoney(ADA, 1), MoneyDeposited])
def test_only_classes_of_commands_are_checked_for_their_properties(wrong):
    with pytest.raises(InvalidArgument, match=r"check_command\(command=.*\): expected a @command class"):
        check_command(wrong)
    with pytest.raises(InvalidArgument, match=r"check_command\(others=.*\): expected a @command class"):
        check_command(DepositMoney, others=[wrong])


def test_what_is_no_command_and_what_is_no_event_is_refused(bank):
    with pytest.raises(NotACommand):
        bank.when(MoneyDeposited(1))
    with pytest.raises(InvalidArgument, match=re.escape("5 was given for 'account-ada'")):
        bank.given(on(ADA, 5))


def test_a_scenario_in_a_running_loop_says_so(bank):
    async def main():
        bank.when(DepositMoney(ADA, 1))

    with pytest.raises(InvalidArgument, match="plain `def` test"):
        asyncio.run(main())
