"""Let something happen between what a command read and what it appends: a race without luck."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import final

from eventcore.arguments import Arguments
from eventcore.store import EventStore, ReadResult, StreamRead
from eventcore.testing.forwarding import ForwardingStore


@final
class MeanwhileStore(ForwardingStore):
    """A store on which *happens* is awaited once, right after read number *after*: what was read is older than what happens then."""

    def __init__(self, store: EventStore, happens: Callable[[], Awaitable[object]], *, after: int = 1) -> None:
        super().__init__(store)
        given = Arguments("MeanwhileStore")
        given.callables(happens=happens)
        given.whole(1, after=after)
        self._happens = happens
        self._after = after
        self._reads = 0
        self._error: Exception | None = None

    async def read(self, streams: Sequence[StreamRead], /, *, idempotency_key: str | None = None) -> ReadResult:
        result = await super().read(streams, idempotency_key=idempotency_key)
        self._reads += 1
        if self._reads == self._after:
            try:
                await self._happens()
            except Exception as error:
                self._error = error
                raise
        return result

    def require_happened(self, whose: str) -> None:
        """Fail unless it happened, and without an error: else what came of the read may be taken for something that it is not."""
        __tracebackhide__ = True
        if self._error is not None:
            raise AssertionError(f"what was to happen meanwhile failed: {self._error}") from self._error
        if self._reads < self._after:
            raise AssertionError(
                f"what was to happen meanwhile never did: after read {self._after} of {whose}, which read {self._reads} times"
            )
