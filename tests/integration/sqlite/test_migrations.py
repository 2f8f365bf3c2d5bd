from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from eventcore.stores.sqlite import SqliteEventStore, migrations
from eventcore.stores.sqlite.statements import split
from eventcore.testing.contract.making import add, labels_of, read_log


def schema(path: Path) -> list[tuple[str, str, str]]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name").fetchall()
    connection.close()
    return rows


def pragma(path: Path, name: str) -> object:
    connection = sqlite3.connect(path)
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    connection.close()
    return value


def open_once(path: Path) -> None:
    async def run() -> None:
        async with SqliteEventStore(path):
            pass

    asyncio.run(run())


def test_numbers_are_contiguous() -> None:
    assert [migration.number for migration in migrations.migrations()] == list(range(1, migrations.newest_version() + 1))


def test_a_fresh_file_says_whose_it_is(path: Path) -> None:
    open_once(path)
    assert pragma(path, "application_id") == migrations.APPLICATION_ID
    assert pragma(path, "user_version") == migrations.newest_version()
    assert pragma(path, "journal_mode") == "wal"


def test_opening_again_changes_nothing(path: Path) -> None:
    open_once(path)
    before = path.read_bytes()
    open_once(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("dump", sorted(Path(__file__).with_name("states").glob("*.sql")), ids=lambda dump: dump.stem)
def test_migrate_from_every_state(path: Path, tmp_path: Path, dump: Path) -> None:
    """A file of each numbered state, with data in it, becomes what a fresh one is, and keeps its data and its guards."""
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in split(dump.read_text(encoding="utf-8")):
        connection.execute(statement)
    connection.close()
    fresh = tmp_path / "fresh.db"
    open_once(fresh)

    async def run() -> None:
        async with SqliteEventStore(path) as store:
            assert labels_of(await read_log(store)) == [1, 2, 3]
            await add(store, "a-1", 4)
            assert labels_of(await read_log(store)) == [1, 2, 3, 4]

    asyncio.run(run())
    assert schema(path) == schema(fresh)
    assert pragma(path, "user_version") == pragma(fresh, "user_version")


def test_there_is_a_state_for_every_migration() -> None:
    states = {dump.stem for dump in Path(__file__).with_name("states").glob("*.sql")}
    assert states == {f"{migration.number:04}" for migration in migrations.migrations()}


def test_a_migration_that_fails_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = migrations.Migration(migrations.newest_version() + 1, "broken", "CREATE TABLE half (x);\nSELECT no_such_function();")
    monkeypatch.setattr(migrations, "migrations", lambda: [*_ALL, broken])
    with pytest.raises(Exception, match="no_such_function"):
        open_once(path)
    assert schema(path) == []
    monkeypatch.undo()
    open_once(path)


_ALL = migrations.migrations()
