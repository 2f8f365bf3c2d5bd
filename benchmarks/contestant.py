"""Run one contestant once, in a process of its own: `python -m benchmarks.contestant NAME ...` prints one line of JSON."""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import platform
import resource
import statistics
from pathlib import Path
from types import ModuleType
from typing import cast

from benchmarks import banks
from benchmarks.jobs import Job
from benchmarks.work import Contestant, Outcome, Place, Work, percentile

PERCENTILES = (50, 90, 95, 99, 99.9)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.contestant", description=__doc__)
    parser.add_argument("name", help="a module of benchmarks.contestants")
    parser.add_argument("what", choices=["describe", "prepare", "run"])
    parser.add_argument("--variant")
    parser.add_argument("--job", help="the fields of a benchmarks.jobs.Job, as JSON")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path())
    parser.add_argument("--dsn", default="")
    options = parser.parse_args()
    module = importlib.import_module(f"benchmarks.contestants.{options.name}")
    if options.what == "describe":
        print(json.dumps(describe(module)))
        return
    work = Work(Job(*json.loads(options.job)), seed=options.seed)
    place = Place(options.folder, options.dsn)
    if options.what == "prepare":
        module.prepare(work, place)
        return
    outcome = run(module, options.name, work, place, options.variant or module.VARIANTS[0])
    if outcome.balances is not None:
        work.verify(outcome.balances, outcome.events)
    print(json.dumps(report(work.job, outcome)))


def describe(module: ModuleType) -> dict[str, object]:
    contestant = cast("Contestant", module)
    versions = {name: importlib.metadata.version(name) for name in contestant.DISTRIBUTIONS}
    return {
        "name": contestant.NAME,
        "variants": contestant.VARIANTS,
        "weaker": getattr(module, "WEAKER", ()),
        "server": getattr(module, "NEEDS_SERVER", False),
        "prepares": hasattr(module, "prepare"),
        "versions": {"python": platform.python_version(), **versions},
    }


def run(module: ModuleType, name: str, work: Work, place: Place, variant: str) -> Outcome:
    if hasattr(module, "open_bank"):
        return banks.run(module.open_bank, work, variant=variant, place=place, contestant=name)
    return cast("Contestant", module).run(work, variant=variant, place=place)


def report(job: Job, outcome: Outcome) -> dict[str, object]:
    """Say what was measured: a rate per second, milliseconds, megabytes."""
    seconds, latencies = outcome.timed
    figures = {"rate": job.commands / seconds, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
    if latencies:
        figures |= {f"p{share:g}": 1_000 * percentile(latencies, share / 100) for share in PERCENTILES}
        figures["mean"] = 1_000 * statistics.fmean(latencies)
    return {"figures": figures, "settings": dict(outcome.settings)}


if __name__ == "__main__":
    main()
