"""The rules of double entry, as scenarios; the auditor; and the program, on SQLite."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from eventcore import AliasedStreams, CommandExecutor, EventStore, IdempotencyKeyReused, RetryPolicy, StreamId
from eventcore.testing import Scenario, on
from ledger.__main__ import main
from ledger.accounts import Account, AccountActivated, AccountClosed, Credited, Debited
from ledger.audit import Audit, audit
from ledger.bookkeeping import LEDGER, Day, keep_books, open_books, random_transactions
from ledger.commands import ActivateAccount, CloseAccount, RecordTransaction
from ledger.journal import Entry, EntryRecorded, Ledger
from ledger.trial_balance import read_trial_balance

CASH, SALES, WAGES = (StreamId.of(Account, key) for key in ("cash", "sales", "wages"))


@pytest.fixture
def books(scenario: Scenario) -> Scenario:
    """Books where cash and sales are active, and wages are not."""
    return scenario.given(ActivateAccount(CASH, "Cash"), ActivateAccount(SALES, "Sales"))


def entry(debits: str, credit: str | None = None, *, reference: str = "JE-1") -> Entry:
    return Entry(reference, Decimal(debits), Decimal(credit or debits))


def sale(debits: str, credit: str | None = None, *, reference: str = "JE-1") -> RecordTransaction:
    return RecordTransaction(LEDGER, CASH, SALES, entry(debits, credit, reference=reference))


def test_an_entry_is_recorded_in_the_ledger_and_in_both_accounts(books: Scenario) -> None:
    amount = Decimal("19.90")

    outcome = books.when(sale("19.90")).then(
        on(LEDGER, EntryRecorded(entry("19.90"), CASH, SALES)), on(CASH, Debited(amount, "JE-1")), on(SALES, Credited(amount, "JE-1"))
    )

    outcome.then_state(LEDGER, Ledger(1, amount, amount))
    assert (books.state(CASH).balance, books.state(SALES).balance) == (amount, -amount)


@pytest.mark.parametrize(
    ("transaction", "reason"),
    [
        (sale("5.00", "5.01"), "Debits must equal credits"),
        (RecordTransaction(LEDGER, CASH, WAGES, entry("5.00", "4.00")), "Debits must equal credits"),
        (sale("NaN"), "Debits must equal credits"),
        (RecordTransaction(LEDGER, CASH, WAGES, entry("5.00")), "Both accounts must be active"),
        (RecordTransaction(LEDGER, WAGES, CASH, entry("5.00")), "Both accounts must be active"),
        (sale("0.00"), "an entry needs an amount above 0, got 0.00"),
        (sale("-5.00"), "an entry needs an amount above 0, got -5.00"),
    ],
)
def test_a_wrong_entry_is_refused_and_changes_nothing(books: Scenario, transaction: RecordTransaction, reason: str) -> None:
    books.when(transaction).then_rejected(match=f"^{reason}$")

    assert [books.version(stream) for stream in (LEDGER, CASH, SALES, WAGES)] == [0, 1, 1, 0]


def test_amounts_that_are_written_differently_are_equal(books: Scenario) -> None:
    books.when(sale("5.0", "5.00")).then_state(LEDGER, Ledger(1, Decimal(5), Decimal(5)))


async def test_a_thousand_cents_are_ten_exactly(executor: CommandExecutor) -> None:
    """Which floats would not be."""
    for command in (ActivateAccount(CASH, "Cash"), ActivateAccount(SALES, "Sales")):
        await executor.execute(command)
    for number in range(1_000):
        await executor.execute(sale("0.01", reference=f"JE-{number}"))

    assert (await executor.load(CASH)).state.balance == Decimal(10)
    floats = 0.0
    for _ in range(1_000):
        floats += 0.01
    assert floats != 10


def test_an_account_is_not_its_own_counterpart() -> None:
    with pytest.raises(AliasedStreams):
        RecordTransaction(LEDGER, CASH, CASH, entry("5.00"))


def test_a_closed_account_takes_no_postings_until_it_is_active_again(books: Scenario) -> None:
    books.given(CloseAccount(SALES)).when(sale("5.00")).then_rejected(match="Both accounts must be active")

    books.given(ActivateAccount(SALES, "Sales"), sale("5.00"))
    assert books.state(SALES) == Account("Sales", is_active=True, credits=Decimal(5))


async def test_an_entry_that_is_sent_twice_at_once_is_recorded_once(executor: CommandExecutor) -> None:
    for account in (CASH, SALES):
        await executor.execute(ActivateAccount(account, "x"))

    results = await asyncio.gather(*(executor.execute(sale("5.00"), idempotency_key="JE-1") for _ in range(5)))

    assert sorted(result.replayed for result in results) == [False, True, True, True, True]
    assert (await executor.load(LEDGER)).state.entries == 1
    with pytest.raises(IdempotencyKeyReused):
        await executor.execute(sale("6.00"), idempotency_key="JE-1")


async def test_a_busy_day_ends_balanced_and_the_history_says_the_same(event_store: EventStore) -> None:
    day = Day()
    executor = CommandExecutor(event_store, retry=RetryPolicy(max_attempts=1_000), observer=day)
    accounts = await open_books(executor, 4)
    work = random_transactions(accounts, 300, day="d", seed=3)
    await keep_books(executor, work, closing=accounts[-1], concurrency=16, day=day, seed=3)
    balance = await read_trial_balance(executor, LEDGER, accounts)
    found = await audit(event_store)

    assert balance.is_balanced
    assert balance.ledger.entries == day.recorded > 0
    assert found.trial_balance == balance
    assert found.findings == []
    assert found.events == len(accounts) + 1 + 3 * day.recorded
    assert set(day.refused) == {"Debits must equal credits", "Both accounts must be active"}
    assert day.sent_again > 0


def test_the_auditor_finds_what_must_not_be() -> None:
    found = Audit()

    found.see(CASH, AccountActivated("Cash"))
    found.see(LEDGER, EntryRecorded(entry("5", "6"), CASH, SALES))
    found.see(CASH, Debited(Decimal(5), "JE-1"))
    found.see(CASH, Debited(Decimal(5), "JE-1"))
    found.see(CASH, AccountClosed())
    found.see(CASH, Credited(Decimal(7), "JE-2"))
    found.close()

    assert found.findings == [
        "JE-1 debits 5 and credits 6",
        "Debited(amount=Decimal('5'), reference='JE-1') was posted to ledger_account-cash without an entry in the ledger",
        "Credited(amount=Decimal('7'), reference='JE-2') was posted to ledger_account-cash while that was closed",
        "Credited(amount=Decimal('7'), reference='JE-2') was posted to ledger_account-cash without an entry in the ledger",
        "Credited(amount=Decimal('6'), reference='JE-1') was never posted to ledger_account-sales",
    ]
    assert not found.trial_balance.is_balanced


def test_the_program_shows_balanced_books_that_go_on_the_next_day(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--file", str(tmp_path / "ledger.db"), "--accounts", "3", "--entries", "100"]

    assert main(arguments) == 0
    first = capsys.readouterr().out
    assert main([*arguments, "--seed", "2"]) == 0
    second = capsys.readouterr().out

    for output in (first, second):
        assert sum_of(output, "debits") == total(output, "debits") == total(output, "credits") == sum_of(output, "credits")
        assert "balanced" in output
        assert "the history says the same" in output
    assert total(second, "debits") > total(first, "debits") > 0


def test_the_trial_balance_holds_accounts_of_earlier_days_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--file", str(tmp_path / "ledger.db"), "--entries", "30"]

    assert main([*arguments, "--accounts", "12"]) == 0
    assert main([*arguments, "--accounts", "2"]) == 0

    assert capsys.readouterr().out.count("ledger_account-cost-centre-12") == 2


def total(output: str, side: str) -> Decimal:
    (line,) = (line for line in output.splitlines() if line.startswith("  trial balance"))
    return number(line.split()[2 if side == "debits" else 3])


def sum_of(output: str, side: str) -> Decimal:
    rows = [line.split() for line in output.splitlines() if line.startswith("  ledger_account-")]
    return sum((number(row[1 if side == "debits" else 2]) for row in rows), Decimal())


def number(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))


@pytest.mark.parametrize("wrong", [["--accounts", "1"], ["--entries", "0"], ["--concurrency", "-3"], ["--seed", "x"]])
def test_the_program_refuses_options_that_make_no_sense(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(wrong)

    assert caught.value.code == 2
    assert wrong[0] in capsys.readouterr().err
