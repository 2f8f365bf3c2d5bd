"""A proxy between a store and its PostgreSQL server that knows where messages begin and end, and does to them what networks do.

::

    async with FaultProxy(dsn) as proxy, PostgresEventStore(proxy.dsn) as store:
        cut = proxy.arm(CutAtByte("request", 40, marker=b"account-1"))
        ...
        assert cut.happened.is_set()

What happens once, to one connection, is armed (`arranged`); what happens to all is a setting: *round_trip*, *refusing*, *black_hole*.
`FaultProxy` runs in the event loop that opened it, `LatencyProxy` in a thread of its own, for what must not share its loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Final, Self, TypeVar, final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import attrs

from tests.faults.arranged import Fault
from tests.faults.link import Link
from tests.faults.wire import Direction, Message

F = TypeVar("F", bound=Fault)

_PORT: Final = 5432


@final
@attrs.frozen
class Target:
    """Where a DSN leads to: a port of a host, or a socket in a folder."""

    dsn: str
    host: str
    port: int

    @classmethod
    def of(cls, dsn: str) -> Self:
        parts = urlsplit(dsn)
        options = dict(parse_qsl(parts.query))
        host = parts.hostname or options.get("host", "localhost")
        return cls(dsn, host, parts.port or int(options.get("port", _PORT)))

    async def connect(self, factory: Callable[[], asyncio.Protocol]) -> object:
        loop = asyncio.get_running_loop()
        if self.host.startswith("/"):
            return await loop.create_unix_connection(factory, f"{self.host}/.s.PGSQL.{self.port}")
        return await loop.create_connection(factory, self.host, self.port)

    def dsn_at(self, port: int) -> str:
        """Return the DSN that leads to *port* of this machine instead, unencrypted, everything else as it was."""
        parts = urlsplit(self.dsn)
        who = parts.netloc.rpartition("@")[0]
        options = {name: value for name, value in parse_qsl(parts.query) if name not in {"host", "port", "sslmode"}}
        options["sslmode"] = "disable"
        return urlunsplit(
            (parts.scheme, f"{who}@127.0.0.1:{port}" if who else f"127.0.0.1:{port}", parts.path, urlencode(options, quote_via=quote), "")
        )


@final
class FaultProxy:
    """Listens on a port of this machine, and passes on to the server of *dsn*; ``async with`` opens and closes it.

    *round_trip*: seconds that a round trip takes longer. Requests are held back for so long, in their order; replies pass at once.
    *refusing*: new connections are closed at once. *black_hole*: whatever either side sends is swallowed, and nobody is told.
    """

    def __init__(self, dsn: str, *, round_trip: float = 0.0) -> None:
        self._target = Target.of(dsn)
        self.round_trip = round_trip
        self.refusing = False
        self.black_hole = False
        self.accepted = 0
        self._faults: list[Fault] = []
        self._links: set[Link] = set()
        self._complaints: list[Exception] = []
        self._listening: asyncio.Server | None = None

    @property
    def dsn(self) -> str:
        """The DSN of the proxy: that of the server, at another place and unencrypted."""
        assert self._listening is not None, "the proxy is not open"
        return self._target.dsn_at(self._listening.sockets[0].getsockname()[1])

    @property
    def connections(self) -> int:
        """How many are open now."""
        return len(self._links)

    async def __aenter__(self) -> Self:
        self._listening = await asyncio.get_running_loop().create_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        assert self._listening is not None
        self._listening.close()
        self.cut_all()
        if self._complaints:
            raise ExceptionGroup("the proxy did not understand what passed through it", self._complaints)

    def arm(self, fault: F) -> F:
        """Let *fault* look at every message from now on; several may."""
        self._faults.append(fault)
        return fault

    def disarm(self) -> None:
        """Let everything pass that is not held yet."""
        self._faults.clear()

    def cut_all(self) -> None:
        """Cut every connection at once."""
        for link in list(self._links):
            link.close()

    def look(self, link: Link, direction: Direction, message: Message) -> None:
        for fault in self._faults:
            fault.meet(link, direction, message)

    def joined(self, link: Link) -> None:
        self.accepted += 1
        self._links.add(link)

    def left(self, link: Link) -> None:
        self._links.discard(link)

    def complain(self, error: Exception) -> None:
        self._complaints.append(error)

    def _accept(self) -> asyncio.Protocol:
        return Link(self, self._target.connect).client


@final
class LatencyProxy:
    """Let each round trip to the server of *dsn* take *round_trip* seconds longer. In a thread of its own; ``with`` opens and closes it.

    For measuring: what is measured does not share its event loop with the proxy, only the interpreter; and *dsn* may be handed to other processes.
    """

    def __init__(self, dsn: str, *, round_trip: float) -> None:
        self._proxy = FaultProxy(dsn, round_trip=round_trip)
        self._open = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._closing = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),), name="latency-proxy")

    @property
    def dsn(self) -> str:
        return self._proxy.dsn

    def __enter__(self) -> Self:
        self._thread.start()
        self._open.wait()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()
        self._loop.close()

    async def _run(self) -> None:
        async with self._proxy:
            self._open.set()
            await self._closing.wait()
