"""Open accounts and run many transfers at once, and keep account of what happened."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable, Iterator, Sequence

import attrs

from bank.accounts import Account
from bank.commands import DepositMoney, InsufficientFunds, OpenAccount, TransferMoney
from eventcore import CommandExecutor, ConflictMet, Observation, StreamId

AccountId = StreamId[Account]

OWNERS = ("Ada", "Barbara", "Claude", "Donald", "Edsger", "Frances", "Grace", "Hedy", "Ida", "John")


@attrs.frozen
class Ledger:
    """The accounts of the bank at one time, in the order they were asked for."""

    accounts: tuple[tuple[AccountId, Account], ...]

    @property
    def total(self) -> int:
        return sum(account.balance for _, account in self.accounts)


@attrs.define
class Tally:
    """What became of the transfers. It is also the executor's observer, and so sees each conflict."""

    committed: int = 0
    refused: int = 0
    conflicts: int = 0
    most_attempts: int = 0
    seconds: float = 0.0

    def __call__(self, observation: Observation) -> None:
        if isinstance(observation, ConflictMet):
            self.conflicts += 1

    @property
    def per_second(self) -> float:
        return (self.committed + self.refused) / self.seconds

    def together(self, other: Tally) -> Tally:
        """Return what became of the transfers of two tellers who worked at the same time."""
        return Tally(
            committed=self.committed + other.committed,
            refused=self.refused + other.refused,
            conflicts=self.conflicts + other.conflicts,
            most_attempts=max(self.most_attempts, other.most_attempts),
            seconds=max(self.seconds, other.seconds),
        )


def account_ids(count: int) -> list[AccountId]:
    return [StreamId.of(Account, number) for number in range(1, count + 1)]


async def open_accounts(executor: CommandExecutor, accounts: Iterable[AccountId], *, deposit: int) -> None:
    """Open those of the accounts that do not exist yet, with *deposit* cents each."""
    for number, account in enumerate(accounts):
        if not (await executor.load(account)).state.is_open:
            await executor.execute(OpenAccount(account, OWNERS[number % len(OWNERS)]))
            await executor.execute(DepositMoney(account, deposit))


async def read_accounts(executor: CommandExecutor, accounts: Iterable[AccountId]) -> Ledger:
    """Read the accounts back from their events."""
    return Ledger(tuple([(account, (await executor.load(account)).state) for account in accounts]))


def random_transfers(accounts: Sequence[AccountId], count: int, *, most: int, seed: int) -> Iterator[TransferMoney]:
    """Yield *count* transfers of 1 to *most* cents between accounts drawn by *seed*: the same seed gives the same transfers."""
    dice = random.Random(seed)
    for _ in range(count):
        source, target = dice.sample(accounts, 2)
        yield TransferMoney(source, target, dice.randint(1, most))


async def run_transfers(executor: CommandExecutor, transfers: Iterable[TransferMoney], *, concurrency: int, tally: Tally) -> None:
    """Execute the transfers, *concurrency* at a time, and count into *tally* what became of them."""
    waiting = iter(transfers)

    async def work() -> None:
        for transfer in waiting:
            try:
                result = await executor.execute(transfer)
            except InsufficientFunds:
                tally.refused += 1
            else:
                tally.committed += 1
                tally.most_attempts = max(tally.most_attempts, result.attempts)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as workers:
        for _ in range(concurrency):
            workers.create_task(work())
    tally.seconds = time.perf_counter() - began
