"""What a store does in each of its appends for inline projections."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import final

from eventcore.errors import InlineProjectionFailed, RequestRefused
from eventcore.projections.context import Context
from eventcore.projections.projector import Projector, described, is_being_cancelled
from eventcore.projections.records import ProjectionRecord
from eventcore.store import ReadModelTransaction, Row, Statement, StoredEvent


def names_of(records: Iterable[ProjectionRecord]) -> str | None:
    """Return how a store names these inline projections, None for none."""
    return " ".join(sorted(f"{record.name}/{record.generation}" for record in records)) or None


@final
class InlineReadModels:
    """Lets *projectors* handle, inside the append, what is about to be committed; each writes the tables of its record."""

    def __init__(self, kept: Sequence[tuple[Projector, ProjectionRecord]]) -> None:
        self._kept = kept
        self.kept = names_of(record for _, record in kept) or ""

    def without(self, name: str) -> InlineReadModels | None:
        """Return the same for all but *name*, None where nothing is left."""
        others = [(projector, record) for projector, record in self._kept if record.name != name]
        return InlineReadModels(others) if others else None

    async def handle(self, requests: Sequence[Sequence[StoredEvent]], transaction: ReadModelTransaction, /, *, step: bool) -> None:
        watched = _Watched(transaction)
        work = [(projector, _context(record, watched)) for projector, record in self._kept]
        before: list[StoredEvent] = []
        for stored in (stored for events in requests for stored in events):
            for projector, context in work:
                if projector.where.admits(stored.stream_id, stored.type):
                    try:
                        await projector.handle(stored, context)
                        if step:
                            await context.flush()
                        watched.check()
                    except (Exception, SystemExit, asyncio.CancelledError) as error:
                        # One that raises what cancels or ends fails its own command only.
                        if isinstance(error, asyncio.CancelledError) and is_being_cancelled():
                            raise
                        # SQL that was queued for an earlier event may have run only now.
                        known = step or not before or watched.refusal is None
                        raise _failed(projector, error, stored if known else None) from error
                    before.append(stored)
        for projector, context in work:
            try:
                await context.flush()
                watched.check()
            except Exception as error:
                raise _failed(projector, error, before[0] if len(before) == 1 else None) from error


def _context(record: ProjectionRecord, transaction: ReadModelTransaction) -> Context:
    return Context(record.name, record.generation, transaction, record.tables, rebuilding=False, creating=False)


def _failed(projector: Projector, error: BaseException, stored: StoredEvent | None) -> InlineProjectionFailed:
    reason = error if isinstance(error, RequestRefused) else described(error)
    if stored is None:
        return InlineProjectionFailed(projector.name, reason)
    return InlineProjectionFailed(projector.name, reason, event=stored.type, stream_id=stored.stream_id, version=stored.version)


@final
class _Watched:
    """Remembers that the database refused something: a handler that passes over it may not have the rest committed."""

    def __init__(self, transaction: ReadModelTransaction) -> None:
        self._transaction = transaction
        self.refusal: RequestRefused | None = None

    def table(self, name: str, /) -> str:
        return self._transaction.table(name)

    async def execute(self, statements: Sequence[Statement], /) -> None:
        self.check()
        try:
            await self._transaction.execute(statements)
        except RequestRefused as refusal:
            self.refusal = refusal
            raise

    async def fetch(self, statement: Statement, /) -> Sequence[Row]:
        self.check()
        try:
            return await self._transaction.fetch(statement)
        except RequestRefused as refusal:
            self.refusal = refusal
            raise

    def check(self) -> None:
        if self.refusal is not None:
            raise self.refusal
