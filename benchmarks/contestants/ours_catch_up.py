"""eventcore reading everything in order: a projection that counts, at the runner's defaults; or the bare log, each event decoded."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from benchmarks.contestants.decoding import decoders
from benchmarks.contestants.ours import DISTRIBUTIONS
from benchmarks.contestants.ours_postgres import prepare
from benchmarks.domain.accounts import AccountOpened, MoneyReceived, MoneySent
from benchmarks.work import Outcome, Place, Timed, Work
from eventcore import PostgresEventStore
from eventcore.events import Recorded
from eventcore.projections import Context, ProjectionRunner, on, projection

__all__ = ["DISTRIBUTIONS", "NAME", "NEEDS_SERVER", "VARIANTS", "prepare", "run"]

NAME: Final = "eventcore, catch-up"
PROJECTION: Final = "projection"
VARIANTS: Final = (PROJECTION, "log")
NEEDS_SERVER: Final = True
PAGE: Final = 1_000


@projection
class Count:
    """Counts what it is handed, and tells when it has seen *wanted*."""

    def __init__(self, wanted: int) -> None:
        self.seen = 0
        self.complete = asyncio.Event()
        self._wanted = wanted

    @on(AccountOpened, MoneySent, MoneyReceived)
    def any(self, recorded: Recorded[AccountOpened | MoneySent | MoneyReceived], context: Context) -> None:
        self.seen += 1
        if self.seen == self._wanted:
            self.complete.set()


def run(work: Work, *, variant: str, place: Place) -> Outcome:
    return asyncio.run(_run(work.job.commands, variant, place))


async def _run(wanted: int, variant: str, place: Place) -> Outcome:
    async with PostgresEventStore(place.dsn) as store:
        await store.read_all(limit=1)
        began = time.perf_counter()
        seen = await (_project(store, wanted) if variant == PROJECTION else _read(store))
        seconds = time.perf_counter() - began
    if seen != wanted:
        raise AssertionError(f"read {seen} events, expected {wanted}")
    return Outcome(Timed(seconds), None, seen, {"by": variant})


async def _project(store: PostgresEventStore, wanted: int) -> int:
    count = Count(wanted)
    async with ProjectionRunner(store, [count]):
        await count.complete.wait()
    # The runner has committed the last batch before it ended.
    return count.seen


async def _read(store: PostgresEventStore) -> int:
    decode, seen, position, more = decoders(), 0, None, True
    while more:
        page = await store.read_all(position, limit=PAGE)
        for stored in page.events:
            decode[stored.type, stored.type_version](stored.data)
        seen += len(page.events)
        position, more = page.position, page.more
    return seen
