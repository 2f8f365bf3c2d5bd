"""`@projection` and `@on`: what a projection handles, as data on its class."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from typing import Final, Literal, TypeAlias, TypeVar, cast, final, overload

import attrs

from eventcore.arguments import is_whole
from eventcore.declare import event_marker
from eventcore.errors import DefinitionError, InvalidArgument, shortened
from eventcore.events import Recorded
from eventcore.execute import RetryPolicy
from eventcore.ids import StreamPattern, StreamPrefix
from eventcore.projections.context import Context
from eventcore.store import EventFilter
from eventcore.subscriptions import EventDecoder, stream_selectors

P = TypeVar("P")
R = TypeVar("R")
T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")

OnFault: TypeAlias = Literal["stop", "skip", "park"]
Streams: TypeAlias = "str | StreamPrefix | StreamPattern | Iterable[str | StreamPrefix | StreamPattern]"
Handler: TypeAlias = Callable[[P, Recorded[A], Context], R]

_ON: Final = "__eventcore_on__"
_PROJECTION: Final = "__eventcore_projection__"
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,99}")

DEFAULT_RETRY: Final = RetryPolicy(max_attempts=5, initial_delay=0.1, max_delay=5.0)


@final
@attrs.frozen
class HandlerMarker:
    """What `@on` said about one method."""

    classes: tuple[type[object], ...]
    effect: bool


@final
@attrs.frozen
class ProjectionMarker:
    """What `@projection` said about its class, and the handlers that it found there, in the order in which they were written."""

    name: str
    version: int
    streams: tuple[StreamPrefix | StreamPattern, ...] | None
    on_fault: OnFault
    retry: RetryPolicy
    handlers: tuple[tuple[str, HandlerMarker], ...]

    @property
    def classes(self) -> tuple[type[object], ...]:
        return tuple(dict.fromkeys(cls for _, marker in self.handlers for cls in marker.classes))

    def where(self, decoder: EventDecoder) -> EventFilter:
        return EventFilter(types=decoder.types, streams=self.streams)


# One overload for each number of events: a type checker joins the classes of `*events: type[E]` to `object`, and no handler takes that.
@overload
def on(event: type[A], /, *, effect: bool = False) -> Callable[[Handler[P, A, R]], Handler[P, A, R]]: ...
@overload
def on(first: type[A], second: type[B], /, *, effect: bool = False) -> Callable[[Handler[P, A | B, R]], Handler[P, A | B, R]]: ...
@overload
def on(
    first: type[A], second: type[B], third: type[C], /, *, effect: bool = False
) -> Callable[[Handler[P, A | B | C, R]], Handler[P, A | B | C, R]]: ...
@overload
def on(
    first: type[A], second: type[B], third: type[C], fourth: type[D], /, *, effect: bool = False
) -> Callable[[Handler[P, A | B | C | D, R]], Handler[P, A | B | C | D, R]]: ...
def on(*events: type[object], effect: bool = False) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Let a method of a `@projection` handle these events: ``def name(self, recorded: Recorded[Event], context: Context)``, or ``async def``.

    Up to four event classes; for more, decorate the method several times. An *effect* is something outside the database, such as a mail: its
    handler is left out while a rebuild goes through history once more, and runs at least once for each event otherwise.
    """
    if not events or any(event_marker(each) is None for each in events):
        got = ", ".join(map(shortened, events)) or "nothing"
        raise DefinitionError("@on", f"it takes event classes, as in @on(<an @event class>), and got {got}")

    def decorate(handler: Callable[..., R]) -> Callable[..., R]:
        known = handler_marker(handler)
        if known is not None and known.effect != effect:
            raise DefinitionError(handler.__qualname__, "one @on says effect=True and another does not; make two methods of it")
        setattr(handler, _ON, HandlerMarker((*events, *(known.classes if known else ())), effect))
        return handler

    return decorate


