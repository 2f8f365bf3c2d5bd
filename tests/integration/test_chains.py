"""Commands decided on each other's unwritten events: committed together, in order, or decided again."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
from contextlib import suppress

import pytest
from lab.probes import Added, Aliased, Counter, Probe

from eventcore import CommandExecutor, CommandRejected, InMemoryEventStore, OutcomeUnknown, RetryPolicy, StreamId, require
from eventcore.execute import chains as chains_module
from eventcore.store import AppendRequest, Refused

HOT, RULES, COLD = StreamId.of(Counter, "hot"), StreamId.of(Counter, "rules"), StreamId.of(Counter, "cold")


class Gated(InMemoryEventStore):
    """The real store; appends wait until the gate is opened, and it notes what they ask for."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.asked: list[AppendRequest] = []
        self.calls: list[int] = []

    async def append(self, requests, /):
        self.asked += requests
        self.calls.append(len(requests))
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


@pytest.mark.parametrize("cache_size", [0, 1, 10_000])
def test_what_is_committed_while_a_command_reads_is_handed_on_to_it(cache_size):
    """However few states are kept: it would be decided on what this very executor has made old, and conflict, again and again on a hot stream."""

    class Late(InMemoryEventStore):
        async def read(self, streams, /, *, idempotency_key=None):
            found = await super().read(streams, idempotency_key=idempotency_key)
            if late:
                await late.pop().wait()
            return found

    late = [asyncio.Event()]

    async def main():
        [answer] = late
        executor = CommandExecutor(Late(), cache_size=cache_size, retry=RetryPolicy(max_attempts=1))
        reading = asyncio.create_task(executor.execute(adding(10)))
        await settle()
        await executor.execute(adding(1))
        answer.set()

        assert (await reading).versions[HOT] == 2
        assert len(executor.cache) <= cache_size

    asyncio.run(main())


@pytest.mark.parametrize("chaining", [True, False])
def test_commands_of_one_executor_do_not_conflict_with_each_other_though_no_state_is_kept(chaining):
    class Slow(InMemoryEventStore):
        async def read(self, streams, /, *, idempotency_key=None):
            await self._dawdle()
            found = await super().read(streams, idempotency_key=idempotency_key)
            await self._dawdle()
            return found

        async def append(self, requests, /):
            await self._dawdle()
            return await super().append(requests)

        async def _dawdle(self):
            for _ in range(chance.randrange(8)):
                await asyncio.sleep(0)

    chance = random.Random(7)

    async def main():
        executor = CommandExecutor(Slow(), cache_size=0, chaining=chaining)

        async def work():
            return [(await executor.execute(adding(1))).attempts for _ in range(20)]

        attempts = await asyncio.gather(*(work() for _ in range(16)))

        assert {each for some in attempts for each in some} == {1}
        assert (await executor.load(HOT)).state == Counter(320, 320)

    asyncio.run(main())


def test_trains_that_conflicts_made_short_grow_again():
    """Down to waiting in line, where none of those that are committed is a train of several."""

    async def main():
        store, executor = await warm()
        store.gate.set()
        executor.chains.limit = 1

        await asyncio.gather(*(executor.execute(adding(1)) for _ in range(500)))

        assert len(store.asked) < 250
        assert (await executor.load(HOT)).state == Counter(500, 500)

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


async def in_company(streams: int, **options) -> tuple[Gated, CommandExecutor, list[Probe]]:
    """Return an open store, an executor whose last commands came together, and a command for each of some streams."""
    store, executor = await warm(**options)
    store.gate.set()
    commands = [
        Probe(StreamId.of(Counter, f"own-{n}"), COLD, act=lambda streams, state, resolver: [streams.main.write(Added(1))])
        for n in range(streams)
    ]
    for _ in range(2):
        await asyncio.gather(*[executor.execute(command) for command in commands])
    store.calls.clear()
    store.asked.clear()
    return store, executor, commands


def test_what_is_decided_in_one_turn_goes_by_few_calls_of_the_store_and_a_lone_command_at_once():
    async def main():
        store, executor, commands = await in_company(40)

        await asyncio.gather(*[executor.execute(command) for command in commands])
        assert store.calls == [16, 16, 8]
        assert {len(request.events) for request in store.asked} == {1}

        for _ in range(2):
            await executor.execute(commands[0])
        assert store.calls[3:] == [1, 1]

    asyncio.run(main())


def test_of_two_that_meet_in_one_turn_the_second_goes_along_with_the_first():
    async def main():
        store, executor, commands = await in_company(8)

        results = await asyncio.gather(*[executor.execute(command) for command in [*commands, commands[0]]])

        assert store.calls == [8]
        assert sorted(len(request.events) for request in store.asked) == [1] * 7 + [2]
        assert results[-1].events[0].version == results[0].events[0].version + 1
        assert [result.attempts for result in results] == [1] * 9

    asyncio.run(main())


def test_who_is_cancelled_before_the_end_of_the_turn_is_not_written_and_who_rests_on_it_is_decided_again():
    async def main():
        store, executor, commands = await in_company(8)
        before = (await executor.load(StreamId.of(Counter, "own-0"))).version
        calls = [asyncio.create_task(executor.execute(command)) for command in [*commands, commands[0]]]
        while not executor.chains.foreseeing():
            await asyncio.sleep(0)
        assert not store.calls

        calls[0].cancel()
        results = await asyncio.gather(*calls, return_exceptions=True)

        assert isinstance(results[0], asyncio.CancelledError)
        assert not any(isinstance(result, BaseException) for result in results[1:])
        assert (await executor.load(StreamId.of(Counter, "own-0"))).version == before + 1

    asyncio.run(main())


