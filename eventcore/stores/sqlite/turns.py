"""Whose turn it is to write, among the threads of one store."""

from __future__ import annotations

import threading
import time
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
        self._taken_at = 0.0
        # Each is locked until it is the turn of whoever waits for it, since then.
        self._line: deque[tuple[threading.Lock, float]] = deque()

    @property
    def waiting(self) -> int:
        """How many stand in line."""
        return len(self._line)

    def kept_waiting(self) -> float:
        """Return for how many seconds whoever has it keeps the first in line waiting, 0.0 where nobody stands there."""
        with self._lock:
            return time.monotonic() - max(self._taken_at, self._line[0][1]) if self._line else 0.0

    def take(self, seconds: float) -> bool:
        """Return True once it is one's turn, False where it was not within so many seconds."""
        with self._lock:
            if not self._taken:
                self._taken, self._taken_at = True, time.monotonic()
                return True
            mine = threading.Lock()
            mine.acquire()
            place = mine, time.monotonic()
            self._line.append(place)
        if mine.acquire(timeout=min(seconds, threading.TIMEOUT_MAX)):
            return True
        with self._lock:
            if place not in self._line:
                return True  # it was handed over at the last moment
            self._line.remove(place)
            return False

    def give(self) -> None:
        """Hand it over to the next in line."""
        with self._lock:
            if self._line:
                self._taken_at = time.monotonic()
                self._line.popleft()[0].release()
            else:
                self._taken = False
