"""PostgreSQL for tests: a server for the run, connections that stay, and a schema for each test."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine, Generator
from contextlib import AbstractAsyncContextManager, contextmanager
from contextvars import copy_context
from pathlib import Path
from typing import Any, Final, Self, TypeVar, final

import asyncpg

from eventcore.local_postgres import LocalPostgres, Settings
from eventcore.store import EventStore
from eventcore.stores.postgres.settings import Pool
from eventcore.testing.schemas import Schemas

T = TypeVar("T")

# A test's data need not survive a power cut.
_FAST: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
# More than the stores of one test ever hold; they are made when they are needed.
_MOST_CONNECTIONS: Final = 50


@contextmanager
def test_server() -> Generator[str]:
    """Start a server that ends, and is gone, with the block; yield its DSN."""
    folder = Path(tempfile.mkdtemp(prefix="eventcore-test-postgres-"))
    with LocalPostgres.start(folder, Settings(parameters=_FAST, remove=True, immediate=True)) as server:
        yield server.dsn


@final
class PostgresForTests:
    """What the tests of one session share on the server at *dsn*.

    A connection is bound to the event loop that made it, and a new one takes as long as everything else that a test does: so all tests run in
    one loop, and find it as they would find a new one.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        self._runner.__enter__()
        try:
            self._pool = self._runner.run(self._connect())
        except BaseException:
            self._runner.close()
            raise
        self._schemas = Schemas(self._pool)
        return self

    def __exit__(self, *exc_info: object) -> None:
        try:
            self._runner.run(self._disconnect())
        finally:
            self._runner.close()

    def opened(self) -> AbstractAsyncContextManager[EventStore]:
        """Return a store to open, in a schema without events."""
        return self._schemas.opened()

    @contextmanager
    def loop(self) -> Generator[TestLoop]:
        """Yield the loop for one test. What tasks of it go on after the test are cancelled."""
        loop = TestLoop(self._runner)
        try:
            yield loop
        finally:
            loop.finish()

    async def _connect(self) -> Pool:
        pool = asyncpg.create_pool(self._dsn, min_size=0, max_size=_MOST_CONNECTIONS, max_inactive_connection_lifetime=0)
        return await pool

    async def _disconnect(self) -> None:
        await self._schemas.drop_all()
        await self._pool.close()


@final
class TestLoop:
    """The loop of one test: with context variables of its own, as an `asyncio.Runner` has them."""

    __test__ = False

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner
        self._context = copy_context()

    def run(self, main: Coroutine[Any, Any, T], /) -> T:
        return self._runner.run(main, context=self._context)

    def finish(self) -> None:
        """Leave the loop as the next test expects it."""
        self.run(_end_other_tasks())
        loop = self._runner.get_loop()
        loop.set_exception_handler(None)
        loop.set_task_factory(None)


async def _end_other_tasks() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    for task, outcome in zip(others, await asyncio.gather(*others, return_exceptions=True), strict=True):
        if isinstance(outcome, Exception):
            told = {"message": "a task went on after its test, and failed when it was cancelled", "exception": outcome, "task": task}
            asyncio.get_running_loop().call_exception_handler(told)
