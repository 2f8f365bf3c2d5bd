"""Many at once: one winner for each boundary, whole snapshots, whole requests."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

from eventcore.errors import OutcomeUnknown
from eventcore.store import Committed, EventStore, StreamRead, Verdict
from eventcore.testing.contract.base import StoreScenarios, scenario
from eventcore.testing.contract.checks import (
    require_committed,
    require_conflict,
    require_equal,
    require_growing,
    require_that,
    require_whole,
)
from eventcore.testing.contract.making import add, append_one, beside, labels_of, new_event, read_log, read_one, request, version_of


class ConcurrencyScenarios(StoreScenarios):
    @scenario
    async def test_two_appends_one_boundary(self, store: EventStore) -> None:
        """Of 24 concurrent appends that expect the same versions of two streams exactly one is committed, in each of 20 rounds."""
        for version in range(20):
            asked = [
                request({"left-1": version, "right-1": version}, new_event("left-1", each), new_event("right-1", each))
                for each in range(24)
            ]
            verdicts = await asyncio.gather(*(append_one(store, each) for each in asked))
            winners = [number for number, verdict in enumerate(verdicts) if isinstance(verdict, Committed)]
            require_equal(len(winners), 1, f"winners of 24 appends that expect version {version}")
            losers = [require_conflict(verdict, "a loser") for verdict in verdicts if not isinstance(verdict, Committed)]
            require_equal({(each.expected, each.actual) for each in losers}, {(version, version + 1)}, "versions that the losers were told")
            slices = (await store.read([StreamRead("left-1", version), StreamRead("right-1", version)])).slices
            require_equal([labels_of(found.events) for found in slices], [winners, winners], "what the round left in both streams")

    @scenario
    async def test_write_skew_through_a_read_only_stream(self, store: EventStore) -> None:
        """A reads x and writes y while B reads y and writes x: one of them conflicts, on existing streams and on ones never written."""
        for number in range(40):
            x, y = f"x-{number}", f"y-{number}"
            version = number % 2
            if version:
                await asyncio.gather(add(store, x, None), add(store, y, None))
            a = request({x: version, y: version}, new_event(y, "a"))
            b = request({y: version, x: version}, new_event(x, "b"))
            verdicts = await asyncio.gather(append_one(store, a), append_one(store, b)) if number % 4 < 2 else await store.append([a, b])
            kinds = Counter(type(verdict).__name__ for verdict in verdicts)
            what = "existing streams" if version else "streams never written"
            require_equal(kinds, Counter(["Committed", "Conflict"]), f"verdicts of two requests that cross each other on {what}")
            require_equal(await version_of(store, x) + await version_of(store, y), 2 * version + 1, "events in both streams together")

    @scenario
    async def test_version_not_newer_than_events(self, store: EventStore) -> None:
        """While a writer commits to two streams at once, each read brings all events up to the version it reports, of one moment."""

        async def write() -> None:
            for number in range(150):
                both = request({"one-1": number, "two-1": number}, new_event("one-1", number), new_event("two-1", number))
                require_committed(await append_one(store, both), "an append without rivals")
                await asyncio.sleep(0)  # a store that never waits would write all of them before the first read

        async def check(after: int) -> None:
            one, two = (await store.read([StreamRead("one-1", after), StreamRead("two-1", after)])).slices
            require_whole(one, "a stream read while it is written")
            require_whole(two, "a stream read while it is written")
            require_equal(one.version, two.version, "versions of two streams that are only written together")
            require_equal(one.after + len(one.events), one.version, "the version, compared with the events that came with it")

        async with beside(write()) as writing:
            while not writing.done():
                await asyncio.gather(*(check(after) for after in (0, 10, 100, 0)))
                await asyncio.sleep(0)
        await check(0)

    @scenario
    async def test_parallel_any_appends(self, store: EventStore) -> None:
        """20 parallel appends that expect any version: 20 events stored, versions without gaps, positions in the order of versions."""
        for number in range(10):
            stream_id = f"any-{number}"
            await asyncio.gather(*(add(store, stream_id, each, "more") for each in range(20)))
            found = await read_one(store, stream_id)
            require_equal(found.version, 40, "events of 20 appends of two")
            require_whole(found, "a stream written by 20 appends at once")
            labels = labels_of(found.events)
            require_equal(labels[1::2], ["more"] * 20, "each append's two events must stand side by side")
            require_equal(sorted(map(str, labels[::2])), sorted(map(str, range(20))), "labels of 20 appends")
            log = [event for event in await read_log(store) if event.stream_id == stream_id]
            require_equal(log, list(found.events), "the stream as the log has it")

    @scenario
    async def test_conflict_news_are_enough_to_go_on(self, store: EventStore) -> None:
        """Eight tasks add to two streams ten times each, and after a conflict go on from its news alone: nothing is lost or doubled."""

        async def work(worker: int) -> None:
            known = 0
            for number in range(10):
                # Every conflict means that another's append came first, and there are 80 of them in all.
                for _ in range(80):
                    both = request({"m-1": known, "n-1": known}, new_event("m-1", (worker, number)), new_event("n-1", (worker, number)))
                    verdict = await append_one(store, both)
                    known = _version_after(verdict, known)
                    if isinstance(verdict, Committed):
                        break
                else:
                    raise AssertionError("an append that follows the news of its conflicts must be committed at last")

        await asyncio.gather(*(work(worker) for worker in range(8)))
        one, two = (await store.read([StreamRead("m-1"), StreamRead("n-1")])).slices
        require_equal(labels_of(one.events), labels_of(two.events), "two streams that are only written together")
        require_equal(
            sorted(map(str, labels_of(one.events))), sorted(str([w, n]) for w in range(8) for n in range(10)), "what eight tasks added"
        )

    @scenario
    async def test_partial_write_is_impossible(self, store: EventStore) -> None:
        """Appends to three streams are cancelled at any moment: each request is there whole or not at all, and an answer is true."""
        randomly = random.Random(7)  # noqa: S311 - a seed makes the moments repeatable
        streams = ("p-1", "p-2", "p-3")

        async def write(label: int) -> Verdict:
            return await append_one(store, request(dict.fromkeys(streams), *(new_event(each, label) for each in streams)))

        answers: dict[int, object] = {}
        for start in range(0, 120, 6):
            tasks = {label: asyncio.create_task(write(label)) for label in range(start, start + 6)}
            for task in tasks.values():
                for _ in range(randomly.randrange(4)):
                    await asyncio.sleep(0)
                if randomly.random() < 0.5:
                    await asyncio.sleep(randomly.random() / 500)
                task.cancel()
            outcomes = await asyncio.gather(*tasks.values(), return_exceptions=True)
            answers.update(zip(tasks, outcomes, strict=True))
        await add(store, "end-1", "everything before is decided now")
        found = [labels_of(each.events) for each in (await store.read([StreamRead(each) for each in streams])).slices]
        log = await read_log(store)

        require_equal(found[1:], [found[0], found[0]], "three streams that are only written together")
        counted = Counter(found[0])
        require_that(max(counted.values(), default=0) <= 1, f"an append that was cancelled must not be done twice: {counted}")
        for label, answer in answers.items():
            if isinstance(answer, Committed):
                require_equal(counted[label], 1, f"append {label} was answered as committed; times it is there")
            elif not isinstance(answer, asyncio.CancelledError | OutcomeUnknown):
                raise AssertionError(f"append {label} expected any version and was cancelled; it must not answer {answer!r}")  # noqa: TRY004 - a failed check
        require_growing(log, "the log after the cancelled appends")

    @scenario
    async def test_a_call_cancelled_before_it_began_writes_nothing(self, store: EventStore) -> None:
        """A task that is cancelled before it ever ran has sent nothing; its neighbours have."""
        doomed = asyncio.create_task(append_one(store, request({"never-1": 0}, new_event("never-1"))))
        beside = asyncio.create_task(append_one(store, request({"beside-1": 0}, new_event("beside-1"))))
        doomed.cancel()
        outcome, _ = await asyncio.gather(doomed, beside, return_exceptions=True)

        require_that(
            isinstance(outcome, asyncio.CancelledError),
            f"a task that was cancelled before it ran must end as cancelled, not as {outcome!r}",
        )
        require_equal((await version_of(store, "never-1"), await version_of(store, "beside-1")), (0, 1), "versions of both streams")

    @scenario
    async def test_cancelled_reads_harm_nobody(self, store: EventStore) -> None:
        """Reads that are cancelled midway leave the store as it was: later reads and appends work."""
        await add(store, "kept-1", *range(50))
        for _ in range(40):
            tasks = [asyncio.create_task(version_of(store, "kept-1")), asyncio.create_task(_count(store))]
            await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        require_equal(await version_of(store, "kept-1"), 50, "version after cancelled reads")
        await add(store, "kept-1", "more")


async def _count(store: EventStore) -> int:
    return len(await read_log(store, limit=5))


def _version_after(verdict: Verdict, known: int) -> int:
    """Return the version of both streams as the verdict tells it, after checking that the news of both are of one moment."""
    if isinstance(verdict, Committed):
        return known + 1
    news = require_conflict(verdict, "an append that expects exact versions must commit or conflict").news
    one, two = news["m-1"], news["n-1"]
    require_whole(one, "news of a conflict")
    require_equal(one.version, two.version, "versions in the news of two streams that are only written together")
    require_that(one.version > known, f"a conflict at version {known} must bring a newer version, not {one.version}")
    return one.version
