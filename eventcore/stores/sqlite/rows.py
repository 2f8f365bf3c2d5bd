"""Rows of the file as the values that travel, and times as integers."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Final

from eventcore.ids import Position, position_at, uuid_of
from eventcore.store import StoredEvent, make_stored

_NO_METADATA: Final = b"{}"


def now_in_microseconds() -> int:
    """Return the store's clock: this machine's."""
    return time.time_ns() // 1000


def moment(microseconds: int) -> datetime:
    """Return the time in UTC. Exact until the year 2242, when a float no longer tells two neighbouring microseconds apart."""
    return datetime.fromtimestamp(microseconds / 1_000_000, UTC)


def microseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


def stored_event(
    stream_id: str, version: int, position: int, event_id: str, type_: str, type_version: int, data: str, metadata: str, recorded_at: int
) -> StoredEvent:
    return make_stored(
        stream_id,
        version,
        position_at(position),
        uuid_of(int(event_id, 16)),
        type_,
        type_version,
        data.encode(),
        _NO_METADATA if metadata == "{}" else metadata.encode(),
        moment(recorded_at),
    )


def position_of(key: int | None) -> Position | None:
    return None if key is None else Position((key,))
