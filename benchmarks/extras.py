"""Measure what the charts show, what each mechanism contributes, memory, and how projections lag; keep all of it in benchmarks/series.json."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from benchmarks import charts, report
from benchmarks.contestants.ways import WAYS
from benchmarks.environment import PYTHON, ROOT
from benchmarks.measure import Measured, Meter
from benchmarks.rows import Entry
from benchmarks.series import ABLATION, SERIES, Series
from benchmarks.server import Server

DIGITS: Final = 3


Found: TypeAlias = "dict[str, Any]"
"""What was measured, by the name of the chart or table. It becomes JSON: hence `Any`."""


def measure_charts(meter: Meter) -> Found:
    found: Found = {}
    for name, series in SERIES.items():
        print(f"\n{name}: {series.title}", flush=True)
        found[name] = _chart(series, meter)
    return found


def _chart(series: Series, meter: Meter) -> dict[str, Any]:
    """Measure point by point, all lines of a point in turns."""
    curves: dict[str, list[list[float]]] = {name: [] for name in series.lines}
    for x in next(iter(series.lines.values())):
        entries = {name: line[x] for name, line in series.lines.items()}
        measured = meter.entries(entries.values(), figure=series.figure, cost=False)
        for name, entry in entries.items():
            curves[name].append([x, *_spread(measured[entry], series.figure)])
    return {"title": series.title, "axis": series.axis, "figure": series.figure, "lines": curves}


def _spread(measured: Measured, figure: str) -> list[float]:
    """Return the median of the rounds, the least and the greatest."""
    values = [one[figure] for one in measured.rounds]
    return [round(value, DIGITS) for value in (statistics.median(values), min(values), max(values))]


def measure_ablation(meter: Meter) -> Found:
    """Measure what is left with parts of us switched off."""
    values: dict[str, dict[str, float]] = {}
    ratios: dict[str, dict[str, float]] = {}
    for name, job in ABLATION.items():
        print(f"\nablation: {name}", flush=True)
        entries = {way: Entry("ours_postgres", job, way) for way in WAYS}
        measured = meter.entries(entries.values(), figure="rate", cost=False)
        values[name] = {way: round(measured[entry].median("rate"), 1) for way, entry in entries.items()}
        whole = measured[next(iter(entries.values()))]
        ratios[name] = {way: round(_ratio(measured[entry], whole), DIGITS) for way, entry in entries.items()}
    return {"ablation": {"values": values, "ratios": ratios}}


def _ratio(part: Measured, whole: Measured) -> float:
    return statistics.median(one["rate"] / other["rate"] for one, other in zip(part.rounds, whole.rounds, strict=True))


def measure_memory(server: Server, seconds: float) -> Found:
    print("\nmemory", flush=True)
    found: dict[str, float] = _alone("memory", "state")
    database = server.create()
    _alone("memory", "fill", "--dsn", server.dsn(database))
    found |= _alone("memory", "fold", "--dsn", server.dsn(database))
    server.drop(database)
    database = server.create()
    found |= {
        f"soak: {name}": value for name, value in _alone("memory", "soak", "--dsn", server.dsn(database), "--seconds", str(seconds)).items()
    }
    server.drop(database)
    for name, value in found.items():
        print(f"  {name}: {value:,.1f}", flush=True)
    return {"memory": {name: round(value, 1) for name, value in found.items()}}


def measure_lag(server: Server) -> Found:
    print("\nlag", flush=True)
    found: dict[str, dict[str, float]] = {}
    for name in ("idle", "load", "failover"):
        load, database = os.getloadavg()[0], server.create()
        measured = _alone("lag", name, "--dsn", server.dsn(database))
        server.drop(database)
        found[name] = {**{figure: round(value, DIGITS) for figure, value in measured.items()}, "load before": round(load, 1)}
        print(f"  {name}: {found[name]}", flush=True)
    return {"lag": found}


def _alone(program: str, *arguments: str) -> dict[str, float]:
    """Run a program of ours in a process of its own, and return what it prints last."""
    command = [str(PYTHON), "-m", f"benchmarks.{program}", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise RuntimeError(f"benchmarks.{program} {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
    last = json.loads(done.stdout.splitlines()[-1])
    return last or {}


def publish(found: Found, circumstances: Mapping[str, object]) -> None:
    """Keep what was *found*, draw the charts, and put all of it onto the page. What was not measured now stays."""
    known = {**(report.read(charts.SERIES) or {}), **found}
    if found:
        known["circumstances"] = circumstances
        charts.SERIES.write_text(json.dumps(known, indent=1) + "\n")
    charts.draw()
    for mark, text in page_parts(known).items():
        report.put_into_page(mark, text)


def page_parts(series: Mapping[str, Any]) -> dict[str, str]:
    """Return what stands between the marks on the page, for the parts that were measured."""
    writers: dict[str, Callable[[Mapping[str, Any]], Sequence[str]]] = {
        "ablation": _ablation_lines,
        "memory": _memory_lines,
        "lag": _lag_lines,
    }
    parts = {name: "\n".join([*write(series[name]), ""]) for name, write in writers.items() if name in series}
    return {"charts": "".join(f"![{title_of(text)}](images/benchmarks/{name}.svg)\n\n" for name, text in charts.current().items()), **parts}


def title_of(picture: str) -> str:
    """Return what a picture says that it shows."""
    return picture.partition("<title>")[2].partition("</title>")[0]


def _ablation_lines(found: Mapping[str, Any]) -> Sequence[str]:
    groups = list(found["values"])
    lines = ["| | " + " | ".join(groups) + " |", "|---|" + "---|" * len(groups)]
    for way in next(iter(found["values"].values())):
        cells = [f"{found['values'][group][way]:,.0f}/s ({found['ratios'][group][way]:.2f})" for group in groups]
        lines.append(f"| {way} | " + " | ".join(cells) + " |")
    return lines


def _memory_lines(found: Mapping[str, Any]) -> Sequence[str]:
    return [
        "| | |",
        "|---|---|",
        *(f"| {name} | {value:,.0f} |" if value == int(value) else f"| {name} | {value:,.1f} |" for name, value in found.items()),
    ]


def _lag_lines(found: Mapping[str, Any]) -> Sequence[str]:
    idle, load, failover = found["idle"], found["load"], found["failover"]
    lags = {"lag, one transfer now and then": idle, f"lag, {load['a second']:,.0f} transfers a second": load}
    return [
        "| | p50 | p99 | load of the machine before |",
        "|---|---|---|---|",
        *(f"| {name} | {one['p50']:.1f} ms | {one['p99']:.1f} ms | {one['load before']} |" for name, one in lags.items()),
        "",
        "| | median | least | most | load of the machine before |",
        "|---|---|---|---|---|",
        "| failover | " + " | ".join(f"{failover[name]:.1f} s" for name in ("median", "least", "most")) + f" | {failover['load before']} |",
    ]
