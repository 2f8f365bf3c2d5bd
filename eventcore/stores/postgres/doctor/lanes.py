"""The lanes of the stores that are open on this schema, seen from the server: how many connections each has, and how busy they are.

How many calls wait inside a process is known to it alone. But they wait only where all connections of their lane are at work, and that can be seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from eventcore.stores.findings import Area, Finding
from eventcore.stores.postgres.connections import Connection
from eventcore.stores.postgres.doctor.limits import Limits
from eventcore.stores.postgres.statements import Schema

# One look tells nothing: a call takes a millisecond. Seconds between two.
_LOOKS: Final = 8
_BETWEEN: Final = 0.025


class LaneLook(NamedTuple):
    """One lane of one application at one moment. *held_up* of those *at_work* wait for a lock; the oldest has been at it for *seconds*."""

    application: str
    lane: str
    connections: int
    at_work: int
    held_up: int
    seconds: float


async def look_at_lanes(connection: Connection, schema: Schema, limits: Limits) -> Area:
    del limits
    sql = schema.statements("doctor")
    looks: list[Sequence[LaneLook]] = []
    for number in range(_LOOKS):
        if number:
            await asyncio.sleep(_BETWEEN)
            await connection.execute(sql["look_anew"])
        looks.append([LaneLook(*row) for row in await connection.fetch(sql["lanes"], schema.quoted)])
    lanes = of_looks(looks)
    told = ", ".join(f"{lane['application']} {lane['lane']} {lane['at_work']} of {lane['connections']}" for lane in lanes[:4])
    summary = f"at work on average: {told}" if lanes else "nobody has the store open, as far as this role can see"
    return Area("lanes", summary, {"looks": _LOOKS, "lanes": lanes}, of_lanes(lanes))


def of_looks(looks: Sequence[Sequence[LaneLook]]) -> list[Mapping[str, str | int | float]]:
    """Return each lane with the most connections that it had, how many were at work on average, and in which share of the looks all were."""
    by_lane: dict[tuple[str, str], list[LaneLook]] = {}
    for each in (lane for look in looks for lane in look):
        by_lane.setdefault((each.application, each.lane), []).append(each)
    return [
        {
            "application": application,
            "lane": lane,
            "connections": max(each.connections for each in seen),
            "at_work": round(sum(each.at_work for each in seen) / len(looks), 1),
            "held_up": round(sum(each.held_up for each in seen) / len(looks), 1),
            "full": round(sum(each.at_work == each.connections for each in seen) / len(looks), 2),
            "seconds": round(max(each.seconds for each in seen), 3),
        }
        for (application, lane), seen in sorted(by_lane.items())
    ]


def of_lanes(lanes: Sequence[Mapping[str, str | int | float]]) -> list[Finding]:
    findings: list[Finding] = []
    for lane in lanes:
        if lane["full"] == 1:
            held = f", {lane['held_up']} of them for a lock on average" if lane["held_up"] else ""
            what = f"all {lane['connections']} connections of {lane['application']} in its lane {lane['lane']!r} were at work at each look{held}"
            findings.append(Finding("lane-full", what, lane))
    return findings
