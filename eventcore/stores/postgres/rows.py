"""Values on their way to the server as text, and rows of the server as the values that travel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import starmap
from typing import Final, final, overload
from uuid import UUID

import asyncpg

from eventcore.errors import InvalidPosition, RequestRefused
from eventcore.ids import Position, position_at
from eventcore.store import SEPARATOR, BareEvents, StoredEvent, check_position, make_stored

# What PostgreSQL counts microseconds from.
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_NO_METADATA: Final = b"{}"
_BEGINNING: Final = (0, 0)
_LONGEST_TEXT: Final = 1_000_000_000
_LAST_TX: Final = 2**63 - 1
_LAST_ORDINAL: Final = 2**31 - 1
_UNIT_SEPARATOR: Final = SEPARATOR
_SEPARATOR: Final = SEPARATOR.encode()
_RECORD_SEPARATOR: Final = "\x1e"


def stored_event(
    tx: int,
    ordinal: int,
    recorded_at: datetime,
    stream_id: str,
    version: int,
    event_id: UUID,
    type_: str,
    type_version: int,
    data: str,
    metadata: str,
) -> StoredEvent:
    """Return the event whose columns come in the order in which every statement of ours names them."""
    kept = _NO_METADATA if metadata == "{}" else metadata.encode()
    return make_stored(stream_id, version, position_at(tx, ordinal), event_id, type_, type_version, data.encode(), kept, recorded_at)


def moment(microseconds: int) -> datetime:
    """Return the time that the server sends as so many microseconds."""
    return _EPOCH + timedelta(microseconds=microseconds)


def bare_events(after: int, versions: Sequence[int] | None, types: str, contents: str) -> BareEvents:
    """Return the events of a stream's row of a bare read; without *versions* they are those that follow *after*."""
    names, type_versions = told_apart(types)
    return BareEvents(range(after + 1, after + 1 + len(names)) if versions is None else versions, names, type_versions, contents)


def told_apart(types: str) -> tuple[list[str], list[int] | None]:
    """Return the names of joined types, and their versions; None where all of them are 1."""
    names = types.split(_UNIT_SEPARATOR)
    if _RECORD_SEPARATOR not in types:
        return names, None
    told = [name.rpartition(_RECORD_SEPARATOR) if _RECORD_SEPARATOR in name else (name, "", "1") for name in names]
    return [name for name, _, _ in told], [int(version) for _, _, version in told]


@final
class EventRows(Sequence[StoredEvent]):
    """The events of rows, each made when it is looked at.

    Whoever goes through a page holds one event at a time, and nothing that the garbage collector has to look through.
    """

    __slots__ = ("_rows",)

    def __init__(self, rows: Sequence[asyncpg.Record]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[StoredEvent]:
        return starmap(stored_event, self._rows)

    @overload
    def __getitem__(self, index: int) -> StoredEvent: ...
    @overload
    def __getitem__(self, index: slice) -> EventRows: ...
    def __getitem__(self, index: int | slice) -> StoredEvent | EventRows:
        return EventRows(self._rows[index]) if isinstance(index, slice) else stored_event(*self._rows[index])


def joined(texts: Sequence[str]) -> str:
    """Return what `string_to_array` takes apart again. Raises `RequestRefused` where it would make other texts of it."""
    text = _UNIT_SEPARATOR.join(texts)
    if texts and (text.count(_UNIT_SEPARATOR) >= len(texts) or not all(texts)):
        raise RequestRefused("PostgreSQL keeps no stream id and no type that is empty or holds the character U+001F")
    return text


def joined_bytes(texts: Sequence[bytes]) -> str:
    """Return what `joined` does of JSON in UTF-8. Raises `RequestRefused` also where no server would take it: it would cut the connection unasked."""
    text = _SEPARATOR.join(texts)
    if len(text) > _LONGEST_TEXT:
        raise RequestRefused(f"the events of the request are {len(text)} bytes together, of which PostgreSQL takes less than a gigabyte")
    if text.count(_SEPARATOR) >= len(texts) or not all(texts):
        raise RequestRefused("data and metadata are JSON, which is not empty and does not hold the character U+001F")
    return text.decode()


def is_storable(text: str) -> bool:
    """Whether *text* may be a stream's id here. If not, nothing of that name can be in the store."""
    try:
        return bool(text.encode()) and _UNIT_SEPARATOR not in text and "\0" not in text
    except UnicodeEncodeError:
        return False


def numbers(items: Sequence[int]) -> str:
    """Return the literal of an array of numbers."""
    return "{" + repr(list(items))[1:-1] + "}"


def literal(items: Iterable[object]) -> str:
    """Return the literal of an array whose elements need no quotes."""
    return "{" + ",".join(map(str, items)) + "}"


def place_of(position: Position | None) -> tuple[int, int]:
    """Return the transaction and the ordinal that a position of this store stands for. Raises `InvalidPosition`."""
    check_position(position)
    if position is None:
        return _BEGINNING
    match position.key:
        case (tx, ordinal) if 0 <= tx <= _LAST_TX and 0 <= ordinal <= _LAST_ORDINAL:
            return tx, ordinal
        case _:
            raise InvalidPosition(str(position), "the positions of a PostgreSQL store are pairs of 63 and 31 bits, such as '748.1'")
