from __future__ import annotations

from eventcore.stores.sqlite import SqliteEventStore
from eventcore.testing.contract import DurableEventStoreContract, InlineStoreContract


class TestSqliteEventStore(InlineStoreContract, DurableEventStoreContract):
    def open_store(self) -> SqliteEventStore:
        return SqliteEventStore(self.tmp_path / "events.db")
