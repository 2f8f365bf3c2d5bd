"""The server: its version, the settings that events rest on, its connections, its queue of NOTIFY."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from eventcore.stores.findings import Area, Finding
from eventcore.stores.postgres.connections import Connection
from eventcore.stores.postgres.doctor.limits import Limits
from eventcore.stores.postgres.statements import Schema

_OLDEST: Final = 15
_NEWEST: Final = 18
_DURABLE_COMMITS: Final = frozenset({"on", "remote_write", "remote_apply", "local"})


async def look_at_server(connection: Connection, schema: Schema, limits: Limits) -> Area:
    row = await connection.fetchrow(schema.statements("doctor")["server"])
    assert row is not None  # noqa: S101 - it has no condition
    facts = dict(row)
    major = facts["number"] // 10_000
    kind = "supported" if _OLDEST <= major <= _NEWEST else "not tested"
    return Area("server", f"PostgreSQL {facts['version']}, {kind}", facts, list(of_server(facts, major, limits)))


def of_server(facts: dict[str, object], major: int, limits: Limits) -> Iterator[Finding]:
    if not _OLDEST <= major <= _NEWEST:
        yield Finding("server-untested", f"this is PostgreSQL {facts['version']}", {"major": major})
    if facts["replica"]:
        yield Finding("server-read-only", "the server is in recovery")
    off = [name for name in ("fsync", "full_page_writes") if facts[name] != "on"]
    if off:
        yield Finding("crash-unsafe", f"{' and '.join(off)} {'is' if len(off) == 1 else 'are'} off", {"off": off})
    if facts["synchronous_commit"] not in _DURABLE_COMMITS:
        yield Finding("commit-unsafe", f"synchronous_commit is {facts['synchronous_commit']} for the role {facts['role']}")
    yield from _of_locks(facts, limits)
    if not facts["sees_sessions"]:
        yield Finding("sessions-hidden", f"the role {facts['role']} may not see other sessions", {"role": str(facts["role"])})


def _of_locks(facts: dict[str, object], limits: Limits) -> Iterator[Finding]:
    room, locks = facts["lock_room"], facts["locks"]
    assert isinstance(room, int)  # noqa: S101 - the statement says so
    assert isinstance(locks, int)  # noqa: S101
    if room < limits.lock_room or locks > limits.locks * room:
        yield Finding("lock-table-small", f"room for {room} locks, {locks} are taken", {"room": room, "locks": locks})


async def look_at_connections(connection: Connection, schema: Schema, limits: Limits) -> Area:
    sql = schema.statements("doctor")
    rows = await connection.fetch(sql["connections"])
    room: int = await connection.fetchval(sql["connection_room"])
    taken = 1 + sum(row["connections"] for row in rows)
    facts = {"room": room, "taken": taken, "applications": [dict(row) for row in rows]}
    few = taken >= limits.connections * room
    findings = [Finding("connections-scarce", f"{taken} of {room} connections are taken", {"taken": taken, "room": room})] if few else []
    most = ", ".join(f"{row['application']} {row['connections']} ({row['active']} active)" for row in rows[:3])
    return Area("connections", f"{taken} of {room}, this one included{': ' if most else ''}{most}", facts, findings)


async def look_at_news(connection: Connection, schema: Schema, limits: Limits) -> Area:
    usage: float = await connection.fetchval(schema.statements("doctor")["notify_queue"])
    facts = {"usage": usage}
    full = usage > limits.notify_queue
    findings = [Finding("notify-queue-filling", f"the queue is filled to {usage:.1%}", facts)] if full else []
    return Area("notify", f"queue filled to {usage:.1%}", facts, findings)
