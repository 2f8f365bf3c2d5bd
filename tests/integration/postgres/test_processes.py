"""Many clients in several processes on one schema."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from eventcore import PostgresEventStore
from tests.faults.crashing import crashing_server
from tests.faults.judge import Told
from tests.faults.process_lab import told_of
from tests.faults.workload import account_ids, following, open_bank, require_truth
from tests.soak import times

ROOT = Path(__file__).parents[3]
PROCESSES = 4
CLIENTS = 50
ACCOUNTS = account_ids(10)


async def start(dsn: str, schema: str, number: int, transfers: int) -> asyncio.subprocess.Process:
    path = os.pathsep.join(str(ROOT / part) for part in ("", "codegen", "examples"))
    arguments = [dsn, schema, f"process-{number}", str(len(ACCOUNTS)), str(CLIENTS), str(transfers), str(number)]
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.faults.process_lab",
        *arguments,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**24,
    )


async def told_by(process: asyncio.subprocess.Process) -> list[Told]:
    output, _ = await process.communicate(b"go\n")
    assert process.returncode == 0
    return [told_of(line) for line in output.decode().splitlines()]


async def run_processes(dsn: str, schema: str, transfers: int, at_work: asyncio.Event | None = None) -> list[Told]:
    """Run all of them at the same time; return what their clients were told. *at_work* is set when they begin."""
    processes = [await start(dsn, schema, number, transfers) for number in range(PROCESSES)]
    try:
        for process in processes:
            assert process.stdout is not None
            assert await process.stdout.readline() == b"ready\n"
        if at_work is not None:
            at_work.set()
        return [told for each in await asyncio.gather(*map(told_by, processes)) for told in each]
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
                await process.wait()


@pytest.mark.slow
@pytest.mark.timeout(times(120))
def test_200_clients_in_4_processes(postgres: str, schema: str) -> None:
    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store:
            await open_bank(store, ACCOUNTS)
            async with following(store, "one", "two") as followers:
                told = await run_processes(postgres, schema, times(250))
            await require_truth(store, ACCOUNTS, told, followers)
        assert {each.error.partition("(")[0] for each in told if each.outcome != "committed"} <= {"InsufficientFunds"}
        assert len(told) >= PROCESSES * times(250)

    asyncio.run(scenario())


@pytest.mark.slow
@pytest.mark.timeout(times(120))
def test_a_server_that_dies_under_4_processes(tmp_path_factory: pytest.TempPathFactory, schema: str) -> None:
    async def scenario() -> None:
        async with PostgresEventStore(server.dsn, schema=schema, patience=60) as store:
            await open_bank(store, ACCOUNTS)
            async with following(store, "one") as followers:
                at_work = asyncio.Event()
                working = asyncio.create_task(run_processes(server.dsn, schema, times(250), at_work))
                await asyncio.wait_for(at_work.wait(), 60)
                deaths = 0
                while not working.done() and deaths < times(2):
                    await asyncio.sleep(0.4)
                    await asyncio.to_thread(server.kill)
                    await asyncio.to_thread(server.start)
                    deaths += 1
                told = await working
            await require_truth(store, ACCOUNTS, told, followers)
        assert deaths >= 1
        assert "unknown" not in {each.outcome for each in told}

    with crashing_server(tmp_path_factory.mktemp("server")) as server:
        asyncio.run(scenario())
