"""Run by the read-only tests: python read_only_lab.py PATH use|create|look|outlive

As root nothing is read-only: then it goes on as nobody, once everything is imported.
"""

from __future__ import annotations

import asyncio
import os
import sys
import urllib.parse  # noqa: F401  # pathlib imports it when it is needed (from Python 3.13 on), and nobody may not be allowed to read it
from datetime import timedelta
from pathlib import Path

from eventcore.errors import EventCoreError, StoreReadOnly, StoreUnavailable
from eventcore.store import Committed, StreamRead
from eventcore.stores.sqlite import SqliteEventStore
from eventcore.stores.sqlite.doctor import examine
from eventcore.stores.sqlite.migrations import migrations
from eventcore.testing.contract.making import append_one, new_event, read_log, request


async def use(path: str) -> None:
    async with SqliteEventStore(path) as store:
        (piece,) = (await store.read([StreamRead("a-1")], idempotency_key="none")).slices
        assert piece.version == 3
        assert len(await read_log(store)) == 3
        assert isinstance(await append_one(store, request({"a-1": 3})), Committed)
        for write in (
            store.append([request({"a-1": 3}, new_event("a-1"))]),
            store.acquire_lease("daily", owner="me", ttl=timedelta(1)),
            store.forget_idempotency_keys(older_than=timedelta(0)),
        ):
            try:
                await write
            except StoreReadOnly as error:
                assert path in str(error)
            else:
                raise AssertionError("a write to a read-only store must be refused")


async def outlive(path: str) -> None:
    async with SqliteEventStore(path) as store:
        assert len(await read_log(store)) == 3
        print("read", flush=True)
        sys.stdin.readline()  # meanwhile somebody writes the file
        for read in (read_log(store), store.read([StreamRead("a-1")])):
            try:
                await read
            except StoreUnavailable as error:
                assert "open the store again" in str(error)
            else:
                raise AssertionError("what was read before says nothing of the file any more")


async def create(path: str) -> None:
    try:
        async with SqliteEventStore(path):
            pass
    except (StoreUnavailable, StoreReadOnly) as error:
        assert path in str(error)
    except EventCoreError as error:
        raise AssertionError(f"expected an error that names the permissions, got {error!r}") from error
    else:
        raise AssertionError("a store cannot be made where nothing may be written")


async def look(path: str) -> None:
    try:
        await examine(Path(path))
    except StoreUnavailable as error:
        assert path in str(error)
    else:
        raise AssertionError("a file in a folder that may not be entered cannot be looked at")


if os.geteuid() == 0:
    migrations()
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
asyncio.run({"use": use, "create": create, "look": look, "outlive": outlive}[sys.argv[2]](sys.argv[1]))
