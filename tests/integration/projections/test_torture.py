"""Writers, killed runners and rebuilds at the same time: the read model still equals a fold over the whole history."""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

import pytest

from eventcore import Recorded, SqliteEventStore
from eventcore.projections import Context, ProjectionRunner, caught_up, on, projection
from tests.integration.projections.lab import Balances, Paid, folded, pay, shown
from tests.soak import times


@projection(name="balances", version=2)
class Rebuilt(Balances):
    """The same read model, built anew beside the old one."""

    def __init__(self) -> None:
        self.effects = 0

    @on(Paid, effect=True)
    def count(self, recorded: Recorded[Paid], context: Context) -> None:
        self.effects += 1


async def write(path: Path, seed: int, rounds: int) -> int:
    """Append payments in bursts; return how many."""
    chance = random.Random(seed)
    written = 0
    async with SqliteEventStore(path) as store:
        for _ in range(rounds):
            burst = [(f"a{chance.randrange(20)}", chance.randrange(1, 100)) for _ in range(chance.randrange(1, 40))]
            await pay(store, burst, f"payments-{seed}")
            written += len(burst)
            await asyncio.sleep(chance.random() * 0.02)
    return written


async def kill_runners(path: Path, seed: int, kills: int) -> None:
    """Keep two runners at work in processes of their own, and kill one of them again and again; leave none."""
    chance = random.Random(seed)
    runners = [await _start(path) for _ in range(2)]
    try:
        for _ in range(kills):
            await asyncio.sleep(0.1 + chance.random() * 0.3)
            victim = chance.randrange(2)
            runners[victim].kill()
            await runners[victim].wait()
            runners[victim] = await _start(path)
    finally:
        for runner in runners:
            runner.kill()
            await runner.wait()


async def _start(path: Path) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.projections.lab", str(path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"running\n"
    return process


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_projections_survive_torture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "events.db"
    kills, rounds, seed = times(6), times(60), 7

    async def run() -> tuple[int, int, dict[str, tuple[int, int]]]:
        async with SqliteEventStore(path) as store:
            await pay(store, [("a1", 1)])
            writers = [asyncio.create_task(write(path, seed + n, rounds)) for n in range(3)]
            await kill_runners(path, seed, kills)
            # Writers may still be at it while the next version takes the place of what the killed ones built.
            rebuilt = Rebuilt()
            async with ProjectionRunner(store, [rebuilt], batch_size=50, poll_interval=0.1) as runner:
                written = 1 + sum(await asyncio.gather(*writers))
                before = await pay(store, [("last", 1)])
                await runner.caught_up(before, timeout=60)
                await caught_up(store, "balances", before, timeout=60)
            return written + 1, rebuilt.effects, await folded(store)

    written, effects, expected = asyncio.run(run())
    actual = shown(path)
    with capsys.disabled():
        handled = sum(count for _, count in actual.values())
        print(
            f"\n  torture: {written} events written, {handled} handled, {kills} runners killed, {effects} effects after the swap, seed {seed}"
        )
    assert actual == expected
    assert sum(count for _, count in actual.values()) == written
    assert 0 < effects <= written
