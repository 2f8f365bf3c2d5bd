"""Short ways to make and send what the scenarios need."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager

from eventcore.ids import Position, new_event_id
from eventcore.store import (
    ANY,
    EVERYTHING,
    AppendRequest,
    EventFilter,
    EventStore,
    ExpectedVersion,
    IdempotencyKey,
    NewEvent,
    StoredEvent,
    StreamRead,
    StreamSlice,
    Verdict,
)
from eventcore.testing.contract.checks import require_committed


def new_event(stream_id: str, label: object = None, *, kind: str = "Happened") -> NewEvent:
    """Return an event of *stream_id* that carries *label*, so that a reader can tell which one it was."""
    return NewEvent(stream_id, new_event_id(), kind, 1, json.dumps({"label": label}).encode())


def label_of(event: StoredEvent) -> object:
    return json.loads(event.data)["label"]


def labels_of(events: Sequence[StoredEvent]) -> list[object]:
    return [label_of(event) for event in events]


def expecting(versions: Mapping[str, int | None]) -> dict[str, ExpectedVersion]:
    """Return exact expectations; None stands for any version."""
    return {stream_id: ANY if version is None else ExpectedVersion.exact(version) for stream_id, version in versions.items()}


def request(versions: Mapping[str, int | None], *events: NewEvent, key: IdempotencyKey | None = None) -> AppendRequest:
    return AppendRequest(expecting(versions), events, key)


async def append_one(store: EventStore, asked: AppendRequest) -> Verdict:
    (verdict,) = await store.append([asked])
    return verdict


async def add(store: EventStore, stream_id: str, *labels: object, kind: str = "Happened") -> Sequence[StoredEvent]:
    """Append one event for each of *labels* to *stream_id*, whatever its version, in one request."""
    events = [new_event(stream_id, label, kind=kind) for label in labels]
    verdict = await append_one(store, request({stream_id: None}, *events))
    return require_committed(verdict, f"{len(events)} events for {stream_id!r} with any version expected must be committed").events


async def read_one(store: EventStore, stream_id: str, *, after: int = 0, types: frozenset[str] | None = None) -> StreamSlice:
    result = await store.read([StreamRead(stream_id, after, types)])
    (found,) = result.slices
    return found


async def version_of(store: EventStore, stream_id: str) -> int:
    return (await read_one(store, stream_id)).version


@asynccontextmanager
async def beside(work: Coroutine[object, object, None]) -> AsyncGenerator[asyncio.Task[None], None]:
    """Let *work* run beside the body; wait for it at the end, and end it where the body fails."""
    task = asyncio.create_task(work)
    try:
        yield task
        await task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def read_log(
    store: EventStore, *, after: Position | None = None, limit: int = 1000, where: EventFilter = EVERYTHING
) -> list[StoredEvent]:
    """Page through everything after *after*."""
    events: list[StoredEvent] = []
    while True:
        page = await store.read_all(after, limit=limit, where=where)
        events += page.events
        if not page.more:
            return events
        if page.position == after:
            raise AssertionError(f"read_all says that there is more after {after} and yet does not move on: a reader would ask for ever")
        after = page.position
