"""The sessions on the page are what the generator says today, in every mode."""

from __future__ import annotations

from tests.docs import generator_sessions
from tests.docs.marks import split


def test_the_recorded_sessions_go_as_the_page_shows_them() -> None:
    _, shown, _ = split(generator_sessions.PAGE, generator_sessions.BEGIN, generator_sessions.END)

    assert generator_sessions.recorded().strip() == shown.strip(), "run `python -m tests.docs.generator_sessions`, and read what it changed"
