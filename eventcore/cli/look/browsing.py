"""Events in either direction, as a selection asks for them.

Stores find events by position, not by time. The clocks that recorded neighbours may differ a little, so a time ends a search only where a whole page
of a thousand events lies beyond it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Final

from eventcore.cli.look.selecting import Selection
from eventcore.ids import Position
from eventcore.store import EVERYTHING, StoredEvent

if TYPE_CHECKING:
    from eventcore.cli.look.opening import Browsed

PAGE: Final = 1000


async def check_places(store: Browsed, selection: Selection) -> None:
    """Raise `InvalidPosition` for a place of another store: compared with events of this one it would select some by chance."""
    for place in (selection.after, selection.before):
        if place is not None:
            await store.read_all(place, limit=1)


async def backward(store: Browsed, selection: Selection) -> AsyncGenerator[StoredEvent]:
    """Yield what is selected, the newest first."""
    before = selection.before
    more = True
    while more:
        page = await store.read_back(before, limit=PAGE, where=selection.where)
        for event in page.events:
            if selection.after is not None and event.position <= selection.after:
                return
            if selection.in_time(event.recorded_at):
                yield event
        if len(page.events) == PAGE and all(selection.is_too_early(event.recorded_at) for event in page.events):
            return
        before, more = page.position, page.more and not _has_passed(selection.after, page.position)


async def forward(store: Browsed, selection: Selection) -> AsyncGenerator[StoredEvent]:
    """Yield what is selected, the oldest first."""
    after = selection.after
    if after is None and selection.since is not None:
        after = await _place_before(store, selection)
    more = True
    while more:
        page = await store.read_all(after, limit=PAGE, where=selection.where)
        for event in page.events:
            if selection.before is not None and event.position >= selection.before:
                return
            if selection.in_time(event.recorded_at):
                yield event
        if len(page.events) == PAGE and all(selection.is_too_late(event.recorded_at) for event in page.events):
            return
        after, more = page.position, page.more


async def _place_before(store: Browsed, selection: Selection) -> Position | None:
    """Return a place behind which lies all that was recorded since the time of the selection."""
    before, more = selection.before, True
    while more:
        page = await store.read_back(before, limit=PAGE, where=EVERYTHING)
        if len(page.events) == PAGE and all(selection.is_too_early(event.recorded_at) for event in page.events):
            return page.position
        before, more = page.position, page.more
    return None


def _has_passed(after: Position | None, reached: Position | None) -> bool:
    return after is not None and reached is not None and reached <= after


async def taken(events: AsyncGenerator[StoredEvent], limit: int | None) -> list[StoredEvent]:
    """Return the first *limit* of *events*, all where it is None."""
    found: list[StoredEvent] = []
    if limit == 0:
        return found
    async for event in events:
        found.append(event)
        if len(found) == limit:
            break
    return found
