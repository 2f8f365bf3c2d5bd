"""eventcore as a user gets it: generated commands, the executor and the store with their defaults, nothing set for the benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, final

from benchmarks.banks import ReadBack
from benchmarks.domain.accounts import Account
from benchmarks.domain.commands import CollectMoney, OpenAccount, TransferMoney
from benchmarks.work import DEPOSIT
from eventcore import CommandExecutor, StreamId

DISTRIBUTIONS: Final = ("attrs", "cattrs", "orjson")


@final
class OurBank:
    """The accounts as commands on an executor."""

    def __init__(self, executor: CommandExecutor, settings: Mapping[str, str | int] | None = None) -> None:
        self.executor = executor
        self._ids: dict[str, StreamId[Account]] = {}
        self._settings = settings or {}

    def id(self, account: str) -> StreamId[Account]:
        return self._ids.setdefault(account, StreamId[Account](account))

    async def open(self, accounts: Sequence[str]) -> None:
        for account in accounts:
            await self.executor.execute(OpenAccount(self.id(account), DEPOSIT))

    async def transfer(self, source: str, target: str, amount: int) -> None:
        await self.executor.execute(TransferMoney(self._ids[source], self._ids[target], amount))

    async def collect(self, accounts: Sequence[str], written: Sequence[str], amount: int) -> None:
        await self.executor.execute(CollectMoney(tuple([self._ids[account] for account in accounts]), len(written), amount))

    async def read_back(self, accounts: Sequence[str]) -> ReadBack:
        """Read with a fresh executor, so that no cache can flatter us."""
        executor = CommandExecutor(self.executor.store, cache_size=0)
        loaded = {account: await executor.load(self.id(account)) for account in accounts}
        return ReadBack(
            {account: found.state.balance for account, found in loaded.items()}, sum(found.version for found in loaded.values())
        )

    def settings(self) -> Mapping[str, str | int]:
        return self._settings
