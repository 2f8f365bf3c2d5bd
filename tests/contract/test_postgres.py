"""The contract on PostgreSQL 18, on 15, and through a pooler that hands out connections per transaction."""

from __future__ import annotations

import pytest

from eventcore.stores.postgres import PostgresEventStore
from eventcore.testing.contract import DurableEventStoreContract, EventStoreContract, InlineStoreContract


class TestPostgresEventStore(InlineStoreContract, DurableEventStoreContract):
    keeps_bytes = False

    @pytest.fixture(autouse=True)
    def place(self, postgres: str, schema: str) -> None:
        self.dsn, self.schema = postgres, schema

    def open_store(self) -> PostgresEventStore:
        return PostgresEventStore(self.dsn, schema=self.schema)


class TestPostgres15(InlineStoreContract, DurableEventStoreContract):
    keeps_bytes = False

    @pytest.fixture(autouse=True)
    def place(self, postgres15: str, schema: str) -> None:
        self.dsn, self.schema = postgres15, schema

    def open_store(self) -> PostgresEventStore:
        return PostgresEventStore(self.dsn, schema=self.schema)


class TestThroughPgbouncer(InlineStoreContract, EventStoreContract):
    keeps_bytes = False

    @pytest.fixture(autouse=True)
    def place(self, pgbouncer: str, postgres: str, schema: str) -> None:
        self.dsn, self.schema = pgbouncer, schema

    def open_store(self) -> PostgresEventStore:
        return PostgresEventStore(self.dsn, schema=self.schema, statement_cache_size=0)