@overload
def projection(cls: type[T], /) -> type[T]: ...
@overload
def projection(
    *,
    name: str | None = None,
    version: int = 1,
    streams: Streams | None = None,
    on_fault: OnFault = "stop",
    retry: RetryPolicy = DEFAULT_RETRY,
) -> Callable[[type[T]], type[T]]: ...
def projection(
    cls: type[T] | None = None,
    /,
    *,
    name: str | None = None,
    version: int = 1,
    streams: Streams | None = None,
    on_fault: OnFault = "stop",
    retry: RetryPolicy = DEFAULT_RETRY,
) -> type[T] | Callable[[type[T]], type[T]]:
    """Make a class a projection: its `@on` methods keep a read model up to date. Give an instance to a `ProjectionRunner`.

    *name* is what its progress is kept under, the class name in snake_case unless given; so a class may be renamed as long as it stays. Raise
    *version* when the read model has to be built anew: a runner then builds the new one beside the old one, and swaps them when it has
    caught up. *streams* limits it to some streams: a text with a wildcard is a pattern over whole ids, one without is a prefix. What it does
    not handle is left out by the store.

    A handler that fails is tried again as *retry* says, and then *on_fault* decides: ``"stop"`` this projection until somebody resumes it,
    ``"skip"`` the event, or ``"park"`` it in the table ``parked_events``.

    A method ``create(self, context)``, if there is one, makes the tables of a new read model.
    """

    def decorate(cls: type[T]) -> type[T]:
        if not isinstance(cast("object", cls), type):
            raise DefinitionError(repr(cls), f"@projection decorates classes, not {type(cls).__name__}")
        owner = cls.__qualname__
        known_as = _snake_case(cls.__name__) if name is None else name
        if not isinstance(cast("object", known_as), str) or not _NAME.fullmatch(known_as):
            raise DefinitionError(owner, f"{known_as!r} is no name of a projection; use a-z, 0-9, - and _, beginning with a letter")
        if not is_whole(version, 1):
            raise DefinitionError(owner, f"versions of a projection count from 1, got {version!r}")
        if not isinstance(cast("object", retry), RetryPolicy):
            raise DefinitionError(owner, f"retry is a RetryPolicy, not {retry!r}")
        if on_fault not in ("stop", "skip", "park"):
            raise DefinitionError(owner, f"on_fault is 'stop', 'skip' or 'park', not {on_fault!r}")
        handlers = tuple(_handlers(cls))
        if not handlers:
            raise DefinitionError(owner, "a projection handles events; decorate a method with @on(<an @event class>)")
        _refuse_generator(cls, "create", getattr(cls, "create", None))
        try:
            selectors = stream_selectors(streams)
        except InvalidArgument as error:
            raise DefinitionError(owner, str(error)) from error
        setattr(cls, _PROJECTION, ProjectionMarker(known_as, version, selectors, on_fault, retry, handlers))
        return cls

    return decorate if cls is None else decorate(cls)


def handler_marker(handler: object) -> HandlerMarker | None:
    marker = getattr(handler, _ON, None)
    return marker if isinstance(marker, HandlerMarker) else None


def projection_marker(instance: object) -> ProjectionMarker:
    """Return what is known of a projection. Raises `InvalidArgument` for anything else."""
    marker = type(instance).__dict__.get(_PROJECTION)
    if isinstance(marker, ProjectionMarker):
        return marker
    hint = (
        f"the class {instance.__qualname__} was given; make an instance of it"
        if isinstance(instance, type)
        else "it carries no @projection"
    )
    raise InvalidArgument(f"expected an instance of a @projection class, got {instance!r}: {hint}")


def _handlers(cls: type[object]) -> Iterable[tuple[str, HandlerMarker]]:
    """Yield the handlers, those of base classes first; a method that is overridden keeps its place."""
    names = dict.fromkeys(name for base in reversed(cls.__mro__) for name in vars(base))
    for name in names:
        handler = inspect.getattr_static(cls, name)
        marker = handler_marker(handler)
        if marker is not None:
            if not inspect.isfunction(handler) or handler.__code__.co_argcount != 3:
                raise DefinitionError(cls.__qualname__, "a handler is `def name(self, recorded, context)`", field=name)
            _refuse_generator(cls, name, handler)
            yield name, marker


def _refuse_generator(cls: type[object], name: str, method: object) -> None:
    """Refuse what does nothing when it is called: nobody would go through what it yields."""
    if inspect.isgeneratorfunction(method) or inspect.isasyncgenfunction(method):
        raise DefinitionError(
            cls.__qualname__, "it yields, so nothing of it would be run; write `context.execute(...)` without `yield`", field=name
        )


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
