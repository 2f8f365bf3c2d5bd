"""What a store holds, and how its tables are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from eventcore.stores.findings import Area, Finding, told
from eventcore.stores.postgres.connections import Connection
from eventcore.stores.postgres.doctor.limits import Limits
from eventcore.stores.postgres.doctor.schema import made
from eventcore.stores.postgres.statements import Schema


async def look_at_contents(connection: Connection, schema: Schema, limits: Limits) -> Area:
    sql = schema.statements("doctor")
    facts: dict[str, Any] = {}
    for row in await connection.fetch(sql["estimates"], schema.name):
        counted = row["bytes"] <= limits.counted
        rows = await connection.fetchval(sql[f"count_{row['name']}"]) if counted else row["rows"] if row["known"] else None
        facts[row["name"]] = {"rows": rows, "counted": counted, "bytes": row["bytes"]}
    percent = min(100.0, 100.0 * limits.looked_through / max(1, facts["streams"]["rows"] or 1))
    facts["sampled"] = percent < 100
    facts["largest"] = [dict(row) for row in await connection.fetch(sql["largest"], percent)]
    facts["hottest"] = [dict(row) for row in await connection.fetch(sql["hottest"], limits.newest)]
    size = _size(facts["events"]["bytes"] + facts["streams"]["bytes"])
    summary = f"{_count(facts['events'])} events in {_count(facts['streams'])} streams, {size}{told(facts['largest'], facts['hottest'])}"
    return Area("contents", summary, facts, list(_of_streams(facts, limits)))


def _of_streams(facts: dict[str, Any], limits: Limits) -> Iterator[Finding]:
    for row in facts["largest"]:
        if row["version"] >= limits.large_stream:
            yield Finding("stream-large", f"the stream {row['stream_id']!r} has {row['version']} events", row)
    for row in facts["hottest"]:
        if row["looked_at"] >= limits.enough and row["events"] >= limits.hot_share * row["looked_at"]:
            what = f"the stream {row['stream_id']!r} has {row['events']} of the newest {row['looked_at']} events"
            yield Finding("stream-hot", what, row)


async def look_at_tables(connection: Connection, schema: Schema, limits: Limits) -> Area:
    sql = schema.statements("doctor")
    tables = [dict(row) for row in await connection.fetch(sql["tables"], schema.name)]
    indexes = [dict(row) for row in await connection.fetch(sql["indexes"], schema.name)]
    findings = [*_of_tables(tables, limits), *_of_indexes(indexes)]
    dead = ", ".join(f"{row['name']} {row['dead']}" for row in tables if row["dead"])
    unused = [row["name"] for row in indexes if not row["used"]]
    summary = f"dead rows: {dead or 'none'}; {len(indexes) - len(unused)} of {len(indexes)} indexes used so far"
    return Area("tables", summary, {"tables": tables, "indexes": indexes}, findings)


def _of_tables(tables: Sequence[dict[str, Any]], limits: Limits) -> Iterator[Finding]:
    for row in tables:
        if not row["autovacuum"]:
            yield Finding("autovacuum-off", f"autovacuum does not look after the table {row['name']}", row)
        if row["dead"] >= limits.dead_rows and row["dead"] > row["live"]:
            yield Finding("dead-rows", f"the table {row['name']} has {row['dead']} dead rows and {row['live']} others", row)


def _of_indexes(indexes: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    tables = {key.removeprefix("table ") for key in made() if key.startswith("table ")}
    for row in indexes:
        if f"index {row['name']}" not in made() and row["of_table"] in tables and not row["used"]:
            yield Finding("index-unused", f"the index {row['name']} on {row['of_table']} ({_size(row['bytes'])}) was never used", row)


def _count(table: dict[str, Any]) -> str:
    if table["rows"] is None:
        return "an unknown number of"
    return f"{table['rows']:,}".replace(",", " ") if table["counted"] else f"about {table['rows']:,}".replace(",", " ")


def _size(size: int) -> str:
    value = float(size)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"
