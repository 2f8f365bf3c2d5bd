"""Let something happen between what a command read and what it appends: a race without luck."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from eventcore.store import AppendRequest, ReadResult, StreamRead, StreamStore, Verdict


class Meanwhile(StreamStore):
    """A store on which *happens* is awaited once, right after read number *after*; what was read is older than what happens then."""

    def __init__(self, store: StreamStore, happens: Callable[[], Awaitable[object]], *, after: int = 1) -> None:
        self._store = store
        self._happens = happens
        self._after = after
        self._reads = 0

    async def read(self, streams: Sequence[StreamRead], /, *, idempotency_key: str | None = None) -> ReadResult:
        result = await self._store.read(streams, idempotency_key=idempotency_key)
        self._reads += 1
        if self._reads == self._after:
            await self._happens()
        return result

    async def append(self, requests: Sequence[AppendRequest], /) -> Sequence[Verdict]:
        return await self._store.append(requests)

    async def forget_idempotency_keys(self, *, older_than: timedelta) -> int:
        return await self._store.forget_idempotency_keys(older_than=older_than)
