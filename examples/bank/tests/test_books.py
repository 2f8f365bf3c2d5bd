"""The bank's read models, on every store."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from bank.__main__ import main
from bank.books import Balances, StatementLines, balances, bring_up, statement
from bank.teller import Tally, account_ids, open_accounts, random_transfers, read_accounts, run_transfers
from eventcore import CommandExecutor, EventStore, Position
from eventcore.projections import project_inline
from eventcore.store import InlineStore


async def newest(executor: CommandExecutor, count: int) -> Position:
    loaded = [await executor.load(account) for account in account_ids(count)]
    return max(each.position for each in loaded if each.position is not None)


async def work(executor: CommandExecutor) -> None:
    await open_accounts(executor, account_ids(4), deposit=1000)
    await run_transfers(executor, random_transfers(account_ids(4), 100, most=400, seed=3), concurrency=8, tally=Tally())


async def agree(store: InlineStore, executor: CommandExecutor) -> None:
    """See that the books say what the events say."""
    ledger = await read_accounts(executor, account_ids(4))
    assert await balances(store) == {str(account): state.balance for account, state in ledger.accounts}
    for account, state in ledger.accounts:
        lines = await statement(store, account)
        assert lines[0].text == "deposit"
        assert lines[0].balance == 1000
        assert lines[-1].balance == state.balance
        assert len(lines) == (await executor.load(account)).version - 1
        assert min(line.balance for line in lines) >= 0


async def test_the_books_agree_with_the_accounts(event_store: EventStore, executor: CommandExecutor) -> None:
    store = cast("InlineStore", event_store)
    await work(executor)
    await bring_up(store, await newest(executor, 4))
    await agree(store, executor)
    # Again, from where they were.
    await run_transfers(executor, random_transfers(account_ids(4), 20, most=400, seed=4), concurrency=4, tally=Tally())
    await bring_up(store, await newest(executor, 4))
    await agree(store, executor)


async def test_the_same_books_can_be_kept_inline(event_store: EventStore, executor: CommandExecutor) -> None:
    store = cast("InlineStore", event_store)
    await project_inline(store, [Balances(), StatementLines()])
    await work(executor)
    await agree(store, executor)


def test_the_program_shows_books_that_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bank.db"
    arguments = ["--file", str(path), "--accounts", "3", "--transfers", "60"]

    assert main(arguments) == 0
    assert main([*arguments, "--seed", "2"]) == 0
    output = capsys.readouterr().out

    assert "3,000.00   in the table `balances`, as the events say" in output
    with closing(sqlite3.connect(path)) as connection:
        (total,) = connection.execute("SELECT sum(balance) FROM balances").fetchone()
    assert total == 3_000_00
    assert " deposit " in output


def test_books_that_were_tampered_with_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bank.db"
    arguments = ["--file", str(path), "--accounts", "3", "--transfers", "30"]
    assert main(arguments) == 0
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("UPDATE balances__1 SET balance = balance + 1")
    connection.close()

    assert main(arguments) == 1
    assert "NOT what the events say" in capsys.readouterr().out
