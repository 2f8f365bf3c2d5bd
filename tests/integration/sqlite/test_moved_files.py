"""Files that somebody moves, deletes or replaces while a store has them open: SQLite goes on with what it holds, where nobody finds it any more."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from eventcore import StoreUnavailable
from eventcore.store import Statement, StreamRead
from eventcore.stores.sqlite import SqliteEventStore
from eventcore.testing.contract.making import add, labels_of, read_log, read_one

PARTS = ("", "-wal", "-shm")


def part(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def all_of(path: Path) -> None:
    for suffix in PARTS:
        part(path, suffix).unlink()


def replaced(path: Path) -> None:
    shutil.copy(path, part(path, ".copy"))
    part(path, ".copy").replace(path)


def moved(path: Path) -> None:
    for suffix in PARTS:
        part(path, suffix).rename(part(path, f"{suffix}.moved"))


def the_log(path: Path) -> None:
    part(path, "-wal").unlink()


def the_index(path: Path) -> None:
    part(path, "-shm").unlink()


@pytest.mark.parametrize("called", ["events.db", "link.db"])
@pytest.mark.parametrize("lose", [all_of, replaced, moved, the_log, the_index])
def test_what_would_be_lost_is_not_acknowledged(path: Path, tmp_path: Path, lose: Callable[[Path], None], called: str) -> None:
    """Also where the path is a link: the log is beside what it leads to."""
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "link.db"
    link.symlink_to(path)

    async def run() -> None:
        async with SqliteEventStore(path if called == path.name else link) as store:
            await add(store, "a-1", 1)
            lose(path)
            with pytest.raises(StoreUnavailable, match="moved, deleted or replaced while it was open; nothing was written"):
                await add(store, "a-1", 2)
            # What others write now would never be seen here.
            for call in (
                store.read([StreamRead("a-1")]),
                store.read([], idempotency_key="key"),
                store.read_all(),
                store.wait_for_news(None, timeout=0),
            ):
                with pytest.raises(StoreUnavailable, match="moved, deleted or replaced"):
                    await call

    asyncio.run(run())


def test_a_link_that_leads_elsewhere_is_another_file(path: Path, tmp_path: Path) -> None:
    link, other = tmp_path / "link.db", tmp_path / "other.db"
    link.symlink_to(path)

    async def run() -> None:
        async with SqliteEventStore(other) as store:
            await add(store, "b-1", 1)
        async with SqliteEventStore(link) as store:
            await add(store, "a-1", 1)
            link.unlink()
            link.symlink_to(other)
            with pytest.raises(StoreUnavailable, match="moved, deleted or replaced"):
                await add(store, "a-1", 2)

    asyncio.run(run())


def test_what_was_moved_and_came_back_is_the_same(path: Path) -> None:
    async def run() -> None:
        async with SqliteEventStore(path) as store:
            await add(store, "a-1", 1)
            moved(path)
            with pytest.raises(StoreUnavailable):
                await add(store, "a-1", 2)
            for suffix in PARTS:
                part(path, f"{suffix}.moved").rename(part(path, suffix))
            await add(store, "a-1", 3)
        async with SqliteEventStore(path) as store:
            assert labels_of((await read_one(store, "a-1")).events) == [1, 3]

    asyncio.run(run())


def test_maintenance_by_hand_is_no_move(path: Path) -> None:
    async def run() -> None:
        async with SqliteEventStore(path) as store:
            await add(store, "a-1", 1)
            async with store.transaction() as transaction:
                await transaction.execute([Statement("CREATE TABLE mine (n INTEGER)")])
            with closing(sqlite3.connect(path)) as hand:
                for statement in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)", f"VACUUM INTO '{part(path, '.backup')}'", "ANALYZE"):
                    hand.execute(statement)
                    await add(store, "a-1", statement)
            async with SqliteEventStore(path) as another:
                await add(another, "a-1", 2)
            assert len(await read_log(store)) == 6

    asyncio.run(run())
