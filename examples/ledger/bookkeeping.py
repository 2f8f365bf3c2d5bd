"""A day of many bookkeepers: they post at once, slip now and then, send things twice, and one account is closed meanwhile."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

import attrs

from eventcore import CommandExecutor, CommandRejected, ConflictMet, Observation, StreamId
from ledger.accounts import Account
from ledger.commands import ActivateAccount, CloseAccount, RecordTransaction
from ledger.journal import Entry, Ledger

LEDGER = StreamId.of(Ledger, "general")
CHART = ("Cash", "Bank", "Receivables", "Inventory", "Equipment", "Payables", "Capital", "Sales", "Wages", "Rent")
CENT = Decimal("0.01")


@attrs.define
class Day:
    """What became of the entries. It is also the executor's observer, and so sees each conflict."""

    recorded: int = 0
    sent_again: int = 0
    refused: dict[str, int] = attrs.field(factory=dict[str, int])
    conflicts: int = 0
    seconds: float = 0.0

    def __call__(self, observation: Observation) -> None:
        if isinstance(observation, ConflictMet):
            self.conflicts += 1

    @property
    def per_second(self) -> float:
        return (self.recorded + self.sent_again + sum(self.refused.values())) / self.seconds


def account_ids(count: int) -> list[StreamId[Account]]:
    """Return the ids of *count* accounts; the first ones have names of their own."""
    return [StreamId.of(Account, title.lower()) for title in titles(count)]


def titles(count: int) -> list[str]:
    return [*CHART, *(f"Cost-Centre-{number}" for number in range(len(CHART) + 1, count + 1))][:count]


async def open_books(executor: CommandExecutor, count: int) -> list[StreamId[Account]]:
    """Activate *count* accounts where they are not active yet, and return their ids."""
    accounts = account_ids(count)
    for account, title in zip(accounts, titles(count), strict=True):
        await executor.execute(ActivateAccount(account, title))
    return accounts


def random_transactions(accounts: Sequence[StreamId[Account]], count: int, *, day: str, seed: int) -> Iterator[RecordTransaction]:
    """Yield *count* transactions drawn by *seed*; one in twenty has a slip, a cent too much on one side. *day* keeps references of days apart."""
    dice = random.Random(seed)
    for number in range(1, count + 1):
        debited, credited = dice.sample(accounts, 2)
        amount = Decimal(dice.randint(1, 1_000_00)) * CENT
        slip = CENT if dice.random() < 0.05 else Decimal()
        yield RecordTransaction(LEDGER, debited, credited, Entry(f"{day}-{number}", amount, amount + slip))


async def keep_books(
    executor: CommandExecutor,
    transactions: Iterable[RecordTransaction],
    *,
    closing: StreamId[Account],
    concurrency: int,
    day: Day,
    seed: int,
) -> None:
    """Send the transactions, *concurrency* at a time, one in ten of them twice, and close the account *closing* in the midst of it."""
    dice = random.Random(seed)
    jobs: list[RecordTransaction | CloseAccount] = [
        job for transaction in transactions for job in [transaction] * (2 if dice.random() < 0.1 else 1)
    ]
    jobs.insert(len(jobs) * 3 // 4, CloseAccount(closing))
    waiting = iter(jobs)

    async def work() -> None:
        for job in waiting:
            await _do(executor, job, day)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as bookkeepers:
        for _ in range(concurrency):
            bookkeepers.create_task(work())
    day.seconds = time.perf_counter() - began


async def _do(executor: CommandExecutor, job: RecordTransaction | CloseAccount, day: Day) -> None:
    if isinstance(job, CloseAccount):
        await executor.execute(job)
        return
    try:
        # The reference is the key: an entry that is sent again, now or tomorrow, is recorded once.
        result = await executor.execute(job, idempotency_key=job.entry.reference)
    except CommandRejected as rejection:
        day.refused[str(rejection)] = day.refused.get(str(rejection), 0) + 1
    else:
        day.sent_again += result.replayed
        day.recorded += not result.replayed
