"""eventcore on `InMemoryEventStore`."""

from __future__ import annotations

import asyncio
from pathlib import Path

from benchmarks.contestants.ours import DISTRIBUTIONS, VARIANTS, measure
from benchmarks.work import Outcome, Work
from eventcore import InMemoryEventStore

__all__ = ["DISTRIBUTIONS", "NAME", "VARIANTS", "run"]

NAME = "eventcore, memory"


def run(work: Work, *, variant: str, folder: Path) -> Outcome:
    del variant, folder
    return asyncio.run(_run(work))


async def _run(work: Work) -> Outcome:
    async with InMemoryEventStore() as store:
        return await measure(store, work)
