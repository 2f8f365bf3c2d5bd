"""The library `eventsourcing` on its SQLite module, at the best of its settings and of 1, 8, 32 or 64 threads.

Its ways:

* `aggregates`: both are folded afresh for each command;
* `cached`: `AGGREGATE_CACHE_MAXSIZE` for all accounts; what is new is read for each command, so that others may write too;
* `cached, one writer`: `AGGREGATE_CACHE_FASTFORWARD=n` too: nothing is read once an account is known. Right only while one process writes,
  since nothing evicts on a conflict (here we do);
* `cached, one writer, not copied`: and `DEEPCOPY_FROM_AGGREGATE_CACHE=n`: commands work on the cached objects themselves, so it is run with
  one thread, and a command that fails after changing one leaves what was never stored behind.

The last two promise less than we do. They are measured and told, but not compared. There is no DCB recorder for SQLite in it.
"""

# mypy: ignore-errors
# The peers are installed beside the benchmarks only, so the checkers see no types of theirs.
from __future__ import annotations

from pathlib import Path

from benchmarks.contestants.eventsourcing_bank import Bank
from benchmarks.contestants.sqlite_settings import durable_settings
from benchmarks.threads import transfer_all
from benchmarks.work import Outcome, Place, Work

NAME = "pyeventsourcing"
DISTRIBUTIONS = ("eventsourcing", "orjson")
THREADS = (1, 8, 32, 64)
VARIANTS = tuple(f"{way}, {n} threads" for way in ("aggregates", "cached") for n in THREADS)
WEAKER = ("cached one writer, 1 threads", "cached one writer not copied, 1 threads")
CACHED = {"AGGREGATE_CACHE_MAXSIZE": "2000"}
SETTINGS = {
    "aggregates": {},
    "cached": CACHED,
    "cached one writer": {**CACHED, "AGGREGATE_CACHE_FASTFORWARD": "n"},
    "cached one writer not copied": {**CACHED, "AGGREGATE_CACHE_FASTFORWARD": "n", "DEEPCOPY_FROM_AGGREGATE_CACHE": "n"},
}


def run(work: Work, *, variant: str, place: Place) -> Outcome:
    way, _, threads = variant.rpartition(", ")
    concurrency = int(threads.split()[0])
    file = place.folder / "eventsourcing.db"
    bank = Bank({**_on(file), **SETTINGS[way]})
    bank.know(work.accounts)
    try:
        bank.open_all()
        transfer_all(bank.do, work.warming(), concurrency)
        timed = transfer_all(bank.do, work.transfers(), concurrency)
        with bank.recorder.datastore.get_connection(commit=True) as connection:
            settings = durable_settings(connection._sqlite_conn)  # noqa: SLF001
    finally:
        bank.close()
    return Outcome(timed, *_read_back(file, work), {**settings, "at a time": concurrency, "conflicts": bank.conflicts})


def _on(file: Path) -> dict[str, str]:
    return {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(file), "SQLITE_LOCK_TIMEOUT": "30"}


def _read_back(file: Path, work: Work) -> tuple[dict[str, int], int]:
    """Read the balances with a fresh application, so that no cache can flatter them."""
    bank = Bank(_on(file))
    bank.know(work.accounts)
    try:
        return bank.balances(), bank.count()
    finally:
        bank.close()
