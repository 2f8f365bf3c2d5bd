"""What eventcore holds in memory: a cached state, a long history while it is folded, and hour after hour of work.

`python -m benchmarks.memory state|fold|soak`, each in a process of its own, prints one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import random
import resource
import time
import tracemalloc
from collections.abc import Callable, Coroutine
from itertools import islice
from pathlib import Path
from typing import Final
from uuid import uuid4

import orjson

from benchmarks.contestants.ours import OurBank
from benchmarks.domain.accounts import Account
from benchmarks.domain.commands import OpenAccount, TransferMoney
from benchmarks.work import DEPOSIT, opening_history
from eventcore import CommandExecutor, InMemoryEventStore, PostgresEventStore, StreamId
from eventcore.store import AppendRequest, Committed, ExpectedVersion, NewEvent

STATES: Final = 5_000
EVENTS: Final = 1_000_000
CHUNK: Final = 5_000
SAMPLES: Final = 40
MIB: Final = 2**20


async def state() -> dict[str, float]:
    """Return the bytes that one more state in the cache takes: its entry, its key and position, and the account."""
    async with InMemoryEventStore() as store:
        writer = CommandExecutor(store, cache_size=0)
        ids = [StreamId[Account](f"account-{number}") for number in range(STATES)]
        for account in ids:
            await writer.execute(OpenAccount(account, DEPOSIT))
        reader = CommandExecutor(store, cache_size=STATES)
        await reader.load(ids[0])
        gc.collect()
        tracemalloc.start()
        for account in ids[1:]:
            await reader.load(account)
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
        assert len(reader.cache) == STATES  # noqa: S101
    return {"bytes per cached state": held / (STATES - 1)}


async def fill(dsn: str) -> None:
    """Write a stream of a million events."""
    async with PostgresEventStore(dsn) as store:
        history = opening_history(EVENTS)
        for first in range(0, EVENTS, CHUNK):
            events = [NewEvent("long", uuid4(), kind, 1, orjson.dumps(fields)) for kind, fields in islice(history, CHUNK)]
            [verdict] = await store.append([AppendRequest({"long": ExpectedVersion.exact(first)}, events)])
            if not isinstance(verdict, Committed):
                raise TypeError(f"the long stream did not grow beyond {first}: {verdict}")


async def fold(dsn: str) -> dict[str, float]:
    """Return by how much the process grew at most while it folded a stream of a million events without a snapshot."""
    async with PostgresEventStore(dsn) as store:
        executor = CommandExecutor(store, snapshots=False)
        await executor.load(StreamId[Account]("nothing"))
        before = _peak()
        began = time.perf_counter()
        loaded = await executor.load(StreamId[Account]("long"))
        seconds = time.perf_counter() - began
    if loaded.version != EVENTS:
        raise AssertionError(f"folded {loaded.version} events, expected {EVENTS}")
    return {"events folded": EVENTS, "seconds": seconds, "MiB more at the peak": _peak() - before}


async def soak(dsn: str, seconds: float) -> dict[str, float]:
    """Work for so long; return by how much the process grew in the second half, when all that is kept has long been there."""
    sizes: list[float] = []
    async with PostgresEventStore(dsn) as store:
        bank = OurBank(CommandExecutor(store, cache_size=500))
        accounts = [f"account-{number}" for number in range(1_000)]
        await bank.open(accounts)
        ended, transfers = time.monotonic() + seconds, 0

        async def work() -> None:
            nonlocal transfers
            while time.monotonic() < ended:
                source, target = random.sample(accounts, 2)
                await bank.executor.execute(TransferMoney(bank.id(source), bank.id(target), 1))
                transfers += 1

        async def sample() -> None:
            while time.monotonic() < ended:
                sizes.append(_now())
                await asyncio.sleep(seconds / SAMPLES)

        async with asyncio.TaskGroup() as tasks:
            for each in [sample(), *(work() for _ in range(64))]:
                tasks.create_task(each)
    half = len(sizes) // 2
    return {"seconds": seconds, "transfers": transfers, "MiB": sizes[-1], "MiB more in the second half": sizes[-1] - sizes[half]}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _now() -> float:
    """Return the resident MiB of this process, where the system tells; else its peak."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * resource.getpagesize() / MIB if statm.exists() else _peak()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["state", "fill", "fold", "soak"])
    parser.add_argument("--dsn", default="")
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    calls: dict[str, Callable[[], Coroutine[None, None, object]]] = {
        "state": state,
        "fill": lambda: fill(options.dsn),
        "fold": lambda: fold(options.dsn),
        "soak": lambda: soak(options.dsn, options.seconds),
    }
    print(json.dumps(asyncio.run(calls[options.what]())))


if __name__ == "__main__":
    main()
