"""Calls that wait for the same thing go together.

A lane is one queue and a few tasks that serve it, each with a connection of its own. A lone call goes at once. What comes in while one task is at
work waits for it, up to a bound, and goes together: only where much waits, or where the one at work is held up, does a free task help. The tasks
are the store's own, so that a caller who goes away takes nothing along but its own place in the queue.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Generic, TypeVar, final

from eventcore.errors import StoreClosed

T = TypeVar("T")
C = TypeVar("C", bound="Call[Any]")

# What is not worth a second connection gets one after so many seconds: a lock, say, may hold the first one up.
_HELD_UP: Final = 0.005


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
    """Serves calls. *servers* are coroutine functions that answer every call they are given; each is run by one task, one batch at a time.

    A batch weighs at most *max_weight*. What waits is divided among the tasks that are free, where each share weighs *worth* at least.

    Set *one_at_a_time* while their batches would only wait for one another: then all that waits goes together, and no free task helps.
    """

    def __init__(
        self,
        name: str,
        servers: Sequence[Callable[[Sequence[C]], Awaitable[None]]],
        *,
        max_weight: int,
        worth: int,
        refuse: Callable[[], StoreClosed],
    ) -> None:
        self.one_at_a_time = False
        self._queue: deque[C] = deque()
        self._weight = 0
        self._at_work = 0
        self._idle: list[asyncio.Future[None]] = []
        self._max_weight = max_weight
        self._worth = worth
        self._refuse = refuse
        self._closing = False
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._tasks = [asyncio.create_task(self._serve(server), name=f"{name}-{number}") for number, server in enumerate(servers)]

    async def ask(self, call: C) -> Any:
        """Queue *call* and return its answer."""
        if self._closing:
            raise self._refuse()
        self._queue.append(call)
        self._weight += call.weight
        if self._idle:
            self._call_for_help(at_once=len(self._idle) == len(self._tasks))
        return await call.future

    def _call_for_help(self, *, at_once: bool) -> None:
        """Wake a free task: now, where that is worth it, or after a while, where those at work have not come back by then."""
        if at_once or (self._weight >= self._worth and not self.one_at_a_time):
            _wake(self._idle.pop())
        elif self._timer is None and not self.one_at_a_time:
            self._timer = self._loop.call_later(_HELD_UP, self._help)

    def _help(self) -> None:
        self._timer = None
        if self._queue and self._idle and not self.one_at_a_time:
            _wake(self._idle.pop())

    async def close(self) -> None:
        """Answer what is queued, then end."""
        self._closing = True
        for waker in self._idle:
            _wake(waker)
        self._idle.clear()
        await asyncio.gather(*self._tasks)
        if self._timer is not None:
            self._timer.cancel()

    async def _serve(self, server: Callable[[Sequence[C]], Awaitable[None]]) -> None:
        while True:
            if not self._queue or self._is_spare():
                if self._closing:
                    return
                waker = self._loop.create_future()
                self._idle.append(waker)
                await waker
                continue
            calls = self._take()
            self._at_work += 1
            try:
                await server(calls)
            except Exception as error:  # noqa: BLE001 - it goes to those who wait
                for call in calls:
                    call.fail(error)
            finally:
                self._at_work -= 1

    def _is_spare(self) -> bool:
        """Whether another task is at work, which takes what is queued when it comes back."""
        return self.one_at_a_time and not self._closing and len(self._idle) < len(self._tasks) - 1

    def _take(self) -> list[C]:
        queue = self._queue
        fair = self._max_weight
        # Each share shall be worth a connection.
        shares = min(len(self._tasks) - self._at_work, self._weight // self._worth)
        if shares > 1 and not self.one_at_a_time:
            fair = min(fair, -(-self._weight // shares))
        taken: list[C] = []
        weight = 0
        while queue and weight < fair and (not taken or weight + queue[0].weight <= self._max_weight):
            call = queue.popleft()
            self._weight -= call.weight
            # Who went away is left out; from here on a call is on its way.
            if not call.future.done():
                taken.append(call)
                weight += call.weight
        if queue and self._idle:
            self._call_for_help(at_once=False)
        return taken


def _wake(waker: asyncio.Future[None]) -> None:
    if not waker.done():
        waker.set_result(None)
