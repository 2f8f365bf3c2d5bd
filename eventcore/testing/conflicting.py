"""Conflicts on demand: a store that refuses what nobody else has changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import final

from eventcore.arguments import Arguments
from eventcore.store import AlreadyDone, AppendRequest, Conflict, EventStore, KeyReused, StreamRead, Verdict
from eventcore.stores.memory import InMemoryEventStore
from eventcore.testing.forwarding import ForwardingStore


@final
class ConflictingStore(ForwardingStore):
    """A store whose first *conflicts* requests conflict; after that it is *store*, a new `InMemoryEventStore` unless one is given.

    For what a program does when it has to try again: that its limits hold, that nothing happens twice. What a conflict says is true: its
    news comes from the store, and is empty where nobody else wrote. Questions (requests that write nothing) are not refused.
    """

    def __init__(self, conflicts: int, store: EventStore | None = None) -> None:
        super().__init__(store or InMemoryEventStore())
        Arguments("ConflictingStore").whole(0, conflicts=conflicts)
        self.left = conflicts

    async def append(self, requests: Sequence[AppendRequest], /) -> Sequence[Verdict]:
        return await append_with_conflicts(self.store, requests, self._refuses)

    def _refuses(self, request: AppendRequest) -> bool:
        if self.left == 0 or not can_conflict(request):
            return False
        self.left -= 1
        return True


def can_conflict(request: AppendRequest) -> bool:
    """Tell whether *request* writes something and rests on a version."""
    return bool(request.events) and any(expected.version is not None for expected in request.expected.values())


async def append_with_conflicts(
    store: EventStore, requests: Sequence[AppendRequest], refuses: Callable[[AppendRequest], bool]
) -> Sequence[Verdict]:
    """Append to *store* what is not refused; every refused request conflicts."""
    refused = [refuses(request) for request in requests]
    passed = [request for request, no in zip(requests, refused, strict=True) if not no]
    verdicts = iter(await store.append(passed) if passed else ())
    return [await conflict(store, request) if no else next(verdicts) for request, no in zip(requests, refused, strict=True)]


async def conflict(store: EventStore, request: AppendRequest) -> Verdict:
    """Return a conflict of *request* that tells how its streams stand now; a key that was used goes before any conflict, as in every store."""
    exact = {stream_id: expected.version for stream_id, expected in request.expected.items() if expected.version is not None}
    reads, key = [StreamRead(stream_id, version) for stream_id, version in exact.items()], request.idempotency
    found = await store.read(reads, idempotency_key=None if key is None else key.key)
    if key is not None and found.remembered is not None:
        return AlreadyDone(found.remembered.events) if found.remembered.fingerprint == key.fingerprint else KeyReused(key.key)
    news = {piece.stream_id: piece for piece in found.slices}
    moved = next((stream_id for stream_id, version in exact.items() if news[stream_id].version != version), next(iter(exact)))
    return Conflict(moved, exact[moved], news[moved].version, news)
