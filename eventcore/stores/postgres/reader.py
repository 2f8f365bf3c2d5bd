"""Reads of many callers, answered by one statement and so by one snapshot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias, final

import asyncpg
import orjson

from eventcore.construct import new_tuple
from eventcore.errors import RequestRefused
from eventcore.ids import Position, position_at
from eventcore.store import ReadResult, RememberedOutcome, Snapshot, StoredEvent, StreamRead, StreamSlice
from eventcore.stores.postgres.connections import Connection, Session
from eventcore.stores.postgres.lane import Call
from eventcore.stores.postgres.rows import bare_events, is_storable, joined, literal, stored_event

# Versions that one statement brings at most, of all streams together; and of one stream at least.
_AT_ONCE: Final = 16_384
_OF_ONE_STREAM: Final = 64
# Versions that one statement brings where a single long stream is read on.
_STEP: Final = 5_000


@final
class ReadCall(Call[ReadResult]):
    """Read streams, and look up a key. Shares its snapshot with others."""

    __slots__ = ("bare", "key", "reads")

    def __init__(self, reads: Sequence[StreamRead], key: str | None) -> None:
        super().__init__(len(reads) + 1)
        self.reads = reads
        self.key = key
        self.bare = all(read.bare for read in reads)


# What stands for rows where one of the ids is no text for the server.
_REFUSED: Final[list[asyncpg.Record]] = []

_Piece: TypeAlias = tuple[StreamSlice, bool]
"""A slice, and whether it is complete."""


@final
class Reader:
    """Answers read calls on one connection."""

    def __init__(self, session: Session, sql: str) -> None:
        self._session = session
        self._sql = sql

    async def serve(self, calls: Sequence[ReadCall]) -> None:
        whole = [call for call in calls if not call.bare]
        if whole:
            await self._serve(whole, bare=False)
        if len(whole) < len(calls):
            await self._serve([call for call in calls if call.bare], bare=True)

    async def _serve(self, calls: Sequence[ReadCall], *, bare: bool) -> None:
        reads = list(dict.fromkeys(read for call in calls for read in call.reads))
        keys = list({call.key for call in calls if call.key is not None})
        at_most = max(_OF_ONE_STREAM, _AT_ONCE // max(1, len(reads)))
        pieces, outcomes = await self._read(reads, keys, at_most, bare=bare)
        found = dict(zip(reads, pieces, strict=True))
        long: list[tuple[ReadCall, list[_Piece]]] = []
        for call in calls:
            mine = [found[read] for read in call.reads]
            if all([complete for _, complete in mine]):  # noqa: C419  # a list of two is made faster than a generator
                call.give(new_tuple(ReadResult, ([_own(slice_) for slice_, _ in mine], _outcome(outcomes, call.key))))
            else:
                long.append((call, mine))
        for call, mine in long:
            slices = [await self._whole(read, piece, at_most, bare=bare) for read, piece in zip(call.reads, mine, strict=True)]
            call.give(ReadResult(slices, _outcome(outcomes, call.key)))

    async def _whole(self, read: StreamRead, begun: _Piece, at_most: int, *, bare: bool) -> StreamSlice:
        """Read on where a statement brought only the beginning. What is older than the head never changes: it need not be the same snapshot."""
        slice_, complete = begun
        if complete:
            return _own(slice_)
        events, parts = list(slice_.events), list(slice_.bare)
        for after in range(slice_.after + at_most, slice_.version, _STEP):
            more = StreamRead(read.stream_id, after, read.types)
            ((piece, _),), _ = await self._read([more], [], min(_STEP, slice_.version - after), bare=bare)
            events.extend(piece.events)
            parts.extend(piece.bare)
        return slice_._replace(events=events, bare=parts)

    async def events_between(self, stream_id: str, after: int, version: int) -> list[StoredEvent]:
        """Return the events of a stream from *after* up to *version*, which it has reached."""
        begun = StreamSlice(stream_id, after, version, None, ()), False
        return list((await self._whole(StreamRead(stream_id, after), begun, 0, bare=False)).events)

    async def _read(
        self, reads: Sequence[StreamRead], keys: Sequence[str], at_most: int, *, bare: bool
    ) -> tuple[list[_Piece], dict[str, RememberedOutcome]]:
        sql = self._sql
        try:
            stream_ids = joined([read.stream_id for read in reads])
        except RequestRefused:
            return await self._read_sound(reads, keys, at_most, bare=bare)
        arguments = (
            stream_ids,
            literal([read.after for read in reads]),
            [_type_set(read.types) for read in reads] if any(read.types is not None for read in reads) else None,
            [read.snapshot_kind for read in reads] if any(read.snapshot_kind is not None for read in reads) else None,
            keys,
            at_most,
        )

        async def ask(connection: Connection) -> list[asyncpg.Record] | None:
            try:
                return await connection.fetch(sql, *arguments, bare)
            except asyncpg.ProgramLimitExceededError:
                if not bare:
                    raise
                return None  # The text of a stream would have more than 1 GB.
            except (asyncpg.DataError, ValueError):
                if all(is_storable(read.stream_id) for read in reads):
                    raise
                return _REFUSED

        rows = await self._session.run(ask)
        if rows is None:
            return await self._read(reads, keys, at_most, bare=False)
        if rows is _REFUSED:
            return await self._read_sound(reads, keys, at_most, bare=bare)
        if not bare:
            return _sorted_out(reads, keys, at_most, rows)
        _, outcomes = _sorted_out((), keys, 0, [row for row in rows if row[0] < 0] if keys else ())
        return _bare_pieces(reads, at_most, [row for row in rows if row[0] > 0] if keys else rows), outcomes

    async def _read_sound(
        self, reads: Sequence[StreamRead], keys: Sequence[str], at_most: int, *, bare: bool
    ) -> tuple[list[_Piece], dict[str, RememberedOutcome]]:
        """Ask for those streams alone that can be there; the others have no events."""
        sound = [read for read in reads if is_storable(read.stream_id)]
        found, outcomes = await self._read(sound, keys, at_most, bare=bare)
        pieces = dict(zip(sound, found, strict=True))
        return [pieces.get(read) or _piece(read, _NO_HEAD, [], None, at_most) for read in reads], outcomes


def _sorted_out(
    reads: Sequence[StreamRead], keys: Sequence[str], at_most: int, rows: Sequence[asyncpg.Record]
) -> tuple[list[_Piece], dict[str, RememberedOutcome]]:
    """Give every row to the stream or the key that it belongs to."""
    heads: dict[int, _Head] = {}
    events: dict[int, list[StoredEvent]] = defaultdict(list)
    snapshots: dict[int, Snapshot] = {}
    fingerprints: dict[int, bytes] = {}

    def keep(number: int, version: int, kept: bytes) -> None:
        if number < 0:
            fingerprints[number] = kept
            return
        read = reads[number - 1]
        assert read.snapshot_kind is not None  # noqa: S101
        snapshots[number] = Snapshot(read.stream_id, read.snapshot_kind, version, kept)

    current: int | None = None
    # In one step of the interpreter for each row and each event: long histories spend their time here.
    for number, head_version, head_tx, head_ordinal, kept, tx, ordinal, recorded_at, stream_id, version, *event, _, _ in rows:
        if kept is not None:
            keep(number, version, kept)
        elif number != current:
            current = number
            heads[number] = _Head(head_version, position_at(head_tx, head_ordinal))
        if tx is not None:
            events[number].append(stored_event(tx, ordinal, recorded_at, stream_id, version, *event))
    pieces = [
        _piece(read, heads.get(number, _NO_HEAD), events[number], snapshots.get(number), at_most) for number, read in enumerate(reads, 1)
    ]
    outcomes = {keys[-number - 1]: RememberedOutcome(fingerprint, events[number]) for number, fingerprint in fingerprints.items()}
    return pieces, outcomes


def _bare_pieces(reads: Sequence[StreamRead], at_most: int, rows: Sequence[asyncpg.Record]) -> list[_Piece]:
    found: dict[int, _Piece] = {}
    for number, version, tx, ordinal, kept, _, _, _, _, after, _, types, _, _, _, versions, contents in rows:
        index: int = number - 1
        stream_id, _, _, kind, _ = reads[index]
        snapshot = None if kept is None or kind is None else Snapshot(stream_id, kind, after, kept)
        events = () if contents is None else (bare_events(after, versions, types, contents),)
        slice_ = new_tuple(StreamSlice, (stream_id, after, version, position_at(tx, ordinal), (), snapshot, events))
        found[number] = slice_, version - after <= at_most
    return [found.get(number) or _piece(read, _NO_HEAD, [], None, at_most) for number, read in enumerate(reads, 1)]


class _Head(NamedTuple):
    version: int
    position: Position | None


_NO_HEAD: Final = _Head(0, None)


def _piece(read: StreamRead, head: _Head, events: list[StoredEvent], snapshot: Snapshot | None, at_most: int) -> _Piece:
    asked = 0 if head.version < read.after else read.after
    after = asked if snapshot is None else snapshot.version
    slice_ = StreamSlice(read.stream_id, after, head.version, head.position, events, snapshot)
    return slice_, head.version - after <= at_most


def _type_set(types: frozenset[str] | None) -> str | None:
    return None if types is None else orjson.dumps(sorted(types)).decode()


def _own(shared: StreamSlice) -> StreamSlice:
    """Give every caller a list of its own: what one does to it is nobody else's matter."""
    return shared._replace(events=tuple(shared.events)) if shared.events else shared


def _outcome(outcomes: dict[str, RememberedOutcome], key: str | None) -> RememberedOutcome | None:
    return None if key is None else outcomes.get(key)
