"""What the server is asked in one call, and its answer as verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeAlias, final
from uuid import UUID

import asyncpg
import orjson

from eventcore.ids import Position, position_at
from eventcore.store import (
    AlreadyDone,
    AppendRequest,
    Committed,
    Conflict,
    ExpectedVersion,
    IdempotencyKey,
    KeyReused,
    NewEvent,
    StoredEvent,
    StreamSlice,
    Verdict,
    make_committed,
    make_stored,
)
from eventcore.stores.postgres.rows import joined, joined_bytes, literal, moment, numbers, stored_event

# Verdicts of the SQL function; a number above 0 is that of the check that failed.
_COMMITTED: Final = 0
_DONE: Final = -1
_REUSED: Final = -2
_SENT_BEFORE: Final = -3

_NO_COLUMNS: Final = (None,) * 7
_NO_TALLIES: Final[tuple[tuple[int, ...], ...]] = ((),) * 5
# What is tallied of each stream: its number from 1, the version that is wanted first, where the batch leaves it, how many events come to it, and the
# number of the last of them.
_NUMBER: Final = 0
_HEAD: Final = 2
_ADDED: Final = 3
_LAST: Final = 4
_NEVER: Final = ExpectedVersion(1 << 62)
_ALL_FIRST: Final = frozenset({1})
_ALL_EMPTY: Final = frozenset({b"{}"})


class Lost(NamedTuple):
    """A conflict whose news are incomplete: *missing* streams have more events than the server sent along."""

    verdict: Conflict
    missing: Sequence[str]


Decision: TypeAlias = Verdict | Lost


Reply: TypeAlias = Sequence[asyncpg.Record]
"""Texts, one in each row: a single one without brackets where all of the batch was committed, else a JSON array for each row of `decide`."""


class _Answer(NamedTuple):
    """The first row of `decide`. Lists of heads are there only where a request lost; *recorded_at* is hexadecimal."""

    verdicts: list[int]
    versions: list[int]
    check_heads: list[int | None] | None
    head_txs: list[int | None] | None
    head_ordinals: list[int | None] | None
    first_ordinal: int
    request: None
    tx: int | None
    ordinal: None
    recorded_at: str


@final
class Batch:
    """Requests, told in flat arrays."""

    __slots__ = ("_check_ends", "_check_streams", "_check_versions", "_event_ends", "_event_streams", "_event_versions", "_events",
                 "_key_requests", "_keys", "_plain", "_requests", "_streams", "_tallies")  # fmt: skip

    def __init__(self, requests: Sequence[AppendRequest]) -> None:
        self._requests = requests
        # Of each stream a list (`_NUMBER` and so on).
        self._tallies: dict[str, list[int]] = {}
        self._check_ends: list[int] = []
        self._check_streams: list[int] = []
        self._check_versions: list[int] = []
        self._events: list[NewEvent] = []
        self._event_ends: list[int] = []
        self._event_streams: list[int] = []
        self._event_versions: list[int] = []
        self._key_requests: list[int] = []
        self._keys: list[IdempotencyKey] = []
        # Whether each request goes on from where the ones before it leave the streams: then all are committed, or one of the streams was not where
        # the batch expects it.
        self._plain = True
        for expected, events, key in requests:
            self._check(expected)
            if events:
                self._write(events)
            self._event_ends.append(len(self._events))
            if key is not None:
                self._plain = False
                self._key_requests.append(len(self._event_ends))
                self._keys.append(key)
        self._streams = list(self._tallies)

    def resting_on_nothing(self) -> Batch:
        """Return the same with versions that no stream will have: what rests on one is not written, and only looked for if it was sent before."""
        return Batch(
            [
                request._replace(
                    expected={stream_id: wanted if wanted.version is None else _NEVER for stream_id, wanted in request.expected.items()}
                )
                for request in self._requests
            ]
        )

    def _check(self, expected: Mapping[str, ExpectedVersion]) -> None:
        tallies, check_streams, check_versions = self._tallies, self._check_streams, self._check_versions
        for stream_id, wanted in expected.items():
            version = wanted.version
            if version is None:
                version, self._plain = -1, False
            tally = tallies.get(stream_id)
            if tally is None:
                tally = tallies[stream_id] = [len(tallies) + 1, version, version, 0, 0]
            elif tally[_HEAD] != version:
                self._plain = False
            check_streams.append(tally[_NUMBER])
            check_versions.append(version)
        self._check_ends.append(len(check_streams))

    def _write(self, events: Sequence[NewEvent]) -> None:
        tallies, event_streams, event_versions = self._tallies, self._event_streams, self._event_versions
        number = len(self._events)
        self._events += events
        for event in events:
            number += 1
            tally = tallies[event[0]]
            head = tally[_HEAD] = tally[_HEAD] + 1
            tally[_ADDED] += 1
            tally[_LAST] = number
            event_streams.append(tally[_NUMBER])
            event_versions.append(head)

    @property
    def writes(self) -> bool:
        return bool(self._events)

    def arguments(self) -> tuple[object, ...]:
        """Return what the statement takes, in its order, up to the last three."""
        _, expects, _, additions, last_events = zip(*self._tallies.values(), strict=True) if self._tallies else _NO_TALLIES
        return (
            joined(self._streams),
            numbers(expects) if self._plain else None,
            numbers(additions),
            numbers(last_events),
            *(self._event_columns() if self._events else _NO_COLUMNS),
            numbers(self._layout()),
            *((numbers(self._key_requests), *map(list, zip(*self._keys, strict=True))) if self._keys else (None, None, None)),
        )

    def _layout(self) -> list[int]:
        layout = [len(self._requests), len(self._check_streams)]
        layout += self._check_ends
        layout += self._event_ends
        layout += self._check_streams
        layout += self._check_versions
        layout += self._event_streams
        return layout

    def _event_columns(self) -> tuple[object, ...]:
        stream_ids, event_ids, types, type_versions, contents, metadatas = zip(*self._events, strict=True)
        return (
            joined(stream_ids),
            numbers(self._event_versions),
            literal([event_id.int.to_bytes(16).hex() for event_id in event_ids]),
            joined(types),
            None if _ALL_FIRST.issuperset(type_versions) else numbers(type_versions),
            joined_bytes(contents),
            None if _ALL_EMPTY.issuperset(metadatas) else joined_bytes(metadatas),
        )

    def decisions(self, reply: Reply) -> list[Decision]:
        """Return what the reply says of every request."""
        text: str = reply[0][0]
        if text[0] != "[":
            return self._all_committed(*text.split())
        rows = [orjson.loads(row[0]) for row in reply]
        answer = _Answer(*rows[0][:10])
        news: dict[str, list[StoredEvent]] = {}
        done: dict[int, list[StoredEvent]] = {}
        for row in rows[1:]:
            event = _event(row)
            if row[6] is None:
                news.setdefault(event.stream_id, []).append(event)
            else:
                done.setdefault(row[6], []).append(event)
        decisions: list[Decision] = []
        written = self._written(answer.tx, answer.first_ordinal, answer.recorded_at, answer.versions)
        for index, verdict in enumerate(answer.verdicts):
            if verdict == _COMMITTED:
                decisions.append(Committed(self._of(index, written), len(self._requests)))
            elif verdict > 0:
                decisions.append(self._lost(index, verdict - 1, answer, news, written))
            elif verdict == _REUSED:
                decisions.append(KeyReused(self._keys[self._key_requests.index(index + 1)].key))
            elif verdict == _DONE:
                decisions.append(AlreadyDone(done[index + 1]))
            else:
                assert verdict == _SENT_BEFORE, verdict  # noqa: S101
                decisions.append(Committed(done[index + 1], len(self._requests)))
        return decisions

    def _all_committed(self, tx: str, first_ordinal: str, recorded_at: str) -> list[Decision]:
        written, size = self._written(int(tx), int(first_ordinal), recorded_at, self._event_versions), len(self._requests)
        begin = 0
        decisions: list[Decision] = []
        for end in self._event_ends:
            decisions.append(make_committed(written[begin:end], size))
            begin = end
        return decisions

    def _written(self, tx: int | None, first_ordinal: int, recorded_at: str, versions: Sequence[int]) -> list[StoredEvent]:
        """Return the events as the server has just written them (those of losers too, for which nobody asks)."""
        if not tx:
            return []
        at = _moment(recorded_at)
        return [
            make_stored(stream_id, version, position_at(tx, ordinal), event_id, type_, type_version, data, metadata, at)
            for ordinal, (version, (stream_id, event_id, type_, type_version, data, metadata)) in enumerate(
                zip(versions, self._events, strict=True), first_ordinal + 1
            )
        ]

    def _of(self, index: int, written: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
        return written[self._event_ends[index - 1] if index else 0 : self._event_ends[index]]

    def _lost(
        self, index: int, check: int, answer: _Answer, news: Mapping[str, list[StoredEvent]], written: Sequence[StoredEvent]
    ) -> Decision:
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
            position = events[-1].position if events else _head_position(stream_id, head, written, answer, stream - 1)
            slices[stream_id] = StreamSlice(stream_id, after, head, position, events)
        actual = answer.check_heads[check]
        assert actual is not None  # noqa: S101
        conflict = Conflict(self._streams[self._check_streams[check] - 1], self._check_versions[check], actual, slices)
        return Lost(conflict, missing) if missing else conflict


def verdicts_of(reply: Reply) -> Sequence[int] | None:
    """Return the verdicts of `decide`; None where all of the batch was committed without it."""
    text: str = reply[0][0]
    return _Answer(*orjson.loads(text)[:10]).verdicts if text[0] == "[" else None


def _event(row: Sequence[Any]) -> StoredEvent:
    """Return the event in a row of `decide`."""
    tx, ordinal, recorded_at, stream_id, version, event_id, *event = row[7:]
    return stored_event(tx, ordinal, _moment(recorded_at), stream_id, version, UUID(event_id), *event)


def _moment(hexadecimal: str) -> datetime:
    return moment(int(hexadecimal, 16))


def _head_position(stream_id: str, version: int, written: Sequence[StoredEvent], answer: _Answer, stream: int) -> Position | None:
    """Return where the event of that version is, which was the head of the stream before the batch, or came with it."""
    if version == 0:
        return None
    for event in written:
        if event.version == version and event.stream_id == stream_id:
            return event.position
    assert answer.head_txs is not None  # noqa: S101
    assert answer.head_ordinals is not None  # noqa: S101
    tx, ordinal = answer.head_txs[stream], answer.head_ordinals[stream]
    assert tx is not None  # noqa: S101
    assert ordinal is not None  # noqa: S101
    return Position((tx, ordinal))
