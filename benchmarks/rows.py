"""The rows of the table: who is compared with whom, what must be reached and what we go for."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Row(NamedTuple):
    """*ours* and *against* are modules of benchmarks.contestants. Each of them does *transfers* in each round, fewer where the machine is slow."""

    name: str
    ours: str
    against: str
    transfers: int
    floor: float
    goal: float
    better: Literal["higher", "lower"] = "higher"


ROWS = (
    Row("sqlite-64-plain", "ours_sqlite", "plain_sqlite", 15_000, floor=2, goal=3),
    Row("sqlite-64-pyeventsourcing", "ours_sqlite", "pyeventsourcing", 12_000, floor=5, goal=8),
    Row("memory-eventsourcepy", "ours_memory", "eventsource_py", 20_000, floor=1.5, goal=3),
)
