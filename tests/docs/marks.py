"""Pages of which a part is written by a program, between two marks."""

from __future__ import annotations

from pathlib import Path


def split(page: Path, begin: str, end: str) -> tuple[str, str, str]:
    """Return what stands before, between and behind the marks."""
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    between, ended, behind = rest.partition(end)
    if not (found and ended):
        raise ValueError(f"{page} has lost the lines {begin!r} and {end!r}")
    return before, between, behind


def put_between(page: Path, begin: str, end: str, text: str) -> None:
    before, _, behind = split(page, begin, end)
    page.write_text(f"{before}{begin}\n{text}\n{end}{behind}", encoding="utf-8")
