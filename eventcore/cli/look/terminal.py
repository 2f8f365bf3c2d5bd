"""What is printed for people: columns that fit the terminal, colours where there is one, and nothing that a terminal would obey."""

from __future__ import annotations

import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final, Literal, TypeAlias, final

import attrs

Style: TypeAlias = Literal["plain", "dim", "bold", "cyan", "green", "yellow", "red"]

_CODES: Final[dict[Style, str]] = {"plain": "", "dim": "2", "bold": "1", "cyan": "36", "green": "32", "yellow": "33", "red": "31"}
# Control characters of both kinds, line separators, halves of surrogate pairs, and what turns the direction of writing: data is no command.
_OBEYED: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_GAP: Final = "  "
# A column that may be shortened keeps at least this.
_NARROWEST: Final = 8


@final
@attrs.frozen
class Terminal:
    """Where output goes. *width* in columns; None: no terminal, nothing is shortened."""

    width: int | None
    coloured: bool

    @staticmethod
    def of_stdout() -> Terminal:
        if not sys.stdout.isatty():
            return Terminal(None, coloured=False)
        coloured = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return Terminal(shutil.get_terminal_size().columns, coloured=coloured)

    def styled(self, text: str, style: Style) -> str:
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.coloured and _CODES[style] and text else text


@final
@attrs.frozen
class Column:
    """*shrinks*: it may be shortened where the terminal is narrow; the last column that may takes what is left."""

    title: str
    style: Style = "plain"
    right: bool = False
    shrinks: bool = False


@final
class Table:
    """Rows in columns that grow with what comes, so that a table can be printed piece by piece."""

    def __init__(self, terminal: Terminal, columns: Sequence[Column]) -> None:
        self._terminal = terminal
        self._columns = columns
        self._widths = [len(column.title) for column in columns]
        self._headed = False

    def lines(self, rows: Iterable[Sequence[str]]) -> Iterable[str]:
        """Return the lines of *rows*, before the first of all the titles."""
        safe = [[harmless(cell) for cell in row] for row in rows]
        for row in safe:
            self._widths = [max(width, width_of(cell)) for width, cell in zip(self._widths, row, strict=True)]
        widths = self._fitting()
        if not self._headed and safe:
            self._headed = True
            yield self._line([column.title for column in self._columns], widths, heading=True)
        for row in safe:
            yield self._line(row, widths, heading=False)

    def _fitting(self) -> list[int]:
        """Return widths that fit the terminal: what may shrink does, the widest first."""
        widths = list(self._widths)
        if self._terminal.width is None:
            return widths
        room = self._terminal.width - len(_GAP) * (len(widths) - 1)
        shrinking = [at for at, column in enumerate(self._columns) if column.shrinks]
        while sum(widths) > room and shrinking:
            widest = max(shrinking, key=lambda at: widths[at])
            if widths[widest] <= _NARROWEST:
                break
            widths[widest] -= 1
        return widths

    def _line(self, cells: Sequence[str], widths: Sequence[int], *, heading: bool) -> str:
        parts: list[str] = []
        for at, (cell, column, width) in enumerate(zip(cells, self._columns, widths, strict=True)):
            text = shortened(cell, width) if column.shrinks or heading else cell
            space = " " * max(0, width - width_of(text))
            styled = self._terminal.styled(text, "dim" if heading else column.style)
            last = at == len(self._columns) - 1
            parts.append(space + styled if column.right else styled if last else styled + space)
        return _GAP.join(parts).rstrip()


def harmless(text: str) -> str:
    r"""Return *text* with every character that a terminal would obey written as ``\u009b``, which is the same in JSON."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def width_of(text: str) -> int:
    """Return how many columns *text* takes."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def shortened(text: str, width: int) -> str:
    """Return *text*, or as much of it as fits *width* columns with an ellipsis."""
    if width_of(text) <= width:
        return text
    kept, used = "", 1
    for one in text:
        used += width_of(one)
        if used > width:
            break
        kept += one
    return f"{kept}…"
