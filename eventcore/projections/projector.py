"""One projection, ready to handle stored events."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final, final

from eventcore.codec import EventCodec
from eventcore.events import Recorded
from eventcore.projections.context import Context
from eventcore.projections.declare import projection_marker
from eventcore.store import StoredEvent
from eventcore.subscriptions import EventDecoder

_Bound = Callable[[Recorded[Any], Context], Any]  # whatever handlers return: an awaitable is awaited, the rest is dropped


@final
class Projector:
    """The handlers of *instance*, by the events that they take. Raises `InvalidArgument` unless it is a `@projection`."""

    def __init__(self, instance: object, codec: EventCodec) -> None:
        self.marker: Final = projection_marker(instance)
        self._decoder = EventDecoder(codec, f"the projection {self.marker.name!r}", self.marker.classes)
        self.where: Final = self.marker.where(self._decoder)
        self._create: Callable[[Context], object] | None = getattr(instance, "create", None)
        self._handlers: dict[type[object], list[tuple[_Bound, bool]]] = {}
        for name, handler in self.marker.handlers:
            for cls in handler.classes:
                self._handlers.setdefault(cls, []).append((getattr(instance, name), handler.effect))

    @property
    def name(self) -> str:
        return self.marker.name

    async def create(self, context: Context) -> None:
        """Make the tables."""
        if self._create is not None:
            await _done(self._create(context))
        await context.flush()

    async def handle(self, stored: StoredEvent, context: Context) -> None:
        recorded = self._decoder.recorded(stored)
        for handler, effect in self._handlers[self._decoder.class_of(stored)]:
            if not (effect and context.rebuilding):
                await _done(handler(recorded, context))


async def _done(returned: object) -> None:
    if inspect.isawaitable(returned):
        await returned
