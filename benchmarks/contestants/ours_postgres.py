"""eventcore on `PostgresEventStore`: as it comes, and with one of its mechanisms off, to see what each contributes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final
from uuid import uuid4

import orjson

from benchmarks.banks import Bank
from benchmarks.contestants.ours import DISTRIBUTIONS, OurBank
from benchmarks.contestants.ways import WAYS
from benchmarks.domain.accounts import Account
from benchmarks.domain.commands import CollectMoney
from benchmarks.jobs import Job
from benchmarks.work import Place, Work, opening_history, openings_of
from eventcore import CommandExecutor, PostgresEventStore, StreamId
from eventcore.store import AppendRequest, Committed, ExpectedVersion, NewEvent

__all__ = ["DISTRIBUTIONS", "NAME", "NEEDS_SERVER", "VARIANTS", "open_bank", "prepare"]

NAME: Final = "eventcore, PostgreSQL"
NEEDS_SERVER: Final = True
CHUNK: Final = 1_000


VARIANTS: Final = tuple(WAYS)
SAVED_FROM: Final = 100
"""With so many events, a state has been saved."""


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
    """Write all of each history but the last event in bulk, and that by a command, as its users would have: it saves the state of a long one."""
    async with PostgresEventStore(place.dsn) as store:
        executor = CommandExecutor(store)
        for account, history in openings_of(work.job):
            *first, last = opening_history(history)
            await _append(store, account, first if history >= SAVED_FROM else [*first, last])
            if history >= SAVED_FROM:
                await executor.execute(CollectMoney((StreamId[Account](account),), 1, 1))
        await executor.snapshots.saved()


async def _append(store: PostgresEventStore, account: str, history: Sequence[tuple[str, dict[str, str | int]]]) -> None:
    events = [NewEvent(account, uuid4(), event_type, 1, orjson.dumps(fields)) for event_type, fields in history]
    for first in range(0, len(events), CHUNK):
        request = AppendRequest({account: ExpectedVersion.exact(first)}, events[first : first + CHUNK])
        [verdict] = await store.append([request])
        if not isinstance(verdict, Committed):
            raise TypeError(f"{account} was not opened: {verdict}")
