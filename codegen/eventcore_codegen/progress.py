"""How far a long run is, on a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TextIO, TypeAlias, final

Progress: TypeAlias = Callable[[int, int], None]
"""Hears how many files were read, and how many there are at most."""

_PATIENCE: Final = 1.0
_PAUSE: Final = 0.1
_CLEAR: Final = "\r\x1b[K"


@final
class TerminalProgress:
    """Shows one line on *stream* once a run takes longer than a second, and takes it away again. Shows nothing where nobody looks."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._next = clock() + _PATIENCE
        self._is_terminal = stream.isatty()
        self._is_shown = False

    def __call__(self, done: int, total: int) -> None:
        if self._is_terminal and self._clock() >= self._next:
            self._next = self._clock() + _PAUSE
            self._is_shown = True
            self._stream.write(f"{_CLEAR}eventcore: read {done} of {total} files")
            self._stream.flush()

    def end(self) -> None:
        if self._is_shown:
            self._stream.write(_CLEAR)
            self._stream.flush()
