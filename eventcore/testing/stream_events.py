"""Events in one stream, as a scenario says them: typed by what the stream folds into."""

from __future__ import annotations

from typing import Protocol, TypeVar, final, overload

import attrs

from eventcore.arguments import Arguments
from eventcore.ids import StreamId, is_stream_id

S = TypeVar("S")
E = TypeVar("E")
E1 = TypeVar("E1")
E2 = TypeVar("E2")
E3 = TypeVar("E3")
E4 = TypeVar("E4")
E5 = TypeVar("E5")
E6 = TypeVar("E6")
E7 = TypeVar("E7")
E8 = TypeVar("E8")
E_contra = TypeVar("E_contra", contravariant=True)


class FoldsEvents(Protocol[E_contra]):
    """A `@state` class, as far as its events go: what `apply` takes is what its streams hold."""

    def apply(self, event: E_contra, /) -> object: ...


class FoldsInto(Protocol[S]):
    """A `StreamId` of *S* and of no wider class. Of an id itself, which is one of `object` too, the checkers would take any value for its state."""

    @property
    def _states(self) -> list[S]: ...


@final
@attrs.frozen
class StreamEvents:
    """*events* of one stream, in their order. `on` makes it."""

    stream_id: StreamId
    events: tuple[object, ...]

    def __attrs_post_init__(self) -> None:
        given = Arguments("on")
        given.check(is_stream_id(self.stream_id), "stream", self.stream_id, "a StreamId, such as StreamId.of(<State>, key)")
        given.check(len(self.events) > 0, "events", self.events, "at least one event")


# The checkers find E between two bounds: it is at least what is given, and at most what the state's `apply` takes. Of several values for
# one variable mypy takes what they have in common, which is `object` for most events; so each has a variable of its own in the overloads
# that follow. pyright takes their union, and needs the first.
# pyright: reportOverlappingOverload=false
@overload
def on(stream: StreamId[FoldsEvents[E]], event: E, /, *more: E) -> StreamEvents: ...
@overload
def on(stream: StreamId[FoldsEvents[E1 | E2]], e1: E1, e2: E2, /) -> StreamEvents: ...
@overload
def on(stream: StreamId[FoldsEvents[E1 | E2 | E3]], e1: E1, e2: E2, e3: E3, /) -> StreamEvents: ...
@overload
def on(stream: StreamId[FoldsEvents[E1 | E2 | E3 | E4]], e1: E1, e2: E2, e3: E3, e4: E4, /) -> StreamEvents: ...
@overload
def on(stream: StreamId[FoldsEvents[E1 | E2 | E3 | E4 | E5]], e1: E1, e2: E2, e3: E3, e4: E4, e5: E5, /) -> StreamEvents: ...
@overload
def on(stream: StreamId[FoldsEvents[E1 | E2 | E3 | E4 | E5 | E6]], e1: E1, e2: E2, e3: E3, e4: E4, e5: E5, e6: E6, /) -> StreamEvents: ...
@overload
def on(
    stream: StreamId[FoldsEvents[E1 | E2 | E3 | E4 | E5 | E6 | E7]], e1: E1, e2: E2, e3: E3, e4: E4, e5: E5, e6: E6, e7: E7, /
) -> StreamEvents: ...
@overload
def on(
    stream: StreamId[FoldsEvents[E1 | E2 | E3 | E4 | E5 | E6 | E7 | E8]],
    e1: E1,
    e2: E2,
    e3: E3,
    e4: E4,
    e5: E5,
    e6: E6,
    e7: E7,
    e8: E8,
    /,
    *more: E8,
) -> StreamEvents: ...
def on(stream: StreamId, /, *events: object) -> StreamEvents:
    """Say which events are in *stream*, or are expected there: at least one. Type checkers refuse an event that the stream's state does not take.

    (Of more than eight events, those from the eighth on are of one type for the checkers: say the others with another `on`.)
    """
    return StreamEvents(stream, events)


def on_any(stream: StreamId, event: object, /, *more: object) -> StreamEvents:
    """Say the same of a stream whose id does not say what it folds into: there is nothing to check the events against."""
    return StreamEvents(stream, (event, *more))
