"""What may be wrong with a store in an SQLite file: the file, its schema, what it holds. Nothing here changes the file, or makes one."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from eventcore.stores.findings import Area, Fact, Finding, Report, told
from eventcore.stores.sqlite.faults import Faults
from eventcore.stores.sqlite.migrations import APPLICATION_ID, migrations, newest_version
from eventcore.stores.sqlite.statements import split, statements

_SQL: Final = statements("doctor")
# Seconds to wait for others.
_BUSY_TIMEOUT: Final = 5.0
# SQLite's own list of what is damaged ends here.
_PROBLEMS: Final = 20
_MUCH_WAL: Final = 64 * 1024 * 1024
_FREE_SHARE: Final = 0.25
_MANY_PAGES: Final = 1_000
_LARGE_STREAM: Final = 10_000
_NEWEST: Final = 10_000
_ENOUGH: Final = 1_000
_HOT_SHARE: Final = 0.2

_Look: TypeAlias = Callable[[sqlite3.Connection, Path], Area]


class _Object(NamedTuple):
    of_table: str
    definition: str | None


async def examine(path: Path) -> Report:
    """Look at everything. Raises `StoreUnavailable` and its kin where the file cannot be opened."""
    return await asyncio.to_thread(_examine, path)


def _examine(path: Path) -> Report:
    # Where the path is a link, the log is beside what it leads to.
    path = Path(os.path.realpath(path))
    faults = Faults(str(path), _BUSY_TIMEOUT)
    try:
        if not path.is_file():
            return [Area("schema", "not there", {"path": str(path)}, [Finding("schema-missing", f"there is no file {path}")])]
        connection = _connect(path)
    except (sqlite3.Error, OSError) as error:
        raise faults.translate(error) from error
    with closing(connection):
        store = _area("schema", look_at_schema, connection, path, faults)
        if any(finding.code == "schema-foreign" for finding in store.findings):
            # How somebody else keeps a file is their matter.
            return [store]
        file = _area("file", look_at_file, connection, path, faults)
        areas = [file, _area("integrity", look_at_integrity, connection, path, faults), store]
        return [*areas, _area("contents", look_at_contents, connection, path, faults)] if store.facts.get("usable") else areas


def _connect(path: Path) -> sqlite3.Connection:
    """Open the file for reading alone: not even its log is moved into it.

    Where it has no log, there is nothing to move, and only a connection that might write removes what SQLite puts beside the file to read it.
    """
    logged = any(path.with_name(f"{path.name}-{kind}").exists() for kind in ("wal", "journal"))
    connection = _opened(f"{path.as_uri()}?mode={'ro' if logged else 'rw'}")
    try:
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
    except sqlite3.OperationalError:
        connection.close()
        if path.with_name(f"{path.name}-wal").exists():
            raise
        # Reading a write-ahead log needs a file beside it. There is no log, and this user may not make one here.
        return _opened(f"{path.as_uri()}?mode=ro&immutable=1")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _opened(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_TIMEOUT, isolation_level=None)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _area(name: str, look: _Look, connection: sqlite3.Connection, path: Path, faults: Faults) -> Area:
    try:
        return look(connection, path)
    except sqlite3.Error as error:
        return Area(name, "could not be looked at", findings=[Finding("not-examined", str(faults.translate(error)))])


def look_at_file(connection: sqlite3.Connection, path: Path) -> Area:
    log = path.with_name(f"{path.name}-wal")
    facts: dict[str, Fact] = {
        "path": str(path),
        "sqlite": sqlite3.sqlite_version,
        "journal_mode": _pragma(connection, "journal_mode"),
        "page_size": (page_size := int(_pragma(connection, "page_size"))),
        "pages": (pages := int(_pragma(connection, "page_count"))),
        "free_pages": (free := int(_pragma(connection, "freelist_count"))),
        "wal_bytes": (wal := log.stat().st_size if log.exists() else 0),
    }
    findings = [
        *([Finding("journal-not-wal", f"the journal mode is {facts['journal_mode']}")] if facts["journal_mode"] != "wal" else []),
        *([Finding("wal-large", f"{log} has {_size(wal)}", {"bytes": wal})] if wal >= _MUCH_WAL else []),
        *(
            [Finding("pages-free", f"{free} of {pages} pages are free, {_size(free * page_size)}", {"free": free, "pages": pages})]
            if free >= _MANY_PAGES and free >= _FREE_SHARE * pages
            else []
        ),
    ]
    summary = f"{_size(pages * page_size)}, {free} of {pages} pages free, log of {_size(wal)}, SQLite {sqlite3.sqlite_version}"
    return Area("file", summary, facts, findings)


def look_at_integrity(connection: sqlite3.Connection, _: Path) -> Area:
    problems = [str(line) for (line,) in connection.execute(f"PRAGMA integrity_check({_PROBLEMS})")]
    if problems == ["ok"]:
        return Area("integrity", "SQLite finds nothing wrong")
    found = [Finding("file-damaged", problem) for problem in problems]
    return Area("integrity", f"SQLite finds {len(problems)} faults", {"problems": problems}, found)


def look_at_schema(connection: sqlite3.Connection, path: Path) -> Area:
    application, version = int(_pragma(connection, "application_id")), int(_pragma(connection, "user_version"))
    newest = newest_version()
    facts: dict[str, Fact] = {"usable": application == APPLICATION_ID, "version": version, "needed": newest}
    there = objects(connection)
    if application != APPLICATION_ID:
        empty = not (application or version or there)
        found = (
            Finding("schema-missing", f"{path} is empty") if empty else Finding("schema-foreign", f"{path} is a database of something else")
        )
        return Area("schema", "not there" if empty else "something else's", facts, [found])
    if version != newest:
        code = "schema-behind" if version < newest else "schema-newer"
        return Area(
            "schema", f"{version} of {newest}", facts, [Finding(code, f"{path} has the schema {version}, this eventcore has {newest}")]
        )
    expected = made()
    findings = list(_differences(expected, there))
    state = f"{len(expected)} objects as they were made" if not findings else "not as it was made"
    return Area("schema", f"{version} of {newest}, {state}", {**facts, "objects": len(expected)}, findings)


def made() -> Mapping[str, _Object]:
    """Return what the migrations make."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as scratch:
        for migration in migrations():
            for statement in split(migration.script):
                scratch.execute(statement)
        return objects(scratch)


