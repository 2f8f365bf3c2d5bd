"""Appends of one executor that are on their way.

A command that is decided while another one is writing its streams will conflict, for certain: it rests on states that are about to be old.
Waiting for the other to arrive costs nothing but the wait that both would have anyway, and saves a run, an append and its refusal. Nothing
depends on it: commands of other executors and other processes, and streams that are discovered later, meet in the store and conflict there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Final, NamedTuple, final

# A command whose streams are written by others again and again takes its chance in the store.
_PATIENCE: Final = 64


class _Flight(NamedTuple):
    loop: asyncio.AbstractEventLoop
    landed: asyncio.Event


@final
class InFlight:
    """Knows which streams are being written by this executor. Commands of different event loops do not wait for each other."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight] = {}

    async def landed(self, stream_ids: Iterable[str]) -> None:
        """Wait until nothing is on its way to any of the streams."""
        if not self._flights:
            return
        streams = list(stream_ids)
        loop = asyncio.get_running_loop()
        for _ in range(_PATIENCE):
            flights = [flight for id in streams if (flight := self._flights.get(id)) is not None and flight.loop is loop]
            if not flights:
                return
            await flights[0].landed.wait()

    @contextmanager
    def to(self, stream_ids: Iterable[str]) -> Generator[None]:
        """Be on the way to the streams while the body runs."""
        flight = _Flight(asyncio.get_running_loop(), asyncio.Event())
        streams = list(stream_ids)
        for stream_id in streams:
            self._flights[stream_id] = flight
        try:
            yield
        finally:
            for stream_id in streams:
                if self._flights.get(stream_id) is flight:
                    del self._flights[stream_id]
            flight.landed.set()
