"""What the server is asked in one call, and its answer as verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple, TypeAlias, final
from uuid import UUID

import asyncpg

from eventcore.ids import Position
from eventcore.store import (
    AlreadyDone,
    AppendRequest,
    Committed,
    Conflict,
    KeyReused,
    StoredEvent,
    StreamSlice,
    Verdict,
)
from eventcore.stores.postgres.rows import joined, literal, stored_event

# Verdicts of the SQL function; a number above 0 is that of the check that failed.
_COMMITTED: Final = 0
_DONE: Final = -1
_REUSED: Final = -2
_SENT_BEFORE: Final = -3


class Lost(NamedTuple):
    """A conflict whose news are incomplete: *missing* streams have more events than the server sent along."""

    verdict: Conflict
    missing: Sequence[str]


Decision: TypeAlias = Verdict | Lost


class _Answer(NamedTuple):
    """The first row of the reply. Lists of heads are there only where a request lost."""

    verdicts: list[int]
    versions: list[int]
    check_heads: list[int | None] | None
    head_txs: list[int | None] | None
    head_ordinals: list[int | None] | None
    first_ordinal: int
    request: None
    tx: int | None
    ordinal: None
    recorded_at: datetime


@final
class Batch:
    """Requests, told in flat arrays."""

    __slots__ = ("_check_ends", "_check_streams", "_check_versions", "_contents", "_event_ends", "_event_ids", "_event_stream_ids",
                 "_event_streams", "_fingerprints", "_key_requests", "_keys", "_metadatas", "_numbers", "_requests", "_streams",
                 "_type_versions", "_types", "_written")  # fmt: skip

    def __init__(self, requests: Sequence[AppendRequest]) -> None:
        self._requests = requests
        self._numbers: dict[str, int] = {}
        self._streams: list[str] = []
        self._written: list[bool] = []
        self._check_ends: list[int] = []
        self._check_streams: list[int] = []
        self._check_versions: list[int] = []
        self._event_ends: list[int] = []
        self._event_streams: list[int] = []
        self._event_stream_ids: list[str] = []
        self._event_ids: list[UUID] = []
        self._types: list[str] = []
        self._type_versions: list[int] = []
        self._contents: list[str] = []
        self._metadatas: list[str] = []
        self._key_requests: list[int] = []
        self._keys: list[str] = []
        self._fingerprints: list[bytes] = []
        for number, request in enumerate(requests, 1):
            self._add(number, request)

    def _add(self, number: int, request: AppendRequest) -> None:
        numbers = self._numbers
        for stream_id, expected in request.expected.items():
            stream = numbers.get(stream_id)
            if stream is None:
                self._streams.append(stream_id)
                self._written.append(False)
                stream = numbers[stream_id] = len(self._streams)
            self._check_streams.append(stream)
            self._check_versions.append(-1 if expected.version is None else expected.version)
        self._check_ends.append(len(self._check_streams))
        for stream_id, event_id, type_, type_version, data, metadata in request.events:
            stream = numbers[stream_id]
            self._written[stream - 1] = True
            self._event_streams.append(stream)
            self._event_stream_ids.append(stream_id)
            self._event_ids.append(event_id)
            self._types.append(type_)
            self._type_versions.append(type_version)
            self._contents.append(data.decode())
            self._metadatas.append(metadata.decode())
        self._event_ends.append(len(self._event_ids))
        if request.idempotency is not None:
            self._key_requests.append(number)
            self._keys.append(request.idempotency.key)
            self._fingerprints.append(request.idempotency.fingerprint)

    @property
    def writes(self) -> bool:
        return bool(self._event_ids)

    def arguments(self) -> tuple[object, ...]:
        """Return what the statement takes, in its order, up to the last three."""
        return (
            joined(self._streams),
            literal(self._written),
            literal(self._check_ends),
            literal(self._check_streams),
            literal(self._check_versions),
            literal(self._event_ends),
            literal(self._event_streams),
            joined(self._event_stream_ids),
            literal([f"{event_id.int:032x}" for event_id in self._event_ids]),
            joined(self._types),
            literal(self._type_versions),
            joined(self._contents),
            joined(self._metadatas),
            literal(self._key_requests),
            self._keys,
            self._fingerprints,
        )

    def decisions(self, rows: Sequence[asyncpg.Record]) -> list[Decision]:
        """Return what the reply says of every request."""
        answer = _Answer(*rows[0][:10])
        news: dict[str, list[StoredEvent]] = {}
        done: dict[int, list[StoredEvent]] = {}
        for row in rows[1:]:
            event = stored_event(*row[7:])
            if row[6] is None:
                news.setdefault(event.stream_id, []).append(event)
            else:
                done.setdefault(row[6], []).append(event)
        decisions: list[Decision] = []
        written = _Written(self, answer)
        for index, verdict in enumerate(answer.verdicts):
            if verdict == _COMMITTED:
                decisions.append(Committed(written.events(index), len(self._requests)))
            elif verdict > 0:
                decisions.append(self._lost(index, verdict - 1, answer, news, written))
            elif verdict == _REUSED:
                decisions.append(KeyReused(self._keys[self._key_requests.index(index + 1)]))
            elif verdict == _DONE:
                decisions.append(AlreadyDone(done[index + 1]))
            else:
                assert verdict == _SENT_BEFORE, verdict  # noqa: S101
                decisions.append(Committed(done[index + 1], len(self._requests)))
        return decisions

    def _lost(self, index: int, check: int, answer: _Answer, news: Mapping[str, list[StoredEvent]], written: _Written) -> Decision:
        """Put the news of one loser together: of the moment of its decision, whatever later requests of the batch added."""
        assert answer.check_heads is not None  # noqa: S101
        slices: dict[str, StreamSlice] = {}
        missing: list[str] = []
        for each in range(self._check_ends[index - 1] if index else 0, self._check_ends[index]):
            expected, head = self._check_versions[each], answer.check_heads[each]
            if expected < 0:
                continue
            assert head is not None  # noqa: S101
            stream = self._check_streams[each]
            stream_id = self._streams[stream - 1]
            after = expected if expected <= head else 0
            events = [event for event in news.get(stream_id, ()) if after < event.version <= head] if after < head else []
            if len(events) < head - after:
                missing.append(stream_id)
            position = events[-1].position if events else written.head_position(stream, stream_id, head)
            slices[stream_id] = StreamSlice(stream_id, after, head, position, events)
        actual = answer.check_heads[check]
        assert actual is not None  # noqa: S101
        conflict = Conflict(self._streams[self._check_streams[check] - 1], self._check_versions[check], actual, slices)
        return Lost(conflict, missing) if missing else conflict

    @property
    def event_stream_ids(self) -> Sequence[str]:
        return self._event_stream_ids

    def event_range(self, index: int) -> range:
        return range(self._event_ends[index - 1] if index else 0, self._event_ends[index])

    def event(self, index: int, answer: _Answer) -> StoredEvent:
        """Return event *index* as the server has just written it."""
        assert answer.tx is not None  # noqa: S101
        return stored_event(
            answer.tx,
            answer.first_ordinal + index + 1,
            answer.recorded_at,
            self._event_stream_ids[index],
            answer.versions[index],
            self._event_ids[index],
            self._types[index],
            self._type_versions[index],
            self._contents[index],
            self._metadatas[index],
        )


@final
class _Written:
    """What this batch wrote, by what it is looked for with."""

    def __init__(self, batch: Batch, answer: _Answer) -> None:
        self._batch = batch
        self._answer = answer

    def events(self, index: int) -> list[StoredEvent]:
        return [self._batch.event(each, self._answer) for each in self._batch.event_range(index)]

    def head_position(self, stream: int, stream_id: str, version: int) -> Position | None:
        """Return where the event of that version is, which was the head of the stream before the batch, or came with it."""
        answer = self._answer
        if version == 0:
            return None
        for index, (written_to, written_version) in enumerate(zip(self._batch.event_stream_ids, answer.versions, strict=True)):
            if written_to == stream_id and written_version == version:
                assert answer.tx is not None  # noqa: S101
                return Position((answer.tx, answer.first_ordinal + index + 1))
        assert answer.head_txs is not None  # noqa: S101
        assert answer.head_ordinals is not None  # noqa: S101
        tx, ordinal = answer.head_txs[stream - 1], answer.head_ordinals[stream - 1]
        assert tx is not None  # noqa: S101
        assert ordinal is not None  # noqa: S101
        return Position((tx, ordinal))
