"""`ProjectionRunner`: keeps projections up to date, for as long as it runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self, final

from eventcore.arguments import Arguments
from eventcore.codec import EventCodec
from eventcore.errors import InvalidArgument, ProjectionBehind, ProjectionStopped, StoreClosed
from eventcore.ids import Position
from eventcore.projections.projector import Projector, check_projections
from eventcore.projections.records import ProjectionRecord, records
from eventcore.projections.worker import Pace, Worker
from eventcore.store import ProjectionStore, check_position

_log: Final = logging.getLogger("eventcore.projections")
# Seconds between two looks at what another process has reached.
_LOOK_AGAIN: Final = 0.02
# The same where a worker of this process leads, and tells by itself how far it is: what may have stopped it is looked for.
_LOOK_BESIDE: Final = 0.2
# Seconds, a day: how long a process that was killed keeps others from going on. No clock has room for all that a float can say.
_LONGEST_LEASE: Final = 86_400.0


@final
class ProjectionRunner:
    """Keep *projections*, instances of `@projection` classes, up to date with *store*.

    ``async with ProjectionRunner(store, [Balances()]):`` runs them beside the program; ``await ProjectionRunner(...).run()`` is a program of
    its own. At the end, batches under way are committed and leases given back. Any number of processes may run the same projections: each
    projection is led by one of them, and another takes over when it ends, within *lease_seconds* if it was killed.

    A transaction takes at most *batch_size* events and, counting the time of the handlers, *batch_seconds*. Events wake the runner up;
    *poll_interval* is how often, in seconds, it looks without being woken, at what the command line asked for too. *codec* is the one that
    your events are stored with.
    """

    def __init__(
        self,
        store: ProjectionStore,
        projections: Iterable[object],
        *,
        batch_size: int = 5000,
        batch_seconds: float = 0.25,
        poll_interval: float = 1.0,
        lease_seconds: float = 5.0,
        codec: EventCodec | None = None,
    ) -> None:
        given = Arguments("ProjectionRunner")
        check_projections(given, store, "transaction", projections)
        given.whole(1, batch_size=batch_size)
        given.seconds(batch_seconds=batch_seconds, poll_interval=poll_interval)
        given.number(0.1, _LONGEST_LEASE, lease_seconds=lease_seconds)
        given.instances(EventCodec | None, codec=codec)
        used = codec or EventCodec()
        projectors = [Projector(each, used) for each in projections]
        self._projectors = {projector.name: projector for projector in projectors}
        if len(self._projectors) != len(projectors) or not projectors:
            names = ", ".join(projector.name for projector in projectors) or "none"
            raise InvalidArgument(f"a runner needs projections of different names, got {names}; say @projection(name=...)")
        self._store = store
        self._pace = Pace(batch_size=batch_size, batch_seconds=batch_seconds, poll_interval=poll_interval, lease_seconds=lease_seconds)
        self._running: asyncio.Task[None] | None = None
        self._rest()

    async def __aenter__(self) -> Self:
        self._require_rest()
        self._stop.clear()
        self._running = asyncio.create_task(self._run(), name="eventcore-projections")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        running, self._running = self._running, None
        if running is not None:
            if not running.done():
                self.stop()
            await running

    def stop(self) -> None:
        """Let `run` return, once what is under way is committed. Callable from a signal handler of the loop."""
        self._stop.set()

    async def run(self) -> None:
        """Keep the projections up to date until `stop` is called. One that fails is told in the log, and never stops the others.

        Cancelled, it ends at once: what is under way is rolled back, and leases are given back.
        """
        self._require_rest()
        await self._run()

    async def caught_up(self, position: Position | None, /, *, timeout: float, projections: Iterable[str] | None = None) -> None:
        """Wait until the projections (of these names; all of this runner's unless given) have handled everything up to *position*.

        ``result.position`` of a command makes its caller read what it wrote, also where another process leads the projection. Raises
        `ProjectionBehind` after *timeout* seconds, and `ProjectionStopped` at once for one that will not go on by itself.
        """
        Arguments("caught_up").number(0, timeout=timeout)
        check_position(position)
        if position is None:
            return
        names = set(self._projectors if projections is None else projections)
        if unknown := names - self._projectors.keys():
            raise InvalidArgument(f"this runner has no projection {', '.join(sorted(unknown))}; it has {', '.join(self._projectors)}")
        waiting = [asyncio.create_task(self._reach(name, position, timeout), name=f"eventcore-caught-up-{name}") for name in names]
        try:
            await asyncio.gather(*waiting)
        finally:
            # Where one will not get there the others are waited for no longer, on a store that may be closed next.
            for task in waiting:
                task.cancel()
            if waiting:
                await asyncio.wait(waiting)

    # Within

    def _require_rest(self) -> None:
        if self._runs or self._running is not None:
            raise InvalidArgument("this ProjectionRunner runs already; make another one, or share this one")

    async def _run(self) -> None:
        self._runs = True
        try:
            async with asyncio.TaskGroup() as tasks:
                for projector in self._projectors.values():
                    tasks.create_task(self._supervise(projector), name=f"eventcore-projection-{projector.name}")
        finally:
            self._rest()

    def _rest(self) -> None:
        """Forget what a run knew: the next one may be in another event loop, and on a store that begins anew."""
        self._runs = False
        self._workers: dict[str, dict[int, Worker]] = {name: {} for name in self._projectors}
        self._stop = asyncio.Event()
        self._moved = asyncio.Event()

    async def _reach(self, name: str, position: Position, timeout: float) -> None:
        """Wait for a worker of this process where one leads; look at what the store says from time to time in any case."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while True:
            leads = any(worker.is_leader and worker.is_live for worker in self._workers[name].values())
            with suppress(TimeoutError):
                async with asyncio.timeout_at(min(deadline, loop.time() + (_LOOK_BESIDE if leads else _LOOK_AGAIN))):
                    while not self._is_at(name, position):
                        await self._moved.wait()
                    return
            if await _has_reached(self._store, name, position, timeout, is_late=loop.time() >= deadline):
                return

    def _is_at(self, name: str, position: Position) -> bool:
        return any(
            worker.is_live and worker.position is not None and worker.position >= position for worker in self._workers[name].values()
        )

    def _advanced(self) -> None:
        """Wake those who wait for a position."""
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def _supervise(self, projector: Projector) -> None:
        """See that every generation of the projection that this code can work on has a worker."""
        tasks: dict[int, asyncio.Task[None]] = {}
        try:
            await self._staff(projector, tasks)
            if tasks:
                await asyncio.wait(tasks.values())
        finally:
            # Where this one was cancelled they are at work, on a store that may be closed next.
            for task in tasks.values():
                task.cancel()
            if tasks:
                await asyncio.wait(tasks.values())
            for task in tasks.values():
                self._bury(projector, task)

    async def _staff(self, projector: Projector, tasks: dict[int, asyncio.Task[None]]) -> None:
        """Begin a worker for each generation that lacks one, until the end."""
        workers = self._workers[projector.name]
        while not self._stop.is_set():
            for generation in [number for number, task in tasks.items() if task.done()]:
                self._bury(projector, tasks.pop(generation))
                del workers[generation]
            try:
                wanted = await self._wanted(projector)
            except StoreClosed as error:
                if not self._stop.is_set():
                    _log.error("projection %s ended: %s", projector.name, error)
                break
            except Exception as error:  # noqa: BLE001  # told, and tried again: no other projection is to feel it
                _log.warning("projection %s could not be looked up: %s", projector.name, error)
                wanted = set[int]()
            for generation in wanted - tasks.keys():
                worker = workers[generation] = Worker(self._store, projector, generation, self._pace, self._stop, self._advanced)
                tasks[generation] = asyncio.create_task(worker.run(), name=f"eventcore-worker-{projector.name}-{generation}")
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pace.poll_interval):
                    await self._stop.wait()

    def _bury(self, projector: Projector, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("projection %s ended: %s", projector.name, error, exc_info=error)

    async def _wanted(self, projector: Projector) -> set[int]:
        """Return the generations to work on; begin one where there is none of this version."""
        async with records(self._store, read_only=True) as kept:
            generations = await kept.load(projector.name)
        if not generations or _is_outdated(generations, projector.marker.version):
            async with records(self._store) as kept:
                await kept.lock(projector.name)
                generations = await kept.load(projector.name)
                if not generations or _is_outdated(generations, projector.marker.version):
                    number = 1 + max((each.generation for each in generations), default=0)
                    await kept.add(projector.name, number, projector.marker.version, live=not generations)
                    generations = await kept.load(projector.name)
        if any(each.inline for each in generations):
            return set()  # every append keeps it; what newer code makes of it is for `project_inline`
        mine = [each for each in generations if each.version == projector.marker.version]
        newest = max((each.generation for each in generations), default=0)
        # Of several that are being built, only the newest will ever be live.
        return {each.generation for each in mine if each.live or each.generation == newest}


def _is_outdated(generations: Iterable[ProjectionRecord], version: int) -> bool:
    """Whether all there is was made by older code than this *version*. What newer code made is left alone, and so is what appends keep."""
    return all(each.version < version and not each.inline for each in generations)


async def live_record(store: ProjectionStore, name: str) -> ProjectionRecord | None:
    """Return the generation that answers to *name*."""
    async with records(store, read_only=True) as kept:
        return next((each for each in await kept.load(name) if each.live), None)


async def caught_up(store: ProjectionStore, name: str, position: Position | None, /, *, timeout: float) -> None:
    """Wait, without a runner of one's own, until the projection *name* has handled everything up to *position*.

    Raises `ProjectionBehind` after *timeout* seconds, and `ProjectionStopped` at once for one that will not go on by itself.
    """
    Arguments("caught_up").number(0, timeout=timeout)
    check_position(position)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    while position is not None and not await _has_reached(store, name, position, timeout, is_late=loop.time() >= deadline):  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_AGAIN)


async def _has_reached(store: ProjectionStore, name: str, position: Position, timeout: float, *, is_late: bool) -> bool:
    live = await live_record(store, name)
    if live is not None and live.inline:
        return True
    if live is not None and live.position is not None and live.position >= position:
        return True
    if live is not None and not live.goes_on:
        raise ProjectionStopped(name, live.stopped_by)
    if is_late:
        raise ProjectionBehind(name, position, None if live is None else live.position, timeout)
    return False
