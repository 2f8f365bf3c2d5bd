"""What hand-written contestants on PostgreSQL share: one table, and a fold."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

import asyncpg
import orjson

from benchmarks.work import Place, Work, opening_history, openings_of

SCHEMA: Final = """
CREATE TABLE events (
    stream text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    type text NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (stream, version)
)
"""
COLUMNS: Final = ("stream", "version", "type", "data")


def prepare(work: Work, place: Place) -> None:
    asyncio.run(_prepare(work, place))


async def _prepare(work: Work, place: Place) -> None:
    connection = await asyncpg.connect(place.dsn)
    try:
        await connection.execute(SCHEMA)
        for account, history in openings_of(work.job):
            rows = [
                (account, version, kind, orjson.dumps(fields)) for version, (kind, fields) in enumerate(opening_history(history), start=1)
            ]
            await connection.copy_records_to_table("events", records=rows, columns=COLUMNS)
    finally:
        await connection.close()


def fold(rows: Iterable[asyncpg.Record]) -> dict[str, tuple[int, int]]:
    """Return the balance and the version of each stream of *rows*, which are in the order of the versions."""
    found: dict[str, tuple[int, int]] = {}
    for stream, version, event_type, data in rows:
        event = orjson.loads(data)
        if event_type == "MoneyReceived":
            found[stream] = (found[stream][0] + event["amount"], version)
        elif event_type == "MoneySent":
            found[stream] = (found[stream][0] - event["amount"], version)
        else:
            found[stream] = (event["deposit"], version)
    return found
