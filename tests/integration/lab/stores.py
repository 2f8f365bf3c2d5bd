"""Real memory stores that let something happen at a chosen moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from eventcore import ExpectedVersion, InMemoryEventStore
from eventcore.ids import new_event_id
from eventcore.store import AppendRequest, Committed, EventStore, NewEvent, ReadResult, StreamRead, Verdict


async def add(store: EventStore, stream_id: str, *amounts: int) -> None:
    """Another writer adds to a counter, whatever its version."""
    events = [NewEvent(stream_id, new_event_id(), "Added", 1, b'{"amount":%d}' % amount) for amount in amounts]
    await put(store, stream_id, events)


async def put(store: EventStore, stream_id: str, events: Sequence[NewEvent]) -> None:
    [verdict] = await store.append([AppendRequest({stream_id: ExpectedVersion.ANY}, events)])
    assert isinstance(verdict, Committed)


class Staged(InMemoryEventStore):
    """Calls *after_read* with the number of each read, *before_append* with the number of each append; counts both, and keeps the requests."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[tuple[str, ...]] = []
        self.requests: list[AppendRequest] = []
        self.after_read: Callable[[int], Sequence[tuple[str, int]]] = lambda number: ()
        self.before_append: Callable[[int], Sequence[tuple[str, int]]] = lambda number: ()
        self.before_commit: asyncio.Event | None = None

    async def read(self, streams: Sequence[StreamRead], /, *, idempotency_key: str | None = None) -> ReadResult:
        self.reads.append(tuple(read.stream_id for read in streams))
        result = await super().read(streams, idempotency_key=idempotency_key)
        await self._meanwhile(self.after_read(len(self.reads)))
        return result

    async def append(self, requests: Sequence[AppendRequest], /) -> Sequence[Verdict]:
        self.requests.extend(requests)
        if self.before_commit is not None:
            await self.before_commit.wait()
        await self._meanwhile(self.before_append(len(self.requests)))
        return await super().append(requests)

    async def _meanwhile(self, writes: Sequence[tuple[str, int]]) -> None:
        for stream_id, amount in writes:
            event = NewEvent(stream_id, new_event_id(), "Added", 1, b'{"amount":%d}' % amount)
            await super().append([AppendRequest({stream_id: ExpectedVersion.ANY}, [event])])
