"""How far each generation of a projection has come, as the store keeps it, and the events that were parked."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any, Final, NamedTuple, final
from uuid import UUID, uuid4

from eventcore.errors import InvalidArgument
from eventcore.ids import Position
from eventcore.projections.context import physical_name
from eventcore.store import Lease, ReadModelStore, ReadModelTransaction, Row, SharesTables, Sharing, Statement, StoredEvent

_PARTS: Final = "-- name: "
# Seconds that somebody who changes the generations of a projection waits for another one who does.
_PATIENCE: Final = 10.0


class ProjectionRecord(NamedTuple):
    """One generation of a projection, at one moment.

    *live* is the one that answers to the name; another one is being built beside it. *handled* and *skipped* count events. *fault* says why
    it stopped. *tables* are the names of its tables. One that is *inline* is kept by every append: *position* and *handled* are what they were
    when it became so.
    """

    name: str
    generation: int
    version: int
    live: bool
    paused: bool
    tables: tuple[str, ...]
    position: Position | None
    handled: int
    skipped: int
    fault: str | None
    updated_at: datetime
    inline: bool

    @property
    def goes_on(self) -> bool:
        """Whether a runner has something to do for it."""
        return not self.paused and self.fault is None and not self.inline

    @property
    def stopped_by(self) -> str:
        """What to tell whoever waits for one that is paused or stopped."""
        return self.fault or f"it is paused; resume it with `eventcore projections resume {self.name}`"


class Progress(NamedTuple):
    """What a transaction adds to a record."""

    position: Position | None
    handled: int
    skipped: int = 0


class ParkedEvent(NamedTuple):
    """An event that the projection could not handle and went on without. *retry*: somebody asked that it be handled once more."""

    name: str
    generation: int
    stored: StoredEvent
    error: str
    attempts: int
    parked_at: datetime
    retry: bool


@final
class Records:
    """The records, within one transaction."""

    def __init__(self, transaction: ReadModelTransaction) -> None:
        self.transaction = transaction
        self._names = {name: transaction.table(name) for name in ("projections", "parked_events")}

    async def load(self, name: str) -> list[ProjectionRecord]:
        """Return all generations of one projection, the oldest first."""
        return [_record(row) for row in await self._fetch("load", name)]

    async def load_all(self) -> list[ProjectionRecord]:
        return [_record(row) for row in await self._fetch("load_all")]

    async def load_one(self, name: str, generation: int) -> ProjectionRecord | None:
        rows = await self._fetch("load_one", name, generation)
        return _record(rows[0]) if rows else None

    async def add(self, name: str, generation: int, version: int, *, live: bool) -> None:
        await self._execute("add", name, generation, version, int(live), "[]", _now())

    async def advance(self, name: str, generation: int, progress: Progress, *, after: Position | None) -> bool | None:
        """Write down how far the projection has come from *after*; return whether it was paused meanwhile: it goes no further then.

        None where this may not be committed: it was stopped, removed or made inline meanwhile, or is somewhere else, as after a failover that lost
        what it had handled.
        """
        rows = await self._fetch(
            "advance", name, generation, _text(progress.position), progress.handled, progress.skipped, _now(), _text(after)
        )
        return bool(rows[0]["paused"]) if rows else None

    async def lock(self, name: str) -> None:
        """Keep everybody else from changing any generation of the projection until the end of the transaction."""
        # The rows come in any order: two that lock them at the same time would wait for one another.
        if (sharing := sharing_of(self.transaction)) is not None:
            await sharing.hold_back([f"projection/{name}"], patience=_PATIENCE)
        await self._execute("lock", name)

    async def set_tables(self, name: str, generation: int, tables: Sequence[str]) -> None:
        await self._execute("set_tables", name, generation, json.dumps(list(tables)))

    async def set_fault(self, name: str, generation: int, fault: str) -> None:
        """Say why it stopped, unless it was made inline meanwhile: then appends keep it, and whoever failed has nothing to say."""
        await self._execute("set_fault", name, generation, fault, _now())

    async def set_inline(self, name: str, generation: int, *, inline: bool) -> None:
        await self._execute("set_inline", name, generation, int(inline))

    async def pause(self, name: str, *, paused: bool) -> bool:
        await self.lock(name)
        return bool(await self._fetch("pause", name, int(paused), _now()))

    async def resume(self, name: str) -> bool:
        """Let it go on, also after a fault; return False where there is no such projection."""
        await self.lock(name)
        return bool(await self._fetch("resume", name, _now()))

    async def show(self, record: ProjectionRecord) -> None:
        """Let the generation answer to the name: its tables are what the views of these names show."""
        await self.transaction.execute([Statement(f"CREATE {self._showing(table, record)}") for table in record.tables])
        await self._execute("go_live", record.name, record.generation)

    async def replace(self, record: ProjectionRecord, others: Sequence[ProjectionRecord], *, following: Sequence[str] = ()) -> None:
        """Remove *others* with their tables and parked events, and let *record* answer to the name.

        The views that are *following* are not dropped: they are told to show the new table.
        """
        name_of = self.transaction.table
        changes = [Statement(f"CREATE OR REPLACE {self._showing(table, record)}") for table in following]
        for other in others:
            changes += [Statement(f"DROP VIEW {name_of(table)}") for table in other.tables if other.live and table not in following]
            # Backwards: a table may name one that was made before it.
            changes += [Statement(f"DROP TABLE {name_of(physical_name(table, other.generation))}") for table in reversed(other.tables)]
        await self.transaction.execute(changes)
        for other in others:
            await self._execute("forget_parked", other.name, other.generation)
            await self._execute("remove", other.name, other.generation)
        if not record.live:
            await self.show(record._replace(tables=tuple(table for table in record.tables if table not in following)))

    def _showing(self, table: str, record: ProjectionRecord) -> str:
        name_of = self.transaction.table
        return f"VIEW {name_of(table)} AS SELECT * FROM {name_of(physical_name(table, record.generation))}"  # noqa: S608

    async def park(self, name: str, generation: int, stored: StoredEvent, error: str, attempts: int) -> None:
        await self._execute(
            "park",
            name,
            generation,
            str(stored.event_id),
            stored.stream_id,
            stored.version,
            str(stored.position),
            stored.type,
            stored.type_version,
            stored.data.decode(),
            stored.metadata.decode(),
            _microseconds(stored.recorded_at),
            error,
            attempts,
            _now(),
        )

    async def count_parked(self) -> Mapping[tuple[str, int], int]:
        return {(row["name"], row["generation"]): row["parked"] for row in await self._fetch("count_parked")}

    async def request_rebuild(self, name: str) -> int | None:
        """Let the runner build the read model anew; return the new generation, None where one is being built already.

        Raises `InvalidArgument` where there is no such projection.
        """
        await self.lock(name)
        generations = await self.load(name)
        live = next((each for each in generations if each.live), None)
        if live is None:
            raise InvalidArgument(f"there is no projection {name!r}; `eventcore projections list` shows those that ran before")
        if live.inline:
            raise InvalidArgument(
                f"the projection {name!r} is inline, and no runner rebuilds it; raise its version, and the next process that calls "
                "`project_inline` builds it anew"
            )
        if len(generations) > 1:
            return None
        await self.add(name, live.generation + 1, live.version, live=False)
        return live.generation + 1

    async def request_retry(self, name: str) -> int:
        """Ask the runner to handle the parked events once more; return how many."""
        await self.lock(name)
        return len(await self._fetch("request_retry", name))

    async def parked(self, name: str) -> list[ParkedEvent]:
        """Return what every generation of the projection has parked, in the order of the events."""
        rows = [_parked(row) for row in await self._fetch("parked", name)]
        return sorted(rows, key=lambda parked: (parked.generation, parked.stored.position))

    async def to_retry(self, name: str, generation: int) -> list[ParkedEvent]:
        """Return the events that somebody asked to be handled once more, in their order."""
        rows = [_parked(row) for row in await self._fetch("next_retry", name, generation)]
        return sorted(rows, key=lambda parked: parked.stored.position)

    async def retried(self, name: str, generation: int, event_id: UUID) -> None:
        await self._execute("retried", name, generation, str(event_id))

    async def retry_failed(self, name: str, generation: int, event_id: UUID, error: str, attempts: int) -> None:
        await self._execute("retry_failed", name, generation, str(event_id), error, attempts)

    async def _fetch(self, query: str, *arguments: object) -> Sequence[Row]:
        return await self.transaction.fetch(self._statement(query, arguments))

    async def _execute(self, query: str, *arguments: object) -> None:
        await self.transaction.execute([self._statement(query, arguments)])

    def _statement(self, query: str, arguments: tuple[object, ...]) -> Statement:
        return Statement(_sql()[query].format_map(self._names), arguments)


def lease_name(name: str, generation: int) -> str:
    """Return the name of the lease that whoever works on the generation has to hold."""
    return f"projection/{name}/{generation}"


def new_owner() -> str:
    """Return a name for one who is to hold leases. Nobody else may use it: who comes a second time by the same name is given the lease, too."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"


