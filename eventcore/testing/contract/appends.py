"""Appending: atomic requests, each checked against every stream it rests on, each with a verdict of its own."""

from __future__ import annotations

from eventcore.errors import EventCoreError, InvalidArgument
from eventcore.store import AppendRequest, EventStore, ExpectedVersion
from eventcore.testing.contract.base import StoreScenarios, scenario
from eventcore.testing.contract.checks import (
    require_committed,
    require_conflict,
    require_equal,
    require_growing,
    require_raises,
    require_refused,
    require_that,
    require_whole,
)
from eventcore.testing.contract.making import (
    add,
    append_one,
    expecting,
    label_of,
    labels_of,
    new_event,
    read_log,
    read_one,
    request,
    version_of,
)


class AppendScenarios(StoreScenarios):
    @scenario
    async def test_a_stale_version_is_a_conflict(self, store: EventStore) -> None:
        """Of two appends that both expect a new stream, the second conflicts, and names stream, expected and actual version."""
        await add(store, "stale-1", "first")
        verdict = await append_one(store, request({"stale-1": 0}, new_event("stale-1", "second")))
        conflict = require_conflict(verdict, "an append that expects version 0 of a stream at 1 must conflict")

        require_equal((conflict.stream_id, conflict.expected, conflict.actual), ("stale-1", 0, 1), "the conflict's stream and versions")
        require_equal(labels_of((await read_one(store, "stale-1")).events), ["first"], "the stream after the conflict")

    @scenario
    async def test_version_above_head(self, store: EventStore) -> None:
        """An expected version that is higher than the stream's is a conflict, never a gap: on an existing stream and on a missing one."""
        await add(store, "low-1", "first")
        for stream_id, expected, actual in (("low-1", 2, 1), ("low-1", 1000, 1), ("missing-1", 1, 0)):
            verdict = await append_one(store, request({stream_id: expected}, new_event(stream_id, "gap")))
            conflict = require_conflict(verdict, f"expecting version {expected} of {stream_id!r}, which is at {actual}, must conflict")
            require_equal((conflict.expected, conflict.actual), (expected, actual), "the conflict's versions")
        require_equal([label_of(event) for event in await read_log(store)], ["first"], "everything stored")

    @scenario
    async def test_any_expected_version_that_can_be_is_compared(self, store: EventStore) -> None:
        """The largest version is a conflict like any other above the head, written or only checked."""
        await add(store, "low-1", "first")
        for stream_id, actual in (("low-1", 1), ("missing-1", 0)):
            for events in ([], [new_event(stream_id, "gap")]):
                verdict = await append_one(store, request({stream_id: 2**62}, *events))
                conflict = require_conflict(verdict, f"expecting version 2**62 of {stream_id!r}, which is at {actual}, must conflict")
                require_equal((conflict.expected, conflict.actual), (2**62, actual), "the conflict's versions")
        require_equal([label_of(event) for event in await read_log(store)], ["first"], "everything stored")

    @scenario
    async def test_a_version_is_checked_even_where_nothing_is_written(self, store: EventStore) -> None:
        """A stale version of a stream that the request only read stops the whole request."""
        await add(store, "read-1", "news")
        stale = request({"read-1": 0, "target-1": 0}, new_event("target-1"))
        conflict = require_conflict(await append_one(store, stale), "a stale version of a stream that was only read must conflict")

        require_equal((conflict.stream_id, conflict.expected, conflict.actual), ("read-1", 0, 1), "the conflict's stream and versions")
        require_equal(await version_of(store, "target-1"), 0, "version of the stream that the request would have written")

    @scenario
    async def test_a_current_read_only_stream_lets_the_write_pass(self, store: EventStore) -> None:
        """A read-only stream that is still where it was stops nothing, and is not touched; neither is one that does not exist."""
        await add(store, "read-1", "known")
        current = request({"read-1": 1, "absent-1": 0, "target-1": 0}, new_event("target-1", "decided"))
        require_committed(await append_one(store, current), "a request whose read-only streams are current must be committed")

        require_equal(labels_of((await read_one(store, "target-1")).events), ["decided"], "the stream that was written")
        require_equal((await version_of(store, "read-1"), await version_of(store, "absent-1")), (1, 0), "the streams that were only read")

    @scenario
    async def test_a_conflict_writes_to_no_stream(self, store: EventStore) -> None:
        """One stale stream of two stops the events of both, wherever it stands in the request."""
        await add(store, "left-1", "seed")
        await add(store, "right-1", "seed")
        for versions in ({"left-1": 0, "right-1": 1}, {"left-1": 1, "right-1": 0}):
            stale = request(versions, new_event("left-1"), new_event("right-1"))
            require_conflict(await append_one(store, stale), f"a request that expects {versions}, where both are at 1, must conflict")
        require_equal((await version_of(store, "left-1"), await version_of(store, "right-1")), (1, 1), "versions after the conflicts")

    @scenario
    async def test_any_version_is_never_a_conflict(self, store: EventStore) -> None:
        """ANY lets events into a stream that exists and into one that does not, and stops nothing as a read-only stream."""
        await add(store, "open-1", "a")
        free = AppendRequest(
            {"open-1": ExpectedVersion.ANY, "new-1": ExpectedVersion.ANY, "read-1": ExpectedVersion.ANY},
            [new_event("open-1", "b"), new_event("new-1", "c")],
        )
        require_committed(await append_one(store, free), "a request that expects any version must be committed")

        require_equal((await version_of(store, "open-1"), await version_of(store, "new-1")), (2, 1), "versions after the append")

    @scenario
    async def test_events_keep_their_order_across_streams(self, store: EventStore) -> None:
        """The events of one request stand in the log one after the other, in the order in which they were given."""
        order = ["b-1", "a-1", "b-1", "c-1", "a-1", "b-1"]
        events = [new_event(stream_id, number) for number, stream_id in enumerate(order)]
        committed = require_committed(
            await append_one(store, request({"a-1": 0, "b-1": 0, "c-1": 0}, *events)), "a request over three streams"
        )
        log = await read_log(store)

        require_equal([event.stream_id for event in committed.events], order, "streams of the events in the verdict")
        require_equal([event.version for event in committed.events], [1, 1, 2, 1, 2, 3], "versions of the events in the verdict")
        require_equal(log, list(committed.events), "the log must hold the events of the verdict, in its order")
        require_growing(log, "events of one request")

    @scenario
    async def test_an_append_of_no_requests_does_nothing(self, store: EventStore) -> None:
        require_equal(list(await store.append([])), [], "verdicts of an append without requests")
        require_equal(await read_log(store), [], "the log after it")

    @scenario
    async def test_a_request_without_events_is_a_question(self, store: EventStore) -> None:
        """It is committed where all versions are current and conflicts where one is not; either way nothing is written."""
        await add(store, "asked-1", "a", "b")
        current = await append_one(store, request({"asked-1": 2, "missing-1": 0}))
        require_equal(list(require_committed(current, "a question whose versions are current").events), [], "events of a question")
        stale = require_conflict(await append_one(store, request({"asked-1": 1, "missing-1": 0})), "a question with a stale version")
        require_equal((stale.stream_id, stale.expected, stale.actual), ("asked-1", 1, 2), "the conflict's stream and versions")
        created = require_conflict(
            await append_one(store, request({"asked-1": 2, "missing-1": 1})), "a question about a stream that is not there"
        )
        require_equal((created.stream_id, created.expected, created.actual), ("missing-1", 1, 0), "the conflict's stream and versions")
        require_committed(await append_one(store, request({})), "a question about no stream has nothing to conflict with")

        require_equal(len(await read_log(store)), 2, "events stored, which no question changes")

    @scenario
    async def test_loser_takes_no_position(self, store: EventStore) -> None:
        """A conflict changes nothing that a reader can see: no event, no version, no page of the log."""
        await add(store, "seen-1", "a")
        before = await store.read_all()
        for _ in range(5):
            lost = request({"seen-1": 0, "unseen-1": 0}, new_event("seen-1"), new_event("unseen-1"))
            require_conflict(await append_one(store, lost), "a stale request")
        after = await store.read_all()

        require_equal((list(after.events), after.position), (list(before.events), before.position), "the log after five conflicts")
        require_equal((await read_one(store, "unseen-1")).position, None, "position of the stream that only losers wanted to write")
        require_that(not await store.wait_for_news(before.position, timeout=0.05), "a conflict must be no news")
        winner = await add(store, "seen-1", "b")
        require_equal(
            await read_log(store, after=before.position), list(winner), "what follows for a reader after five conflicts and one append"
        )

    @scenario
    async def test_a_conflict_brings_the_news(self, store: EventStore) -> None:
        """Each exact expectation gets what lies beyond it, so that the caller can go on without a read; the others get nothing."""
        await add(store, "moved-1", "a", "b", "c")
        await add(store, "still-1", "x")
        await add(store, "free-1", "y")
        asked = request({"still-1": 1, "moved-1": 1, "missing-1": 0, "free-1": None}, new_event("moved-1"), new_event("free-1"))
        conflict = require_conflict(await append_one(store, asked), "a request that expects version 1 of a stream at 3")

        require_equal(set(conflict.news), {"still-1", "moved-1", "missing-1"}, "streams with news: those with an exact expectation")
        moved, still, missing = conflict.news["moved-1"], conflict.news["still-1"], conflict.news["missing-1"]
        require_equal((moved.after, moved.version, labels_of(moved.events)), (1, 3, ["b", "c"]), "news of the stream that moved")
        require_equal(moved, (await read_one(store, "moved-1", after=1))._replace(events=moved.events), "news compared with a read")
        require_whole(moved, "news of the stream that moved")
        require_equal((still.after, still.version, tuple(still.events)), (1, 1, ()), "news of the stream that did not move")
        require_equal(still.position, (await read_one(store, "still-1")).position, "position of the stream that did not move")
        require_equal((missing.after, missing.version, missing.position), (0, 0, None), "news of the stream that does not exist")

    @scenario
    async def test_news_of_a_stream_shorter_than_expected_come_whole(self, store: EventStore) -> None:
        """Who expected more than there is has folded events that do not exist, and gets the stream from its beginning."""
        written = await add(store, "short-1", "a", "b")
        conflict = require_conflict(
            await append_one(store, request({"short-1": 5, "none-1": 3}, new_event("short-1"))), "version 5 of a stream at 2"
        )
        short, none = conflict.news["short-1"], conflict.news["none-1"]

        require_equal((short.after, short.version, list(short.events)), (0, 2, list(written)), "news of a stream shorter than expected")
        require_equal((none.after, none.version, tuple(none.events)), (0, 0, ()), "news of a stream that does not exist")

    @scenario
    async def test_requests_are_decided_in_order_on_what_the_earlier_ones_left(self, store: EventStore) -> None:
        """In one append the second request may build on the first's events; one that expects what the first changed conflicts."""
        verdicts = await store.append(
            [
                request({"chain-1": 0}, new_event("chain-1", "first")),
                request({"chain-1": 1}, new_event("chain-1", "second")),
                request({"chain-1": 1}, new_event("chain-1", "lost")),
                request({"chain-1": 2}),
                request({"chain-1": 2, "other-1": 0}, new_event("other-1", "beside"), new_event("chain-1", "third")),
            ]
        )
        first, second, lost, question, third = verdicts
        for verdict in (first, second, question, third):
            committed = require_committed(verdict, "a request that is current after its predecessors")
            require_that(1 <= committed.batch <= len(verdicts), f"a batch of {committed.batch} cannot be, of {len(verdicts)} requests")
        conflict = require_conflict(lost, "a request that its predecessor made stale")
        require_equal((conflict.expected, conflict.actual), (1, 2), "the conflict sees the predecessors' heads")
        require_equal(labels_of(conflict.news["chain-1"].events), ["second"], "the conflict's news hold the predecessors' events")
        require_equal(labels_of((await read_one(store, "chain-1")).events), ["first", "second", "third"], "the stream afterwards")

    @scenario
    async def test_one_conflict_harms_no_neighbour(self, store: EventStore) -> None:
        """Independent requests of one append are committed around one that conflicts."""
        await add(store, "taken-1", "x")
        verdicts = await store.append(
            [request({"a-1": 0}, new_event("a-1")), request({"taken-1": 0}, new_event("taken-1")), request({"b-1": 0}, new_event("b-1"))]
        )

        require_equal([type(verdict).__name__ for verdict in verdicts], ["Committed", "Conflict", "Committed"], "verdicts")
        require_equal([await version_of(store, each) for each in ("a-1", "taken-1", "b-1")], [1, 1, 1], "versions afterwards")

    @scenario
    async def test_one_bad_request_harms_no_neighbour(self, store: EventStore) -> None:
        """A request that the store refuses fails alone, with an error of ours and nothing written; the rest of its batch is committed."""
        bad = request({"a-1": 1, "bad-1": 0}, new_event("a-1", "never"), self.refused_event("bad-1"))
        verdicts = await store.append(
            [
                request({"a-1": 0}, new_event("a-1", 1)),
                bad,
                request({"a-1": 1}, new_event("a-1", 2)),
                request({"b-1": 0}, new_event("b-1", 3)),
            ]
        )
        first, refused, second, third = verdicts

        error = require_refused(refused, "a request that the store cannot keep").error
        require_that(
            isinstance(error, EventCoreError), f"a refusal must carry an error of eventcore, with the driver's as its cause; got {error!r}"
        )
        for verdict in (first, second, third):
            require_committed(verdict, "a request beside one that the store refuses")
        require_equal(labels_of(await read_log(store)), [1, 2, 3], "the log: all of the neighbours, nothing of the refused request")

    @scenario
    async def test_a_refused_request_alone_leaves_the_store_working(self, store: EventStore) -> None:
        verdict = await append_one(store, request({"bad-1": 0}, new_event("bad-1"), self.refused_event("bad-1")))
        require_refused(verdict, "a request that the store cannot keep")

        require_equal(await version_of(store, "bad-1"), 0, "version of the stream of a refused request")
        require_equal(labels_of(await add(store, "bad-1", "good")), ["good"], "the next append to the same stream")

    @scenario
    async def test_an_event_without_an_expectation_is_an_error(self, store: EventStore) -> None:
        """A request that writes where it expects nothing contradicts itself: the whole call is refused before anything is sent."""
        good = request({"good-1": 0}, new_event("good-1"))
        contradiction = AppendRequest(expecting({"a-1": 0}), [new_event("a-1"), new_event("b-1")])
        await require_raises(InvalidArgument, store.append([good, contradiction]), "an event for a stream without an expectation")

        require_equal(await read_log(store), [], "the log after a call that contradicts itself")
