"""Show results: a table for people, benchmarks/results.json and details.json for programs, the figures in docs/benchmarks.md."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import Measured, Result, describe
from benchmarks.rows import ROWS, Row

RESULTS: Final = Path(__file__).with_name("results.json")
DETAILS: Final = Path(__file__).with_name("details.json")
PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"


def judge(row: Row, ratio: float) -> str:
    """Say how *ratio* stands against the row's floor and goal; nothing for a row without."""

    def reached(bound: float | None) -> bool:
        return bound is not None and (ratio >= bound if row.better == "higher" else ratio <= bound)

    if row.floor is None:
        return ""
    return "goal reached" if reached(row.goal) else "floor reached" if reached(row.floor) else "BELOW THE FLOOR"


def table(results: Sequence[Result]) -> str:
    head = ("row", "ours", "against", "ratio", "floor", "goal", "spread", "trips", "against", "WAL bytes", "against", "")
    lines = [head, *(_line(result) for result in results)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def _line(result: Result) -> tuple[str, ...]:
    row = figures(result)
    least, most = row["spread"]
    told = tuple(_told(row, key, side) for key in ("trips", "wal") for side in ("ours", "against"))
    return (
        *(row["row"], _shown(row, "ours"), _shown(row, "against"), f"{row['ratio']:.2f}", _bound(row["floor"]), _bound(row["goal"])),
        *(f"{least:.2f}..{most:.2f}", *told, judge(result.row, result.ratio)),
    )


def write(results: Sequence[Result], circumstances: Mapping[str, object]) -> None:
    """Write the rows measured; rows of the file that were not measured now stay, unless they are rows no more."""
    rows, details = read(RESULTS), read(DETAILS)
    known: dict[str, Any] = {row["row"]: row for row in rows or []}
    about: dict[str, Any] = dict(details or {})
    for result in results:
        known[result.row.name] = figures(result)
        about[result.row.name] = {**circumstances, **_about(result)}
    names = [row.name for row in ROWS if row.name in known]
    RESULTS.write_text(json.dumps([known[name] for name in names], indent=2) + "\n")
    DETAILS.write_text(json.dumps({name: about[name] for name in names}, indent=2) + "\n")
    put_into_page("figures", for_people([known[name] for name in names], about))


def read(file: Path) -> Any:
    """Return what *file* holds; None where there is none. It holds what it holds: hence `Any`, here and below."""
    return json.loads(file.read_text()) if file.exists() else None


def put_into_page(mark: str, text: str) -> None:
    """Replace what is between the marks on the page of the benchmarks."""
    between = re.compile(rf"(<!-- {mark}:[^\n]*-->\n).*?(<!-- end of {mark} -->)", re.DOTALL)
    PAGE.write_text(between.sub(lambda found: found[1] + text + found[2], PAGE.read_text()))


def figures(result: Result) -> dict[str, Any]:
    row = result.row
    return {
        "row": row.name,
        "figure": row.figure,
        "ours": _rounded(result.ours.median(row.figure)),
        "against": _rounded(result.against.median(row.figure)),
        "ratio": round(result.ratio, 3),
        "floor": row.floor,
        "goal": row.goal,
        "better": row.better,
        "rounds": len(result.ours.rounds),
        "spread": [round(ratio, 3) for ratio in result.spread],
        "trips": _costs(result, "statements", 2),
        "wal": _costs(result, "wal", 0),
    }


def _rounded(value: float) -> float:
    return round(value, 1) if value >= 100 else round(value, 4)


def _costs(result: Result, field: str, digits: int) -> dict[str, float]:
    sides = {"ours": result.ours.cost, "against": result.against.cost}
    return {side: round(getattr(cost, field), digits) for side, cost in sides.items() if cost is not None}


def _about(result: Result) -> dict[str, object]:
    row = result.row
    return {
        "commands": row.ours.job.commands,
        "versions": {**describe(row.ours.contestant).versions, **describe(row.against.contestant).versions},
        "ours": _side(result.ours),
        "against": _side(result.against),
        "weaker": {name: _rounded(value) for name, value in result.weaker.items()},
    }


def _side(measured: Measured) -> dict[str, object]:
    entry = measured.entry
    rounds = [{name: round(value, 4) for name, value in one.items()} for one in measured.rounds]
    name = describe(entry.contestant).name
    return {"name": f"{name}, {entry.variant}", "job": entry.job._asdict(), "settings": dict(measured.settings), "rounds": rounds}


def for_people(rows: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> str:
    """Return the rows as a table in Markdown, and the circumstances of each."""
    head = "| row | ours | against | ratio | spread | floor | goal | trips | WAL bytes |"
    lines = [head, "|---|---|---|---|---|---|---|---|---|"]
    for row in rows:
        least, most = row["spread"]
        sides = f"{_shown(row, 'ours')} | {_shown(row, 'against')} ({about[row['row']]['against']['name']})"
        bounds = f"{_bound(row['floor'])} | {_bound(row['goal'])}"
        costs = " | ".join(_both(row, key) for key in ("trips", "wal"))
        lines.append(f"| `{row['row']}` | {sides} | **{row['ratio']:.2f}** | {least:.2f} to {most:.2f} | {bounds} | {costs} |")
    return "\n".join([*lines, "", *(f"- {_circumstances(row, about[row['row']])}" for row in rows), ""])


def _shown(row: Mapping[str, Any], side: str) -> str:
    return f"{row[side]:,.0f}/s" if row["figure"] == "rate" else f"{row[side]:.2f} ms"


def _bound(bound: float | None) -> str:
    return "" if bound is None else f"{bound:g}"


def _told(row: Mapping[str, Any], key: str, side: str) -> str:
    value = row[key].get(side)
    return "" if value is None else f"{value:,.4g}" if key == "trips" else f"{value:,.0f}"


def _both(row: Mapping[str, Any], key: str) -> str:
    told = [_told(row, key, side) for side in ("ours", "against")]
    return " : ".join(told) if all(told) else ""


def _circumstances(row: Mapping[str, Any], about: Mapping[str, Any]) -> str:
    machine = about["machine"]
    server = f", PostgreSQL {machine['postgresql']}" if row["row"].startswith("pg-") and "postgresql" in machine else ""
    where = f"{machine['cpu']}, {machine['cores']} cores, {machine['file system']}, {machine['system']}{server}, load {about['load']}"
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    weaker = "".join(f"; with a weaker promise, not compared: {name} {value:,.0f}" for name, value in about["weaker"].items())
    return f"`{row['row']}`: {about['date']}, {row['rounds']} rounds of {about['commands']:,} commands; {where}; {versions}{weaker}"
