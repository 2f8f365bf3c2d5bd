"""eventcore on `SqliteEventStore`."""

from __future__ import annotations

import asyncio
from pathlib import Path

from benchmarks.contestants.ours import DISTRIBUTIONS, VARIANTS, measure
from benchmarks.work import Outcome, Work
from eventcore import SqliteEventStore

__all__ = ["DISTRIBUTIONS", "NAME", "VARIANTS", "run"]

NAME = "eventcore, SQLite"


def run(work: Work, *, variant: str, folder: Path) -> Outcome:
    del variant
    return asyncio.run(_run(work, folder / "eventcore.db"))


async def _run(work: Work, file: Path) -> Outcome:
    async with SqliteEventStore(file) as store:
        return await measure(store, work)
