"""eventcore on `InMemoryEventStore`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from benchmarks.banks import Bank
from benchmarks.contestants.ours import DISTRIBUTIONS, OurBank
from benchmarks.jobs import Job
from benchmarks.rows import AS_IT_COMES
from benchmarks.work import Place, accounts_of
from eventcore import CommandExecutor, InMemoryEventStore

__all__ = ["DISTRIBUTIONS", "NAME", "VARIANTS", "open_bank"]

NAME: Final = "eventcore, memory"
VARIANTS: Final = (AS_IT_COMES,)


@asynccontextmanager
async def open_bank(place: Place, job: Job, variant: str) -> AsyncIterator[Bank]:
    del place, variant
    async with InMemoryEventStore() as store:
        bank = OurBank(CommandExecutor(store))
        await bank.open(accounts_of(job))
        yield bank
