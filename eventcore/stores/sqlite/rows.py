"""Rows of the file as the values that travel, and times as integers."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID

from eventcore.ids import Position
from eventcore.store import StoredEvent

# version, position, event id, type, type version, data, metadata, recorded at
EventRow: TypeAlias = "tuple[int, int, str, str, int, str, str, int]"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NO_METADATA: Final = b"{}"


def now_in_microseconds() -> int:
    """Return the store's clock: this machine's."""
    return time.time_ns() // 1000


def moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def microseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


def stored_event(
    stream_id: str, version: int, position: int, event_id: str, type_: str, type_version: int, data: str, metadata: str, recorded_at: int
) -> StoredEvent:
    return StoredEvent(
        stream_id,
        version,
        Position((position,)),
        UUID(int=int(event_id, 16)),
        type_,
        type_version,
        data.encode(),
        _NO_METADATA if metadata == "{}" else metadata.encode(),
        _EPOCH + timedelta(microseconds=recorded_at),
    )


def position_of(key: int | None) -> Position | None:
    return None if key is None else Position((key,))
