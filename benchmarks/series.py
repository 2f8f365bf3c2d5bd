"""What the charts show beyond the rows: the same work with more tasks, hotter accounts, longer histories, and with parts of us switched off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from benchmarks import jobs
from benchmarks.jobs import Job
from benchmarks.rows import AS_IT_COMES, NO_CACHE, Entry

OURS: Final = "eventcore"
COLD: Final = "eventcore, no cache"
BY_HAND: Final = "asyncpg by hand"


class Series(NamedTuple):
    """One chart: for each line of *lines* the entries at each x. *figure* as in a row."""

    title: str
    axis: str
    figure: Literal["rate", "p50"]
    lines: Mapping[str, Mapping[int, Entry]]


def _lines(points: Mapping[int, Job], **variants: str) -> Mapping[str, Mapping[int, Entry]]:
    """Return a line for each contestant: ours in *variants* (label: variant), and the one by hand in its best variant."""
    ours = {label: {x: Entry("ours_postgres", job, variant) for x, job in points.items()} for label, variant in variants.items()}
    return {**ours, BY_HAND: {x: Entry("asyncpg_by_hand", job) for x, job in points.items()}}


SERIES: Final = {
    "concurrency": Series(
        "Transfers per second by how many run at a time, 1 000 accounts",
        "transfers at a time",
        "rate",
        _lines({job.tasks: job for job in jobs.CONCURRENCY}, **{OURS: AS_IT_COMES, COLD: NO_CACHE}),
    ),
    "hotness": Series(
        "Transfers per second by how many accounts 32 tasks share",
        "accounts",
        "rate",
        _lines({job.accounts: job for job in jobs.HOTNESS}, **{OURS: AS_IT_COMES, "eventcore, no chaining": "no chaining"}),
    ),
    "history": Series(
        "Milliseconds for one transfer by the length of its streams",
        "events in each stream",
        "p50",
        _lines(
            {job.history: job for job in jobs.HISTORY}, **{OURS: AS_IT_COMES, "eventcore, no cache, no snapshots": "no cache, no snapshots"}
        ),
    ),
}

ABLATION: Final = {"64 at a time, 1 000 accounts": jobs.ABLATION_MANY, "32 at a time, 10 accounts": jobs.ABLATION_HOT}
