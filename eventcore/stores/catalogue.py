"""A store as people look through it: streams by name, events from the newest back, one event by its id, who leads. No command needs it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from eventcore.ids import Position, StreamPattern, StreamPrefix
from eventcore.store import EVERYTHING, EventFilter, Lease, Page, StoredEvent


class StreamHead(NamedTuple):
    """One stream as its newest event leaves it. *version* counts its events; the rest is of the newest."""

    stream_id: str
    version: int
    position: Position
    type: str
    recorded_at: datetime


class Catalogue(Protocol):
    """What a store offers to people beyond the port."""

    async def list_streams(
        self, after: str | None = None, /, *, limit: int = 1000, streams: Sequence[StreamPrefix | StreamPattern] | None = None
    ) -> Sequence[StreamHead]:
        """Return the streams whose ids follow *after*, in the order of code points: *limit* of them, fewer only where there are no more.

        Only those that any of *streams* selects, where given. The heads are looked at, not the events.
        """
        ...

    async def read_back(self, before: Position | None = None, /, *, limit: int = 1000, where: EventFilter = EVERYTHING) -> Page:
        """Return at most *limit* events that come before *before* (None: all that `read_all` would show), the newest first.

        The page's position is where the next one begins; *more* is False where it reached the first event of all.
        """
        ...

    async def find_event(self, event_id: UUID, /) -> StoredEvent | None:
        """Return the event with this id. It may have to look through all of them."""
        ...

    async def find_lease(self, name: str, /) -> Lease | None:
        """Return who holds the lease now, by the clock of the store; None where nobody does."""
        ...
