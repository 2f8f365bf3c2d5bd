"""What tests do to a store by hand, past the store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg

from eventcore import MigrationNeeded, PostgresEventStore
from eventcore.store import AppendRequest, StreamRead
from eventcore.stores.postgres.batch import Batch
from eventcore.stores.postgres.statements import Schema
from eventcore.testing.contract.making import new_event, request

ROWS = "SELECT count(*) FROM {schema}.events"


@asynccontextmanager
async def connected(dsn: str, **options: object) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn, **options)
    try:
        yield connection
    finally:
        connection.terminate()


async def append_in(connection: asyncpg.Connection, schema: str, *requests: AppendRequest) -> None:
    """Append as the store does, within whatever transaction *connection* is in."""
    sql = Schema(schema).statements("calls")["append"]
    await connection.fetch(sql, *Batch(requests).arguments(), False, "10s", 100)


def adding(stream_id: str, label: object, version: int | None = None, **also: int) -> AppendRequest:
    versions: Mapping[str, int | None] = {stream_id: version, **also}
    return request(versions, new_event(stream_id, label))


async def labels(store: object, stream_id: str) -> list[object]:
    import json

    (found,) = (await store.read([StreamRead(stream_id)])).slices  # type: ignore[attr-defined]
    return [json.loads(event.data)["label"] for event in found.events]


async def opened_when_replicated(stack: AsyncExitStack, standby: str) -> PostgresEventStore:
    """Open the store on a standby as soon as it has heard of it."""
    while True:
        try:
            return await stack.enter_async_context(PostgresEventStore(standby, migrate=False))
        except MigrationNeeded:
            await asyncio.sleep(0.01)
