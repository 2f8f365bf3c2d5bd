"""A store and a runner that are made before the process is forked, as a server does that loads its program before its workers begin."""

from __future__ import annotations

import asyncio
import os
import sys

from eventcore import Recorded, SqliteEventStore
from eventcore.projections import Context, ProjectionRunner, on, projection
from tests.integration.projections.lab import Balances, Paid, pay


@projection(name="balances")
class Slow(Balances):
    """Balances that leave another runner time to come between."""

    @on(Paid)
    async def take_time(self, recorded: Recorded[Paid], context: Context) -> None:
        await asyncio.sleep(0.001)


async def work(store: SqliteEventStore, runner: ProjectionRunner, stream_id: str) -> None:
    async with store, runner:
        for _ in range(50):
            last = await pay(store, [("a", 1)] * 3, stream_id)
            await asyncio.sleep(0.01)
        await runner.caught_up(last, timeout=20)


def main(path: str) -> None:
    store = SqliteEventStore(path)
    runner = ProjectionRunner(store, [Slow()], batch_seconds=0.05, lease_seconds=1)
    children: list[int] = []
    for number in range(2):
        if (child := os.fork()) == 0:
            asyncio.run(work(store, runner, f"payments-{number}"))
            os._exit(0)
        children.append(child)
    sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))


if __name__ == "__main__":
    main(sys.argv[1])
