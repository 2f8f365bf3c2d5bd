"""The streams of a store, by name."""

from __future__ import annotations

import argparse
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Final

from eventcore.cli.exits import OK
from eventcore.cli.look.browsing import check_places, forward
from eventcore.cli.look.opening import Browsed, opened, url_of
from eventcore.cli.look.selecting import Selection, selected
from eventcore.cli.look.shown import stream_json, stream_row, stream_table
from eventcore.cli.look.terminal import Terminal
from eventcore.cli.output import put, remark
from eventcore.stores.catalogue import StreamHead

_PAGE: Final = 1000


async def run(options: argparse.Namespace) -> int:
    selection = selected(options, now=datetime.now(UTC))
    left = options.limit or None
    table = stream_table(Terminal.of_stdout())
    found = False
    async with opened(url_of(options)) as store:
        await check_places(store, selection)
        async for heads in _pages(store, selection):
            shown = heads[:left]
            put(*(map(stream_json, shown) if options.json else table.lines(map(stream_row, shown))))
            found = found or bool(shown)
            if left is not None and (left := left - len(shown)) == 0:
                break
    if not found and not options.json:
        remark("no stream of this store is selected")
    return OK


async def _pages(store: Browsed, selection: Selection) -> AsyncGenerator[list[StreamHead]]:
    """Yield the streams that are selected, a page at a time."""
    having = await _having(store, selection)
    after: str | None = None
    while heads := await store.list_streams(after, limit=_PAGE, streams=selection.where.streams):
        after = heads[-1].stream_id
        yield [head for head in heads if _is_selected(head, selection) and (having is None or head.stream_id in having)]
        if len(heads) < _PAGE:
            return


def _is_selected(head: StreamHead, selection: Selection) -> bool:
    return (
        selection.in_time(head.recorded_at)
        and (selection.after is None or head.position > selection.after)
        and (selection.before is None or head.position < selection.before)
    )


async def _having(store: Browsed, selection: Selection) -> set[str] | None:
    """Return the streams that have an event of the types asked for, None where no type is asked for."""
    if selection.where.types is None:
        return None
    anywhere = Selection(where=selection.where, since=None, until=None, after=None, before=None)
    return {event.stream_id async for event in forward(store, anywhere)}
