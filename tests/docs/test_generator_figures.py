"""How fast the generator is, no page says by hand."""

from __future__ import annotations

import re

from benchmarks import generate_report


def test_the_page_shows_what_the_benchmark_wrote_last() -> None:
    assert generate_report.shown() == generate_report.for_people(generate_report.read()), "run `python -m benchmarks.generate`"


def test_no_seconds_stand_beside_the_table() -> None:
    page = generate_report.PAGE.read_text(encoding="utf-8").replace(generate_report.shown(), "")

    assert re.findall(r"\b\d[\d.]* ?(?:ms|s|seconds?)\b", page) == []
