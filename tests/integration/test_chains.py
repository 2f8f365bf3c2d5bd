"""Commands decided on each other's unwritten events: committed together, in order, or decided again."""

from __future__ import annotations

import asyncio
import gc
import random
from contextlib import suppress

import pytest
from lab.probes import Added, Aliased, Counter, Probe

from eventcore import CommandExecutor, CommandRejected, InMemoryEventStore, StreamId, require
from eventcore.store import AppendRequest

HOT, RULES, COLD = StreamId.of(Counter, "hot"), StreamId.of(Counter, "rules"), StreamId.of(Counter, "cold")


class Gated(InMemoryEventStore):
    """The real store; appends wait until the gate is opened, and it notes what they ask for."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.asked: list[AppendRequest] = []

    async def append(self, requests, /):
        self.asked += requests
        await self.gate.wait()
        return await super().append(requests)


def adding(amount: int, seen: list[int] | None = None, at_most: int = 1_000_000):
    def act(streams, state, resolver):
        if seen is not None:
            seen.append(state.main.total)
        require(state.main.total + amount <= at_most, "too much")
        return [streams.main.write(Added(amount))]

    return Probe(HOT, RULES, act=act)


async def warm(**options) -> tuple[Gated, CommandExecutor]:
    store = Gated()
    executor = CommandExecutor(store, **options)
    await executor.load(HOT)
    await executor.load(RULES)
    return store, executor


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_commands_on_a_hot_stream_are_committed_together_and_in_order():
    async def main():
        store, executor = await warm()
        calls = [asyncio.create_task(executor.execute(adding(n))) for n in range(1, 11)]
        await settle()
        assert len(store.asked) == 1  # the first is on its way, nine are decided upon it
        store.gate.set()
        results = await asyncio.gather(*calls)

        assert [len(request.events) for request in store.asked] == [1, 9]
        assert [result.events[0].version for result in results] == list(range(1, 11))
        assert [result.events[0].event.amount for result in results] == list(range(1, 11))
        assert [result.versions[HOT] for result in results] == list(range(1, 11))
        assert [result.attempts for result in results] == [1] * 10
        positions = [result.position for result in results]
        assert positions == sorted(set(positions))
        assert (await executor.load(HOT)).state == Counter(55, 10)

    asyncio.run(main())


def test_what_waits_for_different_commands_goes_together_once_all_of_them_have_arrived():
    async def main():
        store, executor = await warm()
        others = [StreamId.of(Counter, f"other-{n}") for n in range(6)]
        for other in others:
            await executor.load(other)

        def moving(source, target):
            return executor.execute(
                Probe(source, target, act=lambda streams, state, resolver: [streams.main.write(Added(1))])  # the second is only read
            )

        first = [asyncio.create_task(moving(stream, RULES)) for stream in others]
        await settle()
        assert len(store.asked) == 6  # nothing in the way of any
        rest = [asyncio.create_task(moving(stream, RULES)) for stream in others]
        await settle()
        store.gate.set()
        await asyncio.gather(*first, *rest)

        assert [len(request.events) for request in store.asked] == [1] * 6 + [6]
        assert [(await executor.load(stream)).version for stream in others] == [2] * 6

    asyncio.run(main())


@pytest.mark.parametrize("streams", [3, 24, 200], ids=lambda streams: f"{streams} streams")
def test_however_commands_meet_each_is_committed_once_and_none_waits_for_ever(streams):
    """With few streams few requests are under way and one train gathers; with many, trains wait for some of them only, and for each other."""

    class Slow(InMemoryEventStore):
        async def append(self, requests, /):
            for _ in range(chance.randrange(6)):
                await asyncio.sleep(0)
            return await super().append(requests)

    chance = random.Random(streams)

    async def main():
        executor = CommandExecutor(Slow())
        ids = [StreamId.of(Counter, n) for n in range(streams)]
        for stream in ids:
            await executor.load(stream)
        pairs = iter([chance.sample(ids, 2) for _ in range(1_000)])

        async def work():
            for source, target in pairs:
                await executor.execute(Aliased(source, target, COLD, 1))

        await asyncio.wait_for(asyncio.gather(*(work() for _ in range(64))), timeout=60)
        return [(await executor.load(stream)).version for stream in ids]

    assert sum(asyncio.run(main())) == 2_000


def test_without_chaining_each_waits_for_the_one_before():
    async def main():
        store, executor = await warm(chaining=False)
        store.gate.set()
        await asyncio.gather(*(executor.execute(adding(1)) for _ in range(5)))
        assert [len(request.events) for request in store.asked] == [1] * 5

    asyncio.run(main())


@pytest.mark.parametrize("overtaken", [False, True])
def test_no_outcome_that_rests_on_unwritten_events_is_heard_before_they_are_committed(overtaken):
    """Not even where another process brings the stream to the very version that was foreseen."""

    async def main():
        store, executor = await warm()
        seen: list[int] = []
        first = asyncio.create_task(executor.execute(adding(10)))
        await settle()
        if overtaken:
            await InMemoryEventStore.append(store, [_foreign()])
        rejected = asyncio.create_task(executor.execute(adding(100, seen, at_most=12)))
        await settle()
        assert seen == [10]
        assert not rejected.done()
        store.gate.set()
        with pytest.raises(CommandRejected):
            await rejected
        assert seen[-1] in ({1, 11} if overtaken else {10})
        await first

    asyncio.run(main())


def _foreign() -> AppendRequest:
    from eventcore import ExpectedVersion
    from eventcore.ids import new_event_id
    from eventcore.store import NewEvent

    return AppendRequest({HOT: ExpectedVersion.ANY}, [NewEvent(HOT, new_event_id(), "Added", 1, b'{"amount":1}')])


def test_what_rested_on_a_command_that_lost_is_decided_again():
    """Another process wrote as many events as the first was about to: the versions fit by chance, what was decided on does not."""

    async def main():
        store, executor = await warm()
        seen: list[int] = []
        first = asyncio.create_task(executor.execute(adding(10)))
        await settle()
        others = [asyncio.create_task(executor.execute(adding(100, seen))) for _ in range(3)]
        await settle()
        assert seen == [10, 110, 210]
        await InMemoryEventStore.append(store, [_foreign()])
        store.gate.set()
        await asyncio.gather(first, *others)
        assert (await executor.load(HOT)).state == Counter(1 + 10 + 300, 5)
        assert 1 in {total % 10 for total in seen[3:]} or 11 in seen

    asyncio.run(main())


def test_a_cancelled_link_that_was_not_sent_is_not_written_and_what_rested_on_it_is_decided_again():
    async def main():
        store, executor = await warm()
        calls = [asyncio.create_task(executor.execute(adding(10**n))) for n in range(4)]
        await settle()
        calls[1].cancel()
        await settle()
        store.gate.set()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert isinstance(outcomes[1], asyncio.CancelledError)
        assert (await executor.load(HOT)).state == Counter(1101, 3)

    asyncio.run(main())


def test_idempotency_keys_work_in_a_chain():
    async def main():
        store, executor = await warm()
        store.gate.set()
        command = Aliased(HOT, COLD, RULES, 5)
        calls = [executor.execute(command, idempotency_key="k") for _ in range(5)]
        results = await asyncio.gather(*calls, *(executor.execute(adding(1)) for _ in range(5)))
        assert {result.events[0].event_id for result in results[:5]} == {results[0].events[0].event_id}
        assert sorted(result.replayed for result in results) == [False] * 6 + [True] * 4
        assert (await executor.load(HOT)).state == Counter(10, 6)

    asyncio.run(main())


@pytest.mark.parametrize("chaining", [True, False])
def test_no_command_leaves_garbage_that_only_the_collector_finds(chaining):
    """Circles of objects made every collection of garbage long: a tenth of a busy process's time went there."""

    async def main():
        executor = CommandExecutor(InMemoryEventStore(), chaining=chaining)
        await executor.load(HOT)
        await executor.load(RULES)

        async def work():
            for _ in range(50):
                await executor.execute(adding(1))
                with suppress(CommandRejected):
                    await executor.execute(adding(1, at_most=0))

        await asyncio.gather(*[work() for _ in range(4)])
        gc.collect()  # what classes and plans are made of
        await asyncio.gather(*[work() for _ in range(4)])
        return gc.collect()

    gc.disable()
    try:
        assert asyncio.run(main()) == 0
    finally:
        gc.enable()
