"""One projection, ready to handle stored events."""

from __future__ import annotations

import asyncio
import inspect
import math
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any, Final, final

from eventcore.arguments import Arguments
from eventcore.codec import EventCodec
from eventcore.events import Recorded
from eventcore.projections.context import Context
from eventcore.projections.declare import projection_marker
from eventcore.store import StoredEvent
from eventcore.subscriptions import EventDecoder

_Bound = Callable[[Recorded[Any], Context], Any]  # whatever handlers return: an awaitable is awaited, the rest is dropped


def check_projections(given: Arguments, store: object, ability: str, projections: object) -> None:
    """Refuse a *store* without that method, and what cannot hold projections. Raises `InvalidArgument`."""
    expected = "a store that keeps read models, such as SqliteEventStore(path)"
    given.check(callable(getattr(store, ability, None)), "store", type(store), expected)  # not what may hold a password
    given.check(isinstance(projections, Iterable), "projections", projections, "instances of @projection classes, in a list")


# Characters of what an error says that are kept.
_LONGEST: Final = 2000


class HandlerCancelled(Exception):
    """A handler let out the cancellation of something else that it awaited. Whoever runs it is not being cancelled."""


def is_being_cancelled() -> bool:
    """Whether the task that runs here is cancelled, and not only something that it awaited."""
    try:
        task = asyncio.current_task()
    except RuntimeError:  # a thread without a loop
        return False
    return task is not None and task.cancelling() > 0


def described(error: BaseException) -> str:
    """Return what *error* says, in text that every store can keep: an error may quote whatever it met."""
    try:
        text = str(error)
    except Exception as another:  # noqa: BLE001  # it is the handler's, too
        text = f"it cannot be told ({type(another).__name__})"
    told = f"{type(error).__name__}: {text}"[:_LONGEST].replace("\0", "\\x00")
    return told.encode(errors="backslashreplace").decode()


@contextmanager
def cancelling_nobody() -> Generator[None]:
    """Let a handler that raises what cancels fail like any other. Raises `HandlerCancelled` then."""
    try:
        yield
    except asyncio.CancelledError as error:
        if is_being_cancelled():
            raise
        raise HandlerCancelled("something that it awaited was cancelled") from error


@final
class Projector:
    """The handlers of *instance*, by the events that they take. Raises `InvalidArgument` unless it is a `@projection`."""

    def __init__(self, instance: object, codec: EventCodec) -> None:
        self.marker: Final = projection_marker(instance)
        self._decoder = EventDecoder(codec, f"the projection {self.marker.name!r}", self.marker.classes)
        self.where: Final = self.marker.where(self._decoder)
        self._create: Callable[[Context], object] | None = getattr(instance, "create", None)
        self._handlers: dict[str, list[_Bound]] = {name: [] for name in self._decoder.types}
        self._harmless: dict[str, list[_Bound]] = {name: [] for name in self._decoder.types}
        for name, handler in self.marker.handlers:
            for type_ in map(self._decoder.type_of, handler.classes):
                self._handlers[type_].append(getattr(instance, name))
                if not handler.effect:
                    self._harmless[type_].append(getattr(instance, name))

    @property
    def name(self) -> str:
        return self.marker.name

    async def create(self, context: Context) -> None:
        """Make the tables."""
        if self._create is not None:
            with cancelling_nobody():
                returned = self._create(context)
                if inspect.isawaitable(returned):
                    await returned
        await context.flush()

    async def handle(self, stored: StoredEvent, context: Context) -> None:
        """Handle one event; what it queues is left to be run."""
        recorded = self._decoder.recorded(stored)
        for handler in (self._harmless if context.rebuilding else self._handlers)[stored.type]:
            returned = handler(recorded, context)
            # Most return nothing, and that is seen sooner than whether something can be awaited.
            if returned is not None and inspect.isawaitable(returned):
                await returned

    async def handle_all(
        self,
        events: Iterable[StoredEvent],
        context: Context,
        *,
        until: float = math.inf,
        is_in_the_way: Callable[[], bool] | None = None,
    ) -> int:
        """Handle *events* and run what they queued; stop after the first that ends later than *until*, of `time.monotonic`, or in the way of others.

        Return how many were handled.
        """
        # The same as `handle`, without a coroutine for each event: in a long history it would cost as much as the decoding.
        now = time.monotonic
        handlers = self._harmless if context.rebuilding else self._handlers
        handled = 0
        with cancelling_nobody():
            for type_, recorded in self._decoder.recorded_all(events):
                for handler in handlers[type_]:
                    returned = handler(recorded, context)
                    if returned is not None and inspect.isawaitable(returned):
                        await returned
                handled += 1
                if now() >= until or (is_in_the_way is not None and is_in_the_way()):
                    break
        await context.flush()
        return handled
