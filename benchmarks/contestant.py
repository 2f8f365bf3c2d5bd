"""Run one contestant once, in a process of its own: `python -m benchmarks.contestant NAME ...` prints one line of JSON."""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import platform
from pathlib import Path
from typing import cast

from benchmarks.work import Contestant, Work


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.contestant", description=__doc__)
    parser.add_argument("name", help="a module of benchmarks.contestants")
    parser.add_argument("--describe", action="store_true", help="print its name, variants and versions instead of running it")
    parser.add_argument("--variant")
    parser.add_argument("--transfers", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path())
    options = parser.parse_args()
    contestant = cast("Contestant", importlib.import_module(f"benchmarks.contestants.{options.name}"))
    report = describe(contestant) if options.describe else run(contestant, options)
    print(json.dumps(report))


def describe(contestant: Contestant) -> dict[str, object]:
    versions = {name: importlib.metadata.version(name) for name in contestant.DISTRIBUTIONS}
    weaker = getattr(contestant, "WEAKER", ())
    return {
        "name": contestant.NAME,
        "variants": contestant.VARIANTS,
        "weaker": weaker,
        "versions": {"python": platform.python_version(), **versions},
    }


def run(contestant: Contestant, options: argparse.Namespace) -> dict[str, object]:
    work = Work(options.transfers, seed=options.seed)
    outcome = contestant.run(work, variant=options.variant or contestant.VARIANTS[0], folder=options.folder)
    work.verify(outcome.balances, outcome.events)
    return {"seconds": outcome.seconds, "settings": dict(outcome.settings)}


if __name__ == "__main__":
    main()
