"""How long a projection takes to handle what another process wrote, and how long it stands still when the process that leads it is killed.

`python -m benchmarks.lag idle|load|failover --dsn DSN` prints one line of JSON. `run` is the other process: the runner at its defaults, with the
balances of `benchmarks.inline`, one upsert for each event.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
from bisect import bisect_left
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Final, NamedTuple, final

from benchmarks.contestants.ours import OurBank
from benchmarks.domain.accounts import AccountOpened, MoneyReceived, MoneySent
from benchmarks.domain.commands import TransferMoney
from benchmarks.environment import ROOT
from benchmarks.inline import Balances
from benchmarks.work import percentile
from eventcore import CommandExecutor, Position, PostgresEventStore
from eventcore.events import Recorded
from eventcore.projections import Context, ProjectionRunner, on, projection

ACCOUNTS: Final = 1_000
IDLE: Final = 200
PAUSE: Final = 0.2
"""Transfers, one at a time, and the seconds between two of them at most."""
LOAD: Final = 7_500
RATE: Final = 500
"""Transfers, and how many a second; each is two events."""
KILLS: Final = 6
PHASE: Final = 2.0
"""Seconds within which each kill falls at random, so that it falls anywhere between two renewals of the lease."""
PATIENCE: Final = 60.0


class Moment(NamedTuple):
    """When all up to *position* was acknowledged, or handled and committed, in seconds of the clock that all processes of a machine share."""

    position: Position
    at: float


# The process that runs the projection


@projection
class Watched(Balances):
    """Tells how far it is."""

    def __init__(self) -> None:
        self.reached: Position | None = None
        self.moved = asyncio.Event()

    @on(AccountOpened, MoneySent, MoneyReceived)
    def watch(self, recorded: Recorded[AccountOpened | MoneySent | MoneyReceived], context: Context) -> None:
        self.reached = recorded.position
        self.moved.set()


async def run(dsn: str) -> None:
    """Print each position that is committed, as soon as it is, and when that was; until killed."""
    watched = Watched()
    async with PostgresEventStore(dsn) as store, ProjectionRunner(store, [watched]) as runner:
        print("running", flush=True)
        while True:
            await watched.moved.wait()
            watched.moved.clear()
            position = watched.reached
            await runner.caught_up(position, timeout=PATIENCE)
            print(position, time.time(), flush=True)


@final
class Runner:
    """That process, seen from here, and what it has told."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.told: list[Moment] = []
        self._news = asyncio.Event()
        self.running = asyncio.Event()
        self.process = process
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        assert self.process.stdout is not None  # noqa: S101
        async for line in self.process.stdout:
            match line.split():
                case [position, at]:
                    self.told.append(Moment(Position.parse(position.decode()), float(at)))
                    self._news.set()
                case _:
                    self.running.set()

    async def has(self, position: Position) -> None:
        """Return when everything up to *position* is handled."""
        async with asyncio.timeout(PATIENCE):
            while not self.told or self.told[-1].position < position:
                self._news.clear()
                await self._news.wait()

    async def kill(self) -> float:
        """Return when it was killed."""
        at = time.time()
        self.process.kill()
        await self.process.wait()
        await self._listening
        return at


@asynccontextmanager
async def running(dsn: str) -> AsyncGenerator[Callable[[], Coroutine[None, None, Runner]]]:
    """Start as many as wanted; leave none behind."""
    started: list[Runner] = []

    async def start() -> Runner:
        command = (sys.executable, "-m", "benchmarks.lag", "run", "--dsn", dsn)
        started.append(Runner(await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)))
        async with asyncio.timeout(PATIENCE):
            await started[-1].running.wait()
        return started[-1]

    try:
        yield start
    finally:
        for runner in started:
            if runner.process.returncode is None:
                await runner.kill()


# The process that writes


@asynccontextmanager
async def bank(dsn: str) -> AsyncGenerator[OurBank]:
    async with PostgresEventStore(dsn) as store:
        opened = OurBank(CommandExecutor(store))
        await opened.open([f"account-{number}" for number in range(ACCOUNTS)])
        yield opened


async def transfer(opened: OurBank) -> Moment:
    source, target = (opened.id(f"account-{number}") for number in random.sample(range(ACCOUNTS), 2))
    done = await opened.executor.execute(TransferMoney(source, target, 1))
    assert done.position is not None, "a transfer writes"  # noqa: S101
    return Moment(done.position, time.time())


async def one_at_a_time(opened: OurBank) -> list[Moment]:
    written: list[Moment] = []
    for _ in range(IDLE):
        await asyncio.sleep(random.random() * PAUSE)
        written.append(await transfer(opened))
    return written


async def many_at_a_time(opened: OurBank) -> list[Moment]:
    """Begin them at their rate, however long each of them takes."""
    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        transfers: list[asyncio.Task[Moment]] = []
        for number in range(LOAD):
            await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            transfers.append(tasks.create_task(transfer(opened)))
    return [each.result() for each in transfers]


async def lag(dsn: str, write: Callable[[OurBank], Coroutine[None, None, list[Moment]]]) -> dict[str, float]:
    """Return how many milliseconds after its acknowledgement a transfer was handled, and how many of them were written a second."""
    async with bank(dsn) as opened, running(dsn) as start:
        runner = await start()
        await runner.has((await transfer(opened)).position)
        began = time.perf_counter()
        written = await write(opened)
        seconds = time.perf_counter() - began
        await runner.has(max(moment.position for moment in written))
        told = list(runner.told)
    positions = [moment.position for moment in told]
    lags = [1000 * (told[bisect_left(positions, moment.position)].at - moment.at) for moment in written]
    return {"p50": percentile(lags, 0.5), "p99": percentile(lags, 0.99), "a second": len(written) / seconds}


async def failover(dsn: str) -> dict[str, float]:
    """Return the seconds from the kill of the process that leads until another one has committed, while transfers go on."""
    times: list[float] = []
    async with bank(dsn) as opened, running(dsn) as start:
        leader = await start()
        await leader.has((await transfer(opened)).position)
        for _ in range(KILLS):
            other = await start()
            await asyncio.sleep(1 + random.random() * PHASE)
            await leader.has((await transfer(opened)).position)
            if other.told:
                raise AssertionError("two processes led the projection")
            killed = await leader.kill()
            await other.has((await transfer(opened)).position)
            times.append(other.told[0].at - killed)
            leader = other
    return {"median": statistics.median(times), "least": min(times), "most": max(times)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lag", description=__doc__)
    parser.add_argument("what", choices=["idle", "load", "failover", "run"])
    parser.add_argument("--dsn", required=True)
    options = parser.parse_args()
    calls: dict[str, Callable[[], Coroutine[None, None, object]]] = {
        "idle": lambda: lag(options.dsn, one_at_a_time),
        "load": lambda: lag(options.dsn, many_at_a_time),
        "failover": lambda: failover(options.dsn),
        "run": lambda: run(options.dsn),
    }
    print(json.dumps(asyncio.run(calls[options.what]())))


if __name__ == "__main__":
    main()
