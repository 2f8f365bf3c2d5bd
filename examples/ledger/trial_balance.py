"""The trial balance: what every account adds up to, and whether both sides agree."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import attrs

from eventcore import CommandExecutor, StreamId
from ledger.accounts import Account
from ledger.journal import Ledger


@attrs.frozen
class TrialBalance:
    """A ledger and its accounts, in the order they were asked for."""

    ledger: Ledger
    accounts: tuple[tuple[StreamId[Account], Account], ...]

    @property
    def debits(self) -> Decimal:
        return sum((account.debits for _, account in self.accounts), Decimal())

    @property
    def credits(self) -> Decimal:
        return sum((account.credits for _, account in self.accounts), Decimal())

    @property
    def is_balanced(self) -> bool:
        """Whether both sides are equal, in the accounts and in the ledger that they were posted from."""
        return self.debits == self.credits == self.ledger.debits == self.ledger.credits


async def read_trial_balance(executor: CommandExecutor, ledger: StreamId[Ledger], accounts: Iterable[StreamId[Account]]) -> TrialBalance:
    """Read each stream by itself. Draw it up when nothing is being posted: the streams are not read at one moment."""
    lines = [(account, (await executor.load(account)).state) for account in accounts]
    return TrialBalance((await executor.load(ledger)).state, tuple(lines))
