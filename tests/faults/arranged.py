"""Faults that are arranged: each happens once, to the connection whose request holds its *marker* first."""

from __future__ import annotations

import asyncio
import struct
from collections import Counter
from typing import Final, Literal, final

from tests.faults.link import Link
from tests.faults.wire import Direction, Message

_FIELDS = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
_SHUT_DOWN: Final = b"E" + struct.pack("!i", 4 + len(_FIELDS)) + _FIELDS


class Fault:
    """It begins with the first request that holds *marker* and stays with that connection; *happened* is set when it has happened."""

    def __init__(self, *, marker: bytes = b"") -> None:
        self._marker = marker
        self._link: Link | None = None
        self.happened = asyncio.Event()

    @property
    def begun(self) -> bool:
        """Whether the marker has been met."""
        return self._link is not None

    def meet(self, link: Link, direction: Direction, message: Message) -> None:
        """Look at a message before it is passed on."""
        if self._link is None and direction == "request" and message.kind != "Startup" and self._marker in message.raw:
            self._link = link
        if self._link is link:
            self.concern(link, direction, message)

    def concern(self, link: Link, direction: Direction, message: Message) -> None:
        raise NotImplementedError


@final
class CutAtByte(Fault):
    """Cut when exactly *byte* bytes of *direction* have passed, counted from the marked request, or from the first reply after it."""

    def __init__(self, direction: Direction, byte: int, *, marker: bytes = b"") -> None:
        super().__init__(marker=marker)
        self._direction = direction
        self._left = byte

    def concern(self, link: Link, direction: Direction, message: Message) -> None:
        if direction != self._direction or self.happened.is_set():
            return
        if self._left <= len(message.raw):
            self.happened.set()
            link.cut_after(message.raw[: self._left])
        self._left -= len(message.raw)


@final
class CutAtMessage(Fault):
    """Cut before or after the *number*-th message (from 1) of a kind, such as "Sync" or "ReadyForQuery", the marked request included."""

    def __init__(
        self, direction: Direction, kind: str, *, number: int = 1, side: Literal["before", "after"] = "before", marker: bytes = b""
    ) -> None:
        super().__init__(marker=marker)
        self._direction = direction
        self._kind = kind
        self._left = number
        self._side = side

    def concern(self, link: Link, direction: Direction, message: Message) -> None:
        if direction != self._direction or message.kind != self._kind:
            return
        self._left -= 1
        if self._left == 0:
            self.happened.set()
            link.cut_after(b"" if self._side == "before" else message.raw)


@final
class DeliverAndCut(Fault):
    """Deliver the marked request whole, then cut: the server does the work, now or later, and nobody hears of it."""

    def concern(self, link: Link, direction: Direction, message: Message) -> None:
        if direction == "request" and message.kind in {"Sync", "Query"} and not self.happened.is_set():
            self.happened.set()
            link.cut_after(message.raw)


@final
class HoldReply(Fault):
    """Keep the replies to the marked request back until `release` passes them on, or `drop` cuts the connection."""

    def __init__(self, *, marker: bytes = b"") -> None:
        super().__init__(marker=marker)
        self._kept = bytearray()
        self._over = False

    def concern(self, link: Link, direction: Direction, message: Message) -> None:
        if direction == "reply" and not self._over:
            self._kept += message.raw
            link.swallow()
            self.happened.set()

    def release(self) -> None:
        self._end().to_client(bytes(self._kept))

    def drop(self) -> None:
        self._end().close()

    def _end(self) -> Link:
        assert self._link is not None, "no request held the marker"
        self._over = True
        return self._link


@final
class Tape(Fault):
    """Change nothing; tell how long the marked request and its replies were, up to the next ReadyForQuery."""

    def __init__(self, *, marker: bytes = b"") -> None:
        super().__init__(marker=marker)
        self.bytes: Counter[Direction] = Counter()
        self.kinds: list[tuple[Direction, str]] = []

    def concern(self, link: Link, direction: Direction, message: Message) -> None:
        if not self.happened.is_set():
            self.bytes[direction] += len(message.raw)
            self.kinds.append((direction, message.kind))
        if message.kind == "ReadyForQuery":
            self.happened.set()


@final
class ShutDown(Fault):
    """Say after the marked request that the server shuts down, as it tells a connection that waits; and leave the connection open.

    A client reads that before it learns that the connection ends, and may send something in between.
    """

    def concern(self, link: Link, direction: Direction, message: Message) -> None:
        if direction == "reply" and message.kind == "ReadyForQuery" and not self.happened.is_set():
            asyncio.get_running_loop().call_soon(self._say, link)

    def _say(self, link: Link) -> None:
        link.to_client(_SHUT_DOWN)
        self.happened.set()
