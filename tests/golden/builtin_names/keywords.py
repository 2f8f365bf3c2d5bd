"""Fields and classes named like builtins, soft keywords, and names that generated code could need for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import Discovered, StreamId, command, discovered, event, state, stream

if TYPE_CHECKING:
    from keywords_streams import (
        LocalsResolver,
        LocalsState,
        LocalsStreams,
        LocalsWrites,
        SoftResolver,
        SoftState,
        SoftStreams,
        SoftWrites,
        listState,
        listStreams,
        listWrites,
    )


@event
class type_changed:
    type: str
    id: int


@state
class Thing:
    id: int = 0

    def apply(self, event: type_changed) -> Thing:
        return Thing(event.id)


@command
class Soft:
    match: StreamId[Thing] = stream()
    str: StreamId[Thing] = stream(read_only=True)
    case: StreamId[Thing] | None = stream(default=None)
    type: tuple[StreamId[Thing], ...] = stream(default=())
    list: Discovered[Thing] = discovered()
    None_: int = 0

    def handle(self, streams: SoftStreams, state: SoftState, resolver: SoftResolver) -> SoftWrites:
        found = StreamId.of(Thing, state.str.id)
        resolver.list.add(found)
        yield streams.match.write(type_changed("match", 1))
        if streams.case is not None:
            yield streams.case.write(type_changed("case", 2))
        for one in streams.type.values():
            yield one.write(type_changed("type", 3))
        yield streams.list[found].write(type_changed("list", 4))


@command(allow_aliases=True)
class Locals:
    """Every name that a validator, a constructor or a table is likely to use for something of its own."""

    streams: StreamId[Thing] = stream()
    write: StreamId[Thing] = stream()
    writes: StreamId[Thing] = stream()
    accepts: StreamId[Thing] = stream()
    valid: StreamId[Thing] = stream()
    event_type: StreamId[Thing] = stream()
    request: Discovered[Thing] = discovered()
    id: StreamId[Thing] = stream()
    int: tuple[StreamId[Thing], ...] = stream(default=())  # eventcore: ignore[EC202]
    tuple: StreamId[Thing] | None = stream(default=None)
    validate: StreamId[Thing] | None = stream(default=None)
    GENERATED: StreamId[Thing] | None = stream(default=None)
    state: StreamId[Thing] | None = stream(default=None)
    resolver: StreamId[Thing] | None = stream(default=None)
    Handle: StreamId[Thing] | None = stream(default=None)
    super: StreamId[Thing] | None = stream(default=None)
    isinstance: StreamId[Thing] | None = stream(default=None)  # eventcore: ignore[EC202]
    is_write: StreamId[Thing] | None = stream(default=None)  # eventcore: ignore[EC202]
    refused_write: StreamId[Thing] | None = stream(default=None)  # eventcore: ignore[EC202]
    ValidWrite: StreamId[Thing] | None = stream(default=None)  # eventcore: ignore[EC202]
    streams_ids: Discovered[Thing] = discovered(read_only=True)
    write_id: StreamId[Thing] | None = stream(default=None)  # eventcore: ignore[EC202]
    write_events: StreamId[Thing] | None = stream(default=None)  # eventcore: ignore[EC202]
    events: StreamId[Thing] | None = stream(default=None)  # eventcore: ignore[EC202]

    def handle(self, streams: LocalsStreams, state: LocalsState, resolver: LocalsResolver) -> LocalsWrites:
        found = StreamId.of(Thing, "found")
        resolver.request.add(found)
        resolver.streams_ids.add(found)
        for one in (streams.streams, streams.write, streams.writes, streams.accepts, streams.valid, streams.event_type, streams.id):
            yield one.write(type_changed("", one.version))
        for maybe in (streams.tuple, streams.validate, streams.GENERATED, streams.state, streams.resolver, streams.Handle, streams.super):
            if maybe is not None:
                yield maybe.write(type_changed("", 7))
        yield streams.request[found].write(type_changed("", state.streams_ids[found].id + 1))


@command
class list:
    dict: StreamId[Thing] = stream()
    set: StreamId[Thing] = stream(read_only=True)

    def handle(self, streams: listStreams, state: listState) -> listWrites:
        yield streams.dict.write(type_changed("dict", state.set.id))
