"""Calls that wait for the same thing go together.

A lane is one queue and a few tasks that serve it, each with a connection of its own. A task that becomes free takes what came in meanwhile, up to a
bound, and shares it with the other tasks that are free. There is no timer: a lone call goes at once. The tasks are the store's own, so that a caller
who goes away takes nothing along but its own place in the queue.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Generic, TypeVar, final

from eventcore.errors import StoreClosed

T = TypeVar("T")
C = TypeVar("C", bound="Call[Any]")

# Fewer calls than this are not worth a second connection.
_WORTH_SHARING: Final = 8


class Call(Generic[T]):
    """One awaited answer. *weight* is its share of a batch."""

    __slots__ = ("future", "weight")

    def __init__(self, weight: int) -> None:
        self.weight = weight
        self.future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def give(self, answer: T) -> None:
        if not self.future.done():
            self.future.set_result(answer)

    def fail(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)


@final
class Lane(Generic[C]):
    """Serves calls. *servers* are coroutine functions that answer every call they are given; each is run by one task, one batch at a time."""

    def __init__(
        self, name: str, servers: Sequence[Callable[[Sequence[C]], Awaitable[None]]], *, max_weight: int, refuse: Callable[[], StoreClosed]
    ) -> None:
        self._queue: deque[C] = deque()
        self._idle: list[asyncio.Future[None]] = []
        self._max_weight = max_weight
        self._refuse = refuse
        self._closing = False
        self._loop = asyncio.get_running_loop()
        self._tasks = [asyncio.create_task(self._serve(server), name=f"{name}-{number}") for number, server in enumerate(servers)]

    async def ask(self, call: C) -> Any:
        """Queue *call* and return its answer."""
        if self._closing:
            raise self._refuse()
        self._queue.append(call)
        if self._idle:
            _wake(self._idle.pop())
        return await call.future

    async def close(self) -> None:
        """Answer what is queued, then end."""
        self._closing = True
        for waker in self._idle:
            _wake(waker)
        self._idle.clear()
        await asyncio.gather(*self._tasks)

    async def _serve(self, server: Callable[[Sequence[C]], Awaitable[None]]) -> None:
        while True:
            if not self._queue:
                if self._closing:
                    return
                waker = self._loop.create_future()
                self._idle.append(waker)
                await waker
                continue
            calls = self._take()
            try:
                await server(calls)
            except Exception as error:  # noqa: BLE001 - it goes to those who wait
                for call in calls:
                    call.fail(error)

    def _take(self) -> list[C]:
        queue = self._queue
        fair = len(queue)
        if fair >= _WORTH_SHARING and self._idle:
            fair = -(-fair // (1 + len(self._idle)))
        taken: list[C] = []
        weight = 0
        while queue and len(taken) < fair and (not taken or weight + queue[0].weight <= self._max_weight):
            call = queue.popleft()
            # Who went away is left out; from here on a call is on its way.
            if not call.future.done():
                taken.append(call)
                weight += call.weight
        if queue and self._idle:
            _wake(self._idle.pop())
        return taken


def _wake(waker: asyncio.Future[None]) -> None:
    if not waker.done():
        waker.set_result(None)
