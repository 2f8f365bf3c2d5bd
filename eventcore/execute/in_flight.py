"""Appends of one executor that are on their way.

A command that is decided while another one is writing its streams will conflict, for certain: it rests on states that are about to be old.
Waiting for the other to arrive costs nothing but the wait that both would have anyway, and saves a run, an append and its refusal. Nothing
depends on it: commands of other executors and other processes, and streams that are discovered later, meet in the store and conflict there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final, final

# A command whose streams are written by others again and again takes its chance in the store.
_PATIENCE: Final = 64


@final
class InFlight:
    """Knows which streams are being written by this executor. Commands of different event loops do not wait for each other."""

    def __init__(self) -> None:
        self._flights: dict[str, Flight] = {}

    def hinders(self, stream_ids: Iterable[str]) -> bool:
        """Tell whether something is on its way to one of the streams."""
        flights = self._flights
        if flights:
            for stream_id in stream_ids:
                if stream_id in flights:
                    return True
        return False

    async def landed(self, stream_ids: Sequence[str]) -> None:
        """Wait until nothing is on its way to any of the streams."""
        loop = asyncio.get_running_loop()
        for _ in range(_PATIENCE):
            flight = next((flight for id in stream_ids if (flight := self._flights.get(id)) is not None and flight.loop is loop), None)
            if flight is None:
                return
            await flight.landed()

    def to(self, stream_ids: Sequence[str]) -> Flight:
        """Return a context manager: while its body runs, something is on its way to the streams."""
        return Flight(self._flights, stream_ids)


@final
class Flight:
    """One append on its way. Every command makes one and few are waited for, so the event to wait for is made when somebody does."""

    __slots__ = ("_event", "_flights", "_streams", "loop")

    def __init__(self, flights: dict[str, Flight], stream_ids: Sequence[str]) -> None:
        self.loop = asyncio.get_running_loop()
        self._flights = flights
        self._streams = stream_ids
        self._event: asyncio.Event | None = None

    async def landed(self) -> None:
        if self._event is None:
            self._event = asyncio.Event()
        await self._event.wait()

    def __enter__(self) -> None:
        for stream_id in self._streams:
            self._flights[stream_id] = self

    def __exit__(self, *exc_info: object) -> None:
        for stream_id in self._streams:
            if self._flights.get(stream_id) is self:
                del self._flights[stream_id]
        if self._event is not None:
            self._event.set()
