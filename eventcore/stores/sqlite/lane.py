"""Threads that do the store's work, and the way back from them to the event loops of the callers.

A lane is one queue and the threads that serve it. A thread takes all that came in while it was busy, up to a bound, and answers it with
a single wake-up per event loop: what a hop between threads costs is shared by everybody who waited for it. There is no timer: a lone call
goes at once.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar, final

from eventcore.errors import StoreClosed

# How often `close` looks whether a thread has ended, in seconds.
_END_POLL: Final = 0.002

T = TypeVar("T")
C = TypeVar("C", bound="Call[Any]")  # any answer: each kind of call has its own
C_contra = TypeVar("C_contra", bound="Call[Any]", contravariant=True)


class Call(Generic[T]):
    """One awaited answer. *weight* is its share of a batch; *asked_by* is the call that it answers in place of an own one."""

    __slots__ = ("future", "loop", "weight")

    def __init__(self, weight: int = 1, *, asked_by: Call[T] | None = None) -> None:
        self.weight = weight
        if asked_by is None:
            self.loop = asyncio.get_running_loop()
            self.future: asyncio.Future[T] = self.loop.create_future()
        else:
            self.loop = asked_by.loop
            self.future = asked_by.future


Answer: TypeAlias = "tuple[asyncio.Future[Any], object, BaseException | None]"


@final
class Answers:
    """Collects the answers to one batch, then wakes every event loop once."""

    def __init__(self) -> None:
        self._by_loop: dict[asyncio.AbstractEventLoop, list[Answer]] = {}

    def give(self, call: Call[T], result: T) -> None:
        self._by_loop.setdefault(call.loop, []).append((call.future, result, None))

    def fail(self, call: Call[Any], error: BaseException) -> None:
        self._by_loop.setdefault(call.loop, []).append((call.future, None, error))

    def send(self) -> None:
        for loop, answers in self._by_loop.items():
            try:
                loop.call_soon_threadsafe(_deliver, answers)
            except RuntimeError:
                if not loop.is_closed():
                    raise
                # The loop was closed together with those who waited on it: nobody is left to be told.
        self._by_loop = {}


def _deliver(answers: Sequence[Answer]) -> None:
    for future, result, error in answers:
        if future.done():
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


class Work(Protocol[C_contra]):
    """What one thread of a lane does, all of it in that thread."""

    def prepare(self) -> None:
        """Get ready. What it raises is raised by `Lane.open`."""
        ...

    def handle(self, calls: Sequence[C_contra], answers: Answers, /) -> None:
        """Answer every one of *calls*, now or later."""
        ...

    def finish(self) -> None: ...


@final
class Lane(Generic[C]):
    """One queue, served by a thread for each of *works*; each takes calls of up to *max_weight* together, and at least one."""

    def __init__(self, name: str, works: Sequence[Work[C]], *, max_weight: int, refuse: Callable[[], StoreClosed]) -> None:
        self._queue: SimpleQueue[C | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._accepts = False
        self._max_weight = max_weight
        self._refuse = refuse
        self._servants = [_Servant(f"{name}-{n}", work, self._serve) for n, work in enumerate(works)]

    async def open(self) -> None:
        """Start the threads. Raises what `Work.prepare` raised; then no thread is left."""
        try:
            for servant in self._servants:
                await servant.start()
        except BaseException:
            await self.close()
            raise
        self._accepts = True

    def submit(self, call: C) -> None:
        """Queue *call*. Raises `StoreClosed`."""
        with self._lock:
            if not self._accepts:
                raise self._refuse()
            self._queue.put(call)

    def stop_accepting(self) -> None:
        with self._lock:
            self._accepts = False

    async def close(self) -> None:
        """Refuse further calls, serve those that were queued, end the threads."""
        self.stop_accepting()
        # One after the other: of two connections that are closed at the same moment, neither is the last, and the log stays behind.
        while alive := sum(servant.alive for servant in self._servants):
            self._queue.put(None)
            # Looked for, not told: the loop that closes the store need not be the one that opened it, and no thread can tell of its end.
            while sum(servant.alive for servant in self._servants) == alive:  # noqa: ASYNC110
                await asyncio.sleep(_END_POLL)

    def _serve(self, work: Work[C]) -> None:
        while (calls := self._take()) is not None:
            if calls:
                answers = Answers()
                try:
                    work.handle(calls, answers)
                except BaseException as error:  # noqa: BLE001  # whatever it is, those who wait must learn of it
                    for call in calls:
                        answers.fail(call, error)
                answers.send()

    def _take(self) -> list[C] | None:
        """Wait for a call, and return it together with what else is queued; None at the end."""
        first = self._queue.get()
        if first is None:
            return None
        calls = [] if first.future.cancelled() else [first]
        weight = first.weight
        while weight < self._max_weight:
            try:
                call = self._queue.get_nowait()
            except Empty:
                break
            if call is None:
                self._queue.put(None)
                break
            if not call.future.cancelled():
                calls.append(call)
                weight += call.weight
        return calls


@final
class _Servant(Generic[C]):
    """One thread, and what its life tells the event loops that open and close the store."""

    def __init__(self, name: str, work: Work[C], serve: Callable[[Work[C]], None]) -> None:
        self._work = work
        self._serve = serve
        # A daemon: a program that never reaches the end of its `async with` must still be able to end.
        self._thread = threading.Thread(target=self._live, name=name, daemon=True)
        self._ready: Call[None] | None = None

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    async def start(self) -> None:
        self._ready = Call()
        self._thread.start()
        await asyncio.shield(self._ready.future)

    def _live(self) -> None:
        answers = Answers()
        ready = self._ready
        assert ready is not None  # noqa: S101  # `start` sets it before the thread begins
        try:
            self._work.prepare()
        except BaseException as error:  # noqa: BLE001  # `open` raises it
            answers.fail(ready, error)
            answers.send()
        else:
            answers.give(ready, None)
            answers.send()
            self._serve(self._work)
        finally:
            self._work.finish()
