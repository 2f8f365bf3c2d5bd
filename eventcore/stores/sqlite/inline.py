"""Read models that are written together with the events: by the writing thread, in its transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import final

from eventcore.errors import InlineProjectionsDiffer, RequestRefused
from eventcore.store import Committed, InlineWork, Row, Statement
from eventcore.stores.lite import StatementFailed, drive, execute, fetch, quoted
from eventcore.stores.sqlite.decide import Decision
from eventcore.stores.sqlite.faults import Faults


@final
class Inline:
    """What is done in every append of one open store."""

    def __init__(self, faults: Faults) -> None:
        self.work: InlineWork | None = None
        self._faults = faults

    def checked(self, demanded: str | None) -> InlineWork | None:
        """Return what this store does, whatever is attached to it from here on. Raise `InlineProjectionsDiffer` unless the file demands just that."""
        work = self.work
        kept = None if work is None else work.kept
        if demanded != kept:
            raise InlineProjectionsDiffer(self._faults.path, demanded, kept)
        return work

    def handle(self, work: InlineWork, connection: sqlite3.Connection, decisions: Sequence[Decision]) -> None:
        """Let *work* handle what *decisions* added. Raises what rolls the batch back."""
        requests = [decision.events for decision in decisions if isinstance(decision, Committed) and decision.events]
        if not requests:
            return
        transaction = _AppendTransaction(connection, self._faults)
        try:
            drive(work.handle(requests, transaction, step=len(decisions) == 1))
        finally:
            if transaction.broken is not None:
                raise transaction.broken


@final
class _AppendTransaction:
    """The transaction of an append, for SQL of read models. *broken* is what met the whole file, whatever a handler makes of it."""

    def __init__(self, connection: sqlite3.Connection, faults: Faults) -> None:
        self._connection = connection
        self._faults = faults
        self.broken: Exception | None = None

    def table(self, name: str, /) -> str:
        return quoted(name)

    async def execute(self, statements: Sequence[Statement], /) -> None:
        try:
            execute(self._connection, statements)
        except StatementFailed as failed:
            raise self._told(failed) from failed.error

    async def fetch(self, statement: Statement, /) -> Sequence[Row]:
        try:
            return fetch(self._connection, statement)
        except StatementFailed as failed:
            raise self._told(failed) from failed.error

    def _told(self, failed: StatementFailed) -> Exception:
        if self._faults.blames_request(failed.error) and isinstance(self._faults.refused(failed.error), RequestRefused):
            return failed.refused(self._faults.path)
        self.broken = failed.error
        return failed.error
