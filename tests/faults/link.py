"""One connection through the proxy: a client's end, a server's end, and what may happen in between."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol, cast, final

from tests.faults.wire import Direction, Framer, Message, NotUnderstood

Connect = Callable[[Callable[[], asyncio.Protocol]], Awaitable[object]]


class Traffic(Protocol):
    """What a link asks the proxy for."""

    round_trip: float
    black_hole: bool
    refusing: bool

    def look(self, link: Link, direction: Direction, message: Message) -> None: ...
    def joined(self, link: Link) -> None: ...
    def left(self, link: Link) -> None: ...
    def complain(self, error: Exception) -> None: ...


@final
class Link:
    """Passes messages on, each after the proxy has looked at it."""

    def __init__(self, traffic: Traffic, connect: Connect) -> None:
        self._traffic = traffic
        self._connect = connect
        self._framers = {"request": Framer("request"), "reply": Framer("reply")}
        self._late: deque[bytes] = deque()
        self._early = bytearray()
        self._joining: asyncio.Task[object] | None = None
        self._closed = False
        self._instead: bytes | None = None
        self._cut = False
        self.client = _End(self._accepted, self._from_client, self.close)
        self.server = _End(self._connected, self._from_server, self.close)

    def cut_after(self, last: bytes) -> None:
        """Pass on *last* in place of the message that is being looked at, then cut: to be called while it is looked at."""
        self._instead, self._cut = last, True

    def swallow(self) -> None:
        """Do not pass on the message that is being looked at."""
        self._instead = b""

    def to_client(self, data: bytes) -> None:
        if not self._closed:
            self.client.write(data)

    def close(self) -> None:
        """End both ends. What was passed on still arrives; a client learns of the end at once, by a reset, unless something is on its way to it."""
        if self._closed:
            return
        self._closed = True
        self._late.clear()
        if self._joining is not None:
            self._joining.cancel()
        self.server.finish()
        self.client.finish()
        self._traffic.left(self)

    def _accepted(self) -> None:
        self._traffic.joined(self)
        if self._traffic.refusing:
            self.close()
        else:
            self._joining = asyncio.ensure_future(self._join())

    async def _join(self) -> None:
        try:
            await self._connect(lambda: self.server)
        except OSError:
            # There is no server: a client of it would be told so in the same way.
            self._joining = None
            self.close()

    def _connected(self) -> None:
        self._joining = None
        early, self._early = bytes(self._early), bytearray()
        if early:
            self.server.write(early)

    def _from_client(self, data: bytes) -> None:
        self._pass_on("request", data, self._to_server_later if self._traffic.round_trip else self._to_server)

    def _from_server(self, data: bytes) -> None:
        self._pass_on("reply", data, self.client.write)

    def _pass_on(self, direction: Direction, data: bytes, write: Callable[[bytes], None]) -> None:
        if self._traffic.black_hole or self._closed:
            return
        try:
            messages = self._framers[direction].feed(data)
        except NotUnderstood as error:
            self._traffic.complain(error)
            self.close()
            return
        passing: list[bytes] = []
        for message in messages:
            if message.kind in {"SSLRequest", "GSSENCRequest"}:
                self._framers["reply"].expect_one_byte()
            self._traffic.look(self, direction, message)
            passing.append(message.raw if self._instead is None else self._instead)
            self._instead = None
            if self._cut:
                break
        if passed := b"".join(passing):
            write(passed)
        if self._cut:
            self.close()

    def _to_server(self, data: bytes) -> None:
        if self.server.is_open:
            self.server.write(data)
        else:
            self._early += data

    def _to_server_later(self, data: bytes) -> None:
        # Two calls for the same moment may come in either order; what they pass on must not.
        self._late.append(data)
        asyncio.get_running_loop().call_later(self._traffic.round_trip, self._next_late)

    def _next_late(self) -> None:
        if self._late:
            self._to_server(self._late.popleft())


@final
class _End(asyncio.Protocol):
    def __init__(self, opened: Callable[[], None], received: Callable[[bytes], None], lost: Callable[[], None]) -> None:
        self._opened = opened
        self._received = received
        self._lost = lost
        self._transport: asyncio.Transport | None = None

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    def write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)

    def finish(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        connection: socket.socket = transport.get_extra_info("socket")
        if connection.family in {socket.AF_INET, socket.AF_INET6}:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._opened()

    def data_received(self, data: bytes) -> None:
        self._received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost()
