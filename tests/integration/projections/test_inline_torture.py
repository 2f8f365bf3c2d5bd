"""Inline read models under random commands, failing handlers and SIGKILL: at every moment that anybody can see, they equal a fold over history."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from eventcore import InMemoryEventStore, SqliteEventStore
from eventcore.errors import InlineProjectionFailed, InlineProjectionsDiffer
from eventcore.projections import project_inline
from eventcore.store import AppendRequest, Committed, ExpectedVersion, IdempotencyKey, Refused, Statement, StreamRead
from eventcore.stores.postgres import PostgresEventStore
from tests.integration.projections.inline_lab import BATCH, UNLUCKY, Sums, moment, opened, projections
from tests.integration.projections.lab import Paid, folded, new, pay
from tests.soak import times

Store = InMemoryEventStore | SqliteEventStore | PostgresEventStore


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """Where a store is, and its schema."""
    if request.param == "sqlite":
        return str(tmp_path / "events.db"), "-"
    return request.getfixturevalue("postgres"), request.getfixturevalue("schema")


def agrees(seen: tuple[Sums, Sums, tuple[int, int]]) -> bool:
    history, balances, total = seen
    return history == balances and total == (sum(amount for amount, _ in history.values()), sum(count for _, count in history.values()))


# Killed writers


class Writer:
    """A process that pays. *acknowledged* counts the events whose commit it told."""

    def __init__(self, place: tuple[str, str], seed: int) -> None:
        self._arguments = [*place, str(seed)]
        self._told = asyncio.Event()
        self.acknowledged = 0

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.integration.projections.inline_lab", *self._arguments, stdout=asyncio.subprocess.PIPE
        )
        self._listening = asyncio.create_task(self._listen())
        return self

    async def at_work(self) -> None:
        """Wait until it has told of a commit."""
        told = asyncio.create_task(self._told.wait())
        await asyncio.wait([told, self._listening], timeout=60, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        assert self._told.is_set(), f"a writer did not get to work (exit code {self._process.returncode})"

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            if line.endswith(b"\n") and line != b"running\n":
                self.acknowledged += int(line)
                self._told.set()

    async def __aexit__(self, *exc_info: object) -> None:
        ended = self._process.returncode
        if ended is None:
            self._process.kill()
        await self._process.wait()
        await self._listening
        assert ended is None, "a writer ended by itself"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_writers_leave_read_models_that_equal_history(place: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """From the very first start, over a history that nobody projected, with two processes that are killed again and again."""
    chance = random.Random(11)
    kills, looks, acknowledged = times(6), 0, 0

    async def run() -> Sums:
        nonlocal looks, acknowledged
        async with opened(*place) as store:
            await pay(store, [(f"a{n % 20}", n % 12 + 1 if n % 12 + 1 != UNLUCKY else 1) for n in range(40 * BATCH)])
        acknowledged = 40 * BATCH
        for number in range(kills):
            async with Writer(place, 2 * number) as one, Writer(place, 2 * number + 1) as two:
                if number < kills // 3:  # while history is gone through, or at the switch
                    await asyncio.sleep(0.4 + chance.random() * 0.3)
                else:
                    await asyncio.gather(one.at_work(), two.at_work())
                    looks += await look_again_and_again(place, 0.2 + chance.random())
            acknowledged += one.acknowledged + two.acknowledged
        assert looks
        async with opened(*place) as store:
            await project_inline(store, projections(), batch_size=BATCH)
            history = await folded(store)
        seen = await moment(*place)
        assert agrees(seen), seen
        assert seen[0] == history
        return history

    history = asyncio.run(run())
    recorded = sum(count for _, count in history.values())
    with capsys.disabled():
        print(f"\n{recorded} recorded, {acknowledged} acknowledged, {2 * kills} SIGKILLs, {looks} looks at one moment")
    # What was committed and not told is at most what was under way at each kill.
    assert acknowledged <= recorded


async def look_again_and_again(place: tuple[str, str], seconds: float) -> int:
    """See that tables and history agree, in one snapshot each time; return how often."""
    looks, end = 0, asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        seen = await moment(*place)
        assert agrees(seen), seen
        looks += 1
        await asyncio.sleep(0.01)
    return looks


# Random commands

request = st.tuples(
    st.integers(0, 2),  # stream
    st.sampled_from(["any", "right", "wrong"]),
    st.lists(st.sampled_from([1, 2, 5, UNLUCKY]), max_size=3),
    st.one_of(st.none(), st.integers(0, 2)),  # key
)
step = st.one_of(st.lists(request, min_size=1, max_size=6), st.sampled_from(["switch", "reopen", "without"]))


@given(st.lists(step, min_size=1, max_size=12))
@example([[(0, "any", [1], None)], "switch", [(0, "right", [UNLUCKY], 0), (0, "right", [1], 0)]])
@example(
    [
        "switch",
        [(0, "any", [1, UNLUCKY], None), (1, "any", [2], None), (0, "any", [UNLUCKY], None)],
        "reopen",
        "switch",
        [(0, "any", [1], 1)],
    ]
)
@settings(max_examples=times(60), deadline=None)
def test_random_commands_in_memory(steps: Sequence[object]) -> None:
    kept = InMemoryEventStore()
    asyncio.run(play(lambda: kept, [each for each in steps if each != "reopen"]))


@given(st.lists(step, min_size=1, max_size=12))
@example([[(0, "any", [1], None)], "switch", [(0, "right", [UNLUCKY], 0), (0, "right", [1], 0)]])
@settings(max_examples=times(40), deadline=None)
def test_random_commands_on_sqlite(steps: Sequence[object]) -> None:
    with TemporaryDirectory() as folder:
        asyncio.run(play(lambda: SqliteEventStore(Path(folder) / "events.db"), steps))


@given(st.lists(step, min_size=1, max_size=12))
@example(
    [
        "switch",
        [(0, "any", [1, UNLUCKY], None), (1, "any", [2], None), (0, "any", [UNLUCKY], None)],
        "reopen",
        "switch",
        [(0, "any", [1], 1)],
    ]
)
@settings(max_examples=times(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_commands_on_postgres(postgres: str, steps: Sequence[object]) -> None:
    schema = f"inline_{uuid4().hex[:12]}"

    async def run() -> None:
        await play(lambda: PostgresEventStore(postgres, schema=schema, pool_size=3), steps)

    asyncio.run(run())


async def play(make: Callable[[], Store], steps: Sequence[object]) -> None:
    """Do *steps*, and look after each of them."""
    demanded = attached = False
    store = await make().__aenter__()
    try:
        for each in steps:
            if each == "switch":
                history = await folded(store)
                await project_inline(store, projections())
                demanded = attached = True
                assert await shown(store) == history
            elif each == "reopen":
                await store.__aexit__(None, None, None)
                store = await make().__aenter__()
                attached = False
            elif each == "without":
                before = store.attach(None)
                await append_or_differ(store, [payment(0, [1])], differs=demanded)
                store.attach(before)
            else:
                requests = await made(store, each, unlucky=not demanded)
                verdicts = await append_or_differ(store, requests, differs=demanded and not attached)
                for asked, verdict in zip(requests, verdicts, strict=False):
                    if isinstance(verdict, Refused):
                        assert isinstance(verdict.error, InlineProjectionFailed)
                        assert demanded
                    if isinstance(verdict, Committed) and demanded:
                        assert not any(b"13" in event.data for event in asked.events)
            if demanded:
                assert await shown(store) == await folded(store)
    finally:
        await store.__aexit__(None, None, None)


async def append_or_differ(store: Store, requests: Sequence[AppendRequest], *, differs: bool) -> Sequence[object]:
    if not differs or not any(asked.events for asked in requests):
        return await together(store, requests)
    try:
        verdicts = await together(store, requests)
    except InlineProjectionsDiffer:
        return []
    # Each of them lost, or was done before, or asked only: none was written.
    assert not any(isinstance(verdict, Committed) and verdict.events for verdict in verdicts)
    return []


async def together(store: Store, requests: Sequence[AppendRequest]) -> Sequence[object]:
    """Append half of the requests in one call and the others one by one at the same time."""
    half = len(requests) // 2
    calls = [requests[:half], *([asked] for asked in requests[half:])]
    answers = await asyncio.gather(*(store.append(call) for call in calls if call))
    return [verdict for answer in answers for verdict in answer]


async def made(store: Store, asked: object, *, unlucky: bool) -> list[AppendRequest]:
    versions = [(await store.read([StreamRead(f"s-{number}")])).slices[0].version for number in range(3)]
    requests: list[AppendRequest] = []
    for number, expected, drawn, key in asked:  # type: ignore[attr-defined]
        amounts = [1 if unlucky and amount == UNLUCKY else amount for amount in drawn]
        given = {
            "any": ExpectedVersion.ANY,
            "right": ExpectedVersion.exact(versions[number]),
            "wrong": ExpectedVersion.exact(versions[number] + 7),
        }
        made = payment(number, amounts)
        print_of = f"{number}{expected}{amounts}".encode()
        requests.append(
            AppendRequest({f"s-{number}": given[expected]}, made.events, None if key is None else IdempotencyKey(f"k{key}", print_of))
        )
    return requests


def payment(number: int, amounts: Sequence[int]) -> AppendRequest:
    return AppendRequest({f"s-{number}": ExpectedVersion.ANY}, [new(Paid(f"a{number}", amount), f"s-{number}") for amount in amounts])


async def shown(store: Store) -> Sums:
    """Return the balances, having seen that the total row says the same."""
    async with store.transaction(read_only=True) as transaction:
        rows = await transaction.fetch(Statement(f"SELECT account, balance, payments FROM {transaction.table('balances')}"))
        ((total),) = await transaction.fetch(Statement(f"SELECT amount, payments FROM {transaction.table('totals')}"))
    sums = {row["account"]: (row["balance"], row["payments"]) for row in rows}
    assert (total["amount"], total["payments"]) == (sum(a for a, _ in sums.values()), sum(c for _, c in sums.values()))
    return sums
