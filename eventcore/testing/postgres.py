"""PostgreSQL for tests: a server for the run, and a schema for each test."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import asyncpg

from eventcore.local_postgres import LocalPostgres, Settings
from eventcore.store import EventStore
from eventcore.stores.postgres import PostgresEventStore

# A test's data need not survive a power cut.
_FAST: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@contextmanager
def test_server() -> Generator[str]:
    """Start a server that ends, and is gone, with the block; yield its DSN."""
    folder = Path(tempfile.mkdtemp(prefix="eventcore-test-postgres-"))
    with LocalPostgres.start(folder, Settings(parameters=_FAST, remove=True, immediate=True)) as server:
        yield server.dsn


@asynccontextmanager
async def open_in_new_schema(dsn: str) -> AsyncGenerator[EventStore]:
    """Yield a store, open in a schema of its own, which is dropped after it."""
    schema = f"test_{uuid.uuid4().hex[:12]}"
    try:
        async with PostgresEventStore(dsn, schema=schema, pool_size=3) as store:
            yield store
    finally:
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
        finally:
            await connection.close()
