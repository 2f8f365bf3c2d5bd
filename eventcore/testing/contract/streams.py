"""Reading streams: whole, in order, from one moment."""

from __future__ import annotations

from eventcore.store import EventStore, StreamRead
from eventcore.testing.contract.base import StoreScenarios, scenario
from eventcore.testing.contract.checks import require_committed, require_equal, require_that, require_whole
from eventcore.testing.contract.making import add, append_one, labels_of, new_event, read_one, request


class StreamScenarios(StoreScenarios):
    @scenario
    async def test_an_appended_event_is_read_back(self, store: EventStore) -> None:
        """One event appended to a stream that must not exist yet is the one event that is read."""
        verdict = await append_one(store, request({"basic-1": 0}, new_event("basic-1", "first")))
        committed = require_committed(verdict, "the first event of a new stream must be committed")
        found = await read_one(store, "basic-1")

        require_equal(labels_of(found.events), ["first"], "events of the stream")
        require_equal((found.after, found.version), (0, 1), "where the slice begins, and the version")
        require_equal(list(committed.events), list(found.events), "the verdict must bring the events as a reader sees them")

    @scenario
    async def test_a_missing_stream_is_empty(self, store: EventStore) -> None:
        """Reading what was never written is no error: version 0, no position, no events."""
        found = await read_one(store, "nobody-1")

        require_equal(
            (found.stream_id, found.after, found.version, found.position), ("nobody-1", 0, 0, None), "a stream that does not exist"
        )
        require_equal(list(found.events), [], "events of a stream that does not exist")

    @scenario
    async def test_a_missing_stream_read_from_a_version_is_empty(self, store: EventStore) -> None:
        """A reader may know more than is there; it is told that there is nothing, from the beginning."""
        found = await read_one(store, "nobody-1", after=7)

        require_equal((found.after, found.version, found.position), (0, 0, None), "a stream that does not exist, read after version 7")
        require_equal(list(found.events), [], "events of a stream that does not exist")

    @scenario
    async def test_streams_are_isolated(self, store: EventStore) -> None:
        """Two streams written in one request keep each its own event, and nothing of the other's."""
        both = request({"left-1": 0, "right-1": 0}, new_event("left-1", "l"), new_event("right-1", "r"))
        require_committed(await append_one(store, both), "one request for two new streams must be committed")

        require_equal(labels_of((await read_one(store, "left-1")).events), ["l"], "events of the left stream")
        require_equal(labels_of((await read_one(store, "right-1")).events), ["r"], "events of the right stream")

    @scenario
    async def test_versions_count_from_one_without_gaps(self, store: EventStore) -> None:
        """However the events arrived, by one, by many, or in a request with others, versions are 1, 2, 3 ..."""
        await add(store, "counted-1", "a")
        await add(store, "counted-1", "b", "c", "d")
        await append_one(
            store, request({"counted-1": 4, "other-1": 0}, new_event("counted-1", "e"), new_event("other-1"), new_event("counted-1", "f"))
        )
        found = await read_one(store, "counted-1")

        require_whole(found, "a stream that grew by several requests")
        require_equal(labels_of(found.events), list("abcdef"), "events in the order in which they were appended")
        require_equal(found.version, 6, "the version counts the events")

    @scenario
    async def test_a_read_after_a_version_brings_only_what_follows(self, store: EventStore) -> None:
        """Of three events, a read after version 2 brings the third; after version 3 it brings none and still tells the version."""
        await add(store, "tail-1", "a", "b", "c")
        tail, none = await read_one(store, "tail-1", after=2), await read_one(store, "tail-1", after=3)

        require_equal((tail.after, tail.version, labels_of(tail.events)), (2, 3, ["c"]), "a read after version 2 of 3")
        require_equal((none.after, none.version, tuple(none.events)), (3, 3, ()), "a read after version 3 of 3")
        require_equal(none.position, tail.events[-1].position, "the newest event's position, though it was not asked for")

    @scenario
    async def test_a_read_after_a_version_that_is_not_there_begins_anew(self, store: EventStore) -> None:
        """A reader that believes in more events than there are gets the whole stream, and is told so by `after`."""
        written = await add(store, "short-1", "a", "b")
        found = await read_one(store, "short-1", after=5)

        require_equal((found.after, found.version), (0, 2), "a read after version 5 of 2 must begin with the first event")
        require_equal(list(found.events), list(written), "events of a stream that is shorter than its reader believed")

    @scenario
    async def test_filtered_read_keeps_the_version(self, store: EventStore) -> None:
        """A read that is limited by version or type reports the version and position of the newest event, whatever it brought."""
        await add(store, "mixed-1", 1, 2, kind="Wanted")
        await add(store, "mixed-1", 3, kind="Other")
        await add(store, "mixed-1", 4, kind="Wanted")
        head = (await add(store, "mixed-1", 5, kind="Other"))[-1]
        wanted = frozenset({"Wanted"})
        cases: tuple[tuple[int, frozenset[str] | None, list[object]], ...] = (
            (0, wanted, [1, 2, 4]),
            (1, wanted, [2, 4]),
            (4, wanted, []),
            (0, frozenset({"Never"}), []),
            (0, frozenset(), []),
            (2, None, [3, 4, 5]),
            (9, wanted, [1, 2, 4]),
        )
        for after, types, labels in cases:
            found = await read_one(store, "mixed-1", after=after, types=types)
            claim = f"a read after version {after} of the types {types}"
            require_equal(labels_of(found.events), labels, f"{claim}: events")
            require_equal((found.version, found.position), (5, head.position), f"{claim}: version and position of the newest event")
            require_equal(found.after, 0 if after > 5 else after, f"{claim}: where it begins")

    @scenario
    async def test_slices_come_in_the_order_asked_for(self, store: EventStore) -> None:
        """Each question of one read gets its own answer, at its own place: missing streams and repeats too."""
        await add(store, "b-1", "b1", "b2")
        await add(store, "a-1", "a1")
        asked = [StreamRead("b-1", 1), StreamRead("missing-1"), StreamRead("a-1"), StreamRead("b-1")]
        slices = (await store.read(asked)).slices

        require_equal([found.stream_id for found in slices], [each.stream_id for each in asked], "streams of the slices")
        require_equal([labels_of(found.events) for found in slices], [["b2"], [], ["a1"], ["b1", "b2"]], "events of the slices")

    @scenario
    async def test_a_read_of_nothing_brings_nothing(self, store: EventStore) -> None:
        result = await store.read([])

        require_equal(list(result.slices), [], "slices of a read that asked for no stream")
        require_that(result.remembered is None, "a read without a key must remember nothing")

    @scenario
    async def test_many_streams_are_read_and_written_at_once(self, store: EventStore) -> None:
        """A thousand streams in one request and in one read: a command's boundary has no hidden width."""
        ids = [f"wide-{number}" for number in range(1000)]
        verdict = await append_one(store, request(dict.fromkeys(ids, 0), *(new_event(each, each) for each in ids)))
        require_committed(verdict, "one request over 1000 new streams must be committed")
        slices = (await store.read([StreamRead(each) for each in ids])).slices

        require_equal([found.stream_id for found in slices], ids, "streams of the slices")
        require_equal([labels_of(found.events) for found in slices], [[each] for each in ids], "one event in each stream")

    @scenario
    async def test_no_hidden_limit(self, store: EventStore) -> None:
        """100 000 events in one stream are all read, in order, from the beginning and from the middle."""
        total, at_once = 100_000, 10_000
        for start in range(0, total, at_once):
            await append_one(store, request({"long-1": start}, *(new_event("long-1", start) for _ in range(at_once))))
        whole = await read_one(store, "long-1")

        require_equal((whole.version, len(whole.events)), (total, total), "version and events of a stream of 100 000")
        require_whole(whole, "a stream of 100 000 events")
        half = await read_one(store, "long-1", after=total // 2)
        require_equal((half.version, len(half.events)), (total, total // 2), "version and events after the 50 000th")
