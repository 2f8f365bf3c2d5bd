"""Run a contestant that works on an event loop, in one process or in several, and take its times."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol, TypeAlias, cast

from benchmarks.jobs import Job
from benchmarks.work import Collection, Outcome, Place, Timed, Transfer, Work, openings_of


class ReadBack(NamedTuple):
    """What the accounts hold afterwards, and how many events there are."""

    balances: Mapping[str, int]
    events: int


class Bank(Protocol):
    """Accounts, as one contestant keeps them. A transfer returns when it is committed, however often it had to be tried."""

    async def transfer(self, source: str, target: str, amount: int) -> None: ...

    async def collect(self, accounts: Sequence[str], written: Sequence[str], amount: int) -> None: ...

    async def read_back(self, accounts: Sequence[str]) -> ReadBack: ...

    def settings(self) -> Mapping[str, str | int]: ...


OpenBank: TypeAlias = Callable[[Place, Job, str], AbstractAsyncContextManager[Bank]]
"""Opens the accounts at a place; the last argument is the contestant's variant."""

Command: TypeAlias = Transfer | Collection


def run(open_bank: OpenBank, work: Work, *, variant: str, place: Place, contestant: str = "") -> Outcome:
    """Do all of *work*; *contestant* names the module for the processes among which it is shared, where the job wants several."""
    if work.job.processes == 1:
        return asyncio.run(_run(open_bank, work, variant, place))
    return asyncio.run(_shared(open_bank, work, variant, place, contestant))


async def _run(open_bank: OpenBank, work: Work, variant: str, place: Place) -> Outcome:
    async with open_bank(place, work.job, variant) as bank:
        await do_all(bank, work.warm_up, work.job.tasks)
        timed = await do_all(bank, work.commands, work.job.tasks)
        found = await bank.read_back([account for account, _ in openings_of(work.job)])
        return Outcome(timed, found.balances, found.events, {"at a time": work.job.tasks, **bank.settings()})


async def do_all(bank: Bank, commands: Iterable[Command], tasks: int) -> Timed:
    """Do *commands* in their order, *tasks* at a time."""
    waiting, latencies = iter(commands), list[float]()
    began = time.perf_counter()
    if tasks == 1:
        await _work(bank, waiting, latencies)
    else:
        async with asyncio.TaskGroup() as group:
            for _ in range(tasks):
                group.create_task(_work(bank, waiting, latencies))
    return Timed(time.perf_counter() - began, latencies)


async def _work(bank: Bank, waiting: Iterator[Command], latencies: list[float]) -> None:
    clock = time.perf_counter
    for command in waiting:
        began = clock()
        if isinstance(command, Transfer):
            await bank.transfer(*command)
        else:
            await bank.collect(*command)
        latencies.append(clock() - began)


class _Share(NamedTuple):
    """What one of several processes reports; times are of the clock that all processes share."""

    began: float
    ended: float
    latencies: Sequence[float]


async def _shared(open_bank: OpenBank, work: Work, variant: str, place: Place, contestant: str) -> Outcome:
    """Let several processes do the work, a share each; they begin together, when all are warm."""
    job = work.job
    command = [sys.executable, "-m", "benchmarks.share", contestant, "--variant", variant, "--job", json.dumps(job), "--dsn", place.dsn]
    pipe = asyncio.subprocess.PIPE
    processes = [
        await asyncio.create_subprocess_exec(
            *command, "--seed", str(work.seed), "--share", str(share), stdin=pipe, stdout=pipe, limit=2**26
        )
        for share in range(job.processes)
    ]
    try:
        for process in processes:
            await _line(process)
        for process in processes:
            cast("asyncio.StreamWriter", process.stdin).write(b"go\n")
        shares = [_Share(*cast("list[object]", json.loads(await _line(process)))) for process in processes]  # type: ignore[arg-type]
        for process in processes:
            await process.wait()
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
    async with open_bank(place, job, variant) as bank:
        found = await bank.read_back(work.accounts)
        settings = {"processes": job.processes, "at a time in each": job.tasks, **bank.settings()}
    seconds = max(share.ended for share in shares) - min(share.began for share in shares)
    return Outcome(Timed(seconds, [one for share in shares for one in share.latencies]), found.balances, found.events, settings)


async def _line(process: asyncio.subprocess.Process) -> bytes:
    line = await cast("asyncio.StreamReader", process.stdout).readline()
    if not line:
        raise RuntimeError(f"one of the processes that share the work ended with {await process.wait()}; what it said is above")
    return line


async def do_share(open_bank: OpenBank, work: Work, share: int, *, variant: str, place: Place) -> None:
    """Do one share of *work*, in a process of its own, beginning when told to on stdin."""
    processes = work.job.processes
    async with open_bank(place, work.job, variant) as bank:
        await do_all(bank, work.warm_up[share::processes], work.job.tasks)
        print("warm", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        began = time.monotonic()
        timed = await do_all(bank, work.commands[share::processes], work.job.tasks)
        print(json.dumps(_Share(began, time.monotonic(), timed.latencies)), flush=True)
