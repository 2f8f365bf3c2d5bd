"""A program that the process tests run: it opens one store and does what its first argument names.

    python process_lab.py append PATH NAME COUNT        append COUNT events to shared streams, one command after another, several at a time
    python process_lab.py race PATH NAME COUNT          the same, from a line on stdin on; "ready" is printed before
    python process_lab.py create PATH                   wait for a line on stdin, then open the store, append one event, close it
    python process_lab.py lock PATH                     hold the write lock of the file through plain sqlite3, up to a line on stdin
    python process_lab.py fill_up PATH                  meet a limit of the file's size, and go on once it is lifted
    python process_lab.py kill PATH FOLDER ROUNDS SEED  fork one writer after another and SIGKILL each at a random moment

What was acknowledged is written down at once, one line each, so that it outlives the process.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path

from eventcore.errors import StoreFull
from eventcore.ids import new_event_id
from eventcore.store import AppendRequest, Committed, Conflict, ExpectedVersion, NewEvent, StreamRead
from eventcore.stores.sqlite import SqliteEventStore

STREAMS = [f"shared-{number}" for number in range(5)]
TASKS = 6


async def command(store: SqliteEventStore, name: str, rng: random.Random) -> None:
    """Read two streams, append one event to each, both carrying *name*; again after a conflict."""
    pair = rng.sample(STREAMS, 2)
    versions = {piece.stream_id: piece.version for piece in (await store.read([StreamRead(stream) for stream in pair])).slices}
    while True:
        events = [
            NewEvent(stream, new_event_id(), "Moved", 1, json.dumps({"command": name, "padding": "x" * 200}).encode()) for stream in pair
        ]
        expected = {stream: ExpectedVersion.exact(version) for stream, version in versions.items()}
        (verdict,) = await store.append([AppendRequest(expected, events)])
        if isinstance(verdict, Committed):
            return
        assert isinstance(verdict, Conflict), verdict
        versions = {stream: piece.version for stream, piece in verdict.news.items()}


async def commands(
    path: str,
    name: str,
    acknowledged: Path,
    *,
    count: int | None = None,
    until: Path | None = None,
    begin: Callable[[], None] | None = None,
) -> None:
    """Run commands, *count* of them or until the file *until* is there, and write down each that was acknowledged. Once *begin* returns."""
    rng = random.Random(name)
    numbers = iter(range(count if count is not None else sys.maxsize))
    told = os.open(acknowledged, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def work(store: SqliteEventStore) -> None:
        for number in numbers:
            await command(store, f"{name}:{number}", rng)
            os.write(told, f"{name}:{number}\n".encode())
            if until is not None and until.exists():
                return

    async with SqliteEventStore(path) as store:
        if begin is not None:
            begin()
        await asyncio.gather(*(work(store) for _ in range(TASKS)))


def append(path: str, name: str, count: str) -> None:
    asyncio.run(commands(path, name, Path(f"{path}.{name}.acknowledged"), count=int(count)))


def race(path: str, name: str, count: str) -> None:
    def begin() -> None:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()

    asyncio.run(commands(path, name, Path(f"{path}.{name}.acknowledged"), count=int(count), begin=begin))


def create(path: str, name: str) -> None:
    sys.stdin.readline()

    async def run() -> None:
        async with SqliteEventStore(path) as store:
            (verdict,) = await store.append(
                [AppendRequest({name: ExpectedVersion.NO_STREAM}, [NewEvent(name, new_event_id(), "Created", 1, b"{}")])]
            )
            assert isinstance(verdict, Committed), verdict

    asyncio.run(run())


def lock(path: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    sys.stdout.write("locked\n")
    sys.stdout.flush()
    sys.stdin.readline()
    connection.execute("ROLLBACK")


def kill(path: str, folder: str, rounds: str, seed: str) -> None:
    """Forked, not started: an interpreter takes longer to start than a victim may live."""
    rng = random.Random(int(seed))
    stop = Path(folder, "stop")
    survivors = [_fork(path, f"survivor-{number}", folder, stop) for number in range(2)]
    try:
        for number in range(int(rounds)):
            victim = _fork(path, f"victim-{number}", folder, None)
            if number % 4:
                # In the midst of its group commits; every fourth may die before its file is even open.
                _wait_for_lines(Path(folder, f"victim-{number}"), victim)
            time.sleep(rng.uniform(0.0, 0.05))
            os.kill(victim, signal.SIGKILL)
            os.waitpid(victim, 0)
    finally:
        stop.touch()
    for survivor in survivors:
        _, status = os.waitpid(survivor, 0)
        assert status == 0, f"a survivor ended with {status}"


def _wait_for_lines(file: Path, writer: int) -> None:
    while not (file.exists() and file.stat().st_size):
        assert os.waitpid(writer, os.WNOHANG) == (0, 0), f"{file.name} ended before it was killed"
        time.sleep(0.001)


def _fork(path: str, name: str, folder: str, until: Path | None) -> int:
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            asyncio.run(commands(path, name, Path(folder, name), until=until))
            status = 0
        finally:
            os._exit(status)
    return pid


def fill_up(path: str) -> None:
    """Meet a limit of the file's size, which is how a quota looks to a program; then have it lifted, and go on."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def request(version: int, size: int) -> AppendRequest:
        data = json.dumps({"label": version, "padding": "x" * size}).encode()
        return AppendRequest({"a-1": ExpectedVersion.exact(version)}, [NewEvent("a-1", new_event_id(), "Happened", 1, data)])

    async def run() -> None:
        async with SqliteEventStore(path) as store:
            assert isinstance((await store.append([request(0, 10)]))[0], Committed)
            resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
            try:
                await store.append([request(1, 500_000)])
            except StoreFull as error:
                sys.stdout.write(f"{error}\n")
            else:
                raise AssertionError("an append beyond the limit must be refused")
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
            assert isinstance((await store.append([request(1, 500_000)]))[0], Committed)
        # Not even the index of the log may be made.
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
        try:
            async with SqliteEventStore(path):
                raise AssertionError("a store cannot be opened without room for the index of its log")
        except StoreFull as error:
            sys.stdout.write(f"{error}\n")

    asyncio.run(run())


if __name__ == "__main__":
    programs: dict[str, Callable[..., None]] = {
        "append": append,
        "race": race,
        "create": create,
        "lock": lock,
        "kill": kill,
        "fill_up": fill_up,
    }
    programs[sys.argv[1]](*sys.argv[2:])
