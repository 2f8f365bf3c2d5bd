"""What people look for: streams by name, events from the newest back, one event by its id. All within the transaction of the connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from eventcore.ids import Position, StreamPattern, StreamPrefix
from eventcore.store import EventFilter, Lease, Page, StoredEvent
from eventcore.stores.catalogue import StreamHead
from eventcore.stores.selecting import enclosing
from eventcore.stores.sqlite.log import selectors_json, types_json
from eventcore.stores.sqlite.rows import moment, now_in_microseconds, position_of, stored_event
from eventcore.stores.sqlite.statements import statements

_SQL: Final = statements("catalogue")
# Events that one page looks through for the few that a filter lets through.
_WINDOW: Final = 20_000


def list_streams(
    connection: sqlite3.Connection, after: str | None, limit: int, streams: Sequence[StreamPrefix | StreamPattern] | None
) -> list[StreamHead]:
    low, high = enclosing(streams)
    parameters = {
        "after": after or "",
        "low": low,
        "high": high,
        "every": streams is None,
        "selectors": selectors_json(streams),
        "limit": limit,
    }
    return [
        StreamHead(stream_id, version, Position((position,)), type_, moment(recorded_at))
        for stream_id, version, position, type_, recorded_at in connection.execute(_SQL["streams"], parameters)
    ]


def read_back(connection: sqlite3.Connection, before: Position | None, limit: int, where: EventFilter) -> Page:
    (end,) = connection.execute(_SQL["newest_before"], (None if before is None else before.key[0],)).fetchone()
    if end is None:
        return Page((), before, more=False)
    floor = max(0, end - max(limit, _WINDOW))
    parameters = {
        "before": end + 1,
        "floor": floor,
        "types": types_json(where.types),
        "every": where.streams is None,
        "selectors": selectors_json(where.streams),
        "limit": limit,
    }
    events = [stored_event(*row) for row in connection.execute(_SQL["page_back"], parameters)]
    reached = events[-1].position.key[0] if len(events) == limit else floor + 1
    return Page(events, position_of(reached), more=reached > 1)


def find_event(connection: sqlite3.Connection, event_id: UUID) -> StoredEvent | None:
    row = connection.execute(_SQL["event"], (event_id.hex,)).fetchone()
    return None if row is None else stored_event(*row)


def find_lease(connection: sqlite3.Connection, name: str) -> Lease | None:
    row = connection.execute(_SQL["lease"], (name, now_in_microseconds())).fetchone()
    return None if row is None else Lease(name, row[0], row[1], moment(row[2]))
