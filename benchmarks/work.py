"""The work that every contestant does: the same accounts, the same transfers, and an exact account of the outcome."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple, Protocol, final

from benchmarks.jobs import Job

DEPOSIT: Final = 1_000_000
MOST: Final = 10
WARMERS: Final = 20
"""Accounts with one event that only the warm-up uses, where the others have to stay untouched."""


class Transfer(NamedTuple):
    source: str
    target: str
    amount: int


class Collection(NamedTuple):
    """Each of *accounts* is read; *written*, the first of them or all, receive *amount*."""

    accounts: tuple[str, ...]
    written: tuple[str, ...]
    amount: int


@final
class Work:
    """The commands of a job, drawn once. None is ever rejected: the balances suffice, and are checked all the same.

    Being given the same *seed*, all contestants of a round do the same, so that their histories grow alike. *warm_up* comes before the
    clock starts, takes each account before it takes one again, and counts in the final balances.
    """

    def __init__(self, job: Job, *, seed: int) -> None:
        dice = random.Random(seed)
        self.job, self.seed = job, seed
        self.accounts = accounts_of(job)
        self.warmers = warmers_of(job)
        self.warm_up = list(islice(_in_turn(dice, self.warmers or self.accounts[: job.accounts], job), job.warm_up))
        self.commands = [_draw(dice, self._in_use(number), job) for number in range(job.commands)]

    def _in_use(self, number: int) -> Sequence[str]:
        """Return the accounts among which command *number* is drawn."""
        job = self.job
        if job.untouched:
            return self.accounts[job.width * number : job.width * (number + 1)]
        first = number // job.renewed * job.accounts if job.renewed else 0
        return self.accounts[first : first + job.accounts]

    def transfers(self) -> list[Transfer]:
        """Return the commands of a job that has only transfers."""
        return [command for command in self.commands if isinstance(command, Transfer)]

    def warming(self) -> list[Transfer]:
        return [command for command in self.warm_up if isinstance(command, Transfer)]

    def verify(self, balances: Mapping[str, int], events: int) -> None:
        """Compare each balance, and the number of events, with what the commands must have left. Raises `MoneyNotConserved`."""
        expected = {account: opening_balance(history) for account, history in openings_of(self.job)}
        wanted = sum(history for _, history in openings_of(self.job))
        for command in (*self.warm_up, *self.commands):
            if isinstance(command, Transfer):
                expected[command.source] -= command.amount
                expected[command.target] += command.amount
                wanted += 2
            else:
                for account in command.written:
                    expected[account] += command.amount
                wanted += len(command.written)
        wrong = [name for name, balance in expected.items() if balances.get(name) != balance]
        if wrong:
            example = f"{wrong[0]} holds {balances.get(wrong[0])}, expected {expected[wrong[0]]}"
            raise MoneyNotConserved(
                f"{len(wrong)} of {len(expected)} balances are wrong ({example}); the total is {sum(balances.values())}"
            )
        if events != wanted:
            raise MoneyNotConserved(f"the history holds {events} events, expected {wanted}")


def accounts_of(job: Job) -> list[str]:
    """Name all accounts that a job's commands use."""
    generations = max(1, -(-job.commands // job.renewed)) if job.renewed else 1
    return [f"account-{number:04}" for number in range(job.accounts * generations)]


def warmers_of(job: Job) -> list[str]:
    """Name the accounts that only the warm-up uses."""
    return [f"warmer-{number:02}" for number in range(WARMERS)] if job.untouched else []


def openings_of(job: Job) -> Iterator[tuple[str, int]]:
    """Yield each account, and how many events it has before the first command."""
    yield from ((account, job.history) for account in accounts_of(job))
    yield from ((warmer, 1) for warmer in warmers_of(job))


def _draw(dice: random.Random, accounts: Sequence[str], job: Job) -> Transfer | Collection:
    return _command(dice, dice.sample(accounts, job.width), job)


def _in_turn(dice: random.Random, accounts: Sequence[str], job: Job) -> Iterator[Transfer | Collection]:
    """Draw commands for ever; all accounts have their turn, as far as they fill commands, before one has its second."""
    while True:
        turn = dice.sample(accounts, len(accounts))
        for start in range(0, len(turn) - job.width + 1, job.width):
            yield _command(dice, turn[start : start + job.width], job)


def _command(dice: random.Random, drawn: Sequence[str], job: Job) -> Transfer | Collection:
    if job.width == 2:
        source, target = drawn
        return Transfer(source, target, dice.randint(1, MOST))
    return Collection(tuple(drawn), tuple(drawn[:1] if job.read_only else drawn), dice.randint(1, MOST))


def opening_balance(history: int) -> int:
    """Return what an account holds that was opened, and then received and sent 1 in turns, up to *history* events."""
    return DEPOSIT + (history - 1) % 2


def opening_history(history: int) -> Iterator[tuple[str, dict[str, str | int]]]:
    """Yield the type and the fields of each event of an account that was opened and used for a while."""
    yield "AccountOpened", {"deposit": DEPOSIT}
    for number in range(history - 1):
        yield (
            ("MoneySent", {"amount": 1, "receiver": "account-9999"})
            if number % 2
            else ("MoneyReceived", {"amount": 1, "sender": "account-9999"})
        )


class MoneyNotConserved(Exception):
    """A contestant lost, doubled or invented a transfer, so its time means nothing."""


class Place(NamedTuple):
    """Where a contestant keeps its events: a folder of its own, and a database of its own where a server is needed."""

    folder: Path
    dsn: str = ""


class Timed(NamedTuple):
    """The seconds for all commands, and for each (where the contestant could tell)."""

    seconds: float
    latencies: Sequence[float] = ()


class Outcome(NamedTuple):
    """What a contestant reports: its times, what it read back afterwards, and the settings that it ran with.

    *balances* is None where there are none: the contestant has checked by itself what it left.
    """

    timed: Timed
    balances: Mapping[str, int] | None
    events: int
    settings: Mapping[str, str | int]


class Contestant(Protocol):
    """One program that does the work. *VARIANTS* are ways of doing it, among which the best counts.

    One on a server has `prepare` too, which opens the accounts; others open them when they run.
    """

    NAME: str
    DISTRIBUTIONS: Sequence[str]
    VARIANTS: Sequence[str]

    def run(self, work: Work, *, variant: str, place: Place) -> Outcome:
        """Warm up, take the time for the commands, read everything back."""
        ...


def percentile(latencies: Sequence[float], share: float) -> float:
    """Return the least time that *share* of the commands did not exceed."""
    ordered = sorted(latencies)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
