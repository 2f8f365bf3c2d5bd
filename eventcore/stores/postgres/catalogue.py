"""What people look for: streams by name, events from the newest back, one event by its id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final
from uuid import UUID

from eventcore.ids import Position, StreamPattern, StreamPrefix
from eventcore.store import EventFilter, Lease, Page, StoredEvent
from eventcore.stores.catalogue import StreamHead
from eventcore.stores.postgres.connections import Connection
from eventcore.stores.postgres.log import LOOKED_AGAIN, like_of
from eventcore.stores.postgres.rows import place_of, stored_event
from eventcore.stores.postgres.statements import Schema
from eventcore.stores.selecting import enclosing

# Events that one page looks through for the few that a filter lets through.
_WINDOW: Final = 10_000


@final
class Catalogue:
    """Looks through one schema."""

    def __init__(self, schema: Schema) -> None:
        self._sql = schema.statements("catalogue")

    async def list_streams(
        self, connection: Connection, after: str | None, limit: int, streams: Sequence[StreamPrefix | StreamPattern] | None
    ) -> list[StreamHead]:
        likes = None if streams is None else [like_of(select) for select in streams]
        found: list[StreamHead] = []
        low, high = enclosing(streams)
        while len(found) < limit:
            rows = await connection.fetch(self._sql["streams"], after or "", low, high, likes, limit)
            heads = (StreamHead(row[0], row[1], Position((row[2], row[3])), row[4], row[5]) for row in rows)
            # LIKE has no sets of characters: it may let through a little too much.
            found += (head for head in heads if streams is None or any(select.matches(head.stream_id) for select in streams))
            if len(rows) < limit:
                break
            after = rows[-1][0]
        return found[:limit]

    async def read_back(self, connection: Connection, before: Position | None, limit: int, where: EventFilter) -> Page:
        end = await self._end_of_history(connection)
        top = end if before is None else min(end, place_of(before))
        begin = await connection.fetchrow(self._sql["floor"], *top, max(limit, _WINDOW))
        floor = (0, 0) if begin is None else (begin[0], begin[1])
        types = None if where.types is None else sorted(where.types)
        likes = None if where.streams is None else [like_of(select) for select in where.streams]
        rows = await connection.fetch(self._sql["page_back"], *top, *floor, types, likes, limit)
        events = [stored_event(*row) for row in rows]
        if len(rows) == limit:
            reached, more = events[-1].position, True
        else:
            reached, more = Position(floor), begin is not None
        return Page([event for event in events if where.admits(event.stream_id, event.type)], reached, more=more)

    async def _end_of_history(self, connection: Connection) -> tuple[int, int]:
        """Return the place before which is what readers may be shown: all that was committed before this call, and what no open append holds back."""
        tx = 0
        for _ in range(1 + LOOKED_AGAIN):
            row = await connection.fetchrow(self._sql["end_of_history"])
            assert row is not None  # noqa: S101 - a function with OUT parameters returns a row
            tx, moved = row
            if not moved:
                break
        return tx, 0

    async def find_event(self, connection: Connection, event_id: UUID) -> StoredEvent | None:
        row = await connection.fetchrow(self._sql["event"], event_id)
        return None if row is None else stored_event(*row)

    async def find_lease(self, connection: Connection, name: str) -> Lease | None:
        row = await connection.fetchrow(self._sql["lease"], name)
        return None if row is None else Lease(name, *row)