def objects(connection: sqlite3.Connection) -> Mapping[str, _Object]:
    return {f"{type_} {name}": _Object(table, sql) for type_, name, table, sql in connection.execute(_SQL["objects"])}


def _differences(expected: Mapping[str, _Object], there: Mapping[str, _Object]) -> Iterator[Finding]:
    for key, each in expected.items():
        if key not in there:
            yield Finding("index-missing" if key.startswith("index ") else "object-missing", f"the {key} is gone", {"object": key})
        elif there[key].definition != each.definition:
            yield Finding("object-changed", f"the {key} differs from the one that was made", {"object": key})
    tables = {each.of_table for each in expected.values()}
    for key, each in there.items():
        if key not in expected and each.of_table in tables:
            yield Finding("object-added", f"the {key} on the table {each.of_table} is not of eventcore", {"object": key})


def look_at_contents(connection: sqlite3.Connection, _: Path) -> Area:
    connection.execute("BEGIN")
    try:
        streams, events = connection.execute(_SQL["counts"]).fetchone()
        largest = [{"stream_id": name, "version": version} for name, version in connection.execute(_SQL["largest"])]
        newest = connection.execute(_SQL["hottest"], (_NEWEST,)).fetchall()
    finally:
        connection.execute("ROLLBACK")
    hottest = [{"stream_id": name, "events": count, "looked_at": total} for name, count, total in newest]
    facts: dict[str, Fact] = {"streams": streams, "events": events, "largest": largest, "hottest": hottest}
    summary = f"{events:,} events in {streams:,} streams".replace(",", " ") + told(largest, hottest)
    return Area("contents", summary, facts, list(_of_streams(largest, hottest)))


def _of_streams(largest: list[dict[str, Fact]], hottest: list[dict[str, Fact]]) -> Iterator[Finding]:
    for row in largest:
        if int(str(row["version"])) >= _LARGE_STREAM:
            yield Finding("stream-large", f"the stream {row['stream_id']!r} has {row['version']} events", row)
    for row in hottest:
        count, total = int(str(row["events"])), int(str(row["looked_at"]))
        if total >= _ENOUGH and count >= _HOT_SHARE * total:
            yield Finding("stream-hot", f"the stream {row['stream_id']!r} has {count} of the newest {total} events", row)


def _pragma(connection: sqlite3.Connection, name: str) -> str:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return str(value)


def _size(size: int) -> str:
    return f"{size / 1024:.0f} KiB" if size < 1024 * 1024 else f"{size / 1024 / 1024:.1f} MiB"
