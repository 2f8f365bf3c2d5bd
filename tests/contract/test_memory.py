from __future__ import annotations

from eventcore.stores.memory import InMemoryEventStore
from eventcore.testing.contract import EventStoreContract


class TestInMemoryEventStore(EventStoreContract):
    def open_store(self) -> InMemoryEventStore:
        return InMemoryEventStore()
