"""The bank's rules, on the memory store; and the program, on SQLite."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from bank.__main__ import main
from bank.accounts import Account, MoneyDeposited, MoneyReceived, MoneySent
from bank.commands import DepositMoney, InsufficientFunds, OpenAccount, TransferMoney
from bank.teller import Tally, account_ids, open_accounts, random_transfers, read_accounts, run_transfers
from eventcore import AliasedStreams, CommandExecutor, CommandRejected, InMemoryEventStore, RetryPolicy, StreamId

T = TypeVar("T")
ADA, GRACE = StreamId.of(Account, "ada"), StreamId.of(Account, "grace")


def with_bank(use: Callable[[CommandExecutor], Awaitable[T]], *, observer: Tally | None = None) -> T:
    """Run *use* on a bank with two accounts: Ada has 1000, Grace 500."""

    async def run() -> T:
        async with InMemoryEventStore() as store:
            executor = CommandExecutor(store, retry=RetryPolicy(max_attempts=1_000), observer=observer)
            for account, owner, amount in ((ADA, "Ada", 1000), (GRACE, "Grace", 500)):
                await executor.execute(OpenAccount(account, owner))
                await executor.execute(DepositMoney(account, amount))
            return await use(executor)

    return asyncio.run(run())


def test_a_transfer_writes_both_accounts() -> None:
    async def use(bank: CommandExecutor) -> None:
        result = await bank.execute(TransferMoney(ADA, GRACE, 300))
        ada, grace = await bank.load(ADA), await bank.load(GRACE)

        assert [recorded.event for recorded in result.events] == [MoneySent(300, GRACE), MoneyReceived(300, ADA)]
        assert (ada.state, ada.version) == (Account("Ada", 700), 3)
        assert (grace.state, grace.version) == (Account("Grace", 800), 3)

    with_bank(use)


def test_a_transfer_of_more_than_there_is_changes_nothing() -> None:
    async def use(bank: CommandExecutor) -> None:
        with pytest.raises(InsufficientFunds, match="account-ada holds 1000, 1001 were to be taken"):
            await bank.execute(TransferMoney(ADA, GRACE, 1001))

        assert (await bank.load(ADA)).version == 2
        assert (await bank.load(GRACE)).version == 2

    with_bank(use)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (TransferMoney(ADA, GRACE, 0), "a transfer needs an amount above 0, got 0"),
        (TransferMoney(ADA, StreamId.of(Account, "nobody"), 1), "account-nobody is not open"),
        (TransferMoney(StreamId.of(Account, "nobody"), ADA, 1), "account-nobody is not open"),
        (DepositMoney(ADA, -5), "a deposit needs an amount above 0, got -5"),
        (DepositMoney(StreamId.of(Account, "nobody"), 5), "account-nobody is not open"),
        (OpenAccount(ADA, "Eve"), "account-ada is already open"),
    ],
)
def test_the_bank_says_why_it_refuses(command: TransferMoney | DepositMoney | OpenAccount, reason: str) -> None:
    async def use(bank: CommandExecutor) -> None:
        with pytest.raises(CommandRejected) as caught:
            await bank.execute(command)

        assert str(caught.value) == reason

    with_bank(use)


def test_an_account_cannot_send_money_to_itself() -> None:
    with pytest.raises(AliasedStreams):
        TransferMoney(ADA, ADA, 5)


def test_an_account_is_the_sum_of_its_events() -> None:
    assert Account().apply(MoneyDeposited(5)).apply(MoneySent(2, GRACE)).apply(MoneyReceived(4, GRACE)) == Account(balance=7)


def test_concurrent_transfers_between_few_accounts_conflict_and_keep_the_total() -> None:
    tally = Tally()

    async def use(bank: CommandExecutor) -> None:
        accounts = account_ids(3)
        await open_accounts(bank, accounts, deposit=1000)
        before = await read_accounts(bank, accounts)
        await run_transfers(bank, random_transfers(accounts, 300, most=400, seed=7), concurrency=16, tally=tally)
        after = await read_accounts(bank, accounts)

        assert before.total == after.total == 3000
        assert before != after
        assert min(account.balance for _, account in after.accounts) >= 0

    with_bank(use, observer=tally)

    assert tally.committed + tally.refused == 300
    assert tally.conflicts > 0
    assert tally.most_attempts > 1


def test_accounts_that_exist_are_not_opened_again() -> None:
    async def use(bank: CommandExecutor) -> None:
        await open_accounts(bank, account_ids(3), deposit=10)
        first = await read_accounts(bank, account_ids(4))
        await open_accounts(bank, account_ids(4), deposit=20)
        again = await read_accounts(bank, account_ids(4))

        assert first.accounts[:3] == again.accounts[:3]
        assert (first.total, again.total) == (30, 50)

    with_bank(use)


def test_the_program_shows_that_the_total_is_preserved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--file", str(tmp_path / "bank.db"), "--accounts", "4", "--transfers", "200"]

    assert main(arguments) == 0
    first = capsys.readouterr().out
    assert main([*arguments, "--seed", "2"]) == 0
    second = capsys.readouterr().out

    assert "4,000.00      4,000.00   preserved" in first
    assert "4,000.00      4,000.00   preserved" in second
    assert column(first, "after") == column(second, "before")


def test_two_processes_on_one_file_keep_the_total(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--file", str(tmp_path / "bank.db"), "--accounts", "3", "--transfers", "201", "--processes", "2"]

    assert main(arguments) == 0
    output = capsys.readouterr().out

    assert "3,000.00      3,000.00   preserved" in output
    assert sum(number_before(output, what) for what in ("transfers committed", "rejected")) == 201


def number_before(output: str, what: str) -> int:
    (line,) = (line for line in output.splitlines() if what in line)
    return int(line.split()[0].replace(",", ""))


def column(output: str, name: str) -> list[str]:
    """Return the balances of the accounts before or after, as the program printed them."""
    rows = [line.split() for line in output.splitlines() if line.startswith("  account-")]
    return [row[-2 if name == "before" else -1] for row in rows]


@pytest.mark.parametrize("wrong", [["--accounts", "1"], ["--transfers", "0"], ["--concurrency", "-3"], ["--seed", "x"]])
def test_the_program_refuses_options_that_make_no_sense(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(wrong)

    assert caught.value.code == 2
    assert wrong[0] in capsys.readouterr().err
