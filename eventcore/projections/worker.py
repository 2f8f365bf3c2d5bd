"""The one who works on one generation of a projection: reads, handles, commits, and waits for more.

Of all workers on a generation, in whichever processes, one holds the lease. Whatever it commits is committed under it, so that one who lost
the lease without knowing commits nothing.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final, assert_never, final

import attrs

from eventcore.errors import (
    LeaseLost,
    OutcomeUnknown,
    StoreBusy,
    StoreClosed,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
)
from eventcore.ids import Position
from eventcore.projections.context import Context
from eventcore.projections.pages import Pages
from eventcore.projections.projector import Projector, described
from eventcore.projections.records import Progress, ProjectionRecord, Records, lease_name, new_owner, records
from eventcore.projections.swapping import SwapBlocked, TablesInUse, all_alone, in_use, swap
from eventcore.store import HoldsOthersUp, Lease, Page, ProjectionStore, ReadModelTransaction, StoredEvent

_log: Final = logging.getLogger("eventcore.projections")

# What says something about the store and nothing about an event: it is waited out, and no event is blamed.
_AWAY: Final = (StoreBusy, StoreUnavailable, OutcomeUnknown, StoreFull, StoreReadOnly, StoreCorrupt)
# Seconds between two looks of one who does not hold the lease, and between two notes of a position where there was nothing to handle.
_STANDBY: Final = 0.5
_NOTE: Final = 0.2
_FIRST_WAIT: Final = 0.05
_LONGEST_WAIT: Final = 5.0
# Of `batch_seconds`: how long a batch at work keeps others of its store waiting who want to write.
_IN_THE_WAY: Final = 0.1
# Events of a batch that failed, in one transaction at most.
_FEW: Final = 100


@final
@attrs.frozen(kw_only=True)
class Pace:
    """How a runner works; times in seconds."""

    batch_size: int
    batch_seconds: float
    poll_interval: float
    lease_seconds: float


class GenerationGone(Exception):
    """The generation was removed, or will never be live: a newer one is, or is being built."""


class MayNotGoOn(Exception):
    """It was paused, stopped or removed while it worked. Of a batch nothing was committed, unless it was paused: then that was its last one."""


# Whatever raises these, it is no fault of a handler.
_NO_FAULT: Final = (*_AWAY, LeaseLost, MayNotGoOn, GenerationGone, TablesInUse)
# Attempts at a swap for which readers did not let go of the read model, before somebody is told; and seconds until that is told again.
_QUIET: Final = 4
_TOLD_AGAIN: Final = 60.0


@final
class Worker:
    """Works on one generation until *stop* is set or the generation is gone. *advanced* is called after each commit."""

    def __init__(
        self, store: ProjectionStore, projector: Projector, generation: int, pace: Pace, stop: asyncio.Event, advanced: Callable[[], None]
    ) -> None:
        self.position: Position | None = None
        self.is_leader = False
        self.is_live = False
        self.generation = generation
        self._store = store
        self._projector = projector
        self._pace = pace
        # Not the runner's: it may have been made before the process was forked.
        self._owner = new_owner()
        self._stop = stop
        self._advanced = advanced
        self._noted = -math.inf
        self._attempts = 0
        self._told: tuple[str, float] = "", -math.inf
        # A renewal waits for the swap that is under way, on a connection that the swap may need.
        self._renewing = asyncio.Lock()
        self._pages = Pages(store, projector.where, most=pace.batch_size, seconds=pace.batch_seconds)

    async def run(self) -> None:
        """Lead whenever nobody else does."""
        failures = 0
        while not self._stop.is_set():
            try:
                lease = await self._acquire()
                if lease is None:
                    failures = 0
                    await self._sleep(_STANDBY)
                    continue
                async with self._leading(lease) as leads:
                    await self._lead(lease, leads)
                failures = 0
            except GenerationGone:
                return
            except StoreClosed:
                if self._stop.is_set():
                    return
                raise
            except LeaseLost:
                _log.warning("projection %s was too late to renew its lease; whoever gets it next goes on", self._label)
            except Exception as error:  # noqa: BLE001  # told, and tried again for as long as the runner runs: no other projection is to feel it
                failures += 1
                wait = _backoff(failures)
                expected = isinstance(error, _AWAY)
                _log.warning("projection %s goes on in %.2f s: %s", self._label, wait, error, exc_info=not expected)
                await self._sleep(wait)

    # The lease

    async def _acquire(self) -> Lease | None:
        name = lease_name(self._projector.name, self.generation)
        return await self._store.acquire_lease(name, owner=self._owner, ttl=timedelta(seconds=self._pace.lease_seconds))

    @asynccontextmanager
    async def _leading(self, lease: Lease) -> AsyncGenerator[asyncio.Event]:
        """Renew the lease meanwhile, clear the event once it is lost, and give it back at the end."""
        leads = asyncio.Event()
        leads.set()
        self.is_leader = True
        heartbeat = asyncio.create_task(self._renew(lease, leads), name=f"eventcore-lease-{self._label}")
        try:
            yield leads
        finally:
            self.is_leader = False
            heartbeat.cancel()
            await asyncio.wait([heartbeat])
            await self._pages.forget()
            # Where the store is away it need not be waited for: by then the lease has run out by itself.
            with suppress(StoreError, TimeoutError):
                async with asyncio.timeout(self._pace.lease_seconds):
                    await self._store.release_lease(lease)

    async def _renew(self, lease: Lease, leads: asyncio.Event) -> None:
        """Keep the lease. That a renewal fails is no loss yet: only another owner is, and the transactions tell."""
        while True:
            await asyncio.sleep(self._pace.lease_seconds / 3)
            try:
                async with self._renewing:
                    renewed = await self._acquire()
            except StoreClosed:
                return
            except Exception as error:  # noqa: BLE001  # the next one may succeed
                _log.warning("projection %s could not renew its lease: %s", self._label, error)
                continue
            if renewed is None or renewed.token != lease.token:
                leads.clear()
                return

    # The work

    async def _lead(self, lease: Lease, leads: asyncio.Event) -> None:
        clock = asyncio.get_running_loop().time
        record, ready = await self._look(lease), False
        looked = clock()
        while leads.is_set() and not self._stop.is_set():
            if clock() - looked >= self._pace.poll_interval:
                record = await self._look(lease)
                looked = clock()
            if not record.goes_on:
                await self._sleep(self._pace.poll_interval)
                continue
            try:
                if not ready:
                    await self._prepare(lease)
                    ready = True
                elif record.live:
                    await self._follow(lease)
                elif await self._build(lease):
                    record = await self._look(lease)
            except SwapBlocked as blocked:
                await self._wait_until_free(blocked)
            except MayNotGoOn:
                record = await self._look(lease)
                looked = clock()

    async def _prepare(self, lease: Lease) -> None:
        """Make the tables, where that was not done yet."""
        try:
            await self._make_tables(lease)
        except _NO_FAULT:
            raise
        except Exception as error:  # noqa: BLE001  # once more, for as long as the policy says
            failed = await self._patiently(lambda: self._make_tables(lease), error)
            if failed is not None:
                await self._stop_without_tables(lease, *failed)

    async def _make_tables(self, lease: Lease) -> None:
        async with records(self._store, under=lease) as kept:
            record = await self._load(kept)
            if not record.tables and record.position is None:
                context = self._context(record, kept.transaction, creating=True)
                await self._projector.create(context)
                await kept.set_tables(self._projector.name, self.generation, context.tables)
                record = record._replace(tables=tuple(context.tables))
                if record.live:
                    await kept.show(record)
        self._take(record)

    async def _stop_without_tables(self, lease: Lease, error: Exception, attempts: int) -> None:
        """Stop, whatever the policy: there is no event to go on without."""
        _log.error("projection %s could not make its tables (%d attempts)", self._label, attempts, exc_info=error)
        async with records(self._store, under=lease) as kept:
            await kept.set_fault(self._projector.name, self.generation, f"`create`, which makes its tables: {described(error)}")
        raise MayNotGoOn

    async def _look(self, lease: Lease) -> ProjectionRecord:
        """Return the record as it is now, after having handled what somebody asked for."""
        async with records(self._store, read_only=True) as kept:
            record = await self._load(kept)
            parked = await kept.to_retry(self._projector.name, self.generation) if record.goes_on else []
        self._take(record)
        for each in parked:
            if self._stop.is_set() or not await self._retry(lease, each.stored):
                break
        return record

    async def _retry(self, lease: Lease, stored: StoredEvent) -> bool:
        """Handle a parked event once more; return False where the projection was paused or stopped meanwhile."""
        name = self._projector.name
        try:
            async with records(self._store, under=lease) as kept:
                record = await self._load(kept)
                if not record.goes_on:
                    return False
                await self._projector.handle_all([stored], self._context(record, kept.transaction))
                await kept.retried(name, self.generation, stored.event_id)
        except _NO_FAULT:
            raise
        except Exception as error:  # noqa: BLE001  # it stays parked, with its newest error
            async with records(self._store, under=lease) as kept:
                await kept.retry_failed(name, self.generation, stored.event_id, described(error), 1)
        return True

    async def _load(self, kept: Records) -> ProjectionRecord:
        record = await kept.load_one(self._projector.name, self.generation)
        if record is None:
            raise GenerationGone
        return record

    async def _follow(self, lease: Lease) -> None:
        """Handle a page; where there is nothing to handle, wait for news."""
        clock = asyncio.get_running_loop().time
        page = await self._pages.after(self.position)
        if page.events:
            await self._handle(lease, page.events, page.position)
            return
        if page.position != self.position and (page.more or clock() - self._noted >= _NOTE):
            await self._commit(lease, (), page.position)
            self._noted = clock()
        if not page.more:
            behind = page.position != self.position
            await self._news(page.position, _NOTE if behind else self._pace.poll_interval)

    async def _build(self, lease: Lease) -> bool:
        """Handle a page of what the live generation has handled; return True once this one has taken its place."""
        async with records(self._store, read_only=True) as kept:
            generations = await kept.load(self._projector.name)
        self._require_newest(generations)
        goal = next((each.position for each in generations if each.live), None)
        if goal is None or (self.position is not None and self.position >= goal):
            return await self._swap(lease)
        page = await self._pages.after(self.position)
        events, position = _until(page, goal)
        await self._handle(lease, events, position)
        if position == goal:
            return await self._swap(lease)
        return False

    async def _swap(self, lease: Lease) -> bool:
        """Take the place of the live generation, at exactly its position unless this one is beyond it: no effect is left out or done twice.

        What the live one handled since the last look is handled here, while it cannot go on. If that is much, return False.
        """
        rest: Sequence[StoredEvent] = ()
        goal: Position | None = None
        try:
            async with self._renewing, records(self._store, under=lease) as kept:
                generations = await all_alone(kept, self._projector.name)
                self._require_newest(generations)
                mine = await self._load(kept)
                # Beyond the live one where `project_inline` built it, and ended before it was inline.
                position = mine.position
                goal = next((each.position for each in generations if each.live), None)
                if goal is not None and (mine.position is None or mine.position < goal):
                    page = await self._pages.after(self.position)
                    rest, position = _until(page, goal)
                    if position != goal:
                        return False
                    context = self._context(mine, kept.transaction)
                    await self._projector.handle_all(rest, context)
                if await kept.advance(mine.name, mine.generation, Progress(position, len(rest)), after=mine.position) is not False:
                    raise MayNotGoOn  # noqa: TRY301
                await swap(kept, mine, [each for each in generations if each.generation != mine.generation], attempt=self._attempts)
        except TablesInUse as error:
            raise await in_use(self._store, self._projector.name) from error
        except _NO_FAULT:
            raise
        except Exception:
            if not rest:
                raise
            # One of them is faulty: outside the swap there are rules for that.
            await self._handle(lease, rest, goal)
            return False
        _log.info("projection %s is live", self._label)
        return True

    async def _wait_until_free(self, blocked: SwapBlocked) -> None:
        """Tell what is in the way, once and then seldom, and give it time to go: meanwhile the live generation goes on."""
        self._attempts += 1
        now, text = asyncio.get_running_loop().time(), str(blocked)
        # Readers come and go: that others are in the way than a moment ago is no news.
        is_new = blocked.lasts and text != self._told[0]
        if (blocked.lasts or self._attempts >= _QUIET) and (is_new or now - self._told[1] >= _TOLD_AGAIN):
            _log.warning("projection %s: %s; it is tried again until then", self._label, text)
            self._told = text, now
        await self._sleep(_backoff(self._attempts))

    def _require_newest(self, generations: Sequence[ProjectionRecord]) -> None:
        """Raise `GenerationGone` where newer code builds, too: to become live before it would take away what that has built."""
        if any(each.generation > self.generation for each in generations):
            raise GenerationGone

    async def _news(self, after: Position | None, timeout: float) -> None:
        """Wait for news, or for the end."""
        news = asyncio.ensure_future(self._store.wait_for_news(after, timeout=timeout))
        end = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait([news, end], return_when=asyncio.FIRST_COMPLETED)
        finally:
            end.cancel()
            if not news.done():
                news.cancel()
            await asyncio.wait([news, end])
        if not news.cancelled():
            news.result()

    # Batches and faults

    async def _handle(self, lease: Lease, events: Sequence[StoredEvent], position: Position | None) -> None:
        """Handle *events* in as few transactions as their time allows; in smaller pieces where that fails."""
        if not events and position != self.position:
            await self._commit(lease, (), position)
        done = 0
        while done < len(events) and not self._stop.is_set():
            try:
                done += await self._commit(lease, events[done:] if done else events, position)
            except _NO_FAULT:
                raise
            except Exception as error:  # noqa: BLE001  # found again, alone
                await self._require_going_on()
                if len(events) - done > 1:
                    await self._in_pieces(lease, events[done:])
                else:
                    await self._alone(lease, events[done], error)
                return

    async def _require_going_on(self) -> None:
        """Raise where no event is to blame: whoever was replaced has lost its tables."""
        async with records(self._store, read_only=True) as kept:
            if not (await self._load(kept)).goes_on:
                raise MayNotGoOn

    async def _in_pieces(self, lease: Lease, events: Sequence[StoredEvent]) -> None:
        """Find the event that fails: of many events in two steps, so that few transactions are made, and few effects are repeated."""
        size = _FEW if len(events) > _FEW else 1
        for first in range(0, len(events), size):
            if self._stop.is_set():
                return
            piece = events[first : first + size]
            await self._handle(lease, piece, piece[-1].position)

    async def _alone(self, lease: Lease, stored: StoredEvent, error: Exception) -> None:
        """Handle an event that failed once, or do with it what the policy says."""
        failed = await self._patiently(lambda: self._commit(lease, [stored], stored.position), error)
        if failed is not None:
            await self._give_up(lease, stored, *failed)

    async def _patiently(self, act: Callable[[], Awaitable[object]], error: Exception) -> tuple[Exception, int] | None:
        """Do *act*, which failed once, until the policy says otherwise.

        Return the newest error and how often it was tried; None where it succeeded, or the runner stops.
        """
        retry = self._projector.marker.retry
        clock = asyncio.get_running_loop().time
        until = math.inf if retry.deadline is None else clock() + retry.deadline
        attempt = 1
        while attempt < retry.max_attempts and clock() < until:
            await self._sleep(retry.delay(attempt))
            if self._stop.is_set():
                return None
            attempt += 1
            try:
                await act()
            except _NO_FAULT:
                raise
            except Exception as again:  # noqa: BLE001  # the newest error is the one that is told
                error = again
            else:
                return None
        return error, attempt

    async def _give_up(self, lease: Lease, stored: StoredEvent, error: Exception, attempts: int) -> None:
        name, generation, policy = self._projector.name, self.generation, self._projector.marker.on_fault
        what = f"{stored.type!r}, version {stored.version} of stream {stored.stream_id!r}: {described(error)}"
        _log.error("projection %s could not handle %s (%s after %d attempts)", self._label, what, policy, attempts, exc_info=error)
        async with records(self._store, under=lease) as kept:
            match policy:
                case "stop":
                    await kept.set_fault(name, generation, what)
                    ends = True
                case "skip":
                    ends = await self._advance(kept, Progress(stored.position, 1, 1))
                case "park":
                    await kept.park(name, generation, stored, described(error), attempts)
                    ends = await self._advance(kept, Progress(stored.position, 1))
                case _:
                    assert_never(policy)
        if ends:
            raise MayNotGoOn
        self._reached(stored.position)

    async def _commit(self, lease: Lease, events: Sequence[StoredEvent], position: Position | None) -> int:
        """Handle events for as long as a batch may last, and commit them with their position; return how many they were."""
        began = time.monotonic()
        async with records(self._store, under=lease) as kept:
            context = self._context(self._record, kept.transaction)
            handled = await self._projector.handle_all(
                events, context, until=began + self._pace.batch_seconds, is_in_the_way=self._limit(kept.transaction)
            )
            if handled < len(events):
                position = events[handled - 1].position
            paused = await self._advance(kept, Progress(position, handled))
        self._pages.took((time.monotonic() - began) * (len(events) / handled if handled else 1))
        self._reached(position)
        if paused:
            raise MayNotGoOn
        return handled

    def _limit(self, transaction: ReadModelTransaction) -> Callable[[], bool] | None:
        """Return what tells whether others have waited for the end of *transaction* for too long; None where it cannot be told."""
        if not isinstance(transaction, HoldsOthersUp):
            return None
        kept_waiting, limit = transaction.kept_waiting, _IN_THE_WAY * self._pace.batch_seconds
        return lambda: kept_waiting() > limit

    async def _advance(self, kept: Records, progress: Progress) -> bool:
        """Write down how far it has come; return whether that is all, since it was paused meanwhile."""
        paused = await kept.advance(self._projector.name, self.generation, progress, after=self.position)
        if paused is None:
            raise MayNotGoOn
        return paused

    def _context(self, record: ProjectionRecord, transaction: ReadModelTransaction, *, creating: bool = False) -> Context:
        return Context(record.name, record.generation, transaction, record.tables, rebuilding=not record.live, creating=creating)

    def _take(self, record: ProjectionRecord) -> None:
        self._record = record
        self.is_live = record.live
        self._reached(record.position)

    def _reached(self, position: Position | None) -> None:
        self.position = position
        self._advanced()

    async def _sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()

    @property
    def _label(self) -> str:
        return f"{self._projector.name}/{self.generation}"


def _until(page: Page, goal: Position) -> tuple[Sequence[StoredEvent], Position | None]:
    """Return what of *page* does not lie beyond *goal*, and where that ends."""
    if page.position is None or page.position <= goal:
        return page.events, page.position
    return [stored for stored in page.events if stored.position <= goal], goal


def _backoff(failures: int) -> float:
    return min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(failures - 1, 16)) * random.uniform(0.5, 1)  # noqa: S311  # chance, not secrecy
