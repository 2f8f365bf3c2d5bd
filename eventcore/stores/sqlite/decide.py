"""Who wins: decisions on heads in memory, before any position is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias, final

from eventcore.errors import RequestRefused
from eventcore.ids import Position
from eventcore.store import (
    AlreadyDone,
    AppendRequest,
    Committed,
    IdempotencyKey,
    KeyReused,
    NewEvent,
    Refused,
    StoredEvent,
    StreamRead,
    StreamSlice,
    Verdict,
    make_committed,
)
from eventcore.stores.sqlite.rows import moment, position_of
from eventcore.stores.sqlite.slices import Remembered

InsertRow: TypeAlias = "tuple[int, int, int, str, str, int, str, str, int]"


@final
class Head:
    """The newest event of a stream, while a batch is decided. *key* is the stream's number in the file."""

    __slots__ = ("key", "position", "version")

    def __init__(self, key: int, version: int, position: int | None) -> None:
        self.key = key
        self.version = version
        self.position = position


_NO_HEAD: Final = Head(0, 0, None)


class Moved(NamedTuple):
    """News of one stream that are still to be read: what *read* brings, up to the version and position that the stream had then."""

    read: StreamRead
    version: int
    position: Position | None


class Lost(NamedTuple):
    """A conflict whose news is still to be read, in part: the *unmoved* streams have none."""

    stream_id: str
    expected: int
    actual: int
    unmoved: Mapping[str, StreamSlice]
    moved: Mapping[str, Moved]


class Done(NamedTuple):
    """An outcome under a key whose events are still to be read."""

    remembered: Remembered


Decision: TypeAlias = Verdict | Lost | Done


@final
class Decider:
    """Decides the requests of one batch in their order, and collects the rows to write."""

    def __init__(
        self,
        heads: dict[str, Head],
        outcomes: Mapping[str, Remembered],
        *,
        newest_stream: int,
        newest_position: int,
        now: int,
        batch: int,
    ) -> None:
        self.new_streams: list[tuple[int, str]] = []
        self.rows: list[InsertRow] = []
        self.new_outcomes: list[tuple[str, bytes, int, int, int]] = []
        self._heads = heads
        self._outcomes = outcomes
        self._own_outcomes: dict[str, tuple[bytes, Committed]] = {}
        self._stream = newest_stream
        self._position = newest_position
        self._now = now
        self._recorded_at = moment(now)
        self._batch = batch

    def decide(self, request: AppendRequest) -> Decision:
        if request.idempotency is not None and (known := self._known(request.idempotency)) is not None:
            return known
        heads = self._heads
        for stream_id, expected in request.expected.items():
            version = expected.version
            if version is not None:
                head = heads.get(stream_id)
                if (head.version if head is not None else 0) != version:
                    return self._lost(request, stream_id, version)
        return self._add(request) if request.events else Committed((), self._batch)

    def _known(self, asked: IdempotencyKey) -> Decision | None:
        if (own := self._own_outcomes.get(asked.key)) is not None:
            fingerprint, committed = own
            return AlreadyDone(committed.events) if fingerprint == asked.fingerprint else KeyReused(asked.key)
        if (remembered := self._outcomes.get(asked.key)) is not None:
            return Done(remembered) if remembered.fingerprint == asked.fingerprint else KeyReused(asked.key)
        return None

    def _lost(self, request: AppendRequest, stream_id: str, version: int) -> Lost:
        """Fix the moment of the news: what later requests of this batch add is no part of it."""
        unmoved: dict[str, StreamSlice] = {}
        moved: dict[str, Moved] = {}
        for other_id, expected in request.expected.items():
            if expected.version is None:
                continue
            head = self._heads.get(other_id) or _NO_HEAD
            after = expected.version if expected.version <= head.version else 0
            if after == head.version:
                unmoved[other_id] = StreamSlice(other_id, after, head.version, position_of(head.position), ())
            else:
                moved[other_id] = Moved(StreamRead(other_id, after), head.version, position_of(head.position))
        actual = (self._heads.get(stream_id) or _NO_HEAD).version
        return Lost(stream_id, version, actual, unmoved, moved)

    def _add(self, request: AppendRequest) -> Committed | Refused:
        try:
            texts = [(event.data.decode(), event.metadata.decode()) for event in request.events]
        except UnicodeDecodeError as error:
            refusal = RequestRefused(f"an event of the request holds data that is no UTF-8 text, so it is no JSON either: {error}")
            refusal.__cause__ = error
            return Refused(refusal)
        first = self._position + 1
        stored = [self._write(event, *text) for event, text in zip(request.events, texts, strict=True)]
        committed = make_committed(stored, self._batch)
        if request.idempotency is not None:
            key, fingerprint = request.idempotency
            self._own_outcomes[key] = fingerprint, committed
            self.new_outcomes.append((key, fingerprint, first, self._position, self._now))
        return committed

    def _write(self, event: NewEvent, data: str, metadata: str) -> StoredEvent:
        stream_id, event_id, type_, type_version, data_bytes, metadata_bytes = event
        self._position = position = self._position + 1
        head = self._heads.get(stream_id)
        if head is None:
            self._stream += 1
            head = self._heads[stream_id] = Head(self._stream, 0, None)
            self.new_streams.append((self._stream, stream_id))
        head.version = version = head.version + 1
        head.position = position
        self.rows.append((position, head.key, version, event_id.hex, type_, type_version, data, metadata, self._now))
        return StoredEvent(
            stream_id, version, Position((position,)), event_id, type_, type_version, data_bytes, metadata_bytes, self._recorded_at
        )
