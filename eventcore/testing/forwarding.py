"""A store that hands every call on to another: the ground for stores that do something else besides."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Protocol, Self, TypeVar, cast, final

from eventcore.ids import Position
from eventcore.store import (
    EVERYTHING,
    AppendRequest,
    EventFilter,
    EventStore,
    InlineStore,
    InlineSwitch,
    InlineWork,
    Lease,
    Page,
    ReadModelStore,
    ReadModelTransaction,
    ReadResult,
    Row,
    Snapshot,
    Statement,
    StreamRead,
    TellsHistory,
    Verdict,
)
from eventcore.stores.intact import Intact

T = TypeVar("T")


class ForwardingStore:
    """Hand every call on to *store*. `_forward` sees each of them before it begins: override it to meet all, or a method to meet that one.

    ``async with`` opens and closes *store*.
    """

    def __init__(self, store: EventStore) -> None:
        self.store = store

    def __getattr__(self, name: str) -> object:
        # Only a store that tells its history has one to tell.
        if name == "history" and isinstance(self.store, TellsHistory):
            return self.store.history
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    async def _forward(self, operation: str, call: Coroutine[object, object, T], /) -> T:  # noqa: ARG002
        """Return what *call* returns; *operation* is its name in the port. It has not begun: whoever does not await it must close it."""
        return await call

    async def __aenter__(self) -> Self:
        await self.store.__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.store.__aexit__(*exc_info)

    async def read(self, streams: Sequence[StreamRead], /, *, idempotency_key: str | None = None) -> ReadResult:
        return await self._forward("read", self.store.read(streams, idempotency_key=idempotency_key))

    async def append(self, requests: Sequence[AppendRequest], /) -> Sequence[Verdict]:
        return await self._forward("append", self.store.append(requests))

    async def forget_idempotency_keys(self, *, older_than: timedelta) -> int:
        return await self._forward("forget_idempotency_keys", self.store.forget_idempotency_keys(older_than=older_than))

    async def read_all(self, after: Position | None = None, /, *, limit: int = 1000, where: EventFilter = EVERYTHING) -> Page:
        return await self._forward("read_all", self.store.read_all(after, limit=limit, where=where))

    async def wait_for_news(self, after: Position | None, /, *, timeout: float) -> bool:
        return await self._forward("wait_for_news", self.store.wait_for_news(after, timeout=timeout))

    async def load_snapshots(self, wanted: Sequence[tuple[str, str]], /) -> Sequence[Snapshot]:
        return await self._forward("load_snapshots", self.store.load_snapshots(wanted))

    async def save_snapshots(self, snapshots: Sequence[Snapshot], /) -> None:
        await self._forward("save_snapshots", self.store.save_snapshots(snapshots))

    async def load_checkpoint(self, name: str, /) -> Position | None:
        return await self._forward("load_checkpoint", self.store.load_checkpoint(name))

    async def save_checkpoint(self, name: str, position: Position, /) -> None:
        await self._forward("save_checkpoint", self.store.save_checkpoint(name, position))

    async def acquire_lease(self, name: str, /, *, owner: str, ttl: timedelta) -> Lease | None:
        return await self._forward("acquire_lease", self.store.acquire_lease(name, owner=owner, ttl=ttl))

    async def release_lease(self, lease: Lease, /) -> None:
        await self._forward("release_lease", self.store.release_lease(lease))

    @asynccontextmanager
    async def transaction(self, *, under: Lease | None = None, read_only: bool = False) -> AsyncGenerator[ReadModelTransaction]:
        """Open a transaction on the read models of *store*, which has to have them.

        Its beginning, each `execute` and `fetch`, and its `commit` are calls that `_forward` sees; raising before the commit takes all back.
        """
        async with AsyncExitStack() as stack:
            opened = await stack.enter_async_context(cast("ReadModelStore", self.store).transaction(under=under, read_only=read_only))
            transaction = ForwardingTransaction(await self._forward("transaction", _given(opened)), self._forward)
            yield transaction
            await self._leave(transaction, stack)

    def attach(self, work: InlineWork | None, /) -> InlineWork | None:
        """Let *store*, which has to be able to, do *work* in every append."""
        return cast("InlineStore", self.store).attach(work)

    @asynccontextmanager
    async def switch_inline(self) -> AsyncGenerator[InlineSwitch]:
        """Open a transaction while nobody appends to *store*. `_forward` sees its beginning, its calls and its `commit`, as with `transaction`."""
        async with AsyncExitStack() as stack:
            opened = await stack.enter_async_context(cast("InlineStore", self.store).switch_inline())
            switch = ForwardingSwitch(await self._forward("switch_inline", _given(opened)), self._forward)
            yield switch
            await self._leave(switch, stack)

    async def _leave(self, transaction: ForwardingTransaction, stack: AsyncExitStack) -> None:
        transaction.intact.require()
        # Leaving is committing, here and not at the end of the block; nothing is left to be taken back then.
        await self._forward("commit", stack.aclose())


class Forward(Protocol):
    """See `ForwardingStore._forward`."""

    async def __call__(self, operation: str, call: Coroutine[object, object, T], /) -> T: ...


class ForwardingTransaction:
    """A transaction whose every call is seen by *forward*. After one that failed nothing more can be done, and nothing is committed."""

    def __init__(self, transaction: ReadModelTransaction, forward: Forward) -> None:
        self.intact = Intact()
        self._transaction, self._forward = transaction, forward

    def table(self, name: str, /) -> str:
        return self._transaction.table(name)

    async def execute(self, statements: Sequence[Statement], /) -> None:
        with self.intact.step():
            await self._forward("execute", self._transaction.execute(statements))

    async def fetch(self, statement: Statement, /) -> Sequence[Row]:
        with self.intact.step():
            return await self._forward("fetch", self._transaction.fetch(statement))


@final
class ForwardingSwitch(ForwardingTransaction):
    """A transaction while nobody appends."""

    def __init__(self, switch: InlineSwitch, forward: Forward) -> None:
        super().__init__(switch, forward)
        self._switch = switch

    async def newest(self) -> Position | None:
        with self.intact.step():
            return await self._forward("newest", self._switch.newest())

    async def demand(self, kept: str | None, /) -> None:
        with self.intact.step():
            await self._forward("demand", self._switch.demand(kept))


async def _given(value: T) -> T:
    return value
