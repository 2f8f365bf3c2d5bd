"""Execute commands from code that is not async: Django and Flask views, scripts, threads.

One event loop in a thread of its own serves all callers. Commands that come from several threads at once meet in one store there, and share its
transactions as commands of one async program do.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future, wait
from typing import Final, Self, TypeVar, cast, final, overload

from eventcore.arguments import Arguments
from eventcore.errors import StoreClosed, StoreError
from eventcore.events import Metadata
from eventcore.execute.executor import CommandExecutor, DiscoveringCommand, PlainCommand
from eventcore.execute.results import CommandResult, Loaded
from eventcore.ids import StreamId
from eventcore.store import EventStore, is_store
from eventcore.typed import StreamResolver, StreamSet

S = TypeVar("S")
E = TypeVar("E")
T = TypeVar("T")
StreamsT = TypeVar("StreamsT", bound=StreamSet)
ResolverT = TypeVar("ResolverT", bound=StreamResolver)


@final
class BlockingExecutor:
    """A `CommandExecutor` whose methods wait for their results; any thread may call them.

    *make_store* makes the store, which is opened with the first call and closed by `close`, by the end of a ``with``, or when the process ends.
    *make_executor* makes the executor over it, for settings other than the defaults. Make one for the whole program, at import time if you
    like: nothing is opened before the first call, and a process that was forked meanwhile (gunicorn, uwsgi, multiprocessing) opens a store of
    its own.

    A `KeyboardInterrupt` while a call waits cancels its command; what was on its way to the store by then is decided there.
    """

    def __init__(
        self, make_store: Callable[[], EventStore], /, *, make_executor: Callable[[EventStore], CommandExecutor] = CommandExecutor
    ) -> None:
        given = Arguments("BlockingExecutor")
        expected = "a function that makes a store, such as `lambda: SqliteEventStore(path)`"
        given.check(callable(make_store), "make_store", type(make_store), expected)  # not what may hold a password
        given.callables(make_executor=make_executor)
        self._make_store = make_store
        self._make_executor = make_executor
        # Of each process, for one that another thread held when the process was forked is held for ever in the child.
        self._locks: dict[int, threading.Lock] = {}
        self._running: _Running | None = None
        self._closed = False
        self._process = os.getpid()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @overload
    def execute(
        self, command: PlainCommand[StreamsT, E], /, *, metadata: Metadata | None = None, idempotency_key: str | None = None
    ) -> CommandResult[E]: ...
    @overload
    def execute(
        self,
        command: DiscoveringCommand[StreamsT, ResolverT, E],
        /,
        *,
        metadata: Metadata | None = None,
        idempotency_key: str | None = None,
    ) -> CommandResult[E]: ...
    def execute(self, command: object, /, *, metadata: Metadata | None = None, idempotency_key: str | None = None) -> CommandResult[object]:
        """Do what `CommandExecutor.execute` does, and wait for it."""

        async def work(running: _Opened) -> CommandResult[object]:
            # The overloads above have checked the command.
            execute = cast("Callable[..., Awaitable[CommandResult[object]]]", running.executor.execute)
            return await execute(command, metadata=metadata, idempotency_key=idempotency_key)

        return self._run(work)

    @overload
    def load(self, stream_id: StreamId[S], /) -> Loaded[S]: ...
    @overload
    def load(self, stream_id: StreamId[object], state: type[S], /) -> Loaded[S]: ...
    def load(self, stream_id: StreamId[object], state: type[object] | None = None, /) -> Loaded[object]:
        """Do what `CommandExecutor.load` does, and wait for it."""

        async def work(running: _Opened) -> Loaded[object]:
            return await (running.executor.load(stream_id) if state is None else running.executor.load(stream_id, state))

        return self._run(work)

    def call(self, work: Callable[[EventStore], Awaitable[T]], /) -> T:
        """Run *work* with the store, in its event loop, and wait for what it returns: ``executor.call(lambda store: store.read_all())``."""
        Arguments("call").callables(work=work)

        async def in_loop(running: _Opened) -> T:
            return await work(running.store)

        return self._run(in_loop)

    def close(self) -> None:
        """Finish what is under way and close the store. Later calls raise `StoreClosed`."""
        with self._lock():
            self._closed = True
            running, self._running = self._running, None
        if running is not None and self._process == os.getpid():
            atexit.unregister(self.close)
            running.close()

    def _run(self, work: Callable[[_Opened], Coroutine[object, object, T]]) -> T:
        _refuse_inside_a_loop()
        with self._lock():
            # Whoever closes it from here on waits for this call.
            running = self._started()
            future = asyncio.run_coroutine_threadsafe(work(running.opened), running.loop)
            running.waited_for.add(cast("Future[object]", future))
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise
        finally:
            running.waited_for.discard(cast("Future[object]", future))

    def _lock(self) -> threading.Lock:
        return self._locks.setdefault(os.getpid(), threading.Lock())

    def _started(self) -> _Running:
        if self._closed:
            raise StoreClosed("this BlockingExecutor was closed; make another one")
        if self._running is None or self._process != os.getpid():
            # A thread does not live on in a forked process: begin anew there, and leave the parent's connections alone.
            self._running = None
            self._process = os.getpid()
            self._running = _Running(self._make_store, self._make_executor)
            atexit.register(self.close)
        return self._running


@final
class _Opened:
    def __init__(self, store: EventStore, executor: CommandExecutor) -> None:
        self.store: Final = store
        self.executor: Final = executor


@final
class _Running:
    """The thread, its loop, and the store that is open in it."""

    def __init__(self, make_store: Callable[[], EventStore], make_executor: Callable[[EventStore], CommandExecutor]) -> None:
        self.loop = asyncio.new_event_loop()
        self.waited_for: set[Future[object]] = set()
        self._thread = threading.Thread(target=self.loop.run_forever, name="eventcore-loop", daemon=True)
        self._thread.start()
        try:
            self.opened = asyncio.run_coroutine_threadsafe(_open(make_store, make_executor), self.loop).result()
        except BaseException:
            self._end()
            raise

    def close(self) -> None:
        # Who still waits gets an answer first.
        wait(list(self.waited_for))
        try:
            asyncio.run_coroutine_threadsafe(self.opened.store.__aexit__(None, None, None), self.loop).result()
        finally:
            self._end()

    def _end(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


async def _open(make_store: Callable[[], EventStore], make_executor: Callable[[EventStore], CommandExecutor]) -> _Opened:
    given, made = Arguments("BlockingExecutor"), make_store()
    given.check(is_store(made), "make_store", make_store, f"a function that returns a store; it returned {type(made).__name__}")
    store = await made.__aenter__()
    try:
        executor = make_executor(store)
        expected = f"a function that returns a CommandExecutor; it returned {type(executor).__name__}"
        given.check(isinstance(cast("object", executor), CommandExecutor), "make_executor", make_executor, expected)
    except BaseException:
        await store.__aexit__(None, None, None)
        raise
    return _Opened(store, executor)


def _refuse_inside_a_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise StoreError("a BlockingExecutor would stop this event loop while it waits; in async code, use a CommandExecutor")
