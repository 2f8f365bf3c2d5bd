"""Calls that wait for the same thing go together.

A lane is one queue and a few servers, each with a connection of its own. A lone call goes at once. What comes in while one server is at work waits
for it, up to a bound, and goes together: only where much waits, or where the one at work is held up, does a free one help. Servers run in tasks
of the store's own, so that a caller who goes away takes nothing along but its own place in the queue.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final, Generic, TypeVar, final

from eventcore.errors import StoreClosed, StoreUnavailable

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

    def give_up(self) -> None:
        """Say that whoever served it was cancelled."""
        self.fail(StoreUnavailable("the store's own task for this call was cancelled, as all tasks of its event loop may be; try again"))


@final
class Lane(Generic[C]):
    """Serves calls. *servers* are coroutine functions that answer every call they are given, one batch at a time.

    A batch weighs at most *max_weight*. What waits is divided among the servers that are free, where each share weighs *worth* at least. A server
    that is called for begins *at_once*, or else in the next turn of the event loop, with what has come by then.

    Set *one_at_a_time* while their batches would only wait for one another: then all that waits goes together, and no free server helps.
    """

    def __init__(
        self,
        name: str,
        servers: Sequence[Callable[[Sequence[C]], Awaitable[None]]],
        *,
        max_weight: int,
        worth: int,
        at_once: bool,
        refuse: Callable[[], StoreClosed],
    ) -> None:
        self.one_at_a_time = False
        self._queue: deque[C] = deque()
        self._weight = 0
        self._name = name
        self._servers = len(servers)
        self._at_work = 0
        self._free = list(servers)
        self._max_weight = max_weight
        self._worth = worth
        self._begin = _begin_at_once if at_once else _begin
        self._refuse = refuse
        self._closing = False
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, call: C) -> Any:
        """Queue *call* and return its answer."""
        if self._closing:
            raise self._refuse()
        self._queue.append(call)
        self._weight += call.weight
        if self._free:
            self._call_for_help(idle=len(self._free) == self._servers)
        return await call.future

    def _call_for_help(self, *, idle: bool) -> None:
        """Set a free server to work: now, where that is worth it, or after a while, where those at work have not come back by then."""
        if idle or (self._weight >= self._worth and not self.one_at_a_time):
            self._start()
        elif self._timer is None and not self.one_at_a_time:
            self._timer = self._loop.call_later(_HELD_UP, self._help)

    def _help(self) -> None:
        self._timer = None
        if self._queue and self._free and not self.one_at_a_time:
            self._start()

    def _start(self) -> None:
        task = self._begin(self._serve(self._free.pop()), self._loop, self._name)
        if not task.done():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Answer what is queued, then end."""
        self._closing = True
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self._timer is not None:
            self._timer.cancel()

    async def _serve(self, server: Callable[[Sequence[C]], Awaitable[None]]) -> None:
        """Let *server* answer what is queued, batch by batch, until nothing is left for it."""
        try:
            while self._queue and not self._is_spare():
                calls = self._take()
                self._at_work += 1
                try:
                    await server(calls)
                except Exception as error:  # noqa: BLE001 - it goes to those who wait
                    for call in calls:
                        call.fail(error)
                except BaseException:
                    for call in calls:
                        call.give_up()
                    raise
                finally:
                    self._at_work -= 1
        finally:
            self._free.append(server)
            if self._queue and len(self._free) == self._servers:
                self._start()  # one that was cancelled leaves nobody behind

    def _is_spare(self) -> bool:
        """Whether another server is at work, which takes what is queued when it comes back."""
        return self.one_at_a_time and len(self._free) < self._servers - 1

    def _take(self) -> list[C]:
        queue = self._queue
        fair = self._max_weight
        # Each share shall be worth a connection.
        shares = min(self._servers - self._at_work, self._weight // self._worth)
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
        if queue and self._free:
            self._call_for_help(idle=False)
        return taken


def _begin(work: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop, name: str) -> asyncio.Task[None]:
    return loop.create_task(work, name=name)


def _begin_at_once(work: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop, name: str) -> asyncio.Task[None]:
    """Run *work* as a task that begins now, and not in the next turn of the loop (before Python 3.12 no task can)."""
    if sys.version_info >= (3, 12):
        return asyncio.Task(work, loop=loop, name=name, eager_start=True)
    return _begin(work, loop, name)
