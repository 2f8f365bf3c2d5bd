"""Show how long generating takes: benchmarks/generate.json for programs, the table in docs/generator.md for people."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

RESULTS: Final = Path(__file__).with_name("generate.json")
PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "generator.md"

_MARKED: Final = re.compile(r"(<!-- figures: [^\n]*-->\n).*?(<!-- end of figures -->)", re.DOTALL)


def write(results: Mapping[str, object]) -> None:
    """Keep *results* and put them into the page."""
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    PAGE.write_text(
        _MARKED.sub(lambda found: found[1] + for_people(results) + found[2], PAGE.read_text(encoding="utf-8")), encoding="utf-8"
    )


def read() -> dict[str, Any]:
    """Return the latest results. A file holds what it holds: hence `Any`, here and below."""
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return results


def shown() -> str:
    """Return what the page shows between its marks."""
    found = _MARKED.search(PAGE.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{PAGE} has lost its marks")
    return found[0].removeprefix(found[1]).removesuffix(found[2])


def for_people(results: Mapping[str, Any]) -> str:
    """Return *results* as a table in Markdown, and what they were measured on."""
    rows = [
        f"| {row['run']} | **{row['median']:.2f} s** | {row['least']:.2f} to {row['most']:.2f} s | {row['goal']:g} s |"
        for row in results["rows"]
    ]
    machine = results["machine"]
    where = f"{machine['cpu']}, {machine['cores']} cores, {machine['file system']}, Python {results['python']}"
    size = f"{results['commands']} commands in {results['modules']} modules"
    measured = (
        f"beyond the {results['interpreter']:.3f} s of an interpreter that does nothing; {results['date']}, {results['rounds']} rounds"
    )
    return "\n".join(
        [
            "| run | median | spread | goal |",
            "|---|---|---|---|",
            *rows,
            "",
            f"{size}, {measured}; {where}, load {results['load']}.",
            "",
        ]
    )
