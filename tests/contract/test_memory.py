from __future__ import annotations

from eventcore.stores.memory import InMemoryEventStore
from eventcore.testing.contract import EventStoreContract, InlineStoreContract


class TestInMemoryEventStore(InlineStoreContract, EventStoreContract):
    def open_store(self) -> InMemoryEventStore:
        return InMemoryEventStore()
