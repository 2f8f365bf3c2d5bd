"""Who waits for events, and how they are woken."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import final


@final
class Waiters:
    """Event loops whose callers wait. A commit of this process wakes them at once; those of others are found by looking."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    @contextmanager
    def waiting(self) -> Generator[asyncio.Event]:
        """Be woken, from here on, through the event: it is set whenever something was committed."""
        event = asyncio.Event()
        with self._lock:
            self._events[event] = asyncio.get_running_loop()
        try:
            yield event
        finally:
            with self._lock:
                del self._events[event]

    def wake(self) -> None:
        """Tell everybody to look again. From any thread."""
        if not self._events:
            return
        with self._lock:
            waiting = list(self._events.items())
        for event, loop in waiting:
            try:
                loop.call_soon_threadsafe(event.set)
            except RuntimeError:
                if not loop.is_closed():
                    raise
                # Closed together with those who waited on it.
