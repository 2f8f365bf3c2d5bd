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
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import groupby

from benchmarks import environment, extras, report, server
from benchmarks.measure import Meter, Result, describe
from benchmarks.rows import ROWS, Row

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
    everything = not options.row
    rows = [row for row in ROWS if everything or row.name in options.row]
    with ExitStack() as stack:
        found = stack.enter_context(_server(rows))
        meter = Meter(found, rounds=options.rounds, share=options.share, say=lambda line: print(f"  {line}", flush=True))
        if found is not None:
            machine["postgresql"] = found.version()
        results = list(_measure(meter, rows)) if options.part in {None, "rows"} else []
        more = _measure_more(found, options) if found is not None and everything else {}
    print(f"\n{report.table(results)}\n")
    if not options.dry:
        circumstances = {"date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), "load": round(os.getloadavg()[0], 1), "machine": machine}
        if results:
            report.write(results, circumstances)
        extras.publish(more, circumstances)
    print(f"{time.perf_counter() - began:.0f} seconds; load now: {os.getloadavg()[0]:.1f}")
    if os.getloadavg()[0] > QUIET:
        print("something else ran meanwhile: on a busy disk group commit looks better than it is, on a busy processor worse; measure again")
    return 0


def _measure_more(found: server.Server, options: argparse.Namespace) -> extras.Found:
    """Measure what stands beside the rows."""
    more: extras.Found = {}
    meter = Meter(found, rounds=min(3, options.rounds), share=options.share, say=lambda line: print(f"  {line}", flush=True))
    if options.part in {None, "charts"}:
        more |= extras.measure_charts(meter)
    if options.part in {None, "ablation"}:
        more |= extras.measure_ablation(meter)
    if options.part in {None, "memory"}:
        more |= extras.measure_memory(found, options.soak)
    if options.part in {None, "lag"}:
        more |= extras.measure_lag(found)
    return more


def _measure(meter: Meter, rows: Iterable[Row]) -> Iterator[Result]:
    for heat, members in groupby(sorted(rows, key=lambda row: row.heat), key=lambda row: row.heat):
        some = list(members)
        print(f"\n{heat}: {', '.join(row.name for row in some)}", flush=True)
        yield from meter.rows(some)


@contextmanager
def _server(rows: Sequence[Row]) -> Iterator[server.Server | None]:
    """Run a server if any of *rows* needs one."""
    if any(describe(entry.contestant).server for row in rows for entry in (row.ours, row.against)):
        with server.running(environment.ROOT / "benchmarks") as found:
            yield found
    else:
        yield None


def _parse() -> argparse.Namespace:
    names = [row.name for row in ROWS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--row", action="append", choices=names, metavar="ROW", help="measure this row only; may be repeated (default: all)"
    )
    parser.add_argument(
        "--part", choices=["rows", "charts", "ablation", "memory", "lag"], help="measure this part of it only (default: all)"
    )
    parser.add_argument(
        "--soak", type=float, default=60, metavar="SECONDS", help="how long to watch the memory grow (default: %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often each contestant runs (default: %(default)s)")
    parser.add_argument(
        "--share", type=float, default=1, metavar="S", help="do this share of the work, for a quick look; nothing is written"
    )
    parser.add_argument("--dry", action="store_true", help="leave benchmarks/results.json as it is")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    options.dry = options.dry or options.share != 1
    return options


if __name__ == "__main__":
    sys.exit(main())
