"""The writing thread: all appends that wait share one transaction, and each gets its own verdict."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Final, TypeAlias, final

import orjson

from eventcore.errors import EventCoreError
from eventcore.store import AlreadyDone, AppendRequest, Conflict, Refused, StoredEvent, StreamRead, StreamSlice, Verdict
from eventcore.stores.calls import error_of_all
from eventcore.stores.sqlite.calls import AppendCall, Job
from eventcore.stores.sqlite.database import Database
from eventcore.stores.sqlite.decide import Decider, Decision, Done, Head, Lost
from eventcore.stores.sqlite.inline import Inline
from eventcore.stores.sqlite.lane import Answers
from eventcore.stores.sqlite.migrations import bring_up
from eventcore.stores.sqlite.reader import LONG_STEP, SHORT, Connected
from eventcore.stores.sqlite.rows import now_in_microseconds
from eventcore.stores.sqlite.slices import find_outcomes, read_events, read_pieces, read_whole
from eventcore.stores.sqlite.statements import repeated, statements

Decided: TypeAlias = "Decision | EventCoreError"
News: TypeAlias = "Mapping[StreamRead, Sequence[StoredEvent]]"
WriterCall: TypeAlias = "AppendCall | Job[Any]"

_SQL: Final = statements("append")
# Rows that one INSERT writes: while one runs, the other threads of the process do as well.
_ROWS_AT_ONCE: Final = 64
# A log of more bytes is made to begin anew; seconds between two looks at it.
_LONG_LOG: Final = 64 * 1024 * 1024
_LOOK_AGAIN: Final = 5.0


@final
class Writer(Connected):
    """Commits batches. What is long to read about a conflict is passed on to *side*; *committed* is called after each commit."""

    def __init__(
        self, database: Database, side: Callable[[Job[Sequence[Verdict]]], None], committed: Callable[[], None], *, migrate: bool
    ) -> None:
        super().__init__(database, waits=False)
        self._side = side
        self._committed = committed
        self._migrate = migrate
        self.inline: Final = Inline(database.faults)
        self._next_look = 0.0
        self._long_log = _LONG_LOG

    def prepare(self) -> None:
        try:
            bring_up(self.database, migrate=self._migrate)
        except sqlite3.Error as error:
            raise self.database.faults.translate(error) from error
        super().prepare()

    def handle(self, calls: Sequence[WriterCall], answers: Answers, /) -> None:
        appends: list[AppendCall] = []
        for call in calls:
            if isinstance(call, AppendCall):
                appends.append(call)
            else:
                # In the order of the queue: what was asked for before the job is written before it.
                self._append(appends, answers)
                appends = []
                self.do(call, answers)
        self._append(appends, answers)

    def _append(self, calls: Sequence[AppendCall], answers: Answers) -> None:
        if time.monotonic() >= self._next_look:
            self._look_at_log()
        # Who went away while the thread was busy is left out; from here on a call is on its way.
        calls = [call for call in calls if not call.future.cancelled()]
        if not calls:
            return
        decisions = self._decide([request for call in calls for request in call.requests])
        self._committed()
        news = self._news(decisions)
        start = 0
        for call in calls:
            end = start + len(call.requests)
            self._answer(call, decisions[start:end], news, answers)
            start = end

    def _look_at_log(self) -> None:
        self._next_look = time.monotonic() + _LOOK_AGAIN
        size = self.transactions.log_size()
        if size > self._long_log:
            # Where somebody reads for long, others are not held up again before it is twice as long.
            self._long_log = _LONG_LOG if self.transactions.begin_log_anew() else 2 * size

    def _decide(self, requests: Sequence[AppendRequest]) -> list[Decided]:
        """Decide and commit *requests* together; where that fails because of one of them, in halves, until the guilty one is alone."""
        try:
            return list(self._commit(requests))
        except Exception as error:  # noqa: BLE001  # it is looked at, and goes to those it concerns
            self.transactions.roll_back()
            faults = self.database.faults
            if not faults.blames_request(error):
                return [faults.translate(error) for _ in requests]
            if len(requests) == 1:
                return [faults.refused(error)]
        middle = len(requests) // 2
        return self._decide(requests[:middle]) + self._decide(requests[middle:])

    def _commit(self, requests: Sequence[AppendRequest]) -> list[Decision]:
        connection = self.connection
        if any(request.events for request in requests):
            self.transactions.begin_writing()
        else:
            # Questions only: a snapshot answers them, and nobody's lock is in the way.
            self.transactions.begin_reading()
        decider, demanded = self._decider(requests)
        decisions = [decider.decide(request) for request in requests]
        if decider.rows:
            work = self.inline.checked(demanded)
            _insert(connection, decider)
            if work is not None:
                self.inline.handle(work, connection, decisions)
        self.transactions.commit()
        return decisions

    def _decider(self, requests: Sequence[AppendRequest]) -> tuple[Decider, str | None]:
        """Return who decides *requests*, and the inline projections that the file demands of every append."""
        connection = self.connection
        keys = [request.idempotency.key for request in requests if request.idempotency is not None]
        asked = orjson.dumps(list({stream_id for request in requests for stream_id in request.expected})).decode()
        # The first look into the file: where no write lock is held, another process may be at the repair of the log after a crash.
        (answer,) = self.database.patiently(lambda: connection.execute(_SQL["heads"], (asked,)).fetchone())
        newest_stream, newest_position, demanded, heads = orjson.loads(answer)
        decider = Decider(
            {stream_id: Head(key, version, position) for stream_id, key, version, position in heads},
            find_outcomes(connection, keys) if keys else {},
            newest_stream=newest_stream or 0,
            newest_position=newest_position or 0,
            now=now_in_microseconds(),
            batch=len(requests),
        )
        return decider, demanded

    def _news(self, decisions: Iterable[Decided]) -> News:
        """Read, for all who lost, what is short. The events are committed and never change, so this need not hold the write lock."""
        reads = list(dict.fromkeys(moved.read for lost in decisions if isinstance(lost, Lost) for moved in lost.moved.values()))
        if not reads:
            return {}
        try:
            pieces = read_pieces(self.connection, reads, at_most=SHORT)
        except (sqlite3.Error, ValueError):
            # A side thread meets the same, call by call, and tells those whom it concerns.
            return {}
        return {read: piece.slice.events for read, piece in zip(reads, pieces, strict=True) if piece.complete}

    def _answer(self, call: AppendCall, decisions: Sequence[Decided], news: News, answers: Answers) -> None:
        if (error := error_of_all(decisions)) is not None:
            answers.fail(call, error)
            return
        missing = {moved.read for lost in decisions if isinstance(lost, Lost) for moved in lost.moved.values()} - news.keys()
        if missing or any(isinstance(decision, Done) for decision in decisions):
            self._side(Job(lambda connection: self._verdicts_later(connection, decisions, news), asked_by=call))
        else:
            answers.give(call, [_verdict(decision, news) for decision in decisions])

    def _verdicts_later(self, connection: sqlite3.Connection, decisions: Sequence[Decided], news: News) -> Sequence[Verdict]:
        """Read the rest, in a side thread. What cannot be read fails its own request: others of the call may have been written."""
        more = {**news}
        verdicts: list[Verdict] = []
        for decision in decisions:
            try:
                if isinstance(decision, Lost):
                    for moved in decision.moved.values():
                        if moved.read not in more:
                            (found,) = read_whole(connection, [moved.read], at_a_time=LONG_STEP)
                            more[moved.read] = found.events
                verdicts.append(_done(connection, decision) if isinstance(decision, Done) else _verdict(decision, more))
            except (sqlite3.Error, ValueError) as error:
                verdicts.append(Refused(self.database.faults.translate(error)))
        return verdicts


def _done(connection: sqlite3.Connection, decision: Done) -> AlreadyDone:
    return AlreadyDone(read_events(connection, decision.remembered.first, decision.remembered.last))


def _verdict(decision: Decision | EventCoreError, news: News) -> Verdict:
    if isinstance(decision, Lost):
        slices = dict(decision.unmoved)
        for stream_id, (read, version, position) in decision.moved.items():
            # What came after the moment of the decision is no part of its news.
            slices[stream_id] = StreamSlice(stream_id, read.after, version, position, news[read][: version - read.after])
        return Conflict(decision.stream_id, decision.expected, decision.actual, slices)
    if isinstance(decision, EventCoreError):
        return Refused(decision)
    assert not isinstance(decision, Done), "the events of a remembered outcome are read in a side thread"  # noqa: S101
    return decision


def _insert(connection: sqlite3.Connection, decider: Decider) -> None:
    connection.executemany(_SQL["add_streams"], decider.new_streams)
    rows = decider.rows
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows[start : start + _ROWS_AT_ONCE]
        connection.execute(repeated(_SQL["add_events"], len(some)), list(chain.from_iterable(some)))
    if decider.new_outcomes:
        connection.executemany(_SQL["remember"], decider.new_outcomes)
