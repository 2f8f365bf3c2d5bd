"""The bank's rules, as scenarios; and the program, on SQLite."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bank.__main__ import main
from bank.accounts import Account, MoneyDeposited, MoneyReceived, MoneySent
from bank.commands import DepositMoney, InsufficientFunds, OpenAccount, TransferMoney
from bank.teller import Tally, account_ids, open_accounts, random_transfers, read_accounts, run_transfers
from eventcore import AliasedStreams, CommandExecutor, EventStore, RetryPolicy, StreamId
from eventcore.testing import Scenario, check_command, on

ADA, GRACE, NOBODY = (StreamId.of(Account, key) for key in ("ada", "grace", "nobody"))


@pytest.fixture
def bank(scenario: Scenario) -> Scenario:
    """A bank with two accounts: Ada has 1000, Grace 500."""
    return scenario.given(OpenAccount(ADA, "Ada"), DepositMoney(ADA, 1000), OpenAccount(GRACE, "Grace"), DepositMoney(GRACE, 500))


def test_a_transfer_writes_both_accounts(bank: Scenario) -> None:
    outcome = bank.when(TransferMoney(ADA, GRACE, 300)).then(on(ADA, MoneySent(300, GRACE)), on(GRACE, MoneyReceived(300, ADA)))

    outcome.then_state(ADA, Account("Ada", 700)).then_state(GRACE, Account("Grace", 800))


def test_a_transfer_of_more_than_there_is_changes_nothing(bank: Scenario) -> None:
    outcome = bank.when(TransferMoney(ADA, GRACE, 1001))

    outcome.then_rejected(InsufficientFunds, match="account-ada holds 1000, 1001 were to be taken")
    assert (bank.version(ADA), bank.version(GRACE)) == (2, 2)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (TransferMoney(ADA, GRACE, 0), "a transfer needs an amount above 0, got 0"),
        (TransferMoney(ADA, NOBODY, 1), "account-nobody is not open"),
        (TransferMoney(NOBODY, ADA, 1), "account-nobody is not open"),
        (DepositMoney(ADA, -5), "a deposit needs an amount above 0, got -5"),
        (DepositMoney(NOBODY, 5), "account-nobody is not open"),
        (OpenAccount(ADA, "Eve"), "account-ada is already open"),
    ],
)
def test_the_bank_says_why_it_refuses(bank: Scenario, command: TransferMoney | DepositMoney | OpenAccount, reason: str) -> None:
    bank.when(command).then_rejected(match=f"^{reason}$")


def test_transfers_keep_the_rules_of_commands_after_all_that_can_happen() -> None:
    check_command(TransferMoney, after=[OpenAccount, DepositMoney, TransferMoney])


def test_an_account_cannot_send_money_to_itself() -> None:
    with pytest.raises(AliasedStreams):
        TransferMoney(ADA, ADA, 5)


def test_an_account_is_the_sum_of_its_events() -> None:
    assert Account().apply(MoneyDeposited(5)).apply(MoneySent(2, GRACE)).apply(MoneyReceived(4, GRACE)) == Account(balance=7)


async def test_transfers_of_two_offices_between_few_accounts_conflict_and_keep_the_total(event_store: EventStore) -> None:
    """Commands of one executor wait for each other; those of two conflict."""
    accounts, tally = account_ids(3), Tally()
    offices = [CommandExecutor(event_store, retry=RetryPolicy(max_attempts=1_000), observer=tally) for _ in range(2)]
    await open_accounts(offices[0], accounts, deposit=1000)
    before = await read_accounts(offices[0], accounts)
    work = [random_transfers(accounts, 150, most=400, seed=seed) for seed in (7, 8)]
    await asyncio.gather(*(run_transfers(office, each, concurrency=8, tally=tally) for office, each in zip(offices, work, strict=True)))
    after = await read_accounts(offices[1], accounts)

    assert before.total == after.total == 3000
    assert before != after
    assert min(account.balance for _, account in after.accounts) >= 0
    assert tally.committed + tally.refused == 300
    assert tally.conflicts > 0
    assert tally.most_attempts > 1


async def test_accounts_that_exist_are_not_opened_again(executor: CommandExecutor) -> None:
    await open_accounts(executor, account_ids(3), deposit=10)
    first = await read_accounts(executor, account_ids(4))
    await open_accounts(executor, account_ids(4), deposit=20)
    again = await read_accounts(executor, account_ids(4))

    assert first.accounts[:3] == again.accounts[:3]
    assert (first.total, again.total) == (30, 50)


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
