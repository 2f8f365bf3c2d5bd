"""Concurrency that can be replayed: one seed decides which task goes on, and time passes only when everybody sleeps."""

from __future__ import annotations

import asyncio
import random
import selectors
from asyncio import tasks
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar, cast, final

from eventcore.arguments import Arguments
from eventcore.errors import EventCoreError, InvalidArgument

T = TypeVar("T")


class Deadlock(EventCoreError):
    """Raised in a simulation when every task waits for another one and none for the clock."""


def simulate(main: Callable[[], Coroutine[object, object, T]], *, seed: int) -> T:
    """Run ``main()`` in an event loop whose every choice is *seed*'s, and return what it returns.

    Whenever several tasks could go on, the seed says which one does. `asyncio.sleep` and timeouts pass at once when nothing else is left to do. The
    module `random` is seeded too, so that jitter is the same. Threads, sockets and the system's clock are none of the loop's choices: use memory
    stores. Raises what ``main()`` raises, and `Deadlock`.
    """
    Arguments("simulate").check(callable(main), "main", main, "a function that returns a coroutine: `main`, not `main()`")
    before = random.getstate()
    random.seed(seed)
    try:
        with asyncio.Runner(loop_factory=lambda: _SimulatedLoop(seed)) as runner:
            return runner.run(main())
    finally:
        random.setstate(before)


def explore(main: Callable[[], Coroutine[object, object, object]], *, seeds: Iterable[int] = range(100)) -> None:
    """Run ``main()`` once for each of *seeds*, each time interleaved in another way. The error of one that fails says how to have it again."""
    Arguments("explore").instances(Iterable, seeds=seeds)
    tried = 0
    for seed in seeds:
        tried += 1
        try:
            simulate(main, seed=seed)
        except Exception as error:
            error.add_note(f"this interleaving is seed {seed}: replay it with simulate({_name(main)}, seed={seed})")
            raise
    if tried == 0:
        raise InvalidArgument("explore(seeds=...) was given no seed, and so nothing was tried")


def reseed(seed: int) -> None:
    """Let *seed* decide all that the running simulation chooses from here on, so that it no longer depends on what went before."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, _SimulatedLoop):
        raise InvalidArgument("reseed() is for what `simulate` runs, and here is another event loop")
    loop.reseed(seed)
    random.seed(seed)


def _name(main: object) -> str:
    name = getattr(main, "__name__", "main")
    return "main" if name == "<lambda>" else str(name)


@final
class _SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop with a clock of its own and a queue that draws."""

    def __init__(self, seed: int) -> None:
        self._now = 0.0
        self._dice = random.Random(seed)  # noqa: S311  # it has to be repeatable
        super().__init__(_Selector(self.pass_time))
        # `_ready` is private, and in every version of Python so far a deque that the loop only appends to and takes from the left.
        setattr(self, "_ready", _Drawn(self._dice))  # noqa: B010

    def reseed(self, seed: int) -> None:
        self._dice.seed(seed)

    def time(self) -> float:
        return self._now

    def pass_time(self, seconds: float | None) -> None:
        """Let *seconds* pass; None: nobody waits for the clock."""
        if seconds is None:
            waiting = sorted(task.get_name() for task in asyncio.all_tasks(self))
            raise Deadlock(
                f"nothing can go on: {', '.join(waiting)} wait for one another, and none of them for the clock; "
                "if they wait for a thread or a socket, which no simulation sees: use a store in memory"
            )
        self._now += seconds


@final
class _Selector(selectors.SelectSelector):
    """Asks the system only what is ready now; instead of waiting for more, it lets time pass."""

    def __init__(self, pass_time: Callable[[float | None], None]) -> None:
        super().__init__()
        self._pass_time = pass_time

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout != 0:
            self._pass_time(timeout)
        return ready


class _Drawn(deque[Any]):
    """The callbacks that are due. Those that are a task's next step are taken in a random order, all others in theirs."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__()
        self._dice = dice

    def popleft(self) -> Any:
        steps = [index for index, handle in enumerate(self) if _is_step(handle)]
        if not steps or steps[0] != 0:
            return super().popleft()
        index = self._dice.choice(steps)
        self.rotate(-index)
        handle = super().popleft()
        self.rotate(index)
        return handle


def _is_step(handle: object) -> bool:
    callback = getattr(handle, "_callback", None)
    return isinstance(cast("object", getattr(callback, "__self__", None)), asyncio.Task | tasks.Task)
