"""Appends that wait share one transaction, and each gets its own verdict."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias, final

from eventcore.errors import EventCoreError, HistoryChanged, InlineProjectionFailed, OutcomeUnknown
from eventcore.store import AppendRequest, Committed, Conflict, InlineWork, Refused, Verdict
from eventcore.stores.calls import error_of_all
from eventcore.stores.postgres.batch import Batch, Decision, Lost
from eventcore.stores.postgres.connections import Patience, Session
from eventcore.stores.postgres.faults import (
    Faults,
    IdleTransaction,
    LostBeforeCommit,
    because,
    blames_request,
    is_lost,
    keeps_other_inline,
    needs_read_committed,
    needs_retry,
    was_stopped,
)
from eventcore.stores.postgres.inline import Inline
from eventcore.stores.postgres.lane import Call
from eventcore.stores.postgres.reader import Reader

Decided: TypeAlias = "Decision | EventCoreError"

# Each stream is a lock of the server for the length of the transaction, and its table of locks is finite (max_locks_per_transaction).
_STREAMS_AT_ONCE: Final = 512
_REQUESTS_AT_ONCE: Final = 512
_BYTES_AT_ONCE: Final = 4 * 1024 * 1024
# Events that a conflict brings along for each stream; the rest is read afterwards.
_NEWS_AT_ONCE: Final = 256
# How often a batch is sent again that the server gave up in favour of another one.
_RIVALRIES: Final = 8
# How often it is sent again after its connection ended while nothing was asked: if somebody cut it, the next one will do.
_CUTS: Final = 2


@final
class AppendCall(Call[Sequence[Verdict]]):
    """Decide requests. Shares its transaction with others."""

    __slots__ = ("history", "requests")

    def __init__(self, requests: Sequence[AppendRequest], history: object) -> None:
        super().__init__(len(requests))
        self.requests = requests
        self.history = history

    def give_up(self) -> None:
        self.fail(OutcomeUnknown("an append whose task was cancelled, as all tasks of its event loop may be,"))


@final
class Writer:
    """Commits batches on one connection; *committed* is called after each commit."""

    def __init__(
        self,
        session: Session,
        reader: Reader,
        faults: Faults,
        sql: str,
        inline: Inline,
        *,
        committed: Callable[[], None],
        lock_timeout: float,
        patience: float,
    ) -> None:
        self._session = session
        self._reader = reader
        self._faults = faults
        self._sql = sql
        self._inline = inline
        self._committed = committed
        self._wait = lock_timeout
        # 0 would mean: for ever.
        self._lock_timeout = f"{max(1, round(lock_timeout * 1000))}ms"
        self._patience = patience
        self._read_committed_by_default = True

    async def serve(self, calls: Sequence[AppendCall]) -> None:
        history = calls[-1].history
        if calls[0].history is not history:
            await self.serve([call for call in calls if call.history is not history])
            calls = [call for call in calls if call.history is history]
        decided: list[Decided] = []
        for requests in _batches([request for call in calls for request in call.requests]):
            decided += await self._decide(requests, _Sending(history))
        start = 0
        for call in calls:
            end = start + len(call.requests)
            mine = decided[start:end]
            if len(mine) == 1 and type(mine[0]) is Committed:
                call.give([mine[0]])
            else:
                await self._answer(call, mine)
            start = end

    async def _answer(self, call: AppendCall, decided: Sequence[Decided]) -> None:
        if (error := error_of_all(decided)) is not None:
            call.fail(error)
        else:
            call.give([await self._verdict(decision) for decision in decided])

    async def _verdict(self, decision: Decided) -> Verdict:
        if isinstance(decision, EventCoreError):
            return Refused(decision)
        if not isinstance(decision, Lost):
            return decision
        news = dict(decision.verdict.news)
        try:
            for stream_id in decision.missing:
                begun = news[stream_id]
                read_to = begun.events[-1].version if begun.events else begun.after
                events = [*begun.events, *await self._reader.events_between(stream_id, read_to, begun.version)]
                news[stream_id] = begun._replace(events=events, position=events[-1].position)
        except EventCoreError as error:
            # It fails this request alone: others of its call may have been written.
            return Refused(error)
        return decision.verdict._replace(news=news)

    async def _decide(
        self, requests: Sequence[AppendRequest], sending: _Sending, *, step: bool = False, until: float | None = None
    ) -> list[Decided]:
        """Decide and commit *requests* together; where that fails because of one of them, in halves, until the guilty one is alone.

        Whose statements take too long is looked for *until* a time: they may all wait for the same lock.
        """
        try:
            return list(await self._commit(Batch(requests), sending, step=step))
        except Exception as error:  # noqa: BLE001 - it is looked at, and goes to those it concerns
            until = until or time.monotonic() + self._wait
            if not blames_request(error) or (was_stopped(error) and time.monotonic() >= until):
                # After a lost reply, an error says only that asking did not help.
                return [self._told(request, error, sent=sending.lost) for request in requests]
            if len(requests) == 1:
                if isinstance(error, InlineProjectionFailed) and error.event is None and not step:
                    # It is refused either way; once more, to find out which of its events it was.
                    return await self._decide(requests, sending, step=True)
                return [self._told(requests[0], self._faults.refused(error), sent=sending.lost)]
        middle = len(requests) // 2
        first = await self._decide(requests[:middle], sending.of_a_part(), until=until)
        return first + await self._decide(requests[middle:], sending, until=until)

    def _told(self, request: AppendRequest, error: Exception, *, sent: bool) -> EventCoreError:
        # A read model fails only after the server has looked for the events and found none, under locks that whoever may still commit them holds.
        if sent and request.events and not isinstance(error, InlineProjectionFailed):
            streams = ", ".join(sorted({event.stream_id for event in request.events}))
            return because(OutcomeUnknown(f"an append to {streams} in {self._faults.store}"), error)
        return self._faults.translate(error)

    async def _commit(self, batch: Batch, sending: _Sending, *, step: bool) -> Sequence[Decided]:
        """Send *batch* until an answer came back. It can be sent again: the server looks for its events first, by their ids."""
        patience = Patience(self._patience)
        rivalries = 0
        idled = 0
        while True:
            await self._session.connected(patience)
            work = self._inline.work if batch.writes else None
            try:
                decided = await self._send_of_now(batch, work, sending, step=step)
            except Exception as error:
                if is_lost(error):
                    sending.lost |= not isinstance(error, LostBeforeCommit)
                    if patience.is_over():
                        raise self._faults.unreachable(self._patience, error) from error
                elif needs_read_committed(error) and self._read_committed_by_default:
                    self._read_committed_by_default = False
                elif keeps_other_inline(error):
                    if self._inline.work is work:
                        raise self._inline.differs(error, self._inline.kept) from error
                elif isinstance(error, IdleTransaction) and idled < _CUTS:
                    idled += 1
                elif needs_retry(error) and rivalries < _RIVALRIES:
                    rivalries += 1
                    await asyncio.sleep(0.001 * rivalries)
                else:
                    raise
            else:
                if batch.writes:
                    self._committed()
                return decided

    async def _send_of_now(self, batch: Batch, work: InlineWork | None, sending: _Sending, *, step: bool) -> Sequence[Decided]:
        """Send *batch*, which was decided on one history. On another one only that is found, or written, which rests on no version."""
        of_now = self._session.history is sending.history
        decisions = await self._send(batch if of_now else batch.resting_on_nothing(), work, resent=sending.lost, step=step)
        return (
            decisions
            if of_now
            else [HistoryChanged(self._faults.store) if isinstance(each, Conflict | Lost) else each for each in decisions]
        )

    async def _send(self, batch: Batch, work: InlineWork | None, *, resent: bool, step: bool) -> list[Decision]:
        arguments = (*batch.arguments(), resent, self._lock_timeout, _NEWS_AT_ONCE)
        if work is not None:
            return await self._inline.append(self._session, work, batch, self._sql, arguments, lock_timeout=self._lock_timeout, step=step)
        if self._read_committed_by_default:
            return batch.decisions(await self._session.fetch(self._sql, *arguments))
        return batch.decisions(await self._session.fetch_in(self._sql, *arguments, isolation="read_committed"))


@final
class _Sending:
    """What a batch rests on: a *history*; and whether it may have been committed without an answer coming back."""

    __slots__ = ("history", "lost")

    def __init__(self, history: object, *, lost: bool = False) -> None:
        self.history = history
        self.lost = lost

    def of_a_part(self) -> _Sending:
        """Return the same for a part of the batch, which is sent by itself."""
        return _Sending(self.history, lost=self.lost)


def _batches(requests: Sequence[AppendRequest]) -> Iterator[Sequence[AppendRequest]]:
    """Cut what came together into what one transaction should hold, in the order in which it came. Two of one key are decided one after the other."""
    if requests and _fit_together(requests):
        yield requests
        return
    batch: list[AppendRequest] = []
    streams: set[str] = set()
    keys: set[str] = set()
    size = 0
    for request in requests:
        key = None if request.idempotency is None else request.idempotency.key
        weight = _weight([request])
        full = len(batch) >= _REQUESTS_AT_ONCE or len(streams) + len(request.expected) > _STREAMS_AT_ONCE or size + weight > _BYTES_AT_ONCE
        if batch and (full or key in keys):
            yield batch
            batch, size = [], 0
            streams.clear()
            keys.clear()
        batch.append(request)
        streams.update(request.expected)
        size += weight
        if key is not None:
            keys.add(key)
    if batch:
        yield batch


def _fit_together(requests: Sequence[AppendRequest]) -> bool:
    """Tell, sooner than by cutting, whether one transaction should hold all of *requests*: nearly always."""
    return len(requests) == 1 or (
        len(requests) <= _REQUESTS_AT_ONCE
        and sum([len(request[0]) for request in requests]) <= _STREAMS_AT_ONCE
        and _weight(requests) <= _BYTES_AT_ONCE
        and not any([request[2] for request in requests])  # noqa: C419  # made faster than a generator
    )


def _weight(requests: Sequence[AppendRequest]) -> int:
    try:
        return sum([len(event[4]) + len(event[5]) for request in requests for event in request[1]])
    except TypeError:
        # Something is no bytes: it will be refused when it is to be sent, and nothing else must be.
        return 0
