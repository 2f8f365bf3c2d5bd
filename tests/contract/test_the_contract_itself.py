"""Stores that are broken on purpose, each in one way that somebody's store was: the contract must catch every one of them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

import pytest

from eventcore.errors import StoreError
from eventcore.ids import Position, StreamPattern
from eventcore.store import (
    ANY,
    EVERYTHING,
    SEPARATOR,
    AlreadyDone,
    AppendRequest,
    BareEvents,
    Committed,
    Conflict,
    EventFilter,
    Lease,
    Page,
    ReadResult,
    Refused,
    Snapshot,
    StreamRead,
    StreamSlice,
    Verdict,
)
from eventcore.stores.memory import InMemoryEventStore
from eventcore.testing.contract import DurableEventStoreContract, EventStoreContract, InlineStoreContract

KNOWN_BUGS = [
    "two_appends_one_boundary",
    "write_skew_through_a_read_only_stream",
    "version_not_newer_than_events",
    "parallel_any_appends",
    "version_above_head",
    "loser_takes_no_position",
    "reads_are_ordered",
    "one_bad_request_harms_no_neighbour",
    "no_hidden_limit",
    "filtered_read_keeps_the_version",
    "partial_write_is_impossible",
    "prefix_is_literal",
]


class ChecksOnlyWhatItWrites(InMemoryEventStore):
    async def append(self, requests: Sequence[AppendRequest], /) -> Sequence[Verdict]:
        def written(request: AppendRequest) -> AppendRequest:
            streams = {event.stream_id for event in request.events}
            return request._replace(expected={each: version for each, version in request.expected.items() if each in streams})

        return await super().append([written(request) for request in requests])


class ChecksThenWrites(InMemoryEventStore):
    async def append(self, requests: Sequence[AppendRequest], /) -> Sequence[Verdict]:
        return [await self._one(request) for request in requests]

    async def _one(self, request: AppendRequest) -> Verdict:
        (verdict,) = await super().append([request._replace(events=(), idempotency=None)])
        if not isinstance(verdict, Committed):
            return verdict
        await asyncio.sleep(0)
        (verdict,) = await super().append([request._replace(expected=dict.fromkeys(request.expected, ANY))])
        return verdict


class WritesEachStreamApart(InMemoryEventStore):
    async def append(self, requests: Sequence[AppendRequest], /) -> Sequence[Verdict]:
        verdicts = await super().append([request._replace(events=()) for request in requests])
        for request, verdict in zip(requests, verdicts, strict=True):
            if isinstance(verdict, Committed):
                for event in request.events:
                    await asyncio.sleep(0)
                    await super().append([AppendRequest({event.stream_id: ANY}, [event])])
        return verdicts


class KeepsTheGoodHalfOfARefusedRequest(InMemoryEventStore):
    async def append(self, requests: Sequence[AppendRequest], /) -> Sequence[Verdict]:
        verdicts = list(await super().append(requests))
        for request, verdict in zip(requests, verdicts, strict=True):
            if isinstance(verdict, Refused):
                await super().append([AppendRequest({event.stream_id: ANY}, [event]) for event in request.events])
        return verdicts


class LetsGapsPass(InMemoryEventStore):
    async def append(self, requests: Sequence[AppendRequest], /) -> Sequence[Verdict]:
        async def loosened(request: AppendRequest) -> AppendRequest:
            slices = (await self.read([StreamRead(each) for each in request.expected])).slices
            heads = {each.stream_id: each.version for each in slices}
            versions = {each: ANY if (version.version or 0) > heads[each] else version for each, version in request.expected.items()}
            return request._replace(expected=versions)

        return await super().append([await loosened(request) for request in requests])


class ConflictsWithoutNews(InMemoryEventStore):
    async def append(self, requests: Sequence[AppendRequest], /) -> Sequence[Verdict]:
        verdicts = await super().append(requests)
        return [verdict._replace(news={}) if isinstance(verdict, Conflict) else verdict for verdict in verdicts]


class FailsWholeBatches(InMemoryEventStore):
    async def append(self, requests: Sequence[AppendRequest], /) -> Sequence[Verdict]:
        for request in requests:
            (verdict,) = await super().append([request._replace(events=(), idempotency=None)])
            if not isinstance(verdict, Committed):
                return [verdict] * len(requests)
        return await super().append(requests)


class ForgetsKeys(InMemoryEventStore):
    async def append(self, requests: Sequence[AppendRequest], /) -> Sequence[Verdict]:
        return await super().append([request._replace(idempotency=None) for request in requests])


class IgnoresFingerprints(InMemoryEventStore):
    async def append(self, requests: Sequence[AppendRequest], /) -> Sequence[Verdict]:
        keyed = [
            request._replace(idempotency=request.idempotency and request.idempotency._replace(fingerprint=b"")) for request in requests
        ]
        return await super().append(keyed)


class ReadsStreamByStream(InMemoryEventStore):
    async def read(self, streams: Sequence[StreamRead], /, *, idempotency_key: str | None = None) -> ReadResult:
        slices: list[StreamSlice] = []
        for each in streams:
            slices += (await super().read([each])).slices
            await asyncio.sleep(0)
        return ReadResult(slices, (await super().read([], idempotency_key=idempotency_key)).remembered)


class ReadsTheVersionLast(InMemoryEventStore):
    async def read(self, streams: Sequence[StreamRead], /, *, idempotency_key: str | None = None) -> ReadResult:
        early = await super().read(streams, idempotency_key=idempotency_key)
        await asyncio.sleep(0)
        late = await super().read(streams)
        slices = [
            found._replace(version=head.version, position=head.position) for found, head in zip(early.slices, late.slices, strict=True)
        ]
        return early._replace(slices=slices)


class CountsWhatItRead(InMemoryEventStore):
    async def read(self, streams: Sequence[StreamRead], /, *, idempotency_key: str | None = None) -> ReadResult:
        result = await super().read(streams, idempotency_key=idempotency_key)
        return result._replace(slices=[each._replace(version=each.after + len(each.events)) for each in result.slices])


class ReadsAThousandAtMost(InMemoryEventStore):
    async def read(self, streams: Sequence[StreamRead], /, *, idempotency_key: str | None = None) -> ReadResult:
        result = await super().read(streams, idempotency_key=idempotency_key)
        return result._replace(slices=[each._replace(events=each.events[:1000]) for each in result.slices])


class TellsOfBareEventsBadly(InMemoryEventStore):
    """What it does to the columns is said by those who inherit it."""

    async def read(self, streams: Sequence[StreamRead], /, *, idempotency_key: str | None = None) -> ReadResult:
        result = await super().read(streams, idempotency_key=idempotency_key)
        return result._replace(slices=[self.told(each) if read.bare else each for read, each in zip(streams, result.slices, strict=True)])

    def told(self, found: StreamSlice) -> StreamSlice:
        if not found.events:
            return found
        versions, types, numbers = zip(*[(event.version, event.type, event.type_version) for event in found.events], strict=True)
        data = SEPARATOR.join([event.data.decode() for event in found.events])
        return found._replace(events=(), bare=[self.spoiled(BareEvents(versions, types, numbers, data))])

    def spoiled(self, events: BareEvents) -> BareEvents:
        raise NotImplementedError


class CountsBareVersionsFromOne(TellsOfBareEventsBadly):
    def spoiled(self, events: BareEvents) -> BareEvents:
        return events._replace(versions=range(1, len(events.types) + 1))


class TellsNoTypeVersions(TellsOfBareEventsBadly):
    def spoiled(self, events: BareEvents) -> BareEvents:
        return events._replace(type_versions=None)


class TellsBareEventsToThemAll(TellsOfBareEventsBadly):
    async def read(self, streams: Sequence[StreamRead], /, *, idempotency_key: str | None = None) -> ReadResult:
        anybody = any(read.bare for read in streams)
        return await super().read([read._replace(bare=anybody) for read in streams], idempotency_key=idempotency_key)

    def spoiled(self, events: BareEvents) -> BareEvents:
        return events


class BeginsBareReadsAnew(InMemoryEventStore):
    async def read(self, streams: Sequence[StreamRead], /, *, idempotency_key: str | None = None) -> ReadResult:
        reads = [read._replace(snapshot_kind=None) if read.bare else read for read in streams]
        return await super().read(reads, idempotency_key=idempotency_key)


class ReadsAThousandBareAtMost(InMemoryEventStore):
    async def read(self, streams: Sequence[StreamRead], /, *, idempotency_key: str | None = None) -> ReadResult:
        result = await super().read(streams, idempotency_key=idempotency_key)
        slices = [
            each._replace(events=each.events[:1000]) if read.bare else each for read, each in zip(streams, result.slices, strict=True)
        ]
        return result._replace(slices=slices)


class ReadsNewestFirst(InMemoryEventStore):
    async def read_all(self, after: Position | None = None, /, *, limit: int = 1000, where: EventFilter = EVERYTHING) -> Page:
        page = await super().read_all(after, limit=limit, where=where)
        return page._replace(events=sorted(page.events, key=lambda event: event.stream_id))


class FiltersAfterTheLimit(InMemoryEventStore):
    async def read_all(self, after: Position | None = None, /, *, limit: int = 1000, where: EventFilter = EVERYTHING) -> Page:
        page = await super().read_all(after, limit=limit)
        events = [event for event in page.events if where.admits(event.stream_id, event.type)]
        return Page(events, page.position, more=len(events) == limit)


class StopsAtItsLastMatch(InMemoryEventStore):
    async def read_all(self, after: Position | None = None, /, *, limit: int = 1000, where: EventFilter = EVERYTHING) -> Page:
        page = await super().read_all(after, limit=limit, where=where)
        return page._replace(position=page.events[-1].position if page.events else after)


class StandsStillWhereNothingMatches(InMemoryEventStore):
    async def read_all(self, after: Position | None = None, /, *, limit: int = 1000, where: EventFilter = EVERYTHING) -> Page:
        page = await super().read_all(after, limit=limit, where=where)
        return page if page.events else page._replace(position=after)


class ComparesPrefixesAsLikeDoes(InMemoryEventStore):
    async def read_all(self, after: Position | None = None, /, *, limit: int = 1000, where: EventFilter = EVERYTHING) -> Page:
        if where.streams is None:
            return await super().read_all(after, limit=limit, where=where)
        globs = tuple(StreamPattern(each.text.replace("_", "?").replace("%", "*") + "*") for each in where.streams)
        return await super().read_all(after, limit=limit, where=EventFilter(types=where.types, streams=globs))


class NeverWakes(InMemoryEventStore):
    async def wait_for_news(self, after: Position | None, /, *, timeout: float) -> bool:
        await asyncio.sleep(min(timeout, 6))
        return await super().wait_for_news(after, timeout=0)


class KeepsTheOlderSnapshot(InMemoryEventStore):
    async def save_snapshots(self, snapshots: Sequence[Snapshot], /) -> None:
        kept = await super().load_snapshots([(each.stream_id, each.kind) for each in snapshots])
        await super().save_snapshots([each for each in snapshots if each[:2] not in {old[:2] for old in kept}])


class CheckpointsOnlyForward(InMemoryEventStore):
    async def save_checkpoint(self, name: str, position: Position, /) -> None:
        kept = await super().load_checkpoint(name)
        await super().save_checkpoint(name, position if kept is None else max(kept, position))


class HandsOutOneToken(InMemoryEventStore):
    async def acquire_lease(self, name: str, /, *, owner: str, ttl: timedelta) -> Lease | None:
        lease = await super().acquire_lease(name, owner=owner, ttl=ttl)
        return lease and lease._replace(token=1)


class ReleasesForAnyone(InMemoryEventStore):
    async def release_lease(self, lease: Lease, /) -> None:
        held = await super().acquire_lease(lease.name, owner="two", ttl=timedelta(minutes=1))
        await super().release_lease(held or lease)


class KnowsNoTimeZone(InMemoryEventStore):
    def __init__(self) -> None:
        super().__init__(clock=datetime.now)


class ForgetsTheTypeVersion(InMemoryEventStore):
    async def append(self, requests: Sequence[AppendRequest], /) -> Sequence[Verdict]:
        return await super().append(
            [request._replace(events=[event._replace(type_version=1) for event in request.events]) for request in requests]
        )


class NormalizesJson(InMemoryEventStore):
    async def append(self, requests: Sequence[AppendRequest], /) -> Sequence[Verdict]:
        return await super().append(
            [
                request._replace(events=[event._replace(data=event.data.replace(b" ", b"")) for event in request.events])
                for request in requests
            ]
        )


class StaysOpen(InMemoryEventStore):
    async def __aexit__(self, *exc_info: object) -> None:
        return None


class AnswersRepeatsWithNothing(InMemoryEventStore):
    async def append(self, requests: Sequence[AppendRequest], /) -> Sequence[Verdict]:
        return [AlreadyDone(()) if isinstance(verdict, AlreadyDone) else verdict for verdict in await super().append(requests)]


class CommitsWhatFailed(InMemoryEventStore):
    @asynccontextmanager
    async def transaction(self, **options):
        error = None
        async with super().transaction(**options) as transaction:
            try:
                yield transaction
            except BaseException as raised:
                error = raised
        if error is not None:
            raise error


class PassesOverRefusals(InMemoryEventStore):
    @asynccontextmanager
    async def transaction(self, **options):
        async with super().transaction(**options) as transaction:
            transaction.intact.require = lambda: None
            yield transaction


class KeepsWhatReadersWrote(InMemoryEventStore):
    def transaction(self, *, under=None, read_only=False):
        return super().transaction(under=under)


class NeverAsksForTheLease(InMemoryEventStore):
    def transaction(self, *, under=None, read_only=False):
        return super().transaction(read_only=read_only)


class ForgetsItsWork(InMemoryEventStore):
    def attach(self, work, /):
        return super().attach(None if work is None else Changed(work, 0))


class WorksTwice(InMemoryEventStore):
    def attach(self, work, /):
        return super().attach(None if work is None else Changed(work, 2))


class Changed:
    """Does its work so many times."""

    def __init__(self, work, times):
        self.work, self.times, self.kept = work, times, work.kept

    async def handle(self, requests, transaction, /, *, step):
        for _ in range(self.times):
            await self.work.handle(requests, transaction, step=step)


class WorksAfterTheCommit(InMemoryEventStore):
    work = None

    def attach(self, work, /):
        before, self.work = self.work, work
        super().attach(None if work is None else Changed(work, 0))
        return before

    async def append(self, requests, /):
        verdicts = await super().append(requests)
        if self.work is not None:
            for verdict in verdicts:
                if isinstance(verdict, Committed) and verdict.events:
                    with suppress(StoreError):
                        async with self.transaction() as transaction:
                            await self.work.handle([verdict.events], transaction, step=True)
        return verdicts


class DemandsNothing(InMemoryEventStore):
    @asynccontextmanager
    async def switch_inline(self):
        async with super().switch_inline() as switch:
            yield switch
            self._demanded = None
            switch.demanded = None


class DemandsTooEarly(InMemoryEventStore):
    @asynccontextmanager
    async def switch_inline(self):
        async with super().switch_inline() as switch:
            demand = switch.demand

            async def at_once(kept, /):
                self._demanded = kept
                await demand(kept)

            switch.demand = at_once
            yield switch


class AppendsDuringASwitch(InMemoryEventStore):
    @asynccontextmanager
    async def switch_inline(self):
        async with super().switch_inline() as switch:
            self._plain = True
            yield switch


CAUGHT = [
    (ChecksOnlyWhatItWrites, ["write_skew_through_a_read_only_stream", "a_version_is_checked_even_where_nothing_is_written"]),
    (ChecksThenWrites, ["two_appends_one_boundary", "write_skew_through_a_read_only_stream"]),
    (WritesEachStreamApart, ["parallel_any_appends", "partial_write_is_impossible"]),
    (KeepsTheGoodHalfOfARefusedRequest, ["one_bad_request_harms_no_neighbour", "a_refused_request_alone_leaves_the_store_working"]),
    (LetsGapsPass, ["version_above_head", "news_of_a_stream_shorter_than_expected_come_whole"]),
    (ConflictsWithoutNews, ["a_conflict_brings_the_news"]),
    (FailsWholeBatches, ["one_conflict_harms_no_neighbour", "requests_are_decided_in_order_on_what_the_earlier_ones_left"]),
    (ForgetsKeys, ["an_outcome_is_remembered_under_its_key", "a_repeated_request_is_not_done_again"]),
    (IgnoresFingerprints, ["a_key_belongs_to_one_request"]),
    (AnswersRepeatsWithNothing, ["a_repeated_request_is_not_done_again", "concurrent_requests_of_one_key_have_one_effect"]),
    (ReadsStreamByStream, ["version_not_newer_than_events", "a_key_is_read_in_the_snapshot_of_its_streams"]),
    (ReadsTheVersionLast, ["version_not_newer_than_events"]),
    (CountsWhatItRead, ["filtered_read_keeps_the_version"]),
    (ReadsAThousandAtMost, ["no_hidden_limit"]),
    (CountsBareVersionsFromOne, ["a_bare_read_tells_the_same"]),
    (TellsNoTypeVersions, ["a_bare_read_tells_types_versions_and_data_as_they_are"]),
    (TellsBareEventsToThemAll, ["bare_reads_mix_with_others"]),
    (BeginsBareReadsAnew, ["a_bare_read_begins_at_the_snapshot"]),
    (ReadsAThousandBareAtMost, ["a_bare_read_has_no_hidden_limit"]),
    (ReadsNewestFirst, ["reads_are_ordered", "events_are_ordered_across_streams"]),
    (FiltersAfterTheLimit, ["a_filter_comes_before_the_limit", "pages_pass_what_the_filter_leaves_out"]),
    (StopsAtItsLastMatch, ["pages_pass_what_the_filter_leaves_out"]),
    (StandsStillWhereNothingMatches, ["pages_pass_what_the_filter_leaves_out"]),
    (ComparesPrefixesAsLikeDoes, ["prefix_is_literal"]),
    (NeverWakes, ["an_append_wakes_everyone_who_waits"]),
    (KeepsTheOlderSnapshot, ["an_older_snapshot_does_not_replace_a_newer_one"]),
    (CheckpointsOnlyForward, ["the_last_checkpoint_wins"]),
    (HandsOutOneToken, ["a_released_lease_is_free", "an_expired_lease_passes_to_the_next"]),
    (ReleasesForAnyone, ["a_late_release_takes_nothing_from_the_new_owner"]),
    (KnowsNoTimeZone, ["recorded_at_is_the_time_in_utc"]),
    (ForgetsTheTypeVersion, ["ids_types_and_versions_survive"]),
    (NormalizesJson, ["data_and_metadata_survive"]),
    (StaysOpen, ["a_closed_store_refuses_everything"]),
    (CommitsWhatFailed, ["an_exception_takes_all_of_a_transaction_back", "a_cancelled_transaction_leaves_nothing"]),
    (PassesOverRefusals, ["a_refused_statement_is_the_end_of_its_transaction"]),
    (KeepsWhatReadersWrote, ["a_read_only_transaction_changes_nothing"]),
    (
        NeverAsksForTheLease,
        [
            "a_transaction_under_a_lease_is_refused_to_a_former_owner",
            "a_lease_does_not_pass_on_before_the_transaction_under_it_has_ended",
        ],
    ),
    (ForgetsItsWork, ["inline_work_is_part_of_the_append", "many_appends_at_once_do_their_inline_work_once_each"]),
    (WorksTwice, ["inline_work_is_part_of_the_append"]),
    (WorksAfterTheCommit, ["inline_work_that_fails_fails_its_request_alone", "what_failed_inline_left_no_trace"]),
    (DemandsNothing, ["an_append_without_the_demanded_work_is_refused"]),
    (DemandsTooEarly, ["a_switch_that_fails_demands_nothing"]),
    (AppendsDuringASwitch, ["nobody_appends_during_a_switch"]),
]


def run(store: type[InMemoryEventStore], test: str) -> None:
    class Contract(InlineStoreContract, EventStoreContract):
        def open_store(self) -> InMemoryEventStore:
            return store()

    contract = Contract()
    contract.setup_method()
    try:
        getattr(contract, f"test_{test}")()
    finally:
        contract.teardown_method()


@pytest.mark.parametrize(("store", "test"), [(store, test) for store, tests in CAUGHT for test in tests])
def test_a_broken_store_is_caught(store: type[InMemoryEventStore], test: str) -> None:
    with pytest.raises(AssertionError) as caught:
        run(store, test)

    assert str(caught.value)


@pytest.mark.parametrize("test", sorted({test for _, tests in CAUGHT for test in tests}))
def test_a_sound_store_is_not(test: str) -> None:
    run(InMemoryEventStore, test)


@pytest.mark.parametrize("bug", KNOWN_BUGS)
def test_every_bug_that_stores_have_shipped_has_its_test(bug: str) -> None:
    assert callable(getattr(DurableEventStoreContract, f"test_{bug}"))


def test_no_scenario_hides_another_of_its_name() -> None:
    class Whole(InlineStoreContract, DurableEventStoreContract): ...

    groups = [group for group in Whole.__mro__ if group.__module__.startswith("eventcore.testing.contract.")]
    names = [name for group in groups for name in vars(group) if name.startswith("test_")]

    assert len(names) == len(set(names))
    assert len(names) > 115


def test_a_store_that_hangs_is_reported() -> None:
    class Hangs(InMemoryEventStore):
        async def read(self, streams: Sequence[StreamRead], /, *, idempotency_key: str | None = None) -> ReadResult:
            await asyncio.sleep(3600)
            raise AssertionError("unreachable")

    class Contract(EventStoreContract):
        scenario_seconds = 0.1

        def open_store(self) -> InMemoryEventStore:
            return Hangs()

    with pytest.raises(AssertionError, match=r"test_a_missing_stream_is_empty did not end within 0\.1 seconds; the store hangs"):
        Contract().test_a_missing_stream_is_empty()


def test_a_store_that_nobody_said_how_to_make_is_named() -> None:
    class TestMine(EventStoreContract): ...

    with pytest.raises(NotImplementedError, match="TestMine must say how its store is made"):
        TestMine().test_a_missing_stream_is_empty()


def test_the_contract_needs_no_pytest() -> None:
    program = "import sys; sys.modules['pytest'] = None; import eventcore.testing.contract as c; print(c.EventStoreContract.__name__)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert found.stdout == "EventStoreContract\n"
