"""One history in a store of each kind, by its URL, and the command as a user starts it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import attrs
import pytest

from eventcore import SqliteEventStore
from eventcore.store import ANY, AppendRequest, EventStore, NewEvent
from eventcore.stores.postgres import PostgresEventStore

ROOT = Path(__file__).parents[3]


@attrs.frozen
class Place:
    """Where a store is: its URL, and how to write to it."""

    url: str
    store: object

    def make(self) -> EventStore:
        return self.store()


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path):
    """A store that nobody made yet."""
    if request.param == "sqlite":
        path = tmp_path / "shop.db"
        return Place(f"sqlite:///{path}", lambda: SqliteEventStore(path))
    dsn, schema = request.getfixturevalue("postgres"), request.getfixturevalue("schema")
    return Place(f"{dsn}{'&' if '?' in dsn else '?'}schema={schema}", lambda: PostgresEventStore(dsn, schema=schema))


def event(number: int, stream_id: str, type_: str = "Happened") -> NewEvent:
    return NewEvent(stream_id, UUID(int=number), type_, 1, json.dumps({"n": number}).encode(), b'{"actor": "ada"}')


async def write(place: Place, *events: NewEvent) -> None:
    async with place.make() as store:
        for one in events:
            await store.append([AppendRequest({one.stream_id: ANY}, [one])])


STREAMS = ("account-1", "account-10", "account-2", "acc_unt%", "käufer-1", "Account-1")
TYPES = ("Happened", "Happened", "Ended")


@pytest.fixture
def history(place):
    """Thirty events in six streams, of two types."""
    asyncio.run(write(place, *(event(n, STREAMS[n % 6], TYPES[n % 3]) for n in range(1, 31))))
    return place


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "codegen"))), **more}


@pytest.fixture
def eventcore(tmp_path):
    """Run the command in a folder of its own, with a pipe where a terminal might be."""

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-m", "eventcore", *arguments]
        return subprocess.run(  # noqa: PLW1510 - the tests look at the code
            program, cwd=tmp_path, env=environment(**more), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
        )

    return run
