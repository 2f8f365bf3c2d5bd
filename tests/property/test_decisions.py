"""Whatever a command did or refused, it did on streams that were current together, at one moment between its call and its answer.

Random commands of several tasks and two executors meet on one store. Every command notes the totals that its last run saw. A commit must have seen what the log
says just before its first event; any other outcome must have seen what the log says at some moment while it ran.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from itertools import pairwise

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lab.probes import Added, Counter, Probe

from eventcore import CommandExecutor, CommandRejected, InMemoryEventStore, RetryPolicy, SqliteEventStore, StreamId, require
from eventcore.store import AppendRequest, ReadResult, StoredEvent, StreamRead, Verdict
from tests.soak import times

STREAMS = [StreamId.of(Counter, name) for name in "abcd"]


class Hesitant(InMemoryEventStore):
    """The real memory store; before and after each call it lets others run for a random while."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance

    async def read(self, streams: Sequence[StreamRead], /, *, idempotency_key: str | None = None) -> ReadResult:
        await self._hesitate()
        result = await super().read(streams, idempotency_key=idempotency_key)
        await self._hesitate()
        return result

    async def append(self, requests: Sequence[AppendRequest], /) -> Sequence[Verdict]:
        await self._hesitate()
        verdicts = await super().append(requests)
        await self._hesitate()
        return verdicts

    async def _hesitate(self) -> None:
        for _ in range(self._chance.randrange(4)):
            await asyncio.sleep(0)


@attrs.frozen
class Outcome:
    """What one command came to: what its last run saw, its events, and how long the log was before and after."""

    seen: dict[str, int]
    events: tuple[StoredEvent, ...]
    before: int
    after: int
    kind: str


async def log(store) -> list[StoredEvent]:
    events: list[StoredEvent] = []
    position = None
    while True:
        page = await store.read_all(position, limit=1000)
        events += page.events
        position = page.position
        if not page.more:
            return events


async def one_command(store, executor: CommandExecutor, chance: random.Random) -> Outcome:
    main, rules, *others = chance.sample(STREAMS, 4)
    kind = chance.choice(["write", "write", "write", "reject", "nothing", "crash"])
    friends = others[: chance.randrange(3)]
    amount = chance.randrange(-5, 6)
    seen: dict[str, int] = {}

    def act(streams, state, resolver):
        seen.clear()
        seen.update({main: state.main.total, rules: state.rules.total})
        for friend in friends:
            resolver.friends.add(friend)
            seen[friend] = state.friends[friend].total
        require(kind != "reject", "no")
        if kind == "crash":
            raise ZeroDivisionError
        if kind == "nothing":
            return ()
        return [streams.main.write(Added(amount)), *(streams.friends[friend].write(Added(-amount)) for friend in friends)]

    before = len(await log(store))
    try:
        events = (await executor.execute(Probe(main, rules, act=act))).events
    except (CommandRejected, ZeroDivisionError):
        events = ()
    return Outcome(dict(seen), events, before, len(await log(store)), kind)


def totals(events: Sequence[StoredEvent], streams) -> dict[str, int]:
    """Fold as slowly and plainly as possible."""
    sums = dict.fromkeys(streams, 0)
    for stored in events:
        if stored.stream_id in sums:
            sums[stored.stream_id] += int(stored.data.decode().removeprefix('{"amount":').removesuffix("}"))
    return sums


async def run_and_check(store, executors: Sequence[CommandExecutor], seed: int, *, tasks: int, each: int) -> None:
    outcomes: list[Outcome] = []

    async def work(number: int) -> None:
        chance = random.Random(f"{seed}-{number}")
        for _ in range(each):
            outcomes.append(await one_command(store, chance.choice(executors), chance))

    await asyncio.gather(*(work(number) for number in range(tasks)))
    history = await log(store)
    index = {stored.event_id: at for at, stored in enumerate(history)}
    for outcome in outcomes:
        if outcome.events:
            places = [index[event.event_id] for event in outcome.events]
            assert all(after == before + 1 for before, after in pairwise(places)), "a command's events stand together"
            moments = [places[0]]
        else:
            moments = range(outcome.before, outcome.after + 1)
        assert any(totals(history[:moment], outcome.seen) == outcome.seen for moment in moments), outcome
    committed = sum(len(outcome.events) for outcome in outcomes)
    assert committed == len(history)
    for stream_id in STREAMS:
        versions = [stored.version for stored in history if stored.stream_id == stream_id]
        assert versions == list(range(1, len(versions) + 1))


PATIENT = RetryPolicy(max_attempts=1000, initial_delay=0)


@pytest.mark.parametrize("chaining", [True, False])
@pytest.mark.parametrize("cache_sizes", [(0,), (10_000,), (0, 0), (10_000, 10_000), (10_000, 0), (2, 3)])
@given(seed=st.integers(0, 2**32))
@settings(max_examples=times(60), deadline=None)
def test_every_outcome_rests_on_one_moment(cache_sizes, chaining, seed):
    store = Hesitant(random.Random(seed))
    executors = [CommandExecutor(store, retry=PATIENT, cache_size=size, chaining=chaining) for size in cache_sizes]
    asyncio.run(run_and_check(store, executors, seed, tasks=5, each=6))


@pytest.mark.parametrize("cache_size", [0, 10_000])
def test_every_outcome_rests_on_one_moment_in_two_stores_on_one_file(cache_size, tmp_path):
    """Two stores on one file are what two processes are, but for the process."""

    async def main(seed: int) -> None:
        path = tmp_path / f"{seed}.db"
        async with SqliteEventStore(path) as one, SqliteEventStore(path) as other:
            executors = [CommandExecutor(store, retry=RetryPolicy(max_attempts=1000), cache_size=cache_size) for store in (one, other)]
            await run_and_check(one, executors, seed, tasks=8, each=15)

    for seed in range(4):
        asyncio.run(main(seed))
