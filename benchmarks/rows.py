"""The rows of the table: who is compared with whom at what, what must be reached and what we go for."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from benchmarks import jobs
from benchmarks.jobs import Job

BEST: Final = ""
"""In place of a variant: that which is best at the job."""
AS_IT_COMES: Final = "as it comes"
NO_CACHE: Final = "no cache"


class Entry(NamedTuple):
    """One program at one job. *contestant* is a module of benchmarks.contestants."""

    contestant: str
    job: Job
    variant: str = BEST


class Row(NamedTuple):
    """*ours* / *against*, both in *figure*: `rate` (commands per second) or `p50` (milliseconds, where less is better).

    A row without *floor* and *goal* is told and not judged.
    """

    name: str
    ours: Entry
    against: Entry
    floor: float | None = None
    goal: float | None = None
    figure: Literal["rate", "p50"] = "rate"

    @property
    def better(self) -> Literal["higher", "lower"]:
        return "higher" if self.figure == "rate" else "lower"

    @property
    def heat(self) -> str:
        """Name the round in which the row is measured: rows of the same jobs share it."""
        return "+".join(sorted({self.ours.job.name, self.against.job.name}))


def _ours(job: Job, variant: str = AS_IT_COMES) -> Entry:
    return Entry("ours_postgres", job, variant)


def _cold(job: Job) -> Entry:
    return _ours(job, NO_CACHE)


def _by_hand(job: Job) -> Entry:
    return Entry("asyncpg_by_hand", job)


def _peer(job: Job) -> Entry:
    return Entry("pyeventsourcing_postgres", job)


ROWS: Final = (
    Row("pg-64-asyncpg", _ours(jobs.MANY), _by_hand(jobs.MANY), 3, 5),
    Row("pg-64-pyeventsourcing", _ours(jobs.MANY_SLOWER), _peer(jobs.MANY_SLOWER), 12, 20),
    Row("pg-64-pgbench", _ours(jobs.MANY), Entry("pgbench", jobs.MANY), 0.5, 1),
    Row("pg-hot-asyncpg", _ours(jobs.HOT), _by_hand(jobs.HOT), 4, 8),
    Row("pg-hot-pyeventsourcing", _ours(jobs.HOT_SLOWER), _peer(jobs.HOT_SLOWER), 30, 50),
    Row("pg-1-asyncpg", _ours(jobs.ALONE), _by_hand(jobs.ALONE), 1.15, 1, "p50"),
    Row("pg-4proc-asyncpg", _ours(jobs.PROCESSES), _by_hand(jobs.PROCESSES), 1.5, 3),
    Row("pg-history-warm", _ours(jobs.WARM_LONG), _ours(jobs.WARM_SHORT), 1.2, 1.05, "p50"),
    Row("pg-history-cold", _ours(jobs.COLD_LONG), _ours(jobs.COLD_SHORT), 2, 1.3, "p50"),
    Row("pg-50-streams", _ours(jobs.FIFTY_STREAMS), _ours(jobs.ONE_STREAM), 5, 3, "p50"),
    Row("pg-rtt-5ms", _ours(jobs.FAR), _by_hand(jobs.FAR), 0.65, 0.55, "p50"),
    Row("sqlite-64-plain", Entry("ours_sqlite", jobs.SQLITE), Entry("plain_sqlite", jobs.SQLITE), 2, 3),
    Row("sqlite-64-pyeventsourcing", Entry("ours_sqlite", jobs.SQLITE_SLOWER), Entry("pyeventsourcing", jobs.SQLITE_SLOWER), 5, 8),
    Row("memory-eventsourcepy", Entry("ours_memory", jobs.MEMORY), Entry("eventsource_py", jobs.MEMORY), 1.5, 3),
    Row("pg-catchup-asyncpg", Entry("ours_catch_up", jobs.CATCH_UP, "projection"), Entry("asyncpg_catch_up", jobs.CATCH_UP), 0.6, 0.8),
    # Without the executor's cache: each command reads all of its streams.
    Row("pg-64-asyncpg-cold", _cold(jobs.MANY), _by_hand(jobs.MANY), 1.9),
    Row("pg-64-asyncpg-cold-short", _cold(jobs.MANY_SHORT), _by_hand(jobs.MANY_SHORT)),
    Row("pg-64-pyeventsourcing-cold", _cold(jobs.MANY_SLOWER), _peer(jobs.MANY_SLOWER)),
    Row("pg-64-pgbench-cold", _cold(jobs.MANY), Entry("pgbench", jobs.MANY)),
    Row("pg-hot-asyncpg-cold", _cold(jobs.HOT), _by_hand(jobs.HOT)),
    Row("pg-hot-pyeventsourcing-cold", _cold(jobs.HOT_SLOWER), _peer(jobs.HOT_SLOWER)),
    Row("pg-4proc-asyncpg-cold", _cold(jobs.PROCESSES), _by_hand(jobs.PROCESSES)),
    Row("pg-rtt-5ms-cold", _cold(jobs.FAR), _by_hand(jobs.FAR), figure="p50"),
    # The opponent does 32 at a time as well, whatever that costs it.
    Row("pg-hot-pyeventsourcing-32", _ours(jobs.HOT_SLOWER), Entry("pyeventsourcing_postgres", jobs.HOT_SLOWER, "dcb, 32 threads")),
    # The log without a projection's transactions and bookkeeping.
    Row("pg-catchup-asyncpg-log", Entry("ours_catch_up", jobs.CATCH_UP, "log"), Entry("asyncpg_catch_up", jobs.CATCH_UP)),
    Row(
        "pg-catchup-pyeventsourcing",
        Entry("ours_catch_up", jobs.CATCH_UP_SLOWER, "projection"),
        Entry("pyeventsourcing_catch_up", jobs.CATCH_UP_SLOWER),
    ),
    # Fifty streams read and checked, one of them written.
    Row("pg-50-streams-read", _ours(jobs.FIFTY_READ), _ours(jobs.ONE_STREAM), figure="p50"),
)
