"""A runner to be killed, whose side effects can be counted. As a program: ``DSN SCHEMA VERSION FILE``."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from pathlib import Path

from eventcore import PostgresEventStore, Recorded
from eventcore.projections import Context, ProjectionRunner, on, projection
from tests.integration.projections.lab import Balances, Paid


class Watched(Balances):
    """Balances, how often each event was handled, and something outside of the database, which no rollback takes back."""

    def __init__(self, outside: Path) -> None:
        self.outside = os.open(outside, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def create(self, context: Context) -> None:
        super().create(context)
        context.execute(f"CREATE TABLE {context.table('handled')} (event_id TEXT PRIMARY KEY, times INTEGER)")

    @on(Paid)
    def count(self, recorded: Recorded[Paid], context: Context) -> None:
        context.execute(
            f"INSERT INTO {context.table('handled')} AS h VALUES ($1, 1) ON CONFLICT (event_id) DO UPDATE SET times = h.times + 1",
            str(recorded.event_id),
        )

    @on(Paid, effect=True)
    def tell(self, recorded: Recorded[Paid], context: Context) -> None:
        # A short line is written whole or not at all, whoever else writes, and stays when this process dies.
        os.write(self.outside, f"{recorded.event_id} {'rebuilding' if context.rebuilding else 'live'}\n".encode())


@projection(name="balances", version=1)
class First(Watched): ...


@projection(name="balances", version=2)
class Second(Watched):
    """The same read model, built anew beside the old one: not so fast that whoever wants to kill it meanwhile comes too late."""

    @on(Paid)
    def take_time(self, recorded: Recorded[Paid], context: Context) -> None:
        if context.rebuilding:
            time.sleep(0.001)


def told(outside: Path) -> tuple[Counter[str], set[str]]:
    """Return how often the effect of each event happened, and in which states of its generation."""
    lines = [line.split() for line in outside.read_text().splitlines()]
    return Counter(event_id for event_id, _ in lines), {state for _, state in lines}


async def run(dsn: str, schema: str, version: str, outside: str) -> None:
    kept = {"1": First, "2": Second}[version](Path(outside))
    async with PostgresEventStore(dsn, schema=schema) as store:
        print("running", flush=True)
        await ProjectionRunner(store, [kept], batch_size=20, poll_interval=0.1, lease_seconds=0.5).run()


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:]))
