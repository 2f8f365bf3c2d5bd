"""Every member that is generated for a stream of each kind: what it is, and what cannot be done with it.

The commands are those of project/kinds.py. `test_rows.py` knows the rows that docstrings name, and what has to be said of every member.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import assert_type

from kinds import Drained, Filled, Gauge, Measured, SelfFolding, Stateful, Tank, TankEvent
from kinds_streams import (
    SelfFoldingResolver,
    SelfFoldingState,
    SelfFoldingStreams,
    SelfFoldingWrites,
    StatefulResolver,
    StatefulState,
    StatefulStreams,
    StatefulWrites,
)

from eventcore import Discovered, StreamId, StreamWrite
from eventcore.typed import Discovery, ReadOnlyStream, ReadOnlyStreams, WritableStream, WritableStreams


def stateful_one(streams: StatefulStreams, state: StatefulState, command: Stateful) -> None:
    """row: a: StreamId[S] = stream()"""
    assert_type(command.one, StreamId[Tank])
    assert_type(streams.one, WritableStream[StatefulStreams, TankEvent])
    assert_type(streams.one.id, StreamId)
    assert_type(streams.one.version, int)
    assert_type(streams.one.write(Drained()), StreamWrite[StatefulStreams, TankEvent])
    assert_type(state.one, Tank)
    streams.one.write(Measured(1.0))  # E: an event of another stream
    streams.one.version = 1  # E: a version is read, not set
    streams.one.id = streams.one.id  # E: an id is read, not set
    streams.one[command.one]  # E: one stream is no mapping of streams
    streams.one = None  # E: its stream is always there
    state.one = state.one  # E: the state of a command is frozen


def stateful_one_read(streams: StatefulStreams, state: StatefulState, command: Stateful) -> None:
    """row: a: StreamId[S] = stream(read_only=True)"""
    assert_type(command.one_read, StreamId[Gauge])
    assert_type(streams.one_read, ReadOnlyStream)
    assert_type(streams.one_read.id, StreamId)
    assert_type(streams.one_read.version, int)
    assert_type(state.one_read, Gauge)
    streams.one_read.write(Measured(1.0))  # E: a read-only stream has no write
    streams.one_read.version = 1  # E: a version is read, not set
    streams.one_read.id = streams.one_read.id  # E: an id is read, not set
    streams.one_read[command.one_read]  # E: one stream is no mapping of streams
    streams.one_read = None  # E: its stream is always there
    state.one_read = state.one_read  # E: the state of a command is frozen


def stateful_perhaps(streams: StatefulStreams, state: StatefulState, command: Stateful) -> None:
    """row: a: StreamId[S] | None = stream()"""
    assert_type(command.perhaps, StreamId[Tank] | None)
    assert_type(streams.perhaps, WritableStream[StatefulStreams, TankEvent] | None)
    assert_type(state.perhaps, Tank | None)
    streams.perhaps.id  # E: perhaps it is not there
    streams.perhaps.version  # E: perhaps it is not there
    streams.perhaps.write(Drained())  # E: perhaps it is not there
    state.perhaps.litres  # E: perhaps it is not there
    state.perhaps = None  # E: the state of a command is frozen
    if streams.perhaps is not None:
        assert_type(streams.perhaps.id, StreamId)
        assert_type(streams.perhaps.version, int)
        assert_type(streams.perhaps.write(Drained()), StreamWrite[StatefulStreams, TankEvent])
        streams.perhaps.write(Measured(1.0))  # E: an event of another stream


def stateful_perhaps_read(streams: StatefulStreams, state: StatefulState, command: Stateful) -> None:
    """row: a: StreamId[S] | None = stream(read_only=True)"""
    assert_type(command.perhaps_read, StreamId[Gauge] | None)
    assert_type(streams.perhaps_read, ReadOnlyStream | None)
    assert_type(state.perhaps_read, Gauge | None)
    streams.perhaps_read.id  # E: perhaps it is not there
    streams.perhaps_read.version  # E: perhaps it is not there
    state.perhaps_read.celsius  # E: perhaps it is not there
    state.perhaps_read = None  # E: the state of a command is frozen
    if streams.perhaps_read is not None:
        assert_type(streams.perhaps_read.id, StreamId)
        assert_type(streams.perhaps_read.version, int)
        streams.perhaps_read.write(Measured(1.0))  # E: a read-only stream has no write


def stateful_many(streams: StatefulStreams, state: StatefulState, command: Stateful, tank: StreamId[Tank], gauge: StreamId[Gauge]) -> None:
    """row: a: tuple[StreamId[S], ...] = stream()"""
    assert_type(command.many, tuple[StreamId[Tank], ...])
    assert_type(streams.many, WritableStreams[StatefulStreams, Tank, TankEvent])
    assert_type(streams.many[tank], WritableStream[StatefulStreams, TankEvent])
    assert_type(streams.many[tank].id, StreamId)
    assert_type(streams.many[tank].version, int)
    assert_type(streams.many[tank].write(Drained()), StreamWrite[StatefulStreams, TankEvent])
    assert_type(streams.many.get(tank), WritableStream[StatefulStreams, TankEvent])
    assert_type(list(streams.many), list[StreamId[Tank]])
    assert_type(list(streams.many.items()), list[tuple[StreamId[Tank], WritableStream[StatefulStreams, TankEvent]]])
    assert_type(list(streams.many.values()), list[WritableStream[StatefulStreams, TankEvent]])
    assert_type(streams.many.ids, Collection[StreamId[Tank]])
    assert_type(tank in streams.many, bool)
    assert_type(len(streams.many), int)
    assert_type(state.many, Mapping[StreamId[Tank], Tank])
    assert_type(state.many[tank], Tank)
    assert_type(state.many.get(tank), Tank | None)
    assert_type(list(state.many), list[StreamId[Tank]])
    assert_type(list(state.many.items()), list[tuple[StreamId[Tank], Tank]])
    assert_type(list(state.many.values()), list[Tank])
    assert_type(tank in state.many, bool)
    assert_type(len(state.many), int)
    streams.many[tank].write(Measured(1.0))  # E: an event of another stream
    streams.many.write(Drained())  # E: which of them?
    streams.many.version  # E: of which of them?
    streams.many["tank-1"]  # E: text is no stream
    streams.many[tank] = streams.many[tank]  # E: streams are not set
    streams.many[gauge]  # E: another state's stream
    streams.many.get(gauge)  # E: another state's stream
    state.many[gauge]  # E: another state's stream
    state.many[tank] = state.many[tank]  # E: a mapping of states cannot be changed
    state.many = state.many  # E: the state of a command is frozen


def stateful_many_read(
    streams: StatefulStreams, state: StatefulState, command: Stateful, gauge: StreamId[Gauge], tank: StreamId[Tank]
) -> None:
    """row: a: tuple[StreamId[S], ...] = stream(read_only=True)"""
    assert_type(command.many_read, tuple[StreamId[Gauge], ...])
    assert_type(streams.many_read, ReadOnlyStreams[Gauge])
    assert_type(streams.many_read[gauge], ReadOnlyStream)
    assert_type(streams.many_read[gauge].id, StreamId)
    assert_type(streams.many_read[gauge].version, int)
    assert_type(streams.many_read.get(gauge), ReadOnlyStream)
    assert_type(list(streams.many_read), list[StreamId[Gauge]])
    assert_type(list(streams.many_read.items()), list[tuple[StreamId[Gauge], ReadOnlyStream]])
    assert_type(list(streams.many_read.values()), list[ReadOnlyStream])
    assert_type(streams.many_read.ids, Collection[StreamId[Gauge]])
    assert_type(gauge in streams.many_read, bool)
    assert_type(len(streams.many_read), int)
    assert_type(state.many_read, Mapping[StreamId[Gauge], Gauge])
    assert_type(state.many_read[gauge], Gauge)
    assert_type(state.many_read.get(gauge), Gauge | None)
    assert_type(list(state.many_read), list[StreamId[Gauge]])
    assert_type(list(state.many_read.items()), list[tuple[StreamId[Gauge], Gauge]])
    assert_type(list(state.many_read.values()), list[Gauge])
    assert_type(gauge in state.many_read, bool)
    assert_type(len(state.many_read), int)
    streams.many_read[gauge].write(Measured(1.0))  # E: a read-only stream has no write
    streams.many_read.write(Drained())  # E: which of them?
    streams.many_read.version  # E: of which of them?
    streams.many_read["tank-1"]  # E: text is no stream
    streams.many_read[gauge] = streams.many_read[gauge]  # E: streams are not set
    streams.many_read[tank]  # E: another state's stream
    streams.many_read.get(tank)  # E: another state's stream
    state.many_read[tank]  # E: another state's stream
    state.many_read[gauge] = state.many_read[gauge]  # E: a mapping of states cannot be changed
    state.many_read = state.many_read  # E: the state of a command is frozen


def stateful_found(
    streams: StatefulStreams,
    state: StatefulState,
    resolver: StatefulResolver,
    command: Stateful,
    tank: StreamId[Tank],
    gauge: StreamId[Gauge],
) -> None:
    """row: a: Discovered[S] = discovered()"""
    assert_type(command.found, Discovered[Tank])
    assert_type(streams.found, WritableStreams[StatefulStreams, Tank, TankEvent])
    assert_type(streams.found[tank], WritableStream[StatefulStreams, TankEvent])
    assert_type(streams.found[tank].id, StreamId)
    assert_type(streams.found[tank].version, int)
    assert_type(streams.found[tank].write(Drained()), StreamWrite[StatefulStreams, TankEvent])
    assert_type(streams.found.get(tank), WritableStream[StatefulStreams, TankEvent])
    assert_type(list(streams.found), list[StreamId[Tank]])
    assert_type(list(streams.found.items()), list[tuple[StreamId[Tank], WritableStream[StatefulStreams, TankEvent]]])
    assert_type(list(streams.found.values()), list[WritableStream[StatefulStreams, TankEvent]])
    assert_type(streams.found.ids, Collection[StreamId[Tank]])
    assert_type(tank in streams.found, bool)
    assert_type(len(streams.found), int)
    assert_type(state.found, Mapping[StreamId[Tank], Tank])
    assert_type(state.found[tank], Tank)
    assert_type(state.found.get(tank), Tank | None)
    assert_type(list(state.found), list[StreamId[Tank]])
    assert_type(list(state.found.items()), list[tuple[StreamId[Tank], Tank]])
    assert_type(list(state.found.values()), list[Tank])
    assert_type(tank in state.found, bool)
    assert_type(len(state.found), int)
    assert_type(resolver.found, Discovery[Tank])
    assert_type(resolver.found.add(tank), None)
    assert_type(resolver.found.add([tank]), None)
    assert_type(resolver.found.add({tank: 1}), None)
    assert_type(resolver.add_streams([tank]), None)
    streams.found[tank].write(Measured(1.0))  # E: an event of another stream
    streams.found.write(Drained())  # E: which of them?
    streams.found.version  # E: of which of them?
    streams.found["tank-1"]  # E: text is no stream
    streams.found[tank] = streams.found[tank]  # E: streams are not set
    streams.found[gauge]  # E: another state's stream
    streams.found.get(gauge)  # E: another state's stream
    state.found[gauge]  # E: another state's stream
    state.found[tank] = state.found[tank]  # E: a mapping of states cannot be changed
    state.found = state.found  # E: the state of a command is frozen
    resolver.found.add(gauge)  # E: another state's stream
    resolver.found.add([gauge])  # E: another state's streams
    resolver.found.add("tank-1")  # E: text is no stream
    resolver.found.add()  # E: which?


def stateful_found_read(
    streams: StatefulStreams,
    state: StatefulState,
    resolver: StatefulResolver,
    command: Stateful,
    gauge: StreamId[Gauge],
    tank: StreamId[Tank],
) -> None:
    """row: a: Discovered[S] = discovered(read_only=True)"""
    assert_type(command.found_read, Discovered[Gauge])
    assert_type(streams.found_read, ReadOnlyStreams[Gauge])
    assert_type(streams.found_read[gauge], ReadOnlyStream)
    assert_type(streams.found_read[gauge].id, StreamId)
    assert_type(streams.found_read[gauge].version, int)
    assert_type(streams.found_read.get(gauge), ReadOnlyStream)
    assert_type(list(streams.found_read), list[StreamId[Gauge]])
    assert_type(list(streams.found_read.items()), list[tuple[StreamId[Gauge], ReadOnlyStream]])
    assert_type(list(streams.found_read.values()), list[ReadOnlyStream])
    assert_type(streams.found_read.ids, Collection[StreamId[Gauge]])
    assert_type(gauge in streams.found_read, bool)
    assert_type(len(streams.found_read), int)
    assert_type(state.found_read, Mapping[StreamId[Gauge], Gauge])
    assert_type(state.found_read[gauge], Gauge)
    assert_type(state.found_read.get(gauge), Gauge | None)
    assert_type(list(state.found_read), list[StreamId[Gauge]])
    assert_type(list(state.found_read.items()), list[tuple[StreamId[Gauge], Gauge]])
    assert_type(list(state.found_read.values()), list[Gauge])
    assert_type(gauge in state.found_read, bool)
    assert_type(len(state.found_read), int)
    assert_type(resolver.found_read, Discovery[Gauge])
    assert_type(resolver.found_read.add(gauge), None)
    assert_type(resolver.found_read.add([gauge]), None)
    assert_type(resolver.found_read.add({gauge: 1}), None)
    assert_type(resolver.add_streams([gauge]), None)
    streams.found_read[gauge].write(Measured(1.0))  # E: a read-only stream has no write
    streams.found_read.write(Drained())  # E: which of them?
    streams.found_read.version  # E: of which of them?
    streams.found_read["tank-1"]  # E: text is no stream
    streams.found_read[gauge] = streams.found_read[gauge]  # E: streams are not set
    streams.found_read[tank]  # E: another state's stream
    streams.found_read.get(tank)  # E: another state's stream
    state.found_read[tank]  # E: another state's stream
    state.found_read[gauge] = state.found_read[gauge]  # E: a mapping of states cannot be changed
    state.found_read = state.found_read  # E: the state of a command is frozen
    resolver.found_read.add(tank)  # E: another state's stream
    resolver.found_read.add([tank])  # E: another state's streams
    resolver.found_read.add("tank-1")  # E: text is no stream
    resolver.found_read.add()  # E: which?


def self_folding_one(streams: SelfFoldingStreams, command: SelfFolding) -> None:
    """row: a: StreamId = stream(events=E)"""
    assert_type(command.one, StreamId)
    assert_type(streams.one, WritableStream[SelfFoldingStreams, TankEvent])
    assert_type(streams.one.id, StreamId)
    assert_type(streams.one.version, int)
    assert_type(streams.one.write(Drained()), StreamWrite[SelfFoldingStreams, TankEvent])
    streams.one.write(Measured(1.0))  # E: an event of another stream
    streams.one.version = 1  # E: a version is read, not set
    streams.one.id = streams.one.id  # E: an id is read, not set
    streams.one[command.one]  # E: one stream is no mapping of streams
    streams.one = None  # E: its stream is always there


def self_folding_one_read(streams: SelfFoldingStreams, command: SelfFolding) -> None:
    """row: a: StreamId = stream(events=E, read_only=True)"""
    assert_type(command.one_read, StreamId)
    assert_type(streams.one_read, ReadOnlyStream)
    assert_type(streams.one_read.id, StreamId)
    assert_type(streams.one_read.version, int)
    streams.one_read.write(Measured(1.0))  # E: a read-only stream has no write
    streams.one_read.version = 1  # E: a version is read, not set
    streams.one_read.id = streams.one_read.id  # E: an id is read, not set
    streams.one_read[command.one_read]  # E: one stream is no mapping of streams
    streams.one_read = None  # E: its stream is always there


def self_folding_perhaps(streams: SelfFoldingStreams, command: SelfFolding) -> None:
    """row: a: StreamId | None = stream(events=E)"""
    assert_type(command.perhaps, StreamId | None)
    assert_type(streams.perhaps, WritableStream[SelfFoldingStreams, TankEvent] | None)
    streams.perhaps.id  # E: perhaps it is not there
    streams.perhaps.version  # E: perhaps it is not there
    streams.perhaps.write(Drained())  # E: perhaps it is not there
    if streams.perhaps is not None:
        assert_type(streams.perhaps.id, StreamId)
        assert_type(streams.perhaps.version, int)
        assert_type(streams.perhaps.write(Drained()), StreamWrite[SelfFoldingStreams, TankEvent])
        streams.perhaps.write(Measured(1.0))  # E: an event of another stream


def self_folding_perhaps_read(streams: SelfFoldingStreams, command: SelfFolding) -> None:
    """row: a: StreamId | None = stream(events=E, read_only=True)"""
    assert_type(command.perhaps_read, StreamId | None)
    assert_type(streams.perhaps_read, ReadOnlyStream | None)
    streams.perhaps_read.id  # E: perhaps it is not there
    streams.perhaps_read.version  # E: perhaps it is not there
    if streams.perhaps_read is not None:
        assert_type(streams.perhaps_read.id, StreamId)
        assert_type(streams.perhaps_read.version, int)
        streams.perhaps_read.write(Measured(1.0))  # E: a read-only stream has no write


def self_folding_many(streams: SelfFoldingStreams, command: SelfFolding, some: StreamId) -> None:
    """row: a: tuple[StreamId, ...] = stream(events=E)"""
    assert_type(command.many, tuple[StreamId, ...])
    assert_type(streams.many, WritableStreams[SelfFoldingStreams, object, TankEvent])
    assert_type(streams.many[some], WritableStream[SelfFoldingStreams, TankEvent])
    assert_type(streams.many[some].id, StreamId)
    assert_type(streams.many[some].version, int)
    assert_type(streams.many[some].write(Drained()), StreamWrite[SelfFoldingStreams, TankEvent])
    assert_type(streams.many.get(some), WritableStream[SelfFoldingStreams, TankEvent])
    assert_type(list(streams.many), list[StreamId])
    assert_type(list(streams.many.items()), list[tuple[StreamId, WritableStream[SelfFoldingStreams, TankEvent]]])
    assert_type(list(streams.many.values()), list[WritableStream[SelfFoldingStreams, TankEvent]])
    assert_type(streams.many.ids, Collection[StreamId])
    assert_type(some in streams.many, bool)
    assert_type(len(streams.many), int)
    streams.many[some].write(Measured(1.0))  # E: an event of another stream
    streams.many.write(Drained())  # E: which of them?
    streams.many.version  # E: of which of them?
    streams.many["tank-1"]  # E: text is no stream
    streams.many[some] = streams.many[some]  # E: streams are not set


def self_folding_many_read(streams: SelfFoldingStreams, command: SelfFolding, some: StreamId) -> None:
    """row: a: tuple[StreamId, ...] = stream(events=E, read_only=True)"""
    assert_type(command.many_read, tuple[StreamId, ...])
    assert_type(streams.many_read, ReadOnlyStreams)
    assert_type(streams.many_read[some], ReadOnlyStream)
    assert_type(streams.many_read[some].id, StreamId)
    assert_type(streams.many_read[some].version, int)
    assert_type(streams.many_read.get(some), ReadOnlyStream)
    assert_type(list(streams.many_read), list[StreamId])
    assert_type(list(streams.many_read.items()), list[tuple[StreamId, ReadOnlyStream]])
    assert_type(list(streams.many_read.values()), list[ReadOnlyStream])
    assert_type(streams.many_read.ids, Collection[StreamId])
    assert_type(some in streams.many_read, bool)
    assert_type(len(streams.many_read), int)
    streams.many_read[some].write(Measured(1.0))  # E: a read-only stream has no write
    streams.many_read.write(Drained())  # E: which of them?
    streams.many_read.version  # E: of which of them?
    streams.many_read["tank-1"]  # E: text is no stream
    streams.many_read[some] = streams.many_read[some]  # E: streams are not set


def self_folding_found(streams: SelfFoldingStreams, resolver: SelfFoldingResolver, command: SelfFolding, some: StreamId) -> None:
    """row: a: Discovered = discovered(events=E)"""
    assert_type(command.found, Discovered)
    assert_type(streams.found, WritableStreams[SelfFoldingStreams, object, TankEvent])
    assert_type(streams.found[some], WritableStream[SelfFoldingStreams, TankEvent])
    assert_type(streams.found[some].id, StreamId)
    assert_type(streams.found[some].version, int)
    assert_type(streams.found[some].write(Drained()), StreamWrite[SelfFoldingStreams, TankEvent])
    assert_type(streams.found.get(some), WritableStream[SelfFoldingStreams, TankEvent])
    assert_type(list(streams.found), list[StreamId])
    assert_type(list(streams.found.items()), list[tuple[StreamId, WritableStream[SelfFoldingStreams, TankEvent]]])
    assert_type(list(streams.found.values()), list[WritableStream[SelfFoldingStreams, TankEvent]])
    assert_type(streams.found.ids, Collection[StreamId])
    assert_type(some in streams.found, bool)
    assert_type(len(streams.found), int)
    assert_type(resolver.found, Discovery[object])
    assert_type(resolver.found.add(some), None)
    assert_type(resolver.found.add([some]), None)
    assert_type(resolver.found.add({some: 1}), None)
    assert_type(resolver.add_streams([some]), None)
    streams.found[some].write(Measured(1.0))  # E: an event of another stream
    streams.found.write(Drained())  # E: which of them?
    streams.found.version  # E: of which of them?
    streams.found["tank-1"]  # E: text is no stream
    streams.found[some] = streams.found[some]  # E: streams are not set
    resolver.found.add("tank-1")  # E: text is no stream
    resolver.found.add()  # E: which?


def self_folding_found_read(streams: SelfFoldingStreams, resolver: SelfFoldingResolver, command: SelfFolding, some: StreamId) -> None:
    """row: a: Discovered = discovered(events=E, read_only=True)"""
    assert_type(command.found_read, Discovered)
    assert_type(streams.found_read, ReadOnlyStreams)
    assert_type(streams.found_read[some], ReadOnlyStream)
    assert_type(streams.found_read[some].id, StreamId)
    assert_type(streams.found_read[some].version, int)
    assert_type(streams.found_read.get(some), ReadOnlyStream)
    assert_type(list(streams.found_read), list[StreamId])
    assert_type(list(streams.found_read.items()), list[tuple[StreamId, ReadOnlyStream]])
    assert_type(list(streams.found_read.values()), list[ReadOnlyStream])
    assert_type(streams.found_read.ids, Collection[StreamId])
    assert_type(some in streams.found_read, bool)
    assert_type(len(streams.found_read), int)
    assert_type(resolver.found_read, Discovery[object])
    assert_type(resolver.found_read.add(some), None)
    assert_type(resolver.found_read.add([some]), None)
    assert_type(resolver.found_read.add({some: 1}), None)
    assert_type(resolver.add_streams([some]), None)
    streams.found_read[some].write(Measured(1.0))  # E: a read-only stream has no write
    streams.found_read.write(Drained())  # E: which of them?
    streams.found_read.version  # E: of which of them?
    streams.found_read["tank-1"]  # E: text is no stream
    streams.found_read[some] = streams.found_read[some]  # E: streams are not set
    resolver.found_read.add("tank-1")  # E: text is no stream
    resolver.found_read.add()  # E: which?


def only_what_is_discovered_is_asked_for(resolver: StatefulResolver, own: SelfFoldingResolver, tank: StreamId[Tank]) -> None:
    """row: a: Discovered[S] = discovered()"""
    assert_type(resolver.DISCOVERED, tuple[str, ...])
    resolver.one.add(tank)  # E: it is declared, not discovered
    resolver.many.add(tank)  # E: it is declared, not discovered
    own.perhaps.add(tank)  # E: it is declared, not discovered


def any_other_field(command: Stateful, streams: StatefulStreams, state: StatefulState, resolver: StatefulResolver) -> None:
    """row: any other field"""
    assert_type(command.litres, int)
    command.litres = 2  # E: commands are frozen
    streams.litres  # E: it is plain data of the command
    state.litres  # E: it is plain data of the command
    resolver.litres  # E: it is plain data of the command


def the_constructor(tank: StreamId[Tank], gauge: StreamId[Gauge], some: StreamId) -> None:
    """row: any other field
    row: constructors are known to the checkers"""
    assert_type(Stateful(tank, gauge, tank, gauge, (tank,), (gauge, gauge), 5), Stateful)
    assert_type(Stateful(tank, gauge, None, None, (), (), litres=5), Stateful)
    assert_type(SelfFolding(some, tank, gauge, None, (some, tank), (), 5), SelfFolding)
    Stateful(tank, gauge, None, None, (), ())  # E: plain data is missing
    Stateful(tank, gauge, None, None, (), (), "5")  # E: plain data of another type
    Stateful(tank, gauge, None, None, (), (), (), (), 5)  # E: discovered streams are no argument
    Stateful(tank, gauge, (), (), 5)  # E: what may be absent still has to be said, unless it has a default
    Stateful(gauge, tank, None, None, (), (), 5)  # E: swapped
    Stateful(None, gauge, None, None, (), (), 5)  # E: this stream is not optional
    Stateful(tank, gauge, gauge, None, (), (), 5)  # E: another state's stream
    Stateful(tank, gauge, None, None, (gauge,), (), 5)  # E: another state's stream
    Stateful(tank, gauge, None, None, [tank], (), 5)  # E: a list is no tuple
    Stateful(some, gauge, None, None, (), (), 5)  # E: nothing says that it is a tank
    SelfFolding("tank-1", some, None, None, (), (), 5)  # E: text is no stream


def the_state_of_self_folding(state: SelfFoldingState, command: SelfFolding) -> None:
    """row: a: StreamId = stream(events=E)"""
    assert_type(state, int)
    assert_type(command.initial(), int)
    state.one  # E: the state is the command's own


def what_handle_returns(streams: StatefulStreams, own: SelfFoldingStreams, writes: StatefulWrites, others: SelfFoldingWrites) -> None:
    """row: <Command>Writes"""
    assert_type(writes, Iterable[StreamWrite[StatefulStreams, TankEvent]])
    assert_type(others, Iterable[StreamWrite[SelfFoldingStreams, TankEvent]])
    for write in writes:
        assert_type(write, StreamWrite[StatefulStreams, TankEvent])
        assert_type(write.event, TankEvent)
        assert_type(write.stream_id, StreamId)
        write.event = Drained()  # E: a write is not changed
    several: StatefulWrites = [streams.one.write(Filled(1)), *(stream.write(Drained()) for stream in streams.many.values())]
    none: StatefulWrites = ()
    foreign: StatefulWrites = [own.one.write(Filled(1))]  # E: a write of another command
    mixed: StatefulWrites = (streams.one.write(Filled(1)), own.one.write(Filled(1)))  # E: one of them is another command's
    events: StatefulWrites = [Filled(1)]  # E: an event is no write
    single: StatefulWrites = streams.one.write(Filled(1))  # E: one write is no iterable of writes
    print(several, none, foreign, mixed, events, single)
