"""Connections: made with patience, kept while the store is open, thrown away when they are lost."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, Literal, Protocol, TypeAlias, TypeVar, final

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from eventcore.stores.postgres.faults import (
    OF_THE_DRIVER,
    Faults,
    IdleTransaction,
    PoolExhausted,
    is_lost,
    is_only_reading,
    is_refused_connection,
    took_too_long,
)
from eventcore.stores.postgres.settings import Pool, Settings
from eventcore.stores.postgres.timelines import Timelines

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
T = TypeVar("T")

_FIRST_WAIT: Final = 0.05
_LONGEST_WAIT: Final = 1.0
# What is left to an answer that is late: to be looked for once more.
_GRACE: Final = 0.05
# How long those who have come are still answered when the store is closed.
LAST_ANSWERS: Final = 2.0


class Source(Protocol):
    """Where connections come from."""

    @property
    def reply_timeout(self) -> float | None:
        """Seconds for an answer, where the connections do not look after that by themselves."""
        ...

    async def take(self) -> Connection: ...

    async def give_back(self, connection: Connection) -> None: ...


@final
class DsnSource:
    """Makes connections of its own.

    They look after the time for an answer by themselves, with a timer for each statement; *watched*, they leave that to their session.
    """

    def __init__(self, dsn: str | None, settings: Settings, *, watched: bool = False) -> None:
        self.reply_timeout: Final = settings.reply_timeout if watched else None
        self._dsn = dsn
        self._settings = settings

    async def take(self) -> Connection:
        settings = self._settings
        # What is sent at the start must pass through a pooler too: nothing but what the user asked for.
        told = {} if settings.statement_timeout is None else {"statement_timeout": f"{settings.statement_timeout * 1000:.0f}ms"}
        return await asyncpg.connect(
            self._dsn,
            timeout=min(settings.reply_timeout, settings.patience),
            command_timeout=settings.reply_timeout if self.reply_timeout is None else None,
            statement_cache_size=settings.statement_cache_size,
            server_settings=told or None,
        )

    async def give_back(self, connection: Connection) -> None:
        await connection.close(timeout=5)


@final
class PoolSource:
    """Takes connections of a pool that the user made, and will close."""

    def __init__(self, pool: Pool, settings: Settings) -> None:
        # Unless the user thought of it (command_timeout=), they wait for ever.
        self.reply_timeout: Final = settings.reply_timeout
        self._pool = pool
        self._settings = settings

    async def take(self) -> Connection:
        pool = self._pool
        try:
            return await pool.acquire(timeout=self._settings.patience)
        except TimeoutError as error:
            if pool.get_idle_size() == 0 and pool.get_size() == (size := pool.get_max_size()):
                raise PoolExhausted(f"all {size} connections of the pool are in use") from error
            raise

    async def give_back(self, connection: Connection) -> None:
        assert isinstance(connection, PoolConnectionProxy), "what comes back was taken from the pool"  # noqa: S101
        await self._pool.release(connection, timeout=5)


def source_of(settings: Settings, *, watched: bool = False) -> Source:
    if isinstance(settings.source, asyncpg.Pool):
        return PoolSource(settings.source, settings)
    return DsnSource(settings.source, settings, watched=watched)


@final
class Patience:
    """How long a server that is away is waited for: *seconds*, which count anew from the first loss.

    Before that it is an answer that is waited for, perhaps for longer than a server would be.
    """

    __slots__ = ("_seconds", "_until")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: float | None = None

    def end(self) -> float:
        """Return the time (of `time.monotonic`) up to which a connection is looked for."""
        return time.monotonic() + self._seconds if self._until is None else self._until

    def is_over(self) -> bool:
        """Note that a connection was lost; tell whether no other one shall be made."""
        if self._until is not None:
            return time.monotonic() >= self._until
        self._until = self.end()
        return False


def has_ended(connection: Connection) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        # A pool has taken back what ended, and nobody may ask it anything any more.
        return True


def require_open(connection: Connection) -> None:
    """Raise `IdleTransaction` where *connection* has ended. Comes before what is asked on it in the middle of a transaction."""
    if has_ended(connection):
        raise IdleTransaction("its connection ended")


def terminate(connection: Connection) -> None:
    """End *connection* without a word to the server, unless it has ended."""
    if not has_ended(connection):
        connection.terminate()


@final
class Session:
    """One connection, used by one task at a time. It is made when it is needed, and made anew when it was lost."""

    def __init__(self, source: Source, faults: Faults, *, patience: float, timelines: Timelines | None = None) -> None:
        self._source = source
        self._faults = faults
        self._patience = patience
        self._timelines = timelines
        # The history that the connection belongs to, and will for as long as it lives; None where that is not sure.
        self.history: object = None
        self._connection: Connection | None = None
        self._closed = False
        # When the question was asked that is open now, and what looks after it from time to time: a timer for each would cost a lone command more.
        self._asked: float | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._silent = False

    @property
    def given_up_after(self) -> float | None:
        """Seconds from a question until its connection has been ended for want of an answer; None where that looks after it by itself."""
        seconds = self._source.reply_timeout
        return None if seconds is None else seconds + 2 * _GRACE

    async def connected(self, patience: Patience | None = None) -> Connection:
        """Return the connection, waiting for a server that is away, with this *patience* or the store's.

        Raises `StoreUnavailable`, and `StoreClosed` where it was closed meanwhile.
        """
        if self._connection is not None and not has_ended(self._connection) and self._is_of_now():
            return self._connection
        await self.drop()
        began = time.monotonic()
        deadline = (patience or Patience(self._patience)).end()
        wait = _FIRST_WAIT
        while not self._closed:
            try:
                self._connection = connection = await self._source.take()
                if self._timelines is not None:
                    self.history = await self._minding(self.in_time(self._timelines.meet(connection)))
            except ssl.SSLCertVerificationError as error:  # a ValueError as well
                raise self._faults.uncertified(error) from error
            except ValueError:
                # Of the driver's own words about a DSN nobody knows which part of it they quote.
                raise self._faults.unreadable() from None
            except Exception as error:
                if is_refused_connection(error):
                    raise self._faults.turned_away(error) from error
                if not is_lost(error) and not isinstance(error, asyncpg.PostgresError):
                    raise
                if time.monotonic() + wait >= deadline:
                    raise self._faults.unreachable(time.monotonic() - began, error) from error
            else:
                return await self._still_open(connection)
            await self.drop()
            await asyncio.sleep(wait * random.uniform(0.5, 1))  # noqa: S311 - chance, not secrecy
            wait = min(2 * wait, _LONGEST_WAIT)
        raise self._faults.closed()

    def _is_of_now(self) -> bool:
        """Tell whether the connection is of the history that the store has now: another one may have found its server replaced."""
        return self._timelines is None or self.history is self._timelines.history.now

    async def _still_open(self, connection: Connection) -> Connection:
        """Return *connection*, unless the session was closed while it was made: nobody else would give it back."""
        if self._closed:
            await self.close()
            raise self._faults.closed()
        return connection

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """Run one statement on the connection, which must be there. A connection that is lost meanwhile is given up."""
        connection = self._connection
        assert connection is not None, "connected() comes first"  # noqa: S101
        return await self._minding(self.in_time(connection.fetch(sql, *args)))

    async def fetch_in(self, sql: str, *args: object, isolation: Literal["read_committed"]) -> list[asyncpg.Record]:
        """Run one statement as `fetch` does, in a transaction that says how isolated it is: two more round trips."""

        async def act(connection: Connection) -> list[asyncpg.Record]:
            async with connection.transaction(isolation=isolation):
                return await connection.fetch(sql, *args)

        return await self.do(lambda connection: self.in_time(act(connection)))

    async def do(self, act: Callable[[Connection], Awaitable[T]]) -> T:
        """Do *act* on the connection, which must be there, once; it asks `in_time`. A connection that is lost meanwhile is given up."""
        connection = self._connection
        assert connection is not None, "connected() comes first"  # noqa: S101
        return await self._minding(act(connection))

    async def run(self, act: Callable[[Connection], Awaitable[T]], *, patience: float | None = None) -> T:
        """Do *act*, which changes nothing or may be done twice, on a connection; on another one where the first is lost meanwhile."""
        waiting = Patience(self._patience if patience is None else patience)
        while True:
            connection = await self.connected(waiting)
            try:
                return await self._minding(self.in_time(act(connection)))
            except Exception as error:
                if self._closed:
                    raise self._faults.closed() from error
                if not is_lost(error) or waiting.is_over():
                    raise self._faults.translate(error) from error

    async def in_time(self, work: Awaitable[T]) -> T:
        """Wait for *work*, which asks the server, no longer than for an answer: then the connection is ended, and `TimeoutError` raised."""
        self._asked = time.monotonic()
        if self._watch is None:
            self._look()
        try:
            return await work
        except Exception as error:
            if self._silent:
                raise TimeoutError(f"no answer for {self._source.reply_timeout:g} seconds") from error
            if (said := error.__cause__) is not None and took_too_long(said):
                # What the driver makes of it would be a connection that was lost, and nobody could tell what was done.
                raise said from None
            raise
        finally:
            self._asked = None
            self._silent = False

    def _look(self) -> None:
        """See whether the server has been silent for too long; else look again when that can be so."""
        self._watch = None
        seconds, asked, connection = self._source.reply_timeout, self._asked, self._connection
        if seconds is None or asked is None or connection is None:
            return
        left = asked + seconds - time.monotonic()
        if left > 0:
            self._watch = asyncio.get_running_loop().call_later(left, self._look)
        else:
            # Where the loop was held up, by the program or by a machine that slept, the answer may be there and nobody has looked yet.
            self._watch = asyncio.get_running_loop().call_later(_GRACE, self._end, asked)

    def _end(self, asked: float) -> None:
        """End the connection, unless what was asked at that time has been answered after all."""
        connection = self._connection
        if connection is None or self._asked != asked:
            self._look()
            return
        self._watch = None
        self._silent = True
        terminate(connection)

    async def _minding(self, work: Awaitable[T]) -> T:
        try:
            return await work
        except BaseException as error:
            if is_lost(error) or is_only_reading(error) or not isinstance(error, Exception):
                await self.drop()
            raise

    def _unwatch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    async def drop(self) -> None:
        """Give the connection up without a word to the server, which may be gone."""
        self._unwatch()
        connection, self._connection = self._connection, None
        if connection is not None:
            terminate(connection)
            await self._return(connection)

    async def close(self) -> None:
        """Give the connection back, and make no other one: who still asks, or waits for an answer, is refused."""
        self._closed = True
        self._unwatch()
        connection, self._connection = self._connection, None
        if connection is not None:
            await self._return(connection)

    async def _return(self, connection: Connection) -> None:
        try:
            await self._source.give_back(connection)
        except OF_THE_DRIVER:
            # It is given up either way.
            terminate(connection)


@final
class Sessions:
    """A few sessions for work that is not shared: whoever comes takes a free one, or waits for it."""

    def __init__(self, sessions: list[Session]) -> None:
        self._free = list(sessions)
        self._all = tuple(sessions)
        self._some = asyncio.Semaphore(len(sessions))

    async def run(self, act: Callable[[Connection], Awaitable[T]], *, patience: float | None = None) -> T:
        async with self._some:
            session = self._free.pop()
            try:
                return await session.run(act, patience=patience)
            finally:
                self._free.append(session)

    async def close(self) -> None:
        """Let those who have come be answered, unless that takes long; then close the sessions."""
        taken = 0
        try:
            async with asyncio.timeout(LAST_ANSWERS):
                for _ in self._all:
                    await self._some.acquire()
                    taken += 1
        except TimeoutError:
            pass
        await close_all(self._all)
        for _ in range(taken):
            self._some.release()


async def close_all(sessions: Iterable[Session]) -> None:
    """Close *sessions* at the same time: a server that went silent is waited for once."""
    await asyncio.gather(*(session.close() for session in sessions))
