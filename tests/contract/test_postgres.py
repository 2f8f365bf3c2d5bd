from __future__ import annotations

import pytest

from eventcore.stores.postgres import PostgresEventStore
from eventcore.testing.contract import DurableEventStoreContract


class TestPostgresEventStore(DurableEventStoreContract):
    keeps_bytes = False

    @pytest.fixture(autouse=True)
    def place(self, postgres: str, schema: str) -> None:
        self.dsn, self.schema = postgres, schema

    def open_store(self) -> PostgresEventStore:
        return PostgresEventStore(self.dsn, schema=self.schema)
