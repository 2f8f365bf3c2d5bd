"""What every group of scenarios stands on: a store to open, a folder to open it in, and an event loop to run in."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import ClassVar, TypeVar

from eventcore.ids import new_event_id
from eventcore.store import EventStore, NewEvent

ContractT = TypeVar("ContractT", bound="StoreScenarios")


class StoreScenarios:
    """Say how to make the store; everything else has a default.

    Each test gets a fresh *tmp_path*, a folder of its own. pytest is not imported: the tests are plain methods, which any runner that
    calls `setup_method` and `teardown_method` around them can run.
    """

    tmp_path: Path

    scenario_seconds: ClassVar[float] = 60
    """The time after which one scenario has failed. A store that hangs is reported, not waited for."""

    keeps_bytes: ClassVar[bool] = True
    """A store that keeps data and metadata as JSON values (jsonb, say) sets this to False: equal values are enough then."""

    def open_store(self) -> EventStore:
        """Return a new store over this test's data, not yet opened: the scenarios use it in an ``async with``.

        Data that lasts belongs under *tmp_path*, or in a schema or database that is named after it, so that no test sees another's.
        """
        raise NotImplementedError(f"{type(self).__name__} must say how its store is made: def open_store(self): return MyStore(...)")

    def refused_event(self, stream_id: str) -> NewEvent:
        """Return an event for *stream_id* that the store refuses by itself, so that its request is `Refused`.

        The default names a type that is no text (a lone surrogate), which nothing that stores UTF-8 can keep. Override it for a store that
        keeps even that.
        """
        return NewEvent(stream_id, new_event_id(), "\ud800", 1, b"{}")

    def setup_method(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="eventcore-contract-")
        self.tmp_path = Path(self._folder.name)

    def teardown_method(self) -> None:
        self._folder.cleanup()


def scenario(test: Callable[[ContractT, EventStore], Coroutine[object, object, None]], /) -> Callable[[ContractT], None]:
    """Make a test method of a coroutine function: it is run in a loop of its own, with a fresh store that is open."""

    async def with_store(self: ContractT) -> None:
        async with self.open_store() as store:
            await test(self, store)

    return _as_method(test, with_store)


def cold_scenario(test: Callable[[ContractT], Coroutine[object, object, None]], /) -> Callable[[ContractT], None]:
    """Make a test method of a coroutine function that opens its stores itself: nothing else has the data open meanwhile."""
    return _as_method(test, test)


def _as_method(named: Callable[..., object], body: Callable[[ContractT], Coroutine[object, object, None]]) -> Callable[[ContractT], None]:
    def run(self: ContractT) -> None:
        __tracebackhide__ = True
        asyncio.run(_within_time(named.__name__, body(self), self.scenario_seconds))

    # Not functools.wraps: pytest would look through it and take the store for a fixture.
    run.__name__, run.__qualname__, run.__doc__, run.__module__ = named.__name__, named.__qualname__, named.__doc__, named.__module__
    return run


async def _within_time(name: str, body: Coroutine[object, object, None], seconds: float) -> None:
    __tracebackhide__ = True
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            await body
    except TimeoutError as error:
        if limit.expired():
            raise AssertionError(f"{name} did not end within {seconds} seconds; the store hangs") from error
        raise
