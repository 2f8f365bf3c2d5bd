"""Events of a store, in the order of the whole store."""

from __future__ import annotations

import argparse
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from typing import Final

from eventcore.cli.exits import OK
from eventcore.cli.look.browsing import backward, check_places, forward, taken
from eventcore.cli.look.opening import Browsed, opened, url_of
from eventcore.cli.look.selecting import Selection, selected
from eventcore.cli.look.shown import event_json, event_row, event_table
from eventcore.cli.look.terminal import Terminal
from eventcore.cli.output import put, remark
from eventcore.store import StoredEvent

_AT_ONCE: Final = 500


async def run(options: argparse.Namespace) -> int:
    selection = selected(options, now=datetime.now(UTC))
    table = event_table(Terminal.of_stdout())
    found = False
    async with opened(url_of(options)) as store:
        await check_places(store, selection)
        async for events in _chunks(_chosen(store, selection, options)):
            put(*(map(event_json, events) if options.json else table.lines(map(event_row, events))))
            found = found or bool(events)
    if not found and not options.json:
        remark("no event of this store is selected")
    return OK


async def _chosen(store: Browsed, selection: Selection, options: argparse.Namespace) -> AsyncGenerator[StoredEvent]:
    limit = options.limit or None
    walk = forward if options.oldest or (limit is None and not options.reverse) else backward
    walks_as_asked = (walk is backward) == options.reverse
    found = walk(store, selection)
    if walks_as_asked and limit is None:
        async for event in found:
            yield event
        return
    # As many as fit the limit: they may be turned round.
    events = await taken(found, limit)
    for event in events if walks_as_asked else reversed(events):
        yield event


async def _chunks(events: AsyncGenerator[StoredEvent]) -> AsyncGenerator[Sequence[StoredEvent]]:
    """Yield *events* by the hundred: a table finds its widths, and output is flushed less often."""
    chunk: list[StoredEvent] = []
    async for event in events:
        chunk.append(event)
        if len(chunk) == _AT_ONCE:
            yield chunk
            chunk = []
    yield chunk
