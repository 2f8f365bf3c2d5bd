"""Events as they come."""

from __future__ import annotations

import argparse
import asyncio
import select
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final, TypeVar, final

import attrs

from eventcore.cli.exits import OK
from eventcore.cli.look.browsing import PAGE, backward, taken
from eventcore.cli.look.opening import Browsed, opened, said, url_of
from eventcore.cli.look.selecting import selected
from eventcore.cli.look.shown import event_json, event_row, event_table
from eventcore.cli.look.terminal import Terminal
from eventcore.cli.output import put, remark
from eventcore.errors import StoreBusy, StoreUnavailable
from eventcore.ids import Position
from eventcore.store import EVERYTHING, EventFilter, StoredEvent

T = TypeVar("T")

# Seconds that one wait lasts: then it is seen whether anybody still reads what is printed.
_WAIT: Final = 1.0
_PAUSE: Final = 0.5


async def run(options: argparse.Namespace) -> int:
    """Follow until whoever reads has enough."""
    selection = selected(options, now=datetime.now(UTC))
    table = event_table(Terminal.of_stdout())

    def show(events: list[StoredEvent]) -> None:
        put(*(map(event_json, events) if options.json else table.lines(map(event_row, events))))

    async with opened(url_of(options)) as store:
        after = selection.after
        if after is None:
            # First where to go on, then what came before: nothing falls between.
            after = await _newest(store)
            begin = attrs.evolve(selection, before=None)
            newest = await taken(backward(store, begin), options.limit)
            show([event for event in reversed(newest) if after is not None and event.position <= after])
        await _Follower(store, selection.where, show).follow(after)
    return OK


async def _newest(store: Browsed) -> Position | None:
    page = await store.read_back(limit=1, where=EVERYTHING)
    return page.events[0].position if page.events else None


@final
@attrs.frozen
class _Follower:
    store: Browsed
    where: EventFilter
    show: Callable[[list[StoredEvent]], None]

    async def follow(self, after: Position | None) -> None:
        while not _nobody_reads():
            if not await self._patiently(partial(self.store.wait_for_news, after, timeout=_WAIT)):
                continue
            more = True
            while more:
                page = await self._patiently(partial(self.store.read_all, after, limit=PAGE, where=self.where))
                self.show(list(page.events))
                after, more = page.position, page.more

    async def _patiently(self, act: Callable[[], Awaitable[T]]) -> T:
        """Return what *act* returns, again and again until the store is there."""
        told = False
        while True:
            try:
                result = await act()
            except (StoreUnavailable, StoreBusy) as error:
                if not told:
                    remark(f"{said(error)}; waiting for it")
                    told = True
                await asyncio.sleep(_PAUSE)
            else:
                if told:
                    remark("it is there again")
                return result


def _nobody_reads() -> bool:
    """Tell whether the pipe that is printed into was closed at its other end: nothing need be printed to learn that."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
