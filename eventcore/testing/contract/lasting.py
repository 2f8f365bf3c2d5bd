"""What lasts: a store that is opened again, or twice at once, over the same data."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from eventcore.errors import OutcomeUnknown
from eventcore.store import AppendRequest, Committed, EventStore, IdempotencyKey, Snapshot, StoredEvent, StreamRead, Verdict
from eventcore.testing.contract.base import StoreScenarios, cold_scenario, scenario
from eventcore.testing.contract.checks import (
    require_already_done,
    require_committed,
    require_conflict,
    require_equal,
    require_growing,
    require_that,
    require_whole,
)
from eventcore.testing.contract.leases import LONG, acquire
from eventcore.testing.contract.making import add, append_one, beside, labels_of, new_event, read_log, read_one, request, version_of


class LastingScenarios(StoreScenarios):
    """For stores whose data outlives them: each `open_store` of one test opens the same data."""

    @cold_scenario
    async def test_everything_is_there_after_reopening(self) -> None:
        """Events, positions, remembered outcomes, snapshots, checkpoints and leases outlive the instance that wrote them."""
        key = IdempotencyKey("order-1", b"\x00f")
        async with self.open_store() as first:
            committed = require_committed(
                await append_one(first, request({"a-1": 0, "b-1": 0}, new_event("a-1", 1), new_event("b-1", 2), key=key)), "a request"
            )
            await first.save_snapshots([Snapshot("a-1", "State", 1, b"folded")])
            await first.save_checkpoint("reader", committed.events[0].position)
            lease = await acquire(first, "daily", "one")
        async with self.open_store() as second:
            result = await second.read([StreamRead("a-1"), StreamRead("b-1")], idempotency_key="order-1")
            require_equal(
                [list(found.events) for found in result.slices], [[event] for event in committed.events], "events after reopening"
            )
            require_equal(await read_log(second), list(committed.events), "the log after reopening")
            again = require_already_done(await append_one(second, request({"a-1": 0}, new_event("a-1"), key=key)), "a key from before")
            require_equal(list(again.events), list(committed.events), "events remembered under the key")
            require_equal(list(await second.load_snapshots([("a-1", "State")])), [Snapshot("a-1", "State", 1, b"folded")], "the snapshot")
            require_equal(await second.load_checkpoint("reader"), committed.events[0].position, "the checkpoint")
            require_equal(await second.acquire_lease("daily", owner="two", ttl=LONG), None, "a lease that another holds")
            require_equal((await acquire(second, "daily", "one")).token, lease.token, "the token after its owner came back")

    @cold_scenario
    async def test_reopening_goes_on_where_it_stopped(self) -> None:
        """Versions are contiguous and positions grow over five lives of the store; stale requests conflict in each."""
        for life in range(5):
            async with self.open_store() as opened:
                require_committed(await append_one(opened, request({"a-1": life}, new_event("a-1", life))), "the next event")
                require_conflict(await append_one(opened, request({"a-1": life}, new_event("a-1"))), "a stale request")
        async with self.open_store() as last:
            found = await read_one(last, "a-1")

        require_whole(found, "a stream of five lives")
        require_equal(labels_of(found.events), [0, 1, 2, 3, 4], "events of five lives")

    @scenario
    async def test_two_instances_share_one_history(self, store: EventStore) -> None:
        """What one instance commits the other reads at once, conflicts with, and appends behind."""
        async with self.open_store() as other:
            require_committed(await append_one(store, request({"a-1": 0}, new_event("a-1", 1))), "an append")
            require_equal(labels_of((await read_one(other, "a-1")).events), [1], "the stream through the other instance")
            stale = require_conflict(await append_one(other, request({"a-1": 0}, new_event("a-1"))), "a stale append of the other instance")
            require_equal(labels_of(stale.news["a-1"].events), [1], "the conflict's news")
            require_committed(await append_one(other, request({"a-1": 1}, new_event("a-1", 2))), "an append of the other instance")
            require_equal(labels_of(await read_log(store)), [1, 2], "the log")
            require_growing(await read_log(store), "the log")

    @scenario
    async def test_two_instances_one_winner(self, store: EventStore) -> None:
        """Instances in threads of their own race for one boundary: one append wins each round, and no error but a conflict is seen."""
        rounds, racers = 15, 3

        def race(number: int) -> list[Verdict]:
            async def run() -> list[Verdict]:
                async with self.open_store() as own:
                    return [await _take_turn(own, version, number) for version in range(rounds)]

            return asyncio.run(run())

        told = await asyncio.gather(*(asyncio.to_thread(race, number) for number in range(racers)))
        wins = [[isinstance(verdict, Committed) for verdict in verdicts] for verdicts in told]
        found = await read_one(store, "race-1")

        require_whole(found, "a stream that three instances raced for")
        require_equal([sum(column) for column in zip(*wins, strict=True)], [1] * rounds, "winners of each round")
        require_equal(
            labels_of(found.events), [[row[version] for row in wins].index(True) for version in range(rounds)], "who won each version"
        )

    @scenario
    async def test_news_of_another_instance_wakes(self, store: EventStore) -> None:
        """A reader is told of what another instance wrote, within a few seconds and not at its timeout."""
        (seen,) = await add(store, "a-1", 1)
        async with self.open_store() as other:
            waiting = asyncio.create_task(store.wait_for_news(seen.position, timeout=40))
            await asyncio.sleep(0.1)
            await add(other, "a-1", 2)
            done, _ = await asyncio.wait([waiting], timeout=10)
            require_that(waiting in done and waiting.result(), "news of another instance must be told within ten seconds")
        require_equal(labels_of(await read_log(store, after=seen.position)), [2], "what the reader finds then")

    @scenario
    async def test_a_reader_of_another_instance_misses_nothing(self, store: EventStore) -> None:
        """Two instances write in threads of their own while a third reads on: every event is seen once, in one order."""
        each = 60

        def write(writer: int) -> None:
            async def run() -> None:
                async with self.open_store() as own:
                    for number in range(each):
                        await add(own, f"w-{number % 3}", (writer, number))

            asyncio.run(run())

        async def write_both() -> None:
            await asyncio.gather(*(asyncio.to_thread(write, writer) for writer in range(2)))

        seen: list[StoredEvent] = []
        position = None
        async with beside(write_both()) as writing:
            while len(seen) < 2 * each:
                told = await store.wait_for_news(position, timeout=5)
                page = await store.read_all(position, limit=11)
                require_that(told or not writing.done(), f"news after {len(seen)} of {2 * each} events were lost")
                seen += page.events
                position = page.position

        require_equal(seen, await read_log(store), "what the reader saw, compared with the log afterwards")
        require_equal(len(seen), 2 * each, "events seen")
        require_growing(seen, "what the reader saw")

    @scenario
    async def test_a_lease_is_held_across_instances(self, store: EventStore) -> None:
        """While one instance's owner holds a lease the other instance is refused; released or expired, it passes, and tokens grow."""
        async with self.open_store() as other:
            first = await acquire(store, "daily", "one")
            require_equal(await other.acquire_lease("daily", owner="two", ttl=LONG), None, "a lease held through another instance")
            await store.release_lease(first)
            second = await acquire(other, "daily", "two", timedelta(milliseconds=80))
            await asyncio.sleep(0.2)
            third = await acquire(store, "daily", "one")

        require_that(
            first.token < second.token < third.token, f"tokens must grow across instances: {first.token}, {second.token}, {third.token}"
        )

    @scenario
    async def test_appends_met_by_closing_are_whole_and_answered_truly(self, store: EventStore) -> None:
        """A store is closed while appends are on their way: what was answered as committed is there, and no request is there in part."""
        for life in range(5):
            async with self.open_store() as other:
                tasks = [asyncio.create_task(_write_pair(other, f"{life}-{number}")) for number in range(30)]
                for _ in range(life * 3):
                    await asyncio.sleep(0)
            answers = await asyncio.gather(*tasks, return_exceptions=True)
            one, two = (await store.read([StreamRead("one-1"), StreamRead("two-1")])).slices
            require_equal(labels_of(one.events), labels_of(two.events), "two streams that are only written together")
            for number, answer in enumerate(answers):
                times = labels_of(one.events).count(f"{life}-{number}")
                if not isinstance(answer, OutcomeUnknown):
                    require_equal(
                        times, 0 if isinstance(answer, BaseException) else 1, f"append {number}, answered {answer!r}: times it is there"
                    )


async def _write_pair(store: EventStore, label: str) -> None:
    asked: AppendRequest = request({"one-1": None, "two-1": None}, new_event("one-1", label), new_event("two-1", label))
    require_committed(await append_one(store, asked), "an append that expects any version")


async def _take_turn(store: EventStore, version: int, label: int) -> Verdict:
    """Append at *version* as soon as the stream is there; whoever else is as quick wins or loses."""
    position = None
    while await version_of(store, "race-1") < version:
        await store.wait_for_news(position, timeout=10)
        position = (await store.read_all(position)).position
    return await append_one(store, request({"race-1": version}, new_event("race-1", label)))
