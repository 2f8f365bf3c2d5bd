"""Snapshots, checkpoints, leases: what readers and executors keep in the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import final

import attrs

from eventcore.ids import Position
from eventcore.store import Lease, Snapshot, check_ttl
from eventcore.stores.postgres.connections import Connection
from eventcore.stores.postgres.rows import place_of


@final
@attrs.frozen
class Keep:
    """The statements, and what they mean. Each may be done twice."""

    sql: Mapping[str, str]

    async def load_snapshots(self, connection: Connection, wanted: Sequence[tuple[str, str]]) -> Sequence[Snapshot]:
        rows = await connection.fetch(self.sql["load_snapshots"], [each[0] for each in wanted], [each[1] for each in wanted])
        return [Snapshot(*row) for row in rows]

    async def save_snapshots(self, connection: Connection, snapshots: Sequence[Snapshot]) -> None:
        await connection.execute(
            self.sql["save_snapshots"],
            [each.stream_id for each in snapshots],
            [each.kind for each in snapshots],
            [each.version for each in snapshots],
            [each.data for each in snapshots],
        )

    async def load_checkpoint(self, connection: Connection, name: str) -> Position | None:
        row = await connection.fetchrow(self.sql["load_checkpoint"], name)
        return None if row is None else Position((row[0], row[1]))

    async def save_checkpoint(self, connection: Connection, name: str, position: Position) -> None:
        await connection.execute(self.sql["save_checkpoint"], name, *place_of(position))

    async def acquire_lease(self, connection: Connection, name: str, owner: str, ttl: timedelta) -> Lease | None:
        check_ttl(ttl)
        row = await connection.fetchrow(self.sql["acquire_lease"], name, owner, ttl)
        return None if row is None else Lease(name, owner, row[0], row[1])

    async def release_lease(self, connection: Connection, lease: Lease) -> None:
        await connection.execute(self.sql["release_lease"], lease.name, lease.owner, lease.token)

    async def forget_outcomes(self, connection: Connection, older_than: timedelta) -> int:
        forgotten: int = await connection.fetchval(self.sql["forget_outcomes"], older_than)
        return forgotten
