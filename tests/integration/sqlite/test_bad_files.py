"""Paths and files that are no event store, or not a good one: each its own error, and nothing changed."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from eventcore.errors import InvalidArgument, MigrationNeeded, NotAnEventStore, StoreCorrupt, StoreError, StoreTooNew, StoreUnavailable
from eventcore.store import ReadResult, StreamRead
from eventcore.stores.sqlite import SqliteEventStore
from eventcore.stores.sqlite.database import Database
from eventcore.stores.sqlite.doctor import examine
from eventcore.stores.sqlite.faults import Faults
from eventcore.testing.contract.making import add, read_log

READ_ONLY_LAB = Path(__file__).with_name("read_only_lab.py")


def open_and_close(path: str | os.PathLike[str], **options: Any) -> None:
    async def run() -> None:
        async with SqliteEventStore(path, **options) as store:
            await read_log(store)

    asyncio.run(run())


def fill(path: Path, count: int = 3) -> None:
    async def run() -> None:
        async with SqliteEventStore(path) as store:
            await add(store, "a-1", *range(count))

    asyncio.run(run())


@pytest.mark.parametrize("name", [":memory:", "", "file::memory:", "file::memory:?cache=shared", "file:shop?mode=memory"])
def test_a_store_without_a_file_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument, match="InMemoryEventStore"):
        SqliteEventStore(name)


def test_a_uri_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="no path"):
        SqliteEventStore("file:shop.db")


@pytest.mark.parametrize(
    ("url", "instead"),
    [
        ("sqlite:///shop.db", "sqlite:// is a URL, and no path; give the path of the file itself"),
        ("postgresql://app:hunter2@db/shop", "postgresql:// is a URL, and no path; use PostgresEventStore"),
    ],
)
def test_a_url_is_refused(url: str, instead: str) -> None:
    """It was taken for a path, and the advice was to make the folder ``sqlite:``."""
    with pytest.raises(InvalidArgument, match=instead) as caught:
        SqliteEventStore(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("options", [{"busy_timeout": -1}, {"busy_timeout": float("nan")}, {"synchronous": "MAYBE"}])
def test_a_setting_that_makes_no_sense_is_refused(path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match=next(iter(options))):
        SqliteEventStore(path, **options)


@pytest.mark.parametrize("seconds", [3e6, 1e12])
def test_who_waits_for_very_long_waits(path: Path, seconds: float) -> None:
    with closing(Database(path, seconds, "FULL", Faults(str(path), seconds)).connect("rwc")) as connection:
        (milliseconds,) = connection.execute("PRAGMA busy_timeout").fetchone()
    assert milliseconds > 24 * 3600 * 1000


@pytest.mark.parametrize("name", ["shop?mode=ro.db", "shop#1.db", "100%25.db", "Grüße & more.db", "with space.db"])
def test_any_file_name_is_only_a_name(tmp_path: Path, name: str) -> None:
    fill(tmp_path / name)
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_relative_path_is_bound_when_the_store_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = SqliteEventStore("shop.db")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    async def run() -> None:
        async with store:
            await add(store, "a-1", 1)

    asyncio.run(run())
    assert (tmp_path / "shop.db").exists()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=re.escape(str(tmp_path / "no" / "such"))):
        open_and_close(tmp_path / "no" / "such" / "events.db")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="is a folder"):
        open_and_close(tmp_path)


@pytest.mark.parametrize("content", [b"short", b"The quick brown fox. " * 1000], ids=["short", "long"])
def test_a_file_that_is_no_database_is_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(NotAnEventStore, match="left as it is"):
        open_and_close(path)
    assert path.read_bytes() == content
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("mark", ["CREATE TABLE customers (name TEXT)", "PRAGMA application_id = 7", "PRAGMA user_version = 3"])
def test_a_database_of_something_else_is_left_alone(path: Path, mark: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(mark)
    connection.close()
    before = path.read_bytes()
    with pytest.raises(NotAnEventStore, match="something else"):
        open_and_close(path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("content", [None, b""], ids=["missing", "empty"])
def test_without_migrating_nothing_is_made(path: Path, content: bytes | None) -> None:
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MigrationNeeded, match=re.escape(f"eventcore migrate sqlite:///{path}")):
        open_and_close(path, migrate=False)
    assert path.exists() == (content is not None)
    assert not path.exists() or path.read_bytes() == b""


def test_what_to_run_is_said_as_a_shell_takes_it(tmp_path: Path) -> None:
    path = tmp_path / "it's my shop; $HOME.db"
    with pytest.raises(MigrationNeeded) as told:
        open_and_close(path, migrate=False)

    assert shlex.split(str(told.value).split("`")[1]) == ["eventcore", "migrate", f"sqlite:///{path}"]


def test_without_migrating_a_store_of_today_opens(path: Path) -> None:
    fill(path)
    open_and_close(path, migrate=False)


@pytest.mark.parametrize("migrate", [True, False])
def test_a_store_of_a_newer_version_is_left_alone(path: Path, migrate: bool) -> None:
    fill(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 9999")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreTooNew, match="9999"):
        open_and_close(path, migrate=migrate)
    assert path.read_bytes() == before


def test_a_damaged_file_is_told(path: Path) -> None:
    """The pages are garbage, the header is not: opening or reading says so, and does not make up a history."""
    fill(path, 2000)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(bytes(content))
    with pytest.raises(StoreCorrupt, match="damaged"):
        open_and_close(path)


def test_a_truncated_file_is_told(path: Path) -> None:
    fill(path, 2000)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2 // 4096 * 4096])
    with pytest.raises(StoreCorrupt, match="damaged"):
        open_and_close(path)


def test_one_damaged_stream_harms_no_neighbour(path: Path) -> None:
    """Text that is no text, put there by a foreign hand, is told to whoever reads that stream, and to nobody else of the same batch."""
    fill(path)

    async def run() -> None:
        async with SqliteEventStore(path) as store:
            await add(store, "b-1", 1)
            connection = sqlite3.connect(path)
            connection.execute("INSERT INTO streams VALUES (9, 'bad-1', 0, 0)")
            connection.execute(
                "INSERT INTO events SELECT 99, 9, 1, event_id, type, 1, CAST(x'ff22' AS TEXT), metadata, recorded_at FROM events WHERE position = 1"
            )
            connection.commit()
            connection.close()
            good, bad, other = await asyncio.gather(
                store.read([StreamRead("a-1")]), store.read([StreamRead("bad-1")]), store.read([StreamRead("b-1")]), return_exceptions=True
            )
            assert isinstance(good, ReadResult)
            assert isinstance(other, ReadResult)
            assert good.slices[0].version == 3
            assert isinstance(bad, StoreCorrupt)
            assert other.slices[0].version == 1

    asyncio.run(run())


def read_only(folder: Path, what: str, name: str = "events.db") -> subprocess.CompletedProcess[str]:
    """Run read_only_lab.py, as a user who may not write."""
    command = [sys.executable, str(READ_ONLY_LAB), str(folder / name), what]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that another user can reach: pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="eventcore-read-only-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.parametrize("folder_mode", [0o555, 0o777], ids=["folder too", "file alone"])
def test_a_read_only_store_can_be_read(public_folder: Path, folder_mode: int) -> None:
    """Reads and checks work, writes raise `StoreReadOnly`, and the file is not touched."""
    file = public_folder / "events.db"
    fill(file)
    file.chmod(0o444)
    public_folder.chmod(folder_mode)
    before = file.read_bytes()

    done = read_only(public_folder, "use")

    assert done.returncode == 0, done.stderr
    assert file.read_bytes() == before


def test_a_file_that_was_written_after_all_is_not_read_on(public_folder: Path) -> None:
    """Who may not write the folder reads the file as one that never changes; its log is gone again once the writer has closed it."""
    file = public_folder / "events.db"
    fill(file)
    file.chmod(0o444)
    public_folder.chmod(0o555)
    command = [sys.executable, str(READ_ONLY_LAB), str(file), "outlive"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "read\n"
        for writable, mode in ((public_folder, 0o755), (file, 0o644)):
            writable.chmod(mode)
        fill(file)
        assert [each.name for each in public_folder.iterdir()] == [file.name]
        _, said = reader.communicate("\n", timeout=60)

    assert reader.returncode == 0, said


def test_a_file_that_others_write_is_not_taken_for_unchanging_because_of_a_link(public_folder: Path) -> None:
    """Beside the link there is no log, but beside the file there is: whoever left it out would read old data."""
    file, links = public_folder / "events.db", public_folder / "links"
    links.mkdir()
    (links / "link.db").symlink_to(file)
    fill(file)

    async def run() -> subprocess.CompletedProcess[str]:
        async with SqliteEventStore(file) as store:
            await add(store, "a-1", "newest")
            file.with_name("events.db-shm").chmod(0o600)
            for folder in (links, public_folder):
                folder.chmod(0o555)
            return await asyncio.to_thread(read_only, links, "create", "link.db")

    done = asyncio.run(run())
    assert done.returncode == 0, done.stderr


def test_a_folder_that_may_not_be_written_is_told(public_folder: Path) -> None:
    public_folder.chmod(0o555)
    done = read_only(public_folder, "create")
    assert done.returncode == 0, done.stderr
    assert list(public_folder.iterdir()) == []


@pytest.mark.parametrize("what", ["create", "look"])
def test_a_folder_that_may_not_be_entered_is_told(public_folder: Path, what: str) -> None:
    public_folder.chmod(0o700 if os.geteuid() == 0 else 0)
    done = read_only(public_folder, what)
    assert done.returncode == 0, done.stderr


def test_a_name_that_no_file_can_have_is_told(tmp_path: Path) -> None:
    path = tmp_path / f"{'a' * 300}.db"
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        open_and_close(path)
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        asyncio.run(examine(path))


def test_every_error_is_ours() -> None:
    assert all(issubclass(error, StoreError) for error in (MigrationNeeded, NotAnEventStore, StoreCorrupt, StoreTooNew, StoreUnavailable))
