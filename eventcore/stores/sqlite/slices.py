"""Read pieces of streams, within whatever transaction the connection is in."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Final, NamedTuple, TypeAlias

import orjson

from eventcore.ids import Position
from eventcore.store import RememberedOutcome, StoredEvent, StreamRead, StreamSlice
from eventcore.stores.sqlite.keep import load_snapshots
from eventcore.stores.sqlite.rows import all_rows, stored_event
from eventcore.stores.sqlite.statements import statements

_SQL: Final = statements("read")
# Index of the read, version and position of the head, then the event; its version is None where the stream brings none.
Rows: TypeAlias = "list[tuple[int, int, int, int | None, int, str, str, int, str, str, int]]"

_BY_VERSION: Final = attrgetter("version")


class Piece(NamedTuple):
    """What was found for a read; not *complete* where there was more than one statement was to bring."""

    slice: StreamSlice
    complete: bool


def read_pieces(connection: sqlite3.Connection, reads: Sequence[StreamRead], *, at_most: int) -> list[Piece]:
    """Return a piece for every read, of up to *at_most* versions each. One statement, so one snapshot."""
    if any(read.snapshot_kind is not None for read in reads):
        return _read_from_snapshots(connection, reads, at_most)
    question = orjson.dumps([(stream_id, after, None if types is None else list(types)) for stream_id, after, types, _, _ in reads])
    rows: Rows = all_rows(connection, _SQL["slices"], (question.decode(), at_most), width=11)
    heads: dict[int, tuple[int, int]] = {}
    events: dict[int, list[StoredEvent]] = {}
    for index, head, head_position, version, position, event_id, type_, type_version, data, metadata, recorded_at in rows:
        if index not in heads:
            heads[index] = head, head_position
            events[index] = []
        if version is not None:
            event = stored_event(reads[index].stream_id, version, position, event_id, type_, type_version, data, metadata, recorded_at)
            events[index].append(event)
    return [_piece(read, *heads.get(index, _NO_HEAD), events.get(index, []), at_most) for index, read in enumerate(reads)]


_NO_HEAD: Final = (0, 0)


def _read_from_snapshots(connection: sqlite3.Connection, reads: Sequence[StreamRead], at_most: int) -> list[Piece]:
    """Load the snapshots first, then read what came after: what a snapshot says of its version is true whenever it is loaded."""
    wanted = [(read.stream_id, read.snapshot_kind) for read in reads if read.snapshot_kind is not None]
    newest = {(found.stream_id, found.kind): found for found in load_snapshots(connection, wanted)}
    snapshots = [None if read.snapshot_kind is None else newest.get((read.stream_id, read.snapshot_kind)) for read in reads]
    plain = [StreamRead(*read[:3]) for read in reads]
    begins = [
        read if snapshot is None or snapshot.version <= read.after else read._replace(after=snapshot.version)
        for read, snapshot in zip(plain, snapshots, strict=True)
    ]
    pieces = read_pieces(connection, begins, at_most=at_most)
    for index, (read, begin, snapshot) in enumerate(zip(plain, begins, snapshots, strict=True)):
        if begin is not read:
            piece = pieces[index]
            if piece.slice.version < begin.after:  # a snapshot that is newer than its stream is of another
                (pieces[index],) = read_pieces(connection, [read], at_most=at_most)
            else:
                pieces[index] = piece._replace(slice=piece.slice._replace(snapshot=snapshot))
    return pieces


def _piece(read: StreamRead, version: int, position: int, events: list[StoredEvent], at_most: int) -> Piece:
    if len(events) > 1:
        events.sort(key=_BY_VERSION)
    after = 0 if version < read.after else read.after
    return Piece(
        StreamSlice(read.stream_id, after, version, Position((position,)) if version else None, events), version - after <= at_most
    )


def read_whole(connection: sqlite3.Connection, reads: Sequence[StreamRead], *, at_a_time: int) -> list[StreamSlice]:
    """Return the slice of every read, however long, read bit by bit. The connection must be in a transaction."""
    pieces = read_pieces(connection, reads, at_most=at_a_time)
    return [
        piece.slice if piece.complete else _read_on(connection, read, piece.slice, at_a_time)
        for read, piece in zip(reads, pieces, strict=True)
    ]


def _read_on(connection: sqlite3.Connection, read: StreamRead, begun: StreamSlice, at_a_time: int) -> StreamSlice:
    events = list(begun.events)
    for after in range(begun.after + at_a_time, begun.version, at_a_time):
        (more,) = read_pieces(connection, [StreamRead(read.stream_id, after, read.types)], at_most=at_a_time)
        events.extend(more.slice.events)
    return begun._replace(events=events)


class Remembered(NamedTuple):
    """Where the events are that were committed under an idempotency key."""

    fingerprint: bytes
    first: int
    last: int


def find_outcomes(connection: sqlite3.Connection, keys: Iterable[str]) -> Mapping[str, Remembered]:
    rows = connection.execute(_SQL["outcomes"], (orjson.dumps(list(keys)).decode(),)).fetchall()
    return {key: Remembered(fingerprint, first, last) for key, fingerprint, first, last in rows}


def read_events(connection: sqlite3.Connection, first: int, last: int) -> list[StoredEvent]:
    """Return the events from one position to another."""
    rows = all_rows(connection, _SQL["events_between"], (first, last), width=9)
    return sorted((stored_event(*row) for row in rows), key=attrgetter("position"))


def read_outcome(connection: sqlite3.Connection, remembered: Remembered) -> RememberedOutcome:
    return RememberedOutcome(remembered.fingerprint, read_events(connection, remembered.first, remembered.last))


def newest_position(connection: sqlite3.Connection) -> int | None:
    (newest,) = connection.execute(_SQL["newest_position"]).fetchone()
    return newest if newest is None else int(newest)
