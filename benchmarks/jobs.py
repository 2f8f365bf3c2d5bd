"""The jobs: how many accounts with what history, how many commands, how many of them at a time.

A job says nothing of who does it. The same job, given to several contestants with the same seed, is the same transfers in the same order.
"""

from __future__ import annotations

from typing import Final, NamedTuple

SHORT: Final = 10
LONG: Final = 10_000
"""Events in a stream, for the rows that ask what history costs."""


class Job(NamedTuple):
    """*commands*, *tasks* at a time in each of *processes*, after a *warm_up* that is not timed.

    *accounts* are in use at a time, and have *history* events before the first command. After *renewed* commands the next ones take other accounts,
    so that hot accounts do not grow long histories, too (0: all stay in use). *width* streams take part in one command: two make it a transfer, any
    other number a collection, which writes to each of them, or with *read_only* to one. *untouched*: no account is used twice, nor in the warm-up.
    *reading*: nothing is written, all events are read. *delay* is what each round trip takes longer, in seconds.
    """

    name: str
    commands: int
    tasks: int = 64
    accounts: int = 1_000
    warm_up: int = 500
    history: int = 1
    renewed: int = 0
    processes: int = 1
    width: int = 2
    read_only: bool = False
    untouched: bool = False
    delay: float = 0
    reading: bool = False

    def scaled(self, share: float) -> Job:
        """Return the job with fewer commands, for a trial or a quick look."""
        if self.untouched or self.reading:
            return self
        return self._replace(commands=max(2 * self.tasks * self.processes, 20, int(self.commands * share)))


MANY: Final = Job("many", 20_000)
MANY_SLOWER: Final = MANY._replace(name="many-slower", commands=12_000)
"""For opponents that would need a minute for the whole."""
MANY_SHORT: Final = MANY._replace(name="many-short", commands=2_000)
"""Histories of a few events, for who reads them with each command."""
HOT: Final = Job("hot", 4_000, tasks=32, accounts=10, renewed=500, warm_up=100)
HOT_SLOWER: Final = HOT._replace(name="hot-slower", commands=2_000)
ALONE: Final = Job("alone", 2_000, tasks=1)
PROCESSES: Final = Job("processes", 16_000, tasks=16, processes=4, warm_up=800)
WARM_SHORT: Final = Job("warm-short", 1_000, tasks=1, accounts=20, warm_up=100, history=SHORT)
WARM_LONG: Final = WARM_SHORT._replace(name="warm-long", history=LONG)
COLD_SHORT: Final = Job("cold-short", 30, tasks=1, accounts=60, warm_up=20, history=SHORT, untouched=True)
COLD_LONG: Final = COLD_SHORT._replace(name="cold-long", history=LONG)
ONE_STREAM: Final = Job("one-stream", 1_000, tasks=1, accounts=200, warm_up=200, width=1)
FIFTY_STREAMS: Final = ONE_STREAM._replace(name="fifty-streams", width=50)
FIFTY_READ: Final = FIFTY_STREAMS._replace(name="fifty-streams-read", read_only=True)
FAR: Final = Job("far", 200, tasks=1, accounts=100, warm_up=200, delay=0.005)
CATCH_UP: Final = Job("catch-up", 100_000, tasks=1, accounts=1_000, warm_up=0, history=100, reading=True)
CATCH_UP_SLOWER: Final = CATCH_UP._replace(name="catch-up-slower", commands=20_000, accounts=200)
SQLITE: Final = Job("sqlite", 15_000)
SQLITE_SLOWER: Final = Job("sqlite-slower", 12_000)
MEMORY: Final = Job("memory", 20_000)

CONCURRENCY: Final = tuple(Job(f"tasks-{tasks}", min(8_000, 1_000 * tasks), tasks=tasks) for tasks in (1, 4, 16, 64, 256))
HOTNESS: Final = tuple(
    Job(f"hot-{accounts}", 2_000, tasks=32, accounts=accounts, renewed=500 if accounts < 100 else 0, warm_up=100)
    for accounts in (2, 10, 100, 1_000)
)
HISTORY: Final = tuple(WARM_SHORT._replace(name=f"history-{history}", history=history, commands=200) for history in (10, 100, 1_000, LONG))
ABLATION_MANY: Final = MANY._replace(name="ablation-many", commands=8_000)
ABLATION_HOT: Final = HOT._replace(name="ablation-hot", commands=2_000)

JOBS: Final = {
    job.name: job
    for job in (
        *(MANY, MANY_SLOWER, MANY_SHORT, HOT, HOT_SLOWER, ALONE, PROCESSES, WARM_SHORT, WARM_LONG, COLD_SHORT, COLD_LONG),
        *(ONE_STREAM, FIFTY_STREAMS, FIFTY_READ, FAR, CATCH_UP, CATCH_UP_SLOWER, SQLITE, SQLITE_SLOWER, MEMORY),
        *(*CONCURRENCY, *HOTNESS, *HISTORY, ABLATION_MANY, ABLATION_HOT),
    )
}