def sharing_of(transaction: ReadModelTransaction) -> Sharing | None:
    """Return what a transaction has to do that is not alone; None where no other one can be under way."""
    return transaction.sharing() if isinstance(transaction, SharesTables) else None


@asynccontextmanager
async def records(store: ReadModelStore, *, under: Lease | None = None, read_only: bool = False) -> AsyncGenerator[Records]:
    """Open a transaction on the records."""
    async with store.transaction(under=under, read_only=read_only) as transaction:
        yield Records(transaction)


@cache
def _sql() -> Mapping[str, str]:
    text = resources.files("eventcore.projections").joinpath("sql", "records.sql").read_text(encoding="utf-8")
    parts = (part.partition("\n") for part in text.split(_PARTS)[1:])
    return {name: sql.strip().rstrip(";") for name, _, sql in parts}


def _record(row: Row) -> ProjectionRecord:
    return ProjectionRecord(
        row["name"],
        row["generation"],
        row["version"],
        bool(row["live"]),
        bool(row["paused"]),
        tuple(json.loads(row["tables"])),
        _position(row["position"]),
        row["handled"],
        row["skipped"],
        row["fault"],
        _moment(row["updated_at"]),
        bool(row["inline"]),
    )


def _parked(row: Mapping[str, Any]) -> ParkedEvent:
    stored = StoredEvent(
        row["stream_id"],
        row["stream_version"],
        Position.parse(row["position"]),
        UUID(row["event_id"]),
        row["type"],
        row["type_version"],
        row["data"].encode(),
        row["metadata"].encode(),
        _moment(row["recorded_at"]),
    )
    return ParkedEvent(row["name"], row["generation"], stored, row["error"], row["attempts"], _moment(row["parked_at"]), bool(row["retry"]))


def _position(text: str | None) -> Position | None:
    return None if text is None else Position.parse(text)


def _text(position: Position | None) -> str | None:
    return None if position is None else str(position)


def _now() -> int:
    return time.time_ns() // 1000


def _microseconds(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000)


def _moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1_000_000, UTC)
