"""eventcore reading everything in order: pages of the log, each event decoded."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from benchmarks.contestants.decoding import decoders
from benchmarks.contestants.ours import DISTRIBUTIONS
from benchmarks.contestants.ours_postgres import prepare
from benchmarks.rows import AS_IT_COMES
from benchmarks.work import Outcome, Place, Timed, Work
from eventcore import PostgresEventStore

__all__ = ["DISTRIBUTIONS", "NAME", "NEEDS_SERVER", "VARIANTS", "prepare", "run"]

NAME: Final = "eventcore, catch-up"
VARIANTS: Final = (AS_IT_COMES,)
NEEDS_SERVER: Final = True
PAGE: Final = 1_000


def run(work: Work, *, variant: str, place: Place) -> Outcome:
    del variant
    return asyncio.run(_run(work, place))


async def _run(work: Work, place: Place) -> Outcome:
    async with PostgresEventStore(place.dsn) as store:
        await store.read_all(limit=1)
        decode, count, position, more = decoders(), 0, None, True
        began = time.perf_counter()
        while more:
            page = await store.read_all(position, limit=PAGE)
            for stored in page.events:
                decode[stored.type, stored.type_version](stored.data)
            count += len(page.events)
            position, more = page.position, page.more
        seconds = time.perf_counter() - began
    if count != work.job.commands:
        raise AssertionError(f"read {count} events, expected {work.job.commands}")
    return Outcome(Timed(seconds), None, count, {"page": PAGE})
