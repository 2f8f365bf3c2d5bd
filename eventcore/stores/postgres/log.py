"""Pages of the global order, for readers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, final

import asyncpg

from eventcore.ids import Position, StreamPattern, StreamPrefix, position_at
from eventcore.store import EventFilter, Page, StoredEvent
from eventcore.stores.postgres.columns import Columns, PageColumns
from eventcore.stores.postgres.connections import Connection
from eventcore.stores.postgres.rows import EventRows, place_of

# Events that a page with a filter of streams looks at, at most: history is not looked through at once for a stream that is not in it.
_LOOKED_AT: Final = 10_000
LOOKED_AGAIN: Final = 5
"""How often a read asks again where what held the newest events back has ended meanwhile."""
# Characters of the data of a page that comes in one row, at most: larger pieces of memory come from the system and go back to it each time.
_LONG: Final = 8_000_000
# A column of a row.
_DATA: Final = 8


class _End(NamedTuple):
    """What the row that ends a page says; a page that is full has none. Without *tx* nothing was looked at."""

    more: int
    moved: int
    tx: int | None = None
    ordinal: int = 0


class _Fetched(NamedTuple):
    """What the server answered. *position* is that of the last of *events*."""

    events: Sequence[StoredEvent]
    position: Position | None
    end: _End | None


@final
class LogReader:
    """Reads pages: in one row where its texts are not long, in a row for each event otherwise."""

    def __init__(self, columns: str, rows: str) -> None:
        self._columns = columns
        self._rows = rows
        # Of the data of an event, in the newest page.
        self._characters = 0.0

    async def read(self, connection: Connection, after: Position | None, limit: int, where: EventFilter) -> Page:
        types = None if where.types is None else sorted(where.types)
        likes = None if where.streams is None else [like_of(select) for select in where.streams]
        arguments = (*place_of(after), limit, types, likes, max(limit, _LOOKED_AT))
        events, position, end = await self._fetched(connection, limit, arguments)
        for _ in range(LOOKED_AGAIN):
            if end is None or not end.moved:
                break
            # What held the newest events back has ended meanwhile: what was written before this call need not be left to the next one.
            events, position, end = await self._fetched(connection, limit, arguments)
        if where.streams is not None and any("[" in select.text for select in where.streams):
            # LIKE has no sets: it let through a little too much.
            events = [event for event in events if where.admits(event.stream_id, event.type)]
        if end is None:
            return Page(events, position, more=True)
        return Page(events, after if end.tx is None else position_at(end.tx, end.ordinal), more=bool(end.more))

    async def _fetched(self, connection: Connection, limit: int, arguments: tuple[object, ...]) -> _Fetched:
        if self._characters * limit <= _LONG:
            try:
                [(*told, ended)] = await connection.fetch(self._columns, *arguments)
            except asyncpg.ProgramLimitExceededError:
                pass  # A text would have more than 1 GB.
            else:
                return self._of_columns(Columns(*told), ended)
        return self._of_rows(await connection.fetch(self._rows, *arguments))

    def _of_columns(self, columns: Columns, ended: str | None) -> _Fetched:
        end = None if ended is None else _End(*map(int, ended.split()))
        if not columns.places:
            return _Fetched([], None, end)
        events = PageColumns.of(columns)
        self._characters = len(columns.contents) / len(events)
        return _Fetched(events, events.end, end)

    def _of_rows(self, rows: list[asyncpg.Record]) -> _Fetched:
        tx, ordinal, _, _, more, event_id, _, moved, _, _ = rows[-1]
        end = None if event_id is not None else _End(more, moved, tx, ordinal)
        if end is not None:
            rows.pop()
        if not rows:
            return _Fetched([], None, end)
        self._characters = sum(len(row[_DATA]) for row in rows) / len(rows)
        return _Fetched(EventRows(rows), position_at(tx, ordinal), end)


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
