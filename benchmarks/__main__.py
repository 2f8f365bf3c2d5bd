"""Measure every row, or some; print the table; write benchmarks/results.json.

Every contestant of a row runs in each round, one after the other, each in a fresh process on an empty store, and its balances are verified
to the last unit. Ratios of the same round are the claim, absolute figures are not. Leave the machine alone meanwhile: `load` tells whether
something else ran.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from datetime import UTC, datetime

from benchmarks import environment, report
from benchmarks.measure import Result, describe, measure
from benchmarks.rows import ROWS

MEMORY_FILE_SYSTEMS = {"tmpfs", "ramfs"}
QUIET = 2.5
"""A load above this is more than the benchmarks make by themselves."""


def main() -> int:
    options = _parse()
    environment.ensure()
    machine = environment.machine()
    if machine["file system"] in MEMORY_FILE_SYSTEMS:
        print(
            f"this checkout lies on {machine['file system']}, where nothing is ever synced to a disk; measure on a real one",
            file=sys.stderr,
        )
        return 2
    began = time.perf_counter()
    print(", ".join(f"{name}: {value}" for name, value in machine.items()), f"load: {os.getloadavg()[0]:.1f}", sep=", ", flush=True)
    results: list[Result] = []
    for row in ROWS:
        if not options.row or row.name in options.row:
            ours, against = describe(row.ours), describe(row.against)
            versions = ", ".join(f"{name} {version}" for name, version in {**ours.versions, **against.versions}.items())
            print(f"\n{row.name}: {ours.name} against {against.name} ({versions})", flush=True)
            results.append(measure(row, rounds=options.rounds, say=lambda line: print(f"  {line}", flush=True)))
    print(f"\n{report.table(results)}\n")
    if not options.dry:
        report.write(results, date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), load=round(os.getloadavg()[0], 1), machine=machine)
    print(f"{time.perf_counter() - began:.0f} seconds; load now: {os.getloadavg()[0]:.1f}")
    if os.getloadavg()[0] > QUIET:
        print("something else ran meanwhile: on a busy disk group commit looks better than it is, on a busy processor worse; measure again")
    return 0


def _parse() -> argparse.Namespace:
    names = [row.name for row in ROWS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--row", action="append", choices=names, help="measure this row only; may be repeated (default: all)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often each contestant runs (default: %(default)s)")
    parser.add_argument("--dry", action="store_true", help="leave benchmarks/results.json as it is")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    return options


if __name__ == "__main__":
    sys.exit(main())
