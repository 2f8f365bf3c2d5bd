"""Whatever the switches, whoever meets whom, and whatever goes wrong: every history has a sequential explanation, and it is the log's."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import sys
from concurrent.futures import ProcessPoolExecutor

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from eventcore import CommandExecutor, InMemoryEventStore, PostgresEventStore, RetryPolicy, SqliteEventStore
from eventcore.store import StoredEvent
from eventcore.testing import ChaosStore
from tests.property.histories import (
    Hesitant,
    Log,
    Oracle,
    Treacherous,
    cancel_now_and_then,
    check,
    check_states,
    in_a_process,
    in_threads,
    run,
)
from tests.soak import times

PATIENT = RetryPolicy(max_attempts=1000, initial_delay=0)

# A seed does not get simpler by being smaller.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)

switches = st.fixed_dictionaries(
    {"cache_size": st.sampled_from([0, 2, 10_000]), "chaining": st.booleans(), "snapshots": st.booleans(), "retry": st.just(PATIENT)}
)
mishaps = st.fixed_dictionaries(
    {name: st.sampled_from([0.0, 0.05, 0.2]) for name in ("conflicts", "failures_before", "failures_after", "lost_replies")}
)


@given(seed=st.integers(0, 2**32), switches=switches, executors=st.integers(1, 3))
@settings(max_examples=times(80), deadline=None, phases=PHASES)
def test_every_history_has_a_sequential_explanation(seed, switches, executors):
    async def main() -> None:
        chance = random.Random(seed)
        quiet = InMemoryEventStore()
        stores = [Hesitant(quiet, chance) for _ in range(executors)]
        await run(stores, lambda store: CommandExecutor(store, **switches), seed, clients=5, commands=6, quiet=quiet)

    asyncio.run(main())


@given(seed=st.integers(0, 2**32), switches=switches, mishaps=mishaps, executors=st.integers(1, 3))
@settings(max_examples=times(60), deadline=None, phases=PHASES)
def test_every_history_has_a_sequential_explanation_on_a_bad_day(seed, switches, mishaps, executors):
    async def main() -> None:
        chance = random.Random(seed)
        quiet = InMemoryEventStore()
        stores = [ChaosStore(Hesitant(quiet, chance), seed=seed + number, **mishaps) for number in range(executors)]
        await run(stores, lambda store: CommandExecutor(store, **switches), seed, clients=5, commands=6, quiet=quiet)

    asyncio.run(main())


@given(
    seed=st.integers(0, 2**32),
    switches=switches,
    share=st.sampled_from([0.0, 0.1, 0.3]),
    executors=st.integers(1, 3),
    cancels=st.booleans(),
)
@settings(max_examples=times(40), deadline=None, phases=PHASES)
def test_every_history_has_a_sequential_explanation_where_only_some_of_a_call_are_told_the_truth(seed, switches, share, executors, cancels):
    """And where somebody cancels the executors' own tasks."""

    async def main() -> None:
        chance = random.Random(seed)
        quiet = InMemoryEventStore()
        stores = [Treacherous(quiet, chance, share) for _ in range(executors)]
        cancelling = asyncio.ensure_future(cancel_now_and_then(chance)) if cancels else None
        async with asyncio.timeout(60):  # nobody waits for ever
            await run(stores, lambda store: CommandExecutor(store, **switches), seed, clients=12, commands=4, quiet=quiet)
        if cancelling is not None:
            cancelling.cancel()

    asyncio.run(main())


@given(seed=st.integers(0, 2**32), switches=switches)
@settings(max_examples=times(10), deadline=None, phases=PHASES)
def test_every_history_of_threads_that_share_an_executor_has_a_sequential_explanation(seed, switches):
    quiet = InMemoryEventStore()
    executor = CommandExecutor(Hesitant(quiet, random.Random(seed)), **switches)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        answers = in_threads(executor, quiet, seed, threads=3, clients=5, commands=6)
    finally:
        sys.setswitchinterval(before)

    async def judge() -> None:
        log = Log(quiet)
        await log.length()
        check(log.events, answers)
        await check_states(Oracle(log.events), executor)

    asyncio.run(judge())


@given(seed=st.integers(0, 2**32), switches=switches)
@settings(max_examples=times(8), deadline=None, phases=PHASES)
def test_every_history_on_a_file_has_a_sequential_explanation(seed, switches, tmp_path_factory):
    async def main() -> None:
        path = tmp_path_factory.mktemp("history") / "events.db"
        async with SqliteEventStore(path) as one, SqliteEventStore(path) as other:
            await run([one, other], lambda store: CommandExecutor(store, **switches), seed, clients=6, commands=8, quiet=one)

    asyncio.run(main())


@pytest.mark.slow
@pytest.mark.parametrize("chaining", [True, False])
def test_every_history_of_processes_on_a_file_has_a_sequential_explanation(chaining, tmp_path):
    switches = {"chaining": chaining, "retry": PATIENT}

    async def everything(path: str) -> list[StoredEvent]:
        async with SqliteEventStore(path) as store:
            log = Log(store)
            await log.length()
            for cache_size in (0, 10):
                await check_states(Oracle(log.events), CommandExecutor(store, cache_size=cache_size))
            return log.events

    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("spawn")) as pool:
        for seed in range(times(2)):
            path = str(tmp_path / f"{seed}.db")
            work = [pool.submit(in_a_process, path, seed, name, switches, 15) for name in "xyz"]
            answers = [answer for some in work for answer in some.result()]
            check(asyncio.run(everything(path)), answers)


@pytest.mark.parametrize("chaining", [True, False])
@pytest.mark.parametrize("cache_size", [0, 10_000])
def test_every_history_on_a_server_has_a_sequential_explanation(chaining, cache_size, postgres, schema):
    async def main() -> None:
        async with PostgresEventStore(postgres, schema=schema) as one, PostgresEventStore(postgres, schema=schema) as other:
            make = lambda store: CommandExecutor(store, cache_size=cache_size, chaining=chaining, retry=PATIENT)  # noqa: E731
            await run([one, other], make, times(1), clients=6, commands=times(12), quiet=one, commits_in_order=False)

    asyncio.run(main())
