"""Pages of the global order, for readers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eventcore.ids import Position, StreamPattern, StreamPrefix
from eventcore.store import EventFilter, Page, StoredEvent
from eventcore.stores.postgres.connections import Connection
from eventcore.stores.postgres.rows import EventRows, place_of

# Events that a page with a filter of streams looks at, at most: history is not looked through at once for a stream that is not in it.
_LOOKED_AT: Final = 10_000
_LOOKED_AGAIN: Final = 5
# Columns of a row.
_TX: Final = 0
_ORDINAL: Final = 1
# The same of the row that ends a page: it has no event.
_MORE: Final = 4
_EVENT_ID: Final = 5
_MOVED: Final = 7


async def read_page(connection: Connection, sql: str, after: Position | None, limit: int, where: EventFilter) -> Page:
    types = None if where.types is None else sorted(where.types)
    likes = None if where.streams is None else [like_of(select) for select in where.streams]
    arguments = (*place_of(after), limit, types, likes, max(limit, _LOOKED_AT))
    rows = await connection.fetch(sql, *arguments)
    for _ in range(_LOOKED_AGAIN):
        if rows[-1][_EVENT_ID] is not None or not rows[-1][_MOVED]:
            break
        # What held the newest events back has ended meanwhile: what was written before this call need not be left to the next one.
        rows = await connection.fetch(sql, *arguments)
    more, end = True, rows[-1]
    if end[_EVENT_ID] is None:
        rows.pop()
        more = bool(end[_MORE])
    events: Sequence[StoredEvent] = EventRows(rows) if rows else []
    if where.streams is not None and any("[" in select.text for select in where.streams):
        # LIKE has no sets: it let through a little too much.
        events = [event for event in events if where.admits(event.stream_id, event.type)]
    return Page(events, after if end[_TX] is None else Position((end[_TX], end[_ORDINAL])), more=more)


def like_of(select: StreamPrefix | StreamPattern) -> str:
    """Return the LIKE pattern that lets through what *select* selects; for a set of characters, any one."""
    return _escaped(select.text) + "%" if isinstance(select, StreamPrefix) else "".join(_like(select.text))


def _like(glob: str) -> Sequence[str]:
    parts: list[str] = []
    at = 0
    while at < len(glob):
        character = glob[at]
        if character == "[":
            # A set ends at the first bracket that is not its first member (StreamPattern saw to it that there is one).
            start = at + 2 if glob[at + 1] == "!" else at + 1
            at = glob.index("]", start + 1)
            parts.append("_")
        else:
            parts.append({"*": "%", "?": "_"}.get(character) or _escaped(character))
        at += 1
    return parts


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
