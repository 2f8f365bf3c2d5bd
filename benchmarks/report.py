"""Show results: a table for people, benchmarks/results.json for programs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import Result
from benchmarks.rows import Row

RESULTS: Final = Path(__file__).with_name("results.json")
DETAILS: Final = Path(__file__).with_name("details.json")
PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"


_FIGURES: Final = re.compile(r"(<!-- figures:[^\n]*-->\n).*?(<!-- end of figures -->)", re.DOTALL)


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


def write(results: Sequence[Result], *, date: str, load: float, machine: dict[str, str | int]) -> None:
    """Write the rows measured; rows of the file that were not measured now stay."""
    rows = {row["row"]: row for row in (json.loads(RESULTS.read_text()) if RESULTS.exists() else [])}
    details = json.loads(DETAILS.read_text()) if DETAILS.exists() else {}
    for result in results:
        rows[result.row.name] = _figures(result)
        details[result.row.name] = {
            "date": date,
            "machine": machine,
            "load": load,
            "versions": dict(result.versions),
            "opponent": result.opponent,
            "transfers": result.transfers,
            "settings": {side: dict(found) for side, found in result.settings.items()},
            "rates": [{name: round(rate, 1) for name, rate in rates.items()} for rates in result.every_round],
            "weaker": {name: round(rate, 1) for name, rate in result.weaker.items()},
        }
    RESULTS.write_text(json.dumps(list(rows.values()), indent=2) + "\n")
    DETAILS.write_text(json.dumps(details, indent=2) + "\n")
    text = PAGE.read_text()
    PAGE.write_text(_FIGURES.sub(lambda found: found[1] + _figures_for_people(rows.values(), details) + found[2], text))


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


# The rows are read back from JSON files, which hold what they hold: hence `Any`.
def _figures_for_people(rows: Iterable[Mapping[str, Any]], details: Mapping[str, Any]) -> str:
    lines = ["| row | ours | against | ratio | spread | floor | goal |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        least, most = row["spread"]
        rates = f"{row['ours']:,.0f}/s | {row['against']:,.0f}/s ({details[row['row']]['opponent']})"
        lines.append(
            f"| `{row['row']}` | {rates} | **{row['ratio']:.2f}** | {least:.2f} to {most:.2f} | {row['floor']:g} | {row['goal']:g} |"
        )
    return "\n".join([*lines, "", *(f"- {_circumstances(row, details[row['row']])}" for row in rows), ""])


def _circumstances(row: Mapping[str, Any], about: Mapping[str, Any]) -> str:
    machine = about["machine"]
    where = f"{machine['cpu']}, {machine['cores']} cores, {machine['file system']}, {machine['system']}, load {about['load']}"
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    weaker = "".join(f"; with a weaker promise, not compared: {name} {rate:,.0f}/s" for name, rate in about.get("weaker", {}).items())
    return f"`{row['row']}`: {about['date']}, {row['rounds']} rounds of {about['transfers']:,} transfers; {where}; {versions}{weaker}"
