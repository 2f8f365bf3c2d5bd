from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from tagging_streams import TagState, TagStreams, TagWrites

T = TypeVar("T", str, int)
K = TypeVar("K")


@event
class Tagged:
    tag: str


@state
class Photo:
    tags: tuple[str, ...] = ()

    def apply(self, event: Tagged) -> Photo:
        return Photo((*self.tags, event.tag))


@command
class Tag(Generic[T, K]):
    """Generic over plain fields; its streams are those of one state."""

    photo: StreamId[Photo] = stream()
    tag: T
    reasons: tuple[K, ...] = ()

    def handle(self, streams: TagStreams, state: TagState) -> TagWrites:
        tag = f"{self.tag}{len(self.reasons)}"
        if tag not in state.photo.tags:
            yield streams.photo.write(Tagged(tag))
