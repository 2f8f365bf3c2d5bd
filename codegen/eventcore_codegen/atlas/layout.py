"""Lines of text for terminals of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

WIDTH: Final = 80
GAP: Final = "  "

_LONGEST_LABEL: Final = 30


def heading(text: str, place: object, indent: str = "") -> list[str]:
    """Return *text* with *place* at the right end of the line, or below it where both are too long for one."""
    room = WIDTH - len(indent) - len(text) - len(str(place))
    return [f"{indent}{text}{' ' * room}{place}"] if room >= len(GAP) else [f"{indent}{text}", f"{indent}{GAP}{place}"]


def table(rows: Iterable[Sequence[str]], indent: str = GAP) -> list[str]:
    """Return *rows* in columns; where those are too wide together, the last cell of each row stands on a line below it."""
    rows = [tuple(row) for row in rows]
    lines = _aligned(rows, indent)
    if all(len(line) <= WIDTH for line in lines):
        return lines
    heads = _aligned([row[:-1] for row in rows], indent)
    return [line for head, row in zip(heads, rows, strict=True) for line in (head, f"{indent}{GAP * 2}{row[-1]}")]


def _aligned(rows: Sequence[Sequence[str]], indent: str) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [indent + GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def labelled(rows: Iterable[tuple[str, Iterable[str]]], indent: str) -> Iterator[str]:
    """Yield a line, or as many as it takes, for each label with items; labels without any are left out.

    What follows a long label stands below it, so that it has no need to be narrow.
    """
    rows = [(label, list(items)) for label, items in rows]
    width = max((len(label) for label, items in rows if items and len(label) <= _LONGEST_LABEL), default=0)
    for label, items in rows:
        if items:
            is_long = len(label) > _LONGEST_LABEL
            if is_long:
                yield f"{indent}{label}"
            first = f"{indent}{'' if is_long else label:<{width}}{GAP}"
            rest = " " * len(first)
            yield from textwrap.wrap(
                ", ".join(items), WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
            )
