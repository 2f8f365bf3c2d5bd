"""A read model that is built up to now, to become inline."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Final, final

from eventcore.errors import EventCoreError, InvalidArgument, LeaseLost, ProjectionStopped, RequestRefused, StoreError
from eventcore.ids import Position
from eventcore.projections.context import Context
from eventcore.projections.projector import Projector, cancelling_nobody, described
from eventcore.projections.records import Progress, ProjectionRecord, Records, lease_name, new_owner, records
from eventcore.store import InlineStore, Lease, Page, StoredEvent

# Who is killed while building holds others up for so long.
_LEASE: Final = timedelta(seconds=5)
# Seconds between two looks at what another process does, and between two renewals of the lease.
_LOOK_AGAIN: Final = 0.1
_RENEW: Final = 1.0
# How often a generation is looked for again that another process added at the same moment.
_MOST_RACES: Final = 5


class NotToBuild(Exception):
    """What is built was paused, removed or made inline meanwhile; nothing of the page was committed."""


@final
class Building:
    """Brings the tables of one projection up to date, in batches, while others append."""

    def __init__(self, store: InlineStore, projector: Projector, batch_size: int) -> None:
        self._store = store
        self._projector = projector
        self._batch_size = batch_size
        self._owner = new_owner()

    async def catch_up(self, deadline: float) -> None:
        """Return when nothing is left but what is appended meanwhile, or when it is inline already. Raises `ProjectionStopped`."""
        clock = asyncio.get_running_loop().time
        while not (record := await self._target()).inline:
            lease = await self._acquire(record)
            if lease is not None:
                try:
                    await self._build(lease, record.generation)
                except (LeaseLost, NotToBuild):
                    continue  # another process goes on with it, or has finished it meanwhile
                finally:
                    with suppress(StoreError):
                        await self._store.release_lease(lease)
                return
            if clock() >= deadline:
                raise ProjectionStopped(
                    self._projector.name, "another process builds it, or a runner runs it; wait for the one, or take it out of the other"
                )
            await asyncio.sleep(_LOOK_AGAIN)

    async def _target(self) -> ProjectionRecord:
        """Return the generation to build; begin one where there is none of this version."""
        for attempt in range(_MOST_RACES):
            try:
                return await self._look_or_add()
            except RequestRefused:
                if attempt == _MOST_RACES - 1:
                    raise
                await asyncio.sleep(_LOOK_AGAIN)
        raise AssertionError("unreachable")

    async def _look_or_add(self) -> ProjectionRecord:
        name, version = self._projector.name, self._projector.marker.version
        async with records(self._store) as kept:
            await kept.lock(name)
            generations = await kept.load(name)
            record = chosen(generations, self._projector)
            if record is None:
                number = 1 + max((each.generation for each in generations), default=0)
                await kept.add(name, number, version, live=False)
                record = await kept.load_one(name, number)
                assert record is not None, "it was added in this transaction"  # noqa: S101
            parked = (await kept.count_parked()).get((name, record.generation), 0)
        if record.paused or record.fault is not None:
            raise ProjectionStopped(name, record.stopped_by)
        if parked:
            raise ProjectionStopped(name, f"{parked} of its events are parked; let its runner handle them, or raise its version")
        return record

    async def _acquire(self, record: ProjectionRecord) -> Lease | None:
        """Return the lease of whoever works on the generation, a runner included."""
        return await self._store.acquire_lease(lease_name(record.name, record.generation), owner=self._owner, ttl=_LEASE)

    async def _build(self, lease: Lease, generation: int) -> None:
        clock = asyncio.get_running_loop().time
        record = await self._prepared(lease, generation)
        renewed, position, more = clock(), record.position, not record.inline
        limit = self._batch_size
        while more:
            page = await self._store.read_all(position, limit=limit, where=self._projector.where)
            try:
                async with records(self._store, under=lease) as kept:
                    await handled(kept, self._projector, record, page, after=position)
            except RequestRefused as refusal:
                await self._blame(record, page, refusal)
                limit = max(1, len(page.events) // 10)
                continue
            position, more, limit = page.position, page.more, min(self._batch_size, limit * 2)
            if clock() - renewed > _RENEW:
                await self._acquire(record)
                renewed = clock()

    async def _blame(self, record: ProjectionRecord, page: Page, refusal: RequestRefused) -> None:
        """Say which event the database refused; return where it is one of several, to be found in shorter pages."""
        async with records(self._store, read_only=True) as kept:
            if await kept.load_one(record.name, record.generation) is None:
                raise NotToBuild(f"generation {record.generation} of the projection {record.name!r} was replaced meanwhile; look again")
        if len(page.events) == 1:
            raise ProjectionStopped(record.name, f"{_named(page.events[0])}: {refusal}") from refusal

    async def _prepared(self, lease: Lease, generation: int) -> ProjectionRecord:
        """Make the tables, where that was not done yet."""
        name = self._projector.name
        async with records(self._store, under=lease) as kept:
            record = await kept.load_one(name, generation)
            if record is None:
                raise NotToBuild(f"generation {generation} of the projection {name!r} was removed meanwhile; look again")
            if not record.tables and record.position is None:
                context = Context(name, generation, kept.transaction, (), rebuilding=True, creating=True)
                await self._projector.create(context)
                await kept.set_tables(name, generation, context.tables)
                record = record._replace(tables=tuple(context.tables))
                if record.live:
                    await kept.show(record)
        return record


def chosen(generations: Iterable[ProjectionRecord], projector: Projector) -> ProjectionRecord | None:
    """Return the generation that this code works on: the live one where it is of its version, else the newest of its version."""
    version = projector.marker.version
    newer = [record for record in generations if record.version > version]
    if newer:
        raise InvalidArgument(
            f"the projection {projector.name!r} was built by newer code, as version {newer[0].version}; this code has version {version}: deploy "
            "the newer code, or raise the version"
        )
    mine = [record for record in generations if record.version == version]
    return max(mine, key=lambda record: (record.live, record.generation), default=None)


async def handled(kept: Records, projector: Projector, record: ProjectionRecord, page: Page, *, after: Position | None) -> None:
    """Handle the events of *page*, which follow *after*, and write down how far that is.

    Raises `ProjectionStopped`, `NotToBuild`, and `RequestRefused` for one of them.
    """
    context = Context(record.name, record.generation, kept.transaction, record.tables, rebuilding=not record.live, creating=False)
    for stored in page.events:
        try:
            with cancelling_nobody():
                await projector.handle(stored, context)
        except EventCoreError:
            raise
        except Exception as error:
            raise ProjectionStopped(record.name, f"{_named(stored)}: {described(error)}") from error
    await context.flush()
    if page.position is None:
        return
    if await kept.advance(record.name, record.generation, Progress(page.position, len(page.events)), after=after) is not False:
        raise NotToBuild(f"the projection {record.name!r} was paused, removed or made inline meanwhile; look again")


def _named(stored: StoredEvent) -> str:
    return f"{stored.type!r}, version {stored.version} of stream {stored.stream_id!r}"
