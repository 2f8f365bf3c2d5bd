"""`eventcore doctor` on SQLite, and what both kinds of stores have in common: codes, the page, the exit codes, the words."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
import sqlite3
from pathlib import Path

import pytest

from eventcore import SqliteEventStore
from eventcore.cli.look import doctor as command
from eventcore.cli.look.terminal import Terminal
from eventcore.errors import NotAnEventStore
from eventcore.stores.findings import KINDS, Area, Finding
from eventcore.stores.sqlite import doctor
from eventcore.stores.urls import SqliteUrl

from .conftest import ROOT, Place, event, write


@pytest.fixture
def path(tmp_path) -> Path:
    path = tmp_path / "shop.db"
    place = Place(f"sqlite:///{path}", lambda: SqliteEventStore(path))
    asyncio.run(write(place, event(1, "a"), event(2, "a"), event(3, "b")))
    return path


def areas_of(path: Path) -> dict[str, Area]:
    return {area.name: area for area in asyncio.run(doctor.examine(path))}


def found(path: Path) -> list[tuple[str, object]]:
    return [(each.code, each.facts.get("object")) for area in areas_of(path).values() for each in area.findings]


def change(path: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_file_that_is_well(path):
    areas = areas_of(path)

    assert found(path) == []
    assert areas["contents"].summary == "3 events in 2 streams; largest a (2), hottest a (2 of the newest 3)"
    assert areas["contents"].facts["largest"] == [{"stream_id": "a", "version": 2}, {"stream_id": "b", "version": 1}]
    assert areas["file"].facts["journal_mode"] == "wal"


@pytest.mark.parametrize(
    ("statement", "code", "name"),
    [
        ("DROP INDEX events_by_type", "index-missing", "index events_by_type"),
        ("DROP TRIGGER events_never_change", "object-missing", "trigger events_never_change"),
        ("DROP TABLE leases", "object-missing", "table leases"),
        ("ALTER TABLE checkpoints ADD COLUMN mine TEXT", "object-changed", "table checkpoints"),
        ("CREATE INDEX mine ON events (event_id)", "object-added", "index mine"),
        ("CREATE TRIGGER mine AFTER INSERT ON events BEGIN SELECT 1; END", "object-added", "trigger mine"),
    ],
)
def test_what_differs_from_the_migrations_is_named(path, statement, code, name):
    change(path, statement)

    assert (code, name) in found(path)
    assert {each for each, _ in found(path)} == {code}


def test_tables_of_others_in_the_file_are_no_finding(path):
    change(path, "CREATE TABLE shop_totals (n INTEGER)", "CREATE INDEX shop_by_n ON shop_totals (n)", "ANALYZE")

    assert found(path) == []


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("PRAGMA user_version = 1", "schema-behind"),
        ("PRAGMA user_version = 99", "schema-newer"),
        ("PRAGMA application_id = 7", "schema-foreign"),
        ("PRAGMA journal_mode = DELETE", "journal-not-wal"),
    ],
)
def test_what_the_header_tells_is_named(path, statement, code):
    change(path, statement)

    assert found(path) == [(code, None)]


def test_no_file_an_empty_one_and_one_of_something_else(tmp_path, eventcore):
    assert found(tmp_path / "no.db") == [("schema-missing", None)]
    (tmp_path / "empty.db").touch()
    assert "schema-missing" in dict(found(tmp_path / "empty.db"))
    (tmp_path / "notes.db").write_text("my notes are longer than a header" * 9)
    with pytest.raises(NotAnEventStore):
        areas_of(tmp_path / "notes.db")

    assert eventcore("doctor", "no.db").returncode == 2
    assert eventcore("doctor", "notes.db").returncode == 2
    assert sorted(each.name for each in tmp_path.iterdir()) == ["empty.db", "notes.db"]


def test_how_somebody_else_keeps_a_file_is_no_finding(tmp_path):
    """It is not in WAL mode, for one thing, and nobody should be told to change that."""
    with contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE users (id INTEGER PRIMARY KEY)")

    assert list(areas_of(tmp_path / "other.db")) == ["schema"]
    assert found(tmp_path / "other.db") == [("schema-foreign", None)]


def test_damage_is_named(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'events_by_type'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size + 8)
        file.write(b"\xff" * 64)

    assert {"file-damaged", "not-examined"} & set(dict(found(path)))
    assert areas_of(path)["integrity"].severity == "error"


def test_a_log_that_grows_and_pages_that_are_free(path, monkeypatch):
    monkeypatch.setattr(doctor, "_MUCH_WAL", 1)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE filler (text TEXT)")
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO filler SELECT hex(zeroblob(2000)) FROM n"
        )
        connection.execute("DROP TABLE filler")
        assert {"wal-large", "pages-free"} == set(dict(found(path)))


def test_large_and_hot_streams_are_named(path, monkeypatch):
    monkeypatch.setattr(doctor, "_LARGE_STREAM", 2)
    monkeypatch.setattr(doctor, "_ENOUGH", 3)
    monkeypatch.setattr(doctor, "_HOT_SHARE", 0.5)

    findings = areas_of(path)["contents"].findings

    assert [(each.code, each.facts["stream_id"]) for each in findings] == [("stream-large", "a"), ("stream-hot", "a")]


def test_examining_changes_no_byte_and_leaves_the_log_where_it_is(path):
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("INSERT INTO checkpoints VALUES ('x', 1)")
        before = {each.name: each.read_bytes() for each in path.parent.iterdir() if not each.name.endswith("-shm")}
        assert before[f"{path.name}-wal"]

        assert found(path) == []

        assert {each.name: each.read_bytes() for each in path.parent.iterdir() if not each.name.endswith("-shm")} == before


def test_examining_a_closed_file_changes_no_byte(path):
    before = {each.name: each.read_bytes() for each in path.parent.iterdir()}
    assert list(before) == [path.name]

    assert found(path) == []

    assert {each.name: each.read_bytes() for each in path.parent.iterdir()} == before


@pytest.mark.parametrize("linked", [False, True])
def test_the_log_of_a_process_that_was_killed_is_left_as_it_was(path, tmp_path, linked):
    killed = tmp_path / "killed" / path.name
    killed.parent.mkdir()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("INSERT INTO checkpoints VALUES ('x', 1)")
        for name in (path.name, f"{path.name}-wal"):
            shutil.copy(tmp_path / name, killed.parent / name)
    before = {name: (killed.parent / name).read_bytes() for name in (path.name, f"{path.name}-wal")}
    assert all(before.values())

    link = tmp_path / "link.db"
    link.symlink_to(killed)
    assert found(link if linked else killed) == []

    assert {name: (killed.parent / name).read_bytes() for name in before} == before


def test_the_exit_code_is_that_of_the_worst_finding(path, eventcore):
    assert eventcore("doctor", str(path)).returncode == 0
    change(path, "CREATE INDEX mine ON events (event_id)")
    assert eventcore("doctor", str(path)).returncode == 0
    change(path, "DROP INDEX events_by_type")
    assert eventcore("doctor", str(path)).returncode == 1
    change(path, "DROP TRIGGER events_never_vanish")
    assert eventcore("doctor", str(path)).returncode == 2


def test_json_is_one_object_that_tells_all(path, eventcore):
    change(path, "DROP INDEX events_by_type")

    done = eventcore("doctor", str(path), "--json")
    report = json.loads(done.stdout)

    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (1, "", 1)
    assert (report["kind"], report["severity"]) == ("sqlite", "warning")
    assert {area["name"]: area["severity"] for area in report["areas"]} == {
        "file": "ok",
        "integrity": "ok",
        "schema": "warning",
        "contents": "ok",
    }
    [finding] = report["findings"]
    assert finding["code"] == "index-missing"
    assert finding["do"] == KINDS["index-missing"].advice
    assert set(finding) == {"code", "severity", "area", "found", "means", "do", "facts"}


def test_a_server_that_is_not_there_is_one_line_without_a_password(eventcore):
    done = eventcore("doctor", "postgresql://u:sesame@127.0.0.1:1/x")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("eventcore: ")
    assert "sesame" not in done.stderr


@pytest.mark.parametrize("width", [80, 50])
def test_a_report_fits_its_terminal_and_gives_it_no_commands(width):
    report = [Area("schema", "a summary " * 20, findings=[Finding(code, "found \x1b[2J it " * 12) for code in KINDS])]

    lines = list(command.lines(SqliteUrl(Path("x.db")), report, Terminal(width, coloured=False)))

    assert max(map(len, lines)) <= width
    assert "\x1b" not in "".join(lines)
    assert lines[-1].startswith(f"{sum(kind.severity == 'error' for kind in KINDS.values())} errors, ")


PAGE = ROOT / "docs" / "howto" / "doctor.md"


def test_the_page_has_a_section_for_each_finding_and_for_nothing_else():
    text = PAGE.read_text(encoding="utf-8")
    sections = dict(re.findall(r"^### ([\w-]+)\n\n(.*?)(?=\n##|\Z)", text, re.MULTILINE | re.DOTALL))

    assert list(sections) == list(KINDS)
    for code, kind in KINDS.items():
        words = " ".join(sections[code].split())
        assert words.startswith(f"*{kind.severity}* · {kind.meaning}")
        assert kind.advice in words
