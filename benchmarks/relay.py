"""Stand between a client and the server, and let each message to the server take longer: `python -m benchmarks.relay PORT SECONDS`.

A process of its own, so that no contestant shares its event loop. It prints the port that it listens on. Messages to the server are held back
for the time given, in their order; replies pass at once: each round trip takes so much longer.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast, final


@final
class End(asyncio.Protocol):
    """One end of a connection: what it receives goes to the other after *delay* seconds."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self.other: End | None = None
        self.transport: asyncio.Transport | None = None
        self._held: deque[bytes] = deque()
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        if self._delay:
            # Two calls for the same moment may come in either order, what they pass on must not.
            self._held.append(data)
            asyncio.get_running_loop().call_later(self._delay, self._release)
        else:
            self._pass_on(data)

    def _release(self) -> None:
        self._pass_on(self._held.popleft())

    def _pass_on(self, data: bytes) -> None:
        if self.other is None or self.other.transport is None:
            self._early.append(data)
        else:
            self.other.transport.write(data)

    def joined(self, other: End) -> None:
        self.other = other
        for data in self._early:
            self._pass_on(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()


async def relay(target: int, delay: float) -> None:
    loop = asyncio.get_running_loop()
    joining: set[asyncio.Task[None]] = set()

    async def join(client: End) -> None:
        _, server = await loop.create_connection(lambda: End(0), "127.0.0.1", target)
        server.joined(client)
        client.joined(server)

    def accept() -> End:
        client = End(delay)
        task = loop.create_task(join(client))
        joining.add(task)
        task.add_done_callback(joining.discard)
        return client

    listening = await loop.create_server(accept, "127.0.0.1", 0)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await listening.serve_forever()


@contextmanager
def running(target: int, delay: float) -> Iterator[int]:
    """Run a relay to the port *target* in a process of its own; give the port to connect to."""
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "benchmarks.relay", str(target), str(delay)], stdout=subprocess.PIPE, text=True
    )
    try:
        yield int(cast("IO[str]", process.stdout).readline())
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=int)
    parser.add_argument("delay", type=float)
    options = parser.parse_args()
    asyncio.run(relay(options.target, options.delay))
