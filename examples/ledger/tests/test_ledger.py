"""The rules of double entry, on the memory store; the auditor; and the program, on SQLite."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pytest

from eventcore import AliasedStreams, CommandExecutor, CommandRejected, IdempotencyKeyReused, InMemoryEventStore, RetryPolicy, StreamId
from ledger.__main__ import main
from ledger.accounts import Account, AccountActivated, AccountClosed, Credited, Debited
from ledger.audit import Audit, audit
from ledger.bookkeeping import LEDGER, Day, keep_books, open_books, random_transactions
from ledger.commands import ActivateAccount, CloseAccount, RecordTransaction
from ledger.journal import Entry, EntryRecorded, Ledger
from ledger.trial_balance import read_trial_balance

T = TypeVar("T")
CASH, SALES, WAGES = (StreamId.of(Account, key) for key in ("cash", "sales", "wages"))


def with_books(use: Callable[[CommandExecutor], Awaitable[T]]) -> T:
    """Run *use* on books where cash and sales are active, and wages are not."""

    async def run() -> T:
        async with InMemoryEventStore() as store:
            books = CommandExecutor(store)
            await books.execute(ActivateAccount(CASH, "Cash"))
            await books.execute(ActivateAccount(SALES, "Sales"))
            return await use(books)

    return asyncio.run(run())


def entry(debits: str, credit: str | None = None, *, reference: str = "JE-1") -> Entry:
    return Entry(reference, Decimal(debits), Decimal(credit or debits))


def test_an_entry_is_recorded_in_the_ledger_and_in_both_accounts() -> None:
    async def use(books: CommandExecutor) -> None:
        result = await books.execute(RecordTransaction(LEDGER, CASH, SALES, entry("19.90")))

        assert [(recorded.stream_id, recorded.event) for recorded in result.events] == [
            (LEDGER, EntryRecorded(entry("19.90"), CASH, SALES)),
            (CASH, Debited(Decimal("19.90"), "JE-1")),
            (SALES, Credited(Decimal("19.90"), "JE-1")),
        ]
        assert (await books.load(LEDGER)).state == Ledger(1, Decimal("19.90"), Decimal("19.90"))
        assert (await books.load(CASH)).state.balance == Decimal("19.90")
        assert (await books.load(SALES)).state.balance == Decimal("-19.90")

    with_books(use)


@pytest.mark.parametrize(
    ("transaction", "reason"),
    [
        (RecordTransaction(LEDGER, CASH, SALES, entry("5.00", "5.01")), "Debits must equal credits"),
        (RecordTransaction(LEDGER, CASH, WAGES, entry("5.00", "4.00")), "Debits must equal credits"),
        (RecordTransaction(LEDGER, CASH, SALES, entry("NaN")), "Debits must equal credits"),
        (RecordTransaction(LEDGER, CASH, WAGES, entry("5.00")), "Both accounts must be active"),
        (RecordTransaction(LEDGER, WAGES, CASH, entry("5.00")), "Both accounts must be active"),
        (RecordTransaction(LEDGER, CASH, SALES, entry("0.00")), "an entry needs an amount above 0, got 0.00"),
        (RecordTransaction(LEDGER, CASH, SALES, entry("-5.00")), "an entry needs an amount above 0, got -5.00"),
    ],
)
def test_a_wrong_entry_is_refused_and_changes_nothing(transaction: RecordTransaction, reason: str) -> None:
    async def use(books: CommandExecutor) -> None:
        with pytest.raises(CommandRejected) as caught:
            await books.execute(transaction)

        assert str(caught.value) == reason
        assert [(await books.load(stream)).version for stream in (LEDGER, CASH, SALES, WAGES)] == [0, 1, 1, 0]

    with_books(use)


def test_amounts_that_are_written_differently_are_equal() -> None:
    async def use(books: CommandExecutor) -> None:
        await books.execute(RecordTransaction(LEDGER, CASH, SALES, entry("5.0", "5.00")))

        assert (await read_trial_balance(books, LEDGER, (CASH, SALES))).is_balanced

    with_books(use)


def test_a_thousand_cents_are_ten_exactly() -> None:
    """Which floats would not be."""

    async def use(books: CommandExecutor) -> None:
        for number in range(1_000):
            await books.execute(RecordTransaction(LEDGER, CASH, SALES, entry("0.01", reference=f"JE-{number}")))

        assert (await books.load(CASH)).state.balance == Decimal(10)
        assert sum([0.01] * 1_000) != 10

    with_books(use)


def test_an_account_is_not_its_own_counterpart() -> None:
    with pytest.raises(AliasedStreams):
        RecordTransaction(LEDGER, CASH, CASH, entry("5.00"))


def test_a_closed_account_takes_no_postings_until_it_is_active_again() -> None:
    async def use(books: CommandExecutor) -> None:
        await books.execute(CloseAccount(SALES))
        with pytest.raises(CommandRejected, match="Both accounts must be active"):
            await books.execute(RecordTransaction(LEDGER, CASH, SALES, entry("5.00")))
        await books.execute(ActivateAccount(SALES, "Sales"))
        await books.execute(RecordTransaction(LEDGER, CASH, SALES, entry("5.00")))

        assert (await books.load(SALES)).state == Account("Sales", is_active=True, credits=Decimal(5))

    with_books(use)


def test_an_entry_that_is_sent_twice_at_once_is_recorded_once() -> None:
    async def use(books: CommandExecutor) -> None:
        sale = RecordTransaction(LEDGER, CASH, SALES, entry("5.00"))
        results = await asyncio.gather(*(books.execute(sale, idempotency_key="JE-1") for _ in range(5)))

        assert sorted(result.replayed for result in results) == [False, True, True, True, True]
        assert (await books.load(LEDGER)).state.entries == 1
        with pytest.raises(IdempotencyKeyReused):
            await books.execute(RecordTransaction(LEDGER, CASH, SALES, entry("6.00")), idempotency_key="JE-1")

    with_books(use)


def test_a_busy_day_ends_balanced_and_the_history_says_the_same() -> None:
    day = Day()

    async def run() -> None:
        async with InMemoryEventStore() as store:
            books = CommandExecutor(store, retry=RetryPolicy(max_attempts=1_000), observer=day)
            accounts = await open_books(books, 4)
            work = random_transactions(accounts, 300, day="d", seed=3)
            await keep_books(books, work, closing=accounts[-1], concurrency=16, day=day, seed=3)
            balance = await read_trial_balance(books, LEDGER, accounts)
            found = await audit(store)

        assert balance.is_balanced
        assert balance.ledger.entries == day.recorded > 0
        assert found.trial_balance == balance
        assert found.findings == []
        assert found.events == len(accounts) + 1 + 3 * day.recorded

    asyncio.run(run())

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
