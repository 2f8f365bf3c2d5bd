"""Pages of the log for one who goes through all of it: the next one is read while this one is handled, and they are as long as time allows."""

from __future__ import annotations

import asyncio
from typing import Final, final

from eventcore.ids import Position
from eventcore.store import EventFilter, EventLog, Page

_FIRST: Final = 500
_LEAST: Final = 50


@final
class Pages:
    """Pages of *log*, each of which should take at most *seconds*, and of at most *most* events. One is read ahead, where there is more."""

    def __init__(self, log: EventLog, where: EventFilter, *, most: int, seconds: float) -> None:
        self._log = log
        self._where = where
        self._most = most
        self._seconds = seconds
        self.size = min(_FIRST, most)
        self._ahead: tuple[Position | None, asyncio.Task[Page]] | None = None

    async def after(self, position: Position | None) -> Page:
        """Return the page that follows *position*. What was read ahead for another place, or in vain, is dropped."""
        ahead, self._ahead = self._ahead, None
        if ahead is None:
            page = await self._read(position)
        elif ahead[0] == position:
            page = await _awaited(ahead[1])
        else:
            await _dropped(ahead[1])
            page = await self._read(position)
        if page.events and page.more:
            self._ahead = page.position, asyncio.create_task(self._read(page.position), name="eventcore-read-ahead")
            # Until the task has asked: who handles the page may leave the loop no time before the end of it.
            await asyncio.sleep(0)
        return page

    def took(self, seconds: float) -> None:
        """Let later pages be shorter or longer: as many events took this time, from the first statement to the end of the commit."""
        if seconds > self._seconds:
            self.size = max(min(_LEAST, self._most), self.size // 2)
        elif seconds < self._seconds / 4:
            self.size = min(self._most, self.size * 2)

    async def forget(self) -> None:
        """Drop what was read ahead."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            await _dropped(ahead[1])

    async def _read(self, after: Position | None) -> Page:
        return await self._log.read_all(after, limit=self.size, where=self._where)


async def _awaited(task: asyncio.Task[Page]) -> Page:
    try:
        return await task
    finally:
        # Whoever waited may have been cancelled, which cancelled the task too: it must not outlive them.
        await _dropped(task)


async def _dropped(task: asyncio.Task[Page]) -> None:
    """End *task*, whatever becomes of it."""
    task.cancel()
    try:
        if not task.done():
            await asyncio.wait([task])
    except asyncio.CancelledError:
        # Whoever waits is cancelled, too, and has to hear of it; the task ends first.
        await asyncio.wait([task])
        raise
    finally:
        if task.done() and not task.cancelled():
            task.exception()
