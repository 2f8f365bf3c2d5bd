"""eventcore on `PostgresEventStore`: as it comes, and with one of its mechanisms off, to see what each contributes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, NamedTuple
from uuid import uuid4

import orjson

from benchmarks.banks import Bank
from benchmarks.contestants.ours import AS_IT_COMES, DISTRIBUTIONS, OurBank
from benchmarks.jobs import Job
from benchmarks.work import Place, Work, opening_history, openings_of
from eventcore import CommandExecutor, PostgresEventStore
from eventcore.store import AppendRequest, Committed, ExpectedVersion, NewEvent

__all__ = ["DISTRIBUTIONS", "NAME", "NEEDS_SERVER", "VARIANTS", "open_bank", "prepare"]

NAME: Final = "eventcore, PostgreSQL"
NEEDS_SERVER: Final = True
CHUNK: Final = 1_000


class Way(NamedTuple):
    """How the store and the executor are made."""

    store: Callable[[str], PostgresEventStore] = PostgresEventStore
    executor: Callable[[PostgresEventStore], CommandExecutor] = CommandExecutor


WAYS: Final = {
    AS_IT_COMES: Way(),
    "no cache": Way(executor=lambda store: CommandExecutor(store, cache_size=0)),
}
"""What each switch contributes is measured by `--ablation`: a line here is a switch."""

VARIANTS: Final = tuple(WAYS)


@asynccontextmanager
async def open_bank(place: Place, job: Job, variant: str) -> AsyncIterator[Bank]:
    way = WAYS[variant]
    async with way.store(place.dsn) as store:
        bank = OurBank(way.executor(store))
        for account, _ in openings_of(job):
            bank.id(account)
        yield bank


def prepare(work: Work, place: Place) -> None:
    asyncio.run(_prepare(work, place))


async def _prepare(work: Work, place: Place) -> None:
    async with PostgresEventStore(place.dsn) as store:
        for account, history in openings_of(work.job):
            events = [NewEvent(account, uuid4(), event_type, 1, orjson.dumps(fields)) for event_type, fields in opening_history(history)]
            for first in range(0, history, CHUNK):
                request = AppendRequest({account: ExpectedVersion.exact(first)}, events[first : first + CHUNK])
                [verdict] = await store.append([request])
                if not isinstance(verdict, Committed):
                    raise TypeError(f"{account} was not opened: {verdict}")
