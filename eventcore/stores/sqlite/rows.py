"""Rows of the file as the values that travel, and times as integers."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

import orjson

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


def all_rows(connection: sqlite3.Connection, sql: str, parameters: tuple[object, ...] | Mapping[str, object], *, width: int) -> list[Any]:
    """Return all rows, of *width* columns each: in one JSON value, which takes one step of SQLite and one release of the GIL.

    One by one where that value would be too long: SQLite keeps none of more than a gigabyte.
    """
    try:
        (answer,) = connection.execute(_in_one_value(sql, width), parameters).fetchone()
    except sqlite3.DataError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_TOOBIG:
            raise
        return connection.execute(sql, parameters).fetchall()
    rows: list[Any] = orjson.loads(answer)
    return rows


@cache
def _in_one_value(sql: str, width: int) -> str:
    columns = ", ".join(f"c{number}" for number in range(width))
    # A blob, because text that a foreign hand made no text should meet the parser of JSON, which tells.
    return f"WITH found ({columns}) AS ({sql}) SELECT CAST(json_group_array(json_array({columns})) AS BLOB) FROM found"  # noqa: S608


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
