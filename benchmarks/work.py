"""The work that every contestant does: the same accounts, the same transfers, and an exact account of the outcome."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, final

ACCOUNTS = 1_000
WARM_UP = 500
DEPOSIT = 1_000_000
MOST = 10
OPENINGS = 1
"""Events in an account before the first transfer."""


class Transfer(NamedTuple):
    source: str
    target: str
    amount: int


@final
class Work:
    """*count* transfers between accounts that were drawn once. No transfer is ever rejected: the balances suffice, and are checked all the same.

    Being given the same *seed*, all contestants of a round do the same transfers, so that their histories grow alike. *warm_up* comes before the
    clock starts and counts in the final balances.
    """

    def __init__(self, count: int, *, seed: int) -> None:
        dice = random.Random(seed)
        self.accounts = [f"account-{number:04}" for number in range(ACCOUNTS)]
        drawn: list[Transfer] = []
        for _ in range(WARM_UP + count):
            source, target = dice.sample(self.accounts, 2)
            drawn.append(Transfer(source, target, dice.randint(1, MOST)))
        self.warm_up, self.transfers = drawn[:WARM_UP], drawn[WARM_UP:]

    def verify(self, balances: Mapping[str, int], events: int) -> None:
        """Compare each balance, and the number of events, with what the transfers must have left. Raises `MoneyNotConserved`."""
        expected = dict.fromkeys(self.accounts, DEPOSIT)
        for source, target, amount in [*self.warm_up, *self.transfers]:
            expected[source] -= amount
            expected[target] += amount
        wrong = [name for name, balance in expected.items() if balances.get(name) != balance]
        if wrong:
            example = f"{wrong[0]} holds {balances.get(wrong[0])}, expected {expected[wrong[0]]}"
            raise MoneyNotConserved(f"{len(wrong)} of {ACCOUNTS} balances are wrong ({example}); the total is {sum(balances.values())}")
        wanted = ACCOUNTS * OPENINGS + 2 * (len(self.warm_up) + len(self.transfers))
        if events != wanted:
            raise MoneyNotConserved(f"the history holds {events} events, expected {wanted}")


class MoneyNotConserved(Exception):
    """A contestant lost, doubled or invented a transfer, so its time means nothing."""


class Outcome(NamedTuple):
    """What a contestant reports: the seconds for the transfers, what it read back afterwards, and the settings that it ran with."""

    seconds: float
    balances: Mapping[str, int]
    events: int
    settings: Mapping[str, str | int]


class Contestant(Protocol):
    """One program that does the work. *variants* are ways of doing it, among which the best counts."""

    NAME: str
    DISTRIBUTIONS: Sequence[str]
    VARIANTS: Sequence[str]

    def run(self, work: Work, *, variant: str, folder: Path) -> Outcome:
        """Open the accounts and warm up, take the time for the transfers, read everything back."""
        ...
