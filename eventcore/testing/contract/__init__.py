"""The contract of a store, as tests: what makes a store one that commands and projections can trust.

A store proves itself in three lines of a pytest file::

    class TestMyStore(DurableEventStoreContract):
        def open_store(self):
            return MyStore(self.tmp_path / "events")

`EventStoreContract` is for a store whose data ends with it; `DurableEventStoreContract` adds what only a store with lasting data can
promise: it is opened again, and opened twice at once. `ReadModelStoreContract` and `InlineStoreContract` are named beside one of the two where a
store lets projections write. Many of the tests carry the name of a bug that well-known event stores have shipped.
"""

from __future__ import annotations

from eventcore.testing.contract.appends import AppendScenarios
from eventcore.testing.contract.bare import BareScenarios
from eventcore.testing.contract.closing import ClosingScenarios
from eventcore.testing.contract.concurrency import ConcurrencyScenarios
from eventcore.testing.contract.fidelity import FidelityScenarios
from eventcore.testing.contract.filters import FilterScenarios
from eventcore.testing.contract.idempotency import IdempotencyScenarios
from eventcore.testing.contract.inline import InlineScenarios
from eventcore.testing.contract.keeping import CheckpointScenarios, SnapshotScenarios
from eventcore.testing.contract.lasting import LastingScenarios
from eventcore.testing.contract.leases import LeaseScenarios
from eventcore.testing.contract.log import LogScenarios
from eventcore.testing.contract.news import NewsScenarios
from eventcore.testing.contract.streams import StreamScenarios
from eventcore.testing.contract.transactions import ReadModelScenarios

__all__ = ["DurableEventStoreContract", "EventStoreContract", "InlineStoreContract", "ReadModelStoreContract"]


class EventStoreContract(
    StreamScenarios,
    BareScenarios,
    AppendScenarios,
    LogScenarios,
    FilterScenarios,
    FidelityScenarios,
    IdempotencyScenarios,
    ConcurrencyScenarios,
    NewsScenarios,
    SnapshotScenarios,
    CheckpointScenarios,
    LeaseScenarios,
    ClosingScenarios,
):
    """What every store does. Subclass it in a test file, and say how a store is opened."""


class DurableEventStoreContract(EventStoreContract, LastingScenarios):
    """What every store does whose data lasts: each call of `open_store` within one test opens the same data."""


class ReadModelStoreContract(ReadModelScenarios):
    """What a store does that projections write through: `transaction`. Beside one of the others: ``class TestMine(ReadModelStoreContract, ...)``."""


class InlineStoreContract(ReadModelStoreContract, InlineScenarios):
    """What a store does that inline projections work on: `attach` and `switch_inline`, and `transaction`."""
