"""Who waits for events, and how they are woken: at once by this process, by NOTIFY from others, by a slow look where neither comes through."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final, final

from eventcore.errors import StoreError
from eventcore.stores.postgres.connections import Connection, Session, Sessions, has_ended
from eventcore.stores.postgres.faults import is_only_reading
from eventcore.stores.postgres.statements import Schema

_log = logging.getLogger("eventcore.postgres")

# Seconds. Many commits of a moment are told to other processes in one go, and never inside their transactions: telling each would cost a lone writer
# a tenth of its time.
_TOLD_TOGETHER: Final = 0.02
# And how long the last ones may take.
_LAST_WORDS: Final = 2.0
# The news is of what is on the disk already, and need not get there itself.
_TELL: Final = "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, '')"
# How often a connection that listens is looked after.
_HEARTBEAT: Final = 5.0
_LISTEN_AGAIN: Final = 0.5
# Nobody can listen to a standby, until it takes over.
_LISTEN_TO_STANDBY: Final = 30.0


@final
class Waiters:
    """Callers that wait for news."""

    def __init__(self) -> None:
        self._events: set[asyncio.Event] = set()

    @contextmanager
    def waiting(self) -> Generator[asyncio.Event]:
        """Be woken, from here on, through the event: it is set whenever something may have been committed."""
        event = asyncio.Event()
        self._events.add(event)
        try:
            yield event
        finally:
            self._events.discard(event)

    def wake(self) -> None:
        for event in self._events:
            event.set()


@final
class Teller:
    """Tells other processes that something was committed: soon, once for many commits, on a connection of its own choice."""

    def __init__(self, sessions: Sessions, schema: Schema) -> None:
        self._sessions = sessions
        self._channel = schema.channel
        self._task: asyncio.Task[None] | None = None
        self._again = False
        self._closing = asyncio.Event()

    def tell(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._tell(), name="eventcore-tell")
        else:
            self._again = True

    async def _tell(self) -> None:
        try:
            while True:
                self._again = False
                await self._sessions.run(lambda connection: connection.execute(_TELL, self._channel))
                await self._pause()
                if not self._again:
                    return
        except StoreError as error:
            # Whoever was to be told looks by itself, a little later.
            _log.warning("other processes could not be told of new events: %s", error)
        finally:
            self._task = None

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(_TOLD_TOGETHER):
                await self._closing.wait()
        except TimeoutError:
            return

    async def close(self) -> None:
        """Tell what is still to be told, unless the server takes long: whoever was to be told looks by itself."""
        self._closing.set()
        if self._task is not None:
            _, late = await asyncio.wait([self._task], timeout=_LAST_WORDS)
            for task in late:
                task.cancel()
                await asyncio.wait([task])


@final
class Listener:
    """Wakes the waiters when another process tells of a commit. It begins with the first who waits, and heals by itself."""

    def __init__(self, session: Session, schema: Schema, wake: Callable[[], None]) -> None:
        self._session = session
        self._channel = schema.channel
        self._wake = wake
        self._task: asyncio.Task[None] | None = None
        self.listening = False

    def begin(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._listen(), name="eventcore-listen")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._session.drop()

    async def _listen(self) -> None:
        while True:
            try:
                connection = await self._session.connected()
                await self._session.in_time(connection.add_listener(self._channel, self._heard))
                self.listening = True
                # What was told while nobody listened was not heard.
                self._wake()
                await _until_lost(connection)
                again = _LISTEN_AGAIN
            except Exception as error:  # noqa: BLE001 - a listener that ends is begun anew, whatever it met
                _log.info("listening for events of other processes was interrupted: %s", error)
                again = _LISTEN_TO_STANDBY if is_only_reading(error) else _LISTEN_AGAIN
            self.listening = False
            # Whoever waits shall look more often now, and for what was told to a connection that was lost already.
            self._wake()
            await self._session.drop()
            await asyncio.sleep(again)

    def _heard(self, *_: object) -> None:
        self._wake()


async def _until_lost(connection: Connection) -> None:
    """Return when the connection has ended, or raise what it answers when it is asked whether it lives."""
    ended = asyncio.Event()
    connection.add_termination_listener(lambda _: ended.set())
    while not has_ended(connection):
        try:
            async with asyncio.timeout(_HEARTBEAT):
                await ended.wait()
        except TimeoutError:
            await connection.execute("SELECT 1", timeout=_HEARTBEAT)
