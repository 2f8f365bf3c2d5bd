"""What readers keep between two runs: snapshots, checkpoints, leases. Each function runs inside a transaction of its lane."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from eventcore.ids import Position
from eventcore.store import Lease, Snapshot, check_ttl
from eventcore.stores.sqlite.rows import microseconds, moment, now_in_microseconds, position_of
from eventcore.stores.sqlite.statements import statements

_SQL: Final = statements("keep")
_FORGET: Final = statements("append")["forget"]


def load_snapshots(connection: sqlite3.Connection, wanted: Sequence[tuple[str, str]]) -> list[Snapshot]:
    found = [(key, connection.execute(_SQL["load_snapshot"], key).fetchone()) for key in dict.fromkeys(wanted)]
    return [Snapshot(*key, *row) for key, row in found if row is not None]


def save_snapshots(connection: sqlite3.Connection, snapshots: Sequence[Snapshot]) -> None:
    connection.executemany(_SQL["save_snapshot"], snapshots)


def load_checkpoint(connection: sqlite3.Connection, name: str) -> Position | None:
    row = connection.execute(_SQL["load_checkpoint"], (name,)).fetchone()
    return None if row is None else position_of(row[0])


def save_checkpoint(connection: sqlite3.Connection, name: str, position: Position) -> None:
    connection.execute(_SQL["save_checkpoint"], (name, position.key[0]))


def acquire_lease(connection: sqlite3.Connection, name: str, owner: str, ttl: timedelta) -> Lease | None:
    check_ttl(ttl)
    now = now_in_microseconds()
    holder, token, expires_at = connection.execute(_SQL["load_lease"], (name,)).fetchone() or (None, 0, 0)
    if holder not in {None, owner} and expires_at > now:
        return None
    lease = Lease(name, owner, token if holder == owner else token + 1, moment(now + microseconds(ttl)))
    connection.execute(_SQL["save_lease"], (name, owner, lease.token, now + microseconds(ttl)))
    return lease


def release_lease(connection: sqlite3.Connection, lease: Lease) -> None:
    connection.execute(_SQL["release_lease"], (lease.name, lease.owner, lease.token))


def forget_outcomes(connection: sqlite3.Connection, older_than: timedelta) -> int:
    return connection.execute(_FORGET, (now_in_microseconds() - microseconds(older_than),)).rowcount
