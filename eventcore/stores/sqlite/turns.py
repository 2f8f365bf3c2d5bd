"""Whose turn it is to write, among the threads of one store."""

from __future__ import annotations

import threading
from collections import deque
from typing import final


@final
class Turns:
    """A lock that is given in the order in which it was asked for.

    SQLite's own lock goes to whoever asks at the right moment: who gives it back and asks again at once, as one that catches up does, would have it
    nearly always.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False
        # Each is locked until it is the turn of whoever waits for it.
        self._line: deque[threading.Lock] = deque()

    @property
    def waiting(self) -> int:
        """How many stand in line."""
        return len(self._line)

    def take(self, seconds: float) -> bool:
        """Return True once it is one's turn, False where it was not within so many seconds."""
        with self._lock:
            if not self._taken:
                self._taken = True
                return True
            mine = threading.Lock()
            mine.acquire()
            self._line.append(mine)
        if mine.acquire(timeout=min(seconds, threading.TIMEOUT_MAX)):
            return True
        with self._lock:
            if mine not in self._line:
                return True  # it was handed over at the last moment
            self._line.remove(mine)
            return False

    def give(self) -> None:
        """Hand it over to the next in line."""
        with self._lock:
            if self._line:
                self._line.popleft().release()
            else:
                self._taken = False
