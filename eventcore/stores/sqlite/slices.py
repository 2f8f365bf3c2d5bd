"""Read pieces of streams, within whatever transaction the connection is in."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Final, NamedTuple

import orjson

from eventcore.ids import Position
from eventcore.store import RememberedOutcome, StoredEvent, StreamSlice
from eventcore.stores.sqlite.rows import position_of, stored_event
from eventcore.stores.sqlite.statements import statements

_SQL: Final = statements("read")
_BY_VERSION: Final = attrgetter("version")


class Want(NamedTuple):
    """Events of one stream after a version, up to a version (None: all), of some types (None: all)."""

    stream_id: str
    after: int
    until: int | None = None
    types: frozenset[str] | None = None


class Piece(NamedTuple):
    """What was found for a want. *read_to* is the version up to which it was looked at: less than what is wanted where there was too much."""

    after: int
    version: int
    position: Position | None
    events: list[StoredEvent]
    read_to: int
    complete: bool

    def slice(self, stream_id: str) -> StreamSlice:
        return StreamSlice(stream_id, self.after, self.version, self.position, self.events)


def read_pieces(connection: sqlite3.Connection, wants: Sequence[Want], *, at_most: int) -> list[Piece]:
    """Return a piece for every want, of up to *at_most* versions each. One statement, so one snapshot."""
    question = orjson.dumps(
        [(stream_id, after, until, None if types is None else list(types)) for stream_id, after, until, types in wants]
    ).decode()
    (answer,) = connection.execute(_SQL["slices"], (question, at_most)).fetchone()
    heads: dict[int, tuple[int, int | None]] = {}
    events: dict[int, list[StoredEvent]] = {}
    for index, version, position, *row in orjson.loads(answer):
        if index not in heads:
            heads[index] = version, position
            events[index] = []
        if row[0] is not None:
            events[index].append(stored_event(wants[index].stream_id, *row))
    return [_piece(want, *heads.get(index, (0, None)), events.get(index, []), at_most) for index, want in enumerate(wants)]


def _piece(want: Want, version: int, position: int | None, events: list[StoredEvent], at_most: int) -> Piece:
    if len(events) > 1:
        events.sort(key=_BY_VERSION)
    after = 0 if version < want.after else want.after
    wanted = version if want.until is None else min(want.until, version)
    return Piece(
        after, version, position_of(position) if version else None, events, min(after + at_most, wanted), wanted - after <= at_most
    )


def read_whole(connection: sqlite3.Connection, wants: Sequence[Want], *, at_a_time: int) -> list[Piece]:
    """Return a complete piece for every want, however long, read bit by bit. The connection must be in a transaction."""
    pieces = read_pieces(connection, wants, at_most=at_a_time)
    missing = [index for index, piece in enumerate(pieces) if not piece.complete]
    for index in missing:
        piece = pieces[index]
        while not piece.complete:
            want = wants[index]._replace(after=piece.read_to)
            (more,) = read_pieces(connection, [want], at_most=at_a_time)
            piece.events.extend(more.events)
            piece = piece._replace(read_to=more.read_to, complete=more.complete)
        pieces[index] = piece
    return pieces


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
    (answer,) = connection.execute(_SQL["events_between"], (first, last)).fetchone()
    return sorted((stored_event(*row) for row in orjson.loads(answer)), key=attrgetter("position"))


def read_outcome(connection: sqlite3.Connection, remembered: Remembered) -> RememberedOutcome:
    return RememberedOutcome(remembered.fingerprint, read_events(connection, remembered.first, remembered.last))


def newest_position(connection: sqlite3.Connection) -> int | None:
    (newest,) = connection.execute(_SQL["newest_position"]).fetchone()
    return newest if newest is None else int(newest)
