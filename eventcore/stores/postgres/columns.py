"""The events of a page as the server tells them: column by column, each in one piece, and taken apart by few steps of the interpreter."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import Any, Final, NamedTuple, final, overload

from asyncpg.pgproto.pgproto import UUID

from eventcore.ids import Position, position_at
from eventcore.store import SEPARATOR, EventColumns, StoredEvent, make_stored
from eventcore.stores.postgres.rows import moment, told_apart

# tx, ordinal, version, event_id, recorded_at: as the server sends each of them, without a length.
_PLACE: Final = struct.Struct(">qiq16sq")
_PIECE: Final = struct.Struct(f"{_PLACE.size}s")
_SEPARATOR: Final = SEPARATOR.encode()
_NO_METADATA: Final = b"{}"


class Columns(NamedTuple):
    """The texts of all events of a page, each column joined by `SEPARATOR`. *places* has `_PLACE` for each event."""

    types: str
    contents: str
    stream_ids: str
    metadata: str
    places: bytes


@final
class PageColumns(EventColumns):
    """The events of a page; one is made when it is looked at."""

    __slots__ = ("_places", "_stream_ids")

    def __init__(
        self,
        types: Sequence[str],
        type_versions: Sequence[int] | None,
        data: Sequence[bytes],
        metadata: Sequence[bytes] | None,
        stream_ids: Sequence[str],
        places: bytes,
    ) -> None:
        super().__init__(types, type_versions, data, metadata)
        self._stream_ids = stream_ids
        self._places = places

    @classmethod
    def of(cls, told: Columns) -> PageColumns:
        types, type_versions = told_apart(told.types)
        none = _NO_METADATA + (_SEPARATOR + _NO_METADATA) * (len(types) - 1)
        metadata = told.metadata.encode()
        return cls(
            types,
            type_versions,
            told.contents.encode().split(_SEPARATOR),
            None if metadata == none else metadata.split(_SEPARATOR),
            told.stream_ids.split(SEPARATOR),
            told.places,
        )

    @property
    def end(self) -> Position:
        """Where the last event stands."""
        tx, ordinal, _, _, _ = _PLACE.unpack_from(self._places, len(self._places) - _PLACE.size)
        return position_at(tx, ordinal)

    def late(self) -> Iterator[tuple[Callable[..., StoredEvent], *tuple[Any, ...]]]:
        return zip(repeat(_stored), self._stream_ids, _PIECE.iter_unpack(self._places), *self._others())

    def __iter__(self) -> Iterator[StoredEvent]:
        when, known = moment(0), 0
        columns = zip(self._stream_ids, _PLACE.iter_unpack(self._places), *self._others(), strict=True)
        for stream_id, (tx, ordinal, version, event_id, at), type_, type_version, data, metadata in columns:
            if at != known:
                # The events of a transaction, and often of more, have one moment.
                when, known = moment(at), at
            yield make_stored(stream_id, version, position_at(tx, ordinal), UUID(event_id), type_, type_version, data, metadata, when)

    def _others(self) -> tuple[Sequence[str], Sequence[int] | repeat[int], Sequence[bytes], Sequence[bytes] | repeat[bytes]]:
        versions = repeat(1, len(self)) if self.type_versions is None else self.type_versions
        return self.types, versions, self.data, repeat(_NO_METADATA, len(self)) if self.metadata is None else self.metadata

    @overload
    def __getitem__(self, index: int) -> StoredEvent: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[StoredEvent]: ...
    def __getitem__(self, index: int | slice) -> StoredEvent | Sequence[StoredEvent]:
        numbers = range(len(self))[index]
        if isinstance(numbers, int):
            [stored] = self._part(numbers, numbers + 1)
            return stored
        return self._part(numbers.start, numbers.stop) if numbers.step == 1 and numbers else [self[number] for number in numbers]

    def _part(self, start: int, stop: int) -> PageColumns:
        part = slice(start, stop)
        return PageColumns(
            self.types[part],
            None if self.type_versions is None else self.type_versions[part],
            self.data[part],
            None if self.metadata is None else self.metadata[part],
            self._stream_ids[part],
            self._places[start * _PLACE.size : stop * _PLACE.size],
        )


def _stored(stream_id: str, place: tuple[bytes], type_: str, type_version: int, data: bytes, metadata: bytes) -> StoredEvent:
    tx, ordinal, version, event_id, at = _PLACE.unpack(place[0])
    return make_stored(stream_id, version, position_at(tx, ordinal), UUID(event_id), type_, type_version, data, metadata, moment(at))
