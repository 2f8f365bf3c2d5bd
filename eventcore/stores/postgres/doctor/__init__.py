"""What may be wrong with a store in PostgreSQL: its server, its schema, who holds it up, and what it holds. Nothing here changes anything.

Each area is looked at in a transaction of its own, so that one that cannot be (a right that is missing, a lock) leaves the others.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from eventcore.errors import StoreError
from eventcore.stores.findings import Area, Finding, Report
from eventcore.stores.postgres.connections import Connection, DsnSource, Session
from eventcore.stores.postgres.doctor.contents import look_at_contents, look_at_tables
from eventcore.stores.postgres.doctor.lanes import look_at_lanes
from eventcore.stores.postgres.doctor.limits import LIMITS, Limits
from eventcore.stores.postgres.doctor.schema import look_at_epoch, look_at_schema
from eventcore.stores.postgres.doctor.server import look_at_connections, look_at_news, look_at_server
from eventcore.stores.postgres.doctor.waiting import look_at_appends, look_at_vacuum
from eventcore.stores.postgres.faults import Faults
from eventcore.stores.postgres.settings import Settings
from eventcore.stores.postgres.statements import Schema

__all__ = ("LIMITS", "Limits", "examine")

_Look = Callable[[Connection, Schema, Limits], Awaitable[Area]]

_OF_THE_SERVER: Final[dict[str, _Look]] = {
    "server": look_at_server,
    "connections": look_at_connections,
    "notify": look_at_news,
    "vacuum": look_at_vacuum,
}
_OF_THE_STORE: Final[dict[str, _Look]] = {
    "epoch": look_at_epoch,
    "lanes": look_at_lanes,
    "appends": look_at_appends,
    "tables": look_at_tables,
    "contents": look_at_contents,
}


async def examine(dsn: str | None, *, schema: str, patience: float, limits: Limits = LIMITS) -> Report:
    """Look at everything. Raises `StoreUnavailable` where there is no server for *patience* seconds."""
    settings = Settings(
        source=dsn,
        schema=Schema(schema),
        migrate=False,
        pool_size=3,
        lock_timeout=patience,
        statement_timeout=None,
        reply_timeout=60.0,
        patience=patience,
        statement_cache_size=0,  # through any pooler
        listen_dsn=None,
    )
    session = Session(DsnSource(dsn, settings), Faults(settings.described, settings.dsns), patience=patience)
    try:
        await session.connected()
        areas = [await _area(session, name, look, settings.schema, limits) for name, look in _OF_THE_SERVER.items()]
        areas.insert(1, store := await _area(session, "schema", look_at_schema, settings.schema, limits))
        if store.facts.get("usable") is False:
            return areas
        return [*areas, *[await _area(session, name, look, settings.schema, limits) for name, look in _OF_THE_STORE.items()]]
    finally:
        await session.close()


async def _area(session: Session, name: str, look: _Look, schema: Schema, limits: Limits) -> Area:
    async def alone(connection: Connection) -> Area:
        async with connection.transaction(readonly=True):
            await connection.execute(schema.statements("doctor")["prologue"], schema.name)
            return await look(connection, schema, limits)

    try:
        return await session.run(alone)
    except StoreError as error:
        return Area(name, "could not be looked at", findings=[Finding("not-examined", str(error))])
