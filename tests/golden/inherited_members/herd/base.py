"""Bases that bring more than plain fields: an `apply`, a `handle`, streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar, dataclass_transform

import attrs

from eventcore import StreamId, event, state, stream

if TYPE_CHECKING:
    from herd.sheep_streams import CountState, CountStreams, CountWrites

T = TypeVar("T")


@event
class Counted:
    number: int


@event("herd.lost")
class Lost:
    pass


class Counting:
    """Folds for whoever inherits it; `counting` is theirs."""

    __slots__ = ()

    def apply(self, event: Counted | Lost) -> Self:
        return self.counting(event.number if isinstance(event, Counted) else -1)

    def counting(self, number: int) -> Self:
        raise NotImplementedError


@state
class Herd:
    animals: int = 0

    def apply(self, event: Counted | Lost) -> Herd:
        return Herd(event.number if isinstance(event, Counted) else self.animals - 1)


@dataclass_transform(frozen_default=True, field_specifiers=(stream, attrs.field))
def mixin(cls: type[T]) -> type[T]:
    return attrs.frozen(cls)


@mixin
class OverHerd:
    herd: StreamId[Herd] = stream()


class CountsOnce:
    __slots__ = ()

    def handle(self, streams: CountStreams, state: CountState) -> CountWrites:
        if state.herd.animals != state.day.total:
            yield streams.herd.write(Counted(state.day.total))
            yield streams.day.write(Lost())