def test_where_the_store_cannot_tell_what_became_of_a_train_all_of_it_hear_so_and_none_is_decided_again():
    class Losing(InMemoryEventStore):
        async def append(self, requests, /):
            verdicts = await super().append(requests)
            return [
                Refused(OutcomeUnknown("a test")) if len(request.events) > 1 else verdict
                for request, verdict in zip(requests, verdicts, strict=True)
            ]

    async def main():
        store = Losing()
        executor = CommandExecutor(store)
        seen: list[int] = []
        calls = [executor.execute(adding(1, seen)) for _ in range(4)]

        results = await asyncio.gather(*calls, return_exceptions=True)

        unknown = [result for result in results if isinstance(result, OutcomeUnknown)]
        assert len(unknown) >= 2
        assert len(seen) == 4
        assert (await executor.load(HOT)).version == 4

    asyncio.run(main())


@pytest.mark.parametrize("turns", range(1, 10))
def test_tasks_of_the_executor_that_somebody_cancels(turns):
    """As programs do with all tasks there are: who still waits is told what is known of its command, or decided again, and nothing is in the way of others."""

    class Slow(InMemoryEventStore):
        async def append(self, requests, /):
            for _ in range(3):
                await asyncio.sleep(0)
            return await super().append(requests)

    async def main():
        store = Slow()
        executor = CommandExecutor(store)
        commands = [
            Probe(StreamId.of(Counter, f"own-{n % 40}"), COLD, act=lambda streams, state, resolver: [streams.main.write(Added(1))])
            for n in range(60)
        ]
        for _ in range(2):
            await asyncio.gather(*[executor.execute(command) for command in commands])
        before = len((await store.read_all()).events)
        calls = [asyncio.create_task(executor.execute(command)) for command in commands]
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in asyncio.all_tasks() - {*calls, asyncio.current_task()}:
            task.cancel()

        outcomes = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 10)

        unknown = [outcome for outcome in outcomes if isinstance(outcome, OutcomeUnknown)]
        committed = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
        assert len(unknown) + len(committed) == len(commands)
        assert len(committed) <= len((await store.read_all()).events) - before <= len(commands)
        await asyncio.wait_for(asyncio.gather(*[executor.execute(command) for command in commands]), 10)

    asyncio.run(main())


def shaken(executor: CommandExecutor, times: int) -> None:
    for _ in range(times):
        executor.trust.outdated()


def test_where_others_write_too_commands_wait_for_what_is_on_its_way_then_read_and_go_together():
    async def main():
        store, executor, commands = await in_company(8)
        shaken(executor, 100)
        store.gate.clear()
        first = asyncio.create_task(executor.execute(commands[0]))
        await settle()
        assert store.calls == [1]
        others = [asyncio.create_task(executor.execute(command)) for command in commands[1:]]
        await settle()
        assert store.calls == [1]

        store.gate.set()
        await asyncio.gather(first, *others)

        assert store.calls == [1, 7]

    asyncio.run(main())


def test_what_takes_long_is_not_waited_for_twice(monkeypatch: pytest.MonkeyPatch):
    class StuckFirst(InMemoryEventStore):
        async def append(self, requests, /):
            if stuck:
                await stuck.pop().wait()
            return await super().append(requests)

    stuck: list[asyncio.Event] = []
    monkeypatch.setattr(chains_module, "_HELD_UP", 0.01)

    async def main():
        executor = CommandExecutor(StuckFirst())
        other = Probe(COLD, RULES, act=lambda streams, state, resolver: [streams.main.write(Added(1))])
        await executor.execute(other)
        shaken(executor, 5)
        end = asyncio.Event()
        stuck.append(end)
        first = asyncio.create_task(executor.execute(adding(1)))
        await settle()
        await executor.execute(other)  # after a while, for nothing is heard of the first
        monkeypatch.setattr(chains_module, "_HELD_UP", 3600.0)

        await asyncio.wait_for(executor.execute(other), 3)

        assert not first.done()
        end.set()
        await first

    asyncio.run(main())


def test_event_loops_do_not_wait_for_each_other(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(chains_module, "_HELD_UP", 3600.0)
    store, executor = asyncio.run(warm())
    shaken(executor, 5)

    async def stay(begun: threading.Event, end: threading.Event):
        gate = store.gate = asyncio.Event()
        call = asyncio.create_task(executor.execute(adding(1)))
        await settle()
        begun.set()
        await asyncio.get_running_loop().run_in_executor(None, end.wait)
        gate.set()
        await call

    async def go():
        store.gate = asyncio.Event()
        store.gate.set()
        for _ in range(3):
            await executor.execute(Probe(COLD, RULES, act=lambda streams, state, resolver: [streams.main.write(Added(1))]))

    begun, end = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(stay(begun, end)))
    thread.start()
    try:
        assert begun.wait(10)
        asyncio.run(asyncio.wait_for(go(), 3))
    finally:
        end.set()
        thread.join(10)
    assert not thread.is_alive()
