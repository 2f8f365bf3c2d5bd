"""Who holds whom up: appends that are open, and what keeps vacuum from removing dead rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from eventcore.stores.findings import Area, Finding
from eventcore.stores.postgres.connections import Connection
from eventcore.stores.postgres.doctor.limits import Limits
from eventcore.stores.postgres.statements import Schema


async def look_at_appends(connection: Connection, schema: Schema, limits: Limits) -> Area:
    rows = [dict(row) for row in await connection.fetch(schema.statements("doctor")["appends"])]
    findings = [found for row in rows for found in _of_append(row, limits)]
    holding = sum(row["holds_readers"] for row in rows)
    summary = f"{len(rows)} open, {holding} of which readers wait for" if rows else "none open, readers wait for nobody"
    return Area("appends", summary, {"open": rows}, findings)


def _of_append(row: dict[str, Any], limits: Limits) -> Iterator[Finding]:
    # None: this role may not see since when. It is said with the server.
    if row["seconds"] is None or row["seconds"] < limits.append:
        return
    who = _who(row)
    if row["waits_for"]:
        pids = ", ".join(map(str, row["waits_for"]))
        yield Finding("append-waiting", f"{who} has waited for {_time(row['seconds'])}, for the process {pids}", row)
    else:
        what = "a migration" if row["migrates"] else "an append"
        held = "readers wait for it" if row["holds_readers"] else "readers do not wait for it"
        yield Finding("append-open", f"{who} has been in {what} for {_time(row['seconds'])}; {held}", row)


async def look_at_vacuum(connection: Connection, schema: Schema, limits: Limits) -> Area:
    rows = [dict(row) for row in await connection.fetch(schema.statements("doctor")["vacuum"])]
    findings = list(of_holders(rows, limits))
    if not rows:
        return Area("vacuum", "nobody holds it back", {"holders": []}, findings)
    first = rows[0]
    since = "" if first["seconds"] is None else f" for {_time(first['seconds'])}"
    return Area("vacuum", f"held back by the {first['kind']} {first['name']}{since}", {"holders": rows}, findings)


def of_holders(rows: Sequence[dict[str, Any]], limits: Limits) -> Iterator[Finding]:
    for row in rows:
        seconds, transactions = row["seconds"], row["transactions"] or 0
        if row["kind"] == "prepared" and seconds >= limits.prepared:
            what = f"the transaction {row['name']!r} of {row['role']} in the database {row['database']!r} was prepared {_time(seconds)} ago"
            yield Finding("prepared-left", what, row)
        elif row["kind"] == "slot" and transactions >= limits.vacuum_transactions:
            what = f"the replication slot {row['name']!r}, {row['state']}, is {transactions} transactions behind"
            yield Finding("vacuum-held", what, row)
        elif row["kind"] == "session" and seconds is not None and seconds >= limits.vacuum:
            what = f"{_who(row)} in the database {row['database']!r} has held rows back for {_time(seconds)}, {transactions} transactions"
            yield Finding("vacuum-held", what, row)


def _who(row: dict[str, Any]) -> str:
    if row["pid"] is None:
        return f"the prepared transaction {row['gid']!r}"
    known = [row["application"] or "unnamed", row["role"], row["state"]]
    return f"the process {row['pid']} ({', '.join(str(each) for each in known if each)})"


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes = int(seconds // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
