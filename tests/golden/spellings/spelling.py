"""Every way to write a union, an optional, a tuple and an alias; no `from __future__ import annotations`."""

import typing
from typing import TYPE_CHECKING, Annotated, Final, Optional, Tuple, TypeAlias, Union

from eventcore import Discovered, StreamId, command, discovered, event, require, state, stream

if TYPE_CHECKING:
    from spelling_streams import (
        FollowResolver,
        FollowState,
        FollowStreams,
        FollowWrites,
        ManyState,
        ManyStreams,
        ManyWrites,
        OpenState,
        OpenStreams,
        OpenWrites,
    )


@event
class A:
    n: int


@event
class B:
    n: int


@event
class C:
    n: int


@event
class D:
    n: int


AB: TypeAlias = Union[A, B]
CD: TypeAlias = "C | D"
Nested = Union[AB, Union["C", "D"]]
Alone = A


@state
class Plain:
    n: int = 0

    def apply(self, event: "Nested") -> "Plain":
        return Plain(self.n + event.n)


@state
class Quoted:
    n: int = 0

    def apply(self, event: "AB | C") -> "Quoted":
        return Quoted(self.n + event.n)


@state
class One:
    n: int = 0

    def apply(self, event: Alone) -> "One":
        return One(self.n + event.n)


@state
class Repeated:
    n: int = 0

    def apply(self, event: typing.Union[(A, AB, A)]) -> "Repeated":
        return Repeated(self.n + event.n)


@state
class Loose:
    n: int = 0

    def apply(self, event: "CD") -> "Loose":
        return Loose(self.n + event.n)


PlainId: TypeAlias = StreamId[Plain]
MaybeQuoted = Optional[StreamId["Quoted"]]
MaybeMore = Optional[MaybeQuoted]
Id = StreamId
Found = Discovered


@command
class Open:
    plain: PlainId = stream()
    quoted: MaybeMore = stream(default=None)
    one: "StreamId[One] | None" = stream(default=None)
    repeated: Union[(StreamId[Repeated], None)] = stream(default=None)
    other: Union[None, "StreamId[Loose]"] = stream(default=None)

    def handle(self, streams: "OpenStreams", state: "OpenState") -> "OpenWrites":
        yield streams.plain.write(D(1))
        if streams.quoted is not None:
            yield streams.quoted.write(C(1))
        if streams.one is not None:
            yield streams.one.write(A(1))
        if streams.repeated is not None:
            yield streams.repeated.write(B(1))
        if streams.other is not None:
            yield streams.other.write(D(1))


@command
class Many:
    first: Tuple[(Id[One], ...)] = stream()
    second: "tuple[StreamId[Loose], ...]" = stream(read_only=True)
    third: typing.Tuple["PlainId", ...] = stream()
    note: Annotated[str, "plain data"] = ""

    def handle(self, streams: "ManyStreams", state: "ManyState") -> "ManyWrites":
        known = sum(loose.n for loose in state.second.values())
        for one in streams.first.values():
            yield one.write(A(known))
        for plain in streams.third.values():
            yield plain.write(B(known))


@command
class Follow:
    start: "StreamId['Plain']" = stream(read_only=True)
    found: "Found[One]" = discovered()

    def handle(self, streams: "FollowStreams", state: "FollowState", resolver: "FollowResolver") -> "FollowWrites":
        found = StreamId.of(One, state.start.n)
        resolver.found.add([found])
        require(state.start.n, "nothing to follow")
        yield streams.found[found].write(A(10))


LIMIT: Final = 3
