"""The page of the benchmarks, the files that it is made of, and the rows that the program measures must not drift apart."""

from __future__ import annotations

import json
import re

import pytest

from benchmarks import charts, extras, report
from benchmarks.contestants.ways import WAYS
from benchmarks.rows import ROWS, Row
from benchmarks.series import ABLATION, SERIES

# The goals, as they were set. A row that is dropped, renamed or made easier fails here.
GOALS = {
    "pg-64-asyncpg": (3, 5, "higher"),
    "pg-64-pyeventsourcing": (12, 20, "higher"),
    "pg-64-pgbench": (0.5, 1, "higher"),
    "pg-hot-asyncpg": (4, 8, "higher"),
    "pg-hot-pyeventsourcing": (30, 50, "higher"),
    "pg-1-asyncpg": (1.15, 1.0, "lower"),
    "pg-4proc-asyncpg": (1.5, 3, "higher"),
    "pg-history-warm": (1.2, 1.05, "lower"),
    "pg-history-cold": (2, 1.3, "lower"),
    "pg-50-streams": (5, 3, "lower"),
    "pg-rtt-5ms": (0.65, 0.55, "lower"),
    "sqlite-64-plain": (2, 3, "higher"),
    "sqlite-64-pyeventsourcing": (5, 8, "higher"),
    "memory-eventsourcepy": (1.5, 3, "higher"),
    "pg-catchup-asyncpg": (0.6, 0.8, "higher"),
    "pg-64-asyncpg-cold": (1.9, None, "higher"),
}


def results() -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(report.RESULTS.read_text())
    return found


def between(mark: str) -> str:
    found = re.search(rf"<!-- {mark}:[^\n]*-->\n(.*?)<!-- end of {mark} -->", report.PAGE.read_text(), re.DOTALL)
    assert found is not None, f"docs/benchmarks.md has no place for {mark}"
    return found[1]


def test_every_goal_has_its_row() -> None:
    rows = {row.name: (row.floor, row.goal, row.better) for row in ROWS if row.floor is not None}

    assert rows == GOALS


def test_the_page_explains_every_row() -> None:
    explained = re.findall(r"^\| `([\w-]+)` \| ", report.PAGE.read_text().split("<!-- figures:")[0], re.MULTILINE)

    assert explained == [row.name for row in ROWS]


def test_every_row_was_measured() -> None:
    assert [row["row"] for row in results()] == [row.name for row in ROWS]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_the_figures_are_of_the_row_as_it_is(row: Row) -> None:
    details = json.loads(report.DETAILS.read_text())[row.name]

    for side, entry in (("ours", row.ours), ("against", row.against)):
        assert details[side]["job"] == entry.job._asdict(), "the job has changed since it was measured: run `make bench`"


def test_no_bound_has_moved_since_it_was_measured() -> None:
    bounds = {row.name: (row.floor, row.goal) for row in ROWS}

    for found in results():
        assert (found["floor"], found["goal"]) == bounds[str(found["row"])]


def test_the_table_on_the_page_is_that_of_the_figures() -> None:
    assert between("figures") == report.for_people(results(), json.loads(report.DETAILS.read_text()))


def test_every_chart_and_table_beside_the_rows_was_measured() -> None:
    assert {*SERIES, "ablation", "memory", "lag", "circumstances"} == set(json.loads(charts.SERIES.read_text()))


def test_the_tables_beside_the_rows_are_those_of_the_figures() -> None:
    parts = extras.page_parts(json.loads(charts.SERIES.read_text()))

    assert {mark: between(mark) for mark in ("charts", "ablation", "memory", "lag")} == parts


def test_the_ablation_is_of_the_switches_that_there_are() -> None:
    found = json.loads(charts.SERIES.read_text())["ablation"]["values"]

    assert {name: list(ways) for name, ways in found.items()} == {name: list(WAYS) for name in ABLATION}


def test_each_chart_is_what_its_program_draws() -> None:
    drawn = {path.stem: path.read_text() for path in charts.IMAGES.glob("*.svg")}

    assert drawn == charts.current()
    assert set(drawn) == {*SERIES, "ablation", "latency"}
