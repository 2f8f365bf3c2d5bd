"""The branches of the bank: processes that work on one SQLite file at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial, reduce
from multiprocessing import get_context
from pathlib import Path

import attrs

from bank.books import Line, balances, bring_up, statement
from bank.teller import Ledger, Tally, account_ids, open_accounts, random_transfers, read_accounts, run_transfers
from eventcore import CommandExecutor, Observation, RetryPolicy, SqliteEventStore

MOST = 400_00
"""The most that one transfer moves, in cents."""


@attrs.frozen
class Day:
    """What the branches are to do: *transfers* in all, each branch *concurrency* of its share at a time."""

    file: Path
    accounts: int
    deposit: int
    transfers: int
    concurrency: int
    seed: int


@attrs.frozen
class Books:
    """What the tables say: of all accounts, and of the first one line by line."""

    balances: Mapping[str, int]
    first: Sequence[Line]


def open_bank(day: Day) -> Ledger:
    """Make the file and the accounts where they do not exist, and return the accounts."""

    async def run() -> Ledger:
        async with SqliteEventStore(day.file) as store:
            executor = make_executor(store)
            await open_accounts(executor, account_ids(day.accounts), deposit=day.deposit)
            return await read_accounts(executor, account_ids(day.accounts))

    return asyncio.run(run())


def keep_books(day: Day) -> Books:
    """Bring the tables up to date with the day, and ask them."""

    async def run() -> Books:
        async with SqliteEventStore(day.file) as store:
            accounts = account_ids(day.accounts)
            loaded = [await make_executor(store).load(account) for account in accounts]
            await bring_up(store, max(each.position for each in loaded if each.position is not None))
            return Books(await balances(store), await statement(store, accounts[0]))

    return asyncio.run(run())


def run_branches(day: Day, *, branches: int) -> Tally:
    """Share the day's transfers out among *branches* processes (1: this one), and return what became of all of them."""
    shares = [day.transfers // branches + (branch < day.transfers % branches) for branch in range(branches)]
    if branches == 1:
        return run_branch(day, day.transfers, day.seed)
    with ProcessPoolExecutor(branches, mp_context=get_context("spawn")) as pool:
        return reduce(Tally.together, pool.map(partial(run_branch, day), shares, range(day.seed, day.seed + branches)))


def run_branch(day: Day, transfers: int, seed: int) -> Tally:
    """Run one branch's share of the transfers in this process."""

    async def run() -> Tally:
        tally = Tally()
        async with SqliteEventStore(day.file) as store:
            executor = make_executor(store, tally)
            work = random_transfers(account_ids(day.accounts), transfers, most=MOST, seed=seed)
            await run_transfers(executor, work, concurrency=day.concurrency, tally=tally)
        return tally

    return asyncio.run(run())


def make_executor(store: SqliteEventStore, observer: Callable[[Observation], None] | None = None) -> CommandExecutor:
    # So many commands on so few accounts meet often: each has as many attempts as it needs within a minute.
    return CommandExecutor(store, retry=RetryPolicy(max_attempts=10_000, deadline=60), observer=observer)
