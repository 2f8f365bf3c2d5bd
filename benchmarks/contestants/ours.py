"""eventcore as a user gets it: generated commands, the executor and the store with their defaults, nothing set for the benchmark."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Final

from benchmarks.domain.accounts import Account
from benchmarks.domain.commands import OpenAccount, TransferMoney
from benchmarks.work import DEPOSIT, Outcome, Transfer, Work
from eventcore import CommandExecutor, StreamId
from eventcore.store import EventStore

DISTRIBUTIONS: Final = ("attrs", "cattrs", "orjson")
CONCURRENCY: Final = 64
VARIANTS: Final = (f"{CONCURRENCY} tasks",)


async def measure(store: EventStore, work: Work) -> Outcome:
    executor = CommandExecutor(store)
    ids = {account: StreamId[Account](account) for account in work.accounts}
    for account in ids.values():
        await executor.execute(OpenAccount(account, DEPOSIT))
    await _transfer_all(executor, ids, work.warm_up)
    began = time.perf_counter()
    await _transfer_all(executor, ids, work.transfers)
    seconds = time.perf_counter() - began
    loaded = {account: await executor.load(stream_id) for account, stream_id in ids.items()}
    events = sum(account.version for account in loaded.values())
    return Outcome(seconds, {account: found.state.balance for account, found in loaded.items()}, events, {"at a time": CONCURRENCY})


async def _transfer_all(executor: CommandExecutor, ids: dict[str, StreamId[Account]], transfers: Iterable[Transfer]) -> None:
    waiting = iter(transfers)

    async def work() -> None:
        for source, target, amount in waiting:
            await executor.execute(TransferMoney(ids[source], ids[target], amount))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(CONCURRENCY):
            tasks.create_task(work())
