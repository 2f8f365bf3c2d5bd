"""Show results: a table for people, benchmarks/results.json for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.measure import Result
from benchmarks.rows import Row

RESULTS: Final = Path(__file__).with_name("results.json")
DETAILS: Final = Path(__file__).with_name("details.json")


def judge(row: Row, ratio: float) -> str:
    """Say how *ratio* stands against the row's floor and goal."""

    def reached(bound: float) -> bool:
        return ratio >= bound if row.better == "higher" else ratio <= bound

    return "goal reached" if reached(row.goal) else "floor reached" if reached(row.floor) else "BELOW THE FLOOR"


def table(results: Sequence[Result]) -> str:
    head = ("row", "ours", "against", "ratio", "floor", "goal", "better", "rounds", "spread", "")
    lines = [head, *(_line(result) for result in results)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def _line(result: Result) -> tuple[str, ...]:
    row, (least, most) = result.row, result.spread
    return (
        row.name,
        f"{result.ours:,.0f}/s",
        f"{result.against:,.0f}/s",
        f"{result.ratio:.2f}",
        f"{row.floor:g}",
        f"{row.goal:g}",
        row.better,
        str(result.rounds),
        f"{least:.2f}..{most:.2f}",
        judge(row, result.ratio),
    )


def write(results: Sequence[Result], *, date: str, machine: dict[str, str | int]) -> None:
    """Write the rows measured; rows of the file that were not measured now stay."""
    rows = {row["row"]: row for row in (json.loads(RESULTS.read_text()) if RESULTS.exists() else [])}
    details = json.loads(DETAILS.read_text()) if DETAILS.exists() else {}
    for result in results:
        rows[result.row.name] = _figures(result)
        details[result.row.name] = {
            "date": date,
            "machine": machine,
            "versions": dict(result.versions),
            "opponent": result.opponent,
            "transfers": result.row.transfers,
            "settings": {side: dict(found) for side, found in result.settings.items()},
            "rates": [{name: round(rate, 1) for name, rate in rates.items()} for rates in result.every_round],
        }
    RESULTS.write_text(json.dumps(list(rows.values()), indent=2) + "\n")
    DETAILS.write_text(json.dumps(details, indent=2) + "\n")


def _figures(result: Result) -> dict[str, object]:
    row = result.row
    return {
        "row": row.name,
        "ours": round(result.ours, 1),
        "against": round(result.against, 1),
        "ratio": round(result.ratio, 3),
        "floor": row.floor,
        "goal": row.goal,
        "better": row.better,
        "rounds": result.rounds,
        "spread": [round(ratio, 3) for ratio in result.spread],
    }
