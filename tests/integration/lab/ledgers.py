"""A state that asks for snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, state, stream
from lab.probes import Added

if TYPE_CHECKING:
    from lab.ledgers_streams import PostState, PostStreams, PostWrites


@state(snapshot_every=3)
class Ledger:
    total: int = 0
    lines: tuple[int, ...] = ()

    def apply(self, event: Added) -> Ledger:
        return Ledger(self.total + event.amount, (*self.lines, event.amount))


@command
class Post:
    ledger: StreamId[Ledger] = stream()
    amount: int

    def handle(self, streams: PostStreams, state: PostState) -> PostWrites:
        yield streams.ledger.write(Added(self.amount))
