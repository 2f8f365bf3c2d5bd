"""A bad day for a store, and the same bad day again for the same seed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Sequence
from typing import Final, NamedTuple, TypeVar, final

from eventcore.arguments import Arguments
from eventcore.errors import InvalidArgument, OutcomeUnknown, StoreUnavailable
from eventcore.store import AppendRequest, EventStore, Verdict
from eventcore.stores.memory import InMemoryEventStore
from eventcore.testing.conflicting import append_with_conflicts, can_conflict
from eventcore.testing.forwarding import ForwardingStore

T = TypeVar("T")

_TRANSACTION: Final = frozenset({"transaction", "execute", "fetch", "commit", "switch_inline", "newest", "demand"})
# What fails here has changed nothing for certain: reads, and everything in a transaction but its commit.
_CERTAIN: Final = frozenset({"read", "read_all", "wait_for_news", "load_snapshots", "load_checkpoint"}) | (_TRANSACTION - {"commit"})


class Mishap(NamedTuple):
    """One thing that went wrong: *what* is the name of the setting that let it."""

    operation: str
    what: str


@final
class ChaosStore(ForwardingStore):
    """A store that does to *store* what networks and other users do, each with a chance between 0 and 1 that *seed* decides on.

    * *conflicts*: a request conflicts although nobody else wrote. (A true conflict is up to other commands.)
    * *failures_before*: the call fails with `StoreUnavailable`, and nothing was done.
    * *failures_after*: it was done, and then fails: `OutcomeUnknown` for whatever writes, `StoreUnavailable` for what reads.
    * *lost_replies*: it was done or not, and ends in `OutcomeUnknown` either way; reads fail with `StoreUnavailable`.
    * *latency*: every call takes up to so many seconds longer. In `simulate` they pass at once.

    *operations* limits all that to some methods of the port, ``{"append"}`` say. Of a transaction on read models these are its beginning,
    ``"transaction"``, each ``"execute"`` and ``"fetch"`` in the middle, after which nothing of it is kept, and its ``"commit"``; of the one
    that makes projections inline also ``"switch_inline"``, its beginning, ``"newest"`` and ``"demand"``. *mishaps* lists what happened.
    Without a *store*, a new `InMemoryEventStore` is used. Equal seeds give equal mishaps for equal calls, so run tasks that share the store
    in `simulate`.
    """

    def __init__(
        self,
        store: EventStore | None = None,
        *,
        seed: int,
        conflicts: float = 0.1,
        failures_before: float = 0.05,
        failures_after: float = 0.05,
        lost_replies: float = 0.05,
        latency: float = 0.0,
        operations: frozenset[str] | set[str] | None = None,
    ) -> None:
        super().__init__(store or InMemoryEventStore())
        chances = {"failures_before": failures_before, "failures_after": failures_after, "lost_replies": lost_replies}
        given = Arguments("ChaosStore")
        given.number(0, 1, conflicts=conflicts, **chances)
        given.number(0, latency=latency)
        if sum(chances.values()) > 1:
            raise InvalidArgument("ChaosStore: the chances of failures and of lost replies add up to more than 1")
        self.mishaps: list[Mishap] = []
        self._dice = random.Random(seed)  # noqa: S311  # it has to be repeatable
        self._chances = chances
        self._conflicts = conflicts
        self._latency = latency
        self._operations = _known(operations)

    async def append(self, requests: Sequence[AppendRequest], /) -> Sequence[Verdict]:
        return await self._forward("append", append_with_conflicts(self.store, requests, self._refuses))

    async def _forward(self, operation: str, call: Coroutine[object, object, T], /) -> T:
        if self._operations is not None and operation not in self._operations:
            return await call
        try:
            if self._latency:
                await asyncio.sleep(self._dice.uniform(0, self._latency))
            mishap = self._draw()
            if mishap is None:
                return await call
            self.mishaps.append(Mishap(operation, mishap))
            if mishap == "failures_after" or (mishap == "lost_replies" and self._dice.random() < 0.5):
                await call
        finally:
            call.close()
        if operation in _CERTAIN or mishap == "failures_before":
            raise StoreUnavailable(f"chaos: {operation} failed ({mishap})")
        raise OutcomeUnknown(f"what {operation} was asked for (chaos: {mishap})")

    def _draw(self) -> str | None:
        drawn = self._dice.random()
        for name, chance in self._chances.items():
            drawn -= chance
            if drawn < 0:
                return name
        return None

    def _refuses(self, request: AppendRequest) -> bool:
        if (self._operations is not None and "append" not in self._operations) or not can_conflict(request):
            return False
        refused = self._dice.random() < self._conflicts
        if refused:
            self.mishaps.append(Mishap("append", "conflicts"))
        return refused


def _known(operations: frozenset[str] | set[str] | None) -> frozenset[str] | None:
    """Refuse an operation that no store has: a misspelt one would be a day without chaos."""
    if operations is None:
        return None
    Arguments("ChaosStore").instances(frozenset | set, operations=operations)
    port = {name for name in dir(EventStore) if not name.startswith("_")} | _TRANSACTION
    if wrong := sorted(operations - port):
        raise InvalidArgument(f"ChaosStore(operations=...): no store has {', '.join(wrong)}; see eventcore.store.EventStore")
    return frozenset(operations)
