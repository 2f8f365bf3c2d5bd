"""Events in one stream, as a scenario says them: typed by what the stream folds into."""

from __future__ import annotations

from typing import Protocol, TypeVar, final

import attrs

from eventcore.ids import StreamId

E = TypeVar("E")
E_contra = TypeVar("E_contra", contravariant=True)


class FoldsEvents(Protocol[E_contra]):
    """A `@state` class, as far as its events go: what `apply` takes is what its streams hold."""

    def apply(self, event: E_contra, /) -> object: ...


@final
@attrs.frozen
class StreamEvents:
    """*events* of one stream, in their order. `on` makes it."""

    stream_id: StreamId
    events: tuple[object, ...]


# The type checkers find E between two bounds: it is at least what is given, and at most what the state's `apply` takes.
def on(stream: StreamId[FoldsEvents[E]], event: E, /, *more: E) -> StreamEvents:
    """Say which events are in *stream*, or are expected there. Type checkers refuse an event that the stream's state does not take."""
    return StreamEvents(stream, (event, *more))


def on_any(stream: StreamId, event: object, /, *more: object) -> StreamEvents:
    """Say the same of a stream whose id does not say what it folds into: there is nothing to check the events against."""
    return StreamEvents(stream, (event, *more))
