"""What a filter lets through is what `StreamPrefix` and `StreamPattern` say, byte for byte, though SQLite does the work."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventcore.errors import InvalidStreamId
from eventcore.ids import StreamPattern, StreamPrefix
from eventcore.store import EventFilter
from eventcore.stores.sqlite import SqliteEventStore, log
from eventcore.stores.sqlite.rows import _in_one_value
from eventcore.testing.contract.making import add, read_log
from tests.soak import times

AWKWARD = [
    "account-1",
    "ACCOUNT-1",
    "account_1",
    "account",
    "accounts-1",
    "acc_unt%1",
    "acc%unt-1",
    "a^b",
    "a-b",
    "a]b",
    "a\\b",
    "ab",
    "äb",
    "Äb",
    "日本-1",
    "a b",
    "aßb",
    "a!b",
]


def filtered(path: Path, where: EventFilter) -> list[str]:
    async def run() -> list[str]:
        async with SqliteEventStore(path) as store:
            return [event.stream_id for event in await read_log(store, where=where, limit=3)]

    return asyncio.run(run())


@pytest.fixture(scope="module")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filters") / "events.db"

    async def fill() -> None:
        async with SqliteEventStore(path) as store:
            for number, stream_id in enumerate(AWKWARD):
                await add(store, stream_id, number, kind=f"Kind{number % 3}")

    asyncio.run(fill())
    return path


@pytest.mark.parametrize("prefix", ["account-", "acc_unt%", "ACC", "a", "ä", "日", "account-1", "accountz"])
def test_prefix_is_literal(awkward: Path, prefix: str) -> None:
    assert filtered(awkward, EventFilter(streams=(StreamPrefix(prefix),))) == [name for name in AWKWARD if name.startswith(prefix)]


PATTERNS = [
    "account-*",
    "*1",
    "a?b",
    "a[!a-z]b",
    "a[^x]b",
    "a[]-a]b",
    "a[]]b",
    "a[!]]b",
    "a[\\]b",
    "a[x-]b",
    "[A-Z]*",
    "?b",
    "*[%]*",
    "acc_unt%?",
    "*",
    "a[!!]b",
    "[!a]*",
    "a]b",
]


@pytest.mark.parametrize("text", PATTERNS)
def test_a_pattern_selects_what_it_matches(awkward: Path, text: str) -> None:
    pattern = StreamPattern(text)
    expected = [name for name in AWKWARD if pattern.matches(name)]
    assert filtered(awkward, EventFilter(streams=(pattern,))) == expected
    assert filtered(awkward, EventFilter(streams=(pattern,), types=frozenset({"Kind1", "Kind2", "None"}))) == [
        name for name in expected if AWKWARD.index(name) % 3
    ]


def valid(text: str) -> bool:
    try:
        StreamPattern(text)
    except InvalidStreamId:
        return False
    return True


@settings(max_examples=times(150))
@given(texts=st.lists(st.text("ab-]^![*?\\_%ä", min_size=1, max_size=7).filter(valid), min_size=1, max_size=3))
def test_any_pattern_selects_what_it_matches(awkward: Path, texts: list[str]) -> None:
    where = EventFilter(streams=tuple(map(StreamPattern, texts)))
    expected = [name for name in AWKWARD if any(pattern.matches(name) for pattern in where.streams or ())]
    assert filtered(awkward, where) == expected


def test_no_hidden_limit_of_selectors_and_types(awkward: Path) -> None:
    where = EventFilter(
        types=frozenset(f"Kind{number}" for number in range(40_000)),
        streams=(*(StreamPrefix(f"x-{n}") for n in range(3000)), StreamPrefix("ä")),
    )
    assert filtered(awkward, where) == ["äb"]


def test_a_page_looks_through_a_bounded_window(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream filter that lets hardly anything through moves on window by window, and misses nothing at the borders."""
    monkeypatch.setattr(log, "_WINDOW", 7)

    async def run() -> None:
        async with SqliteEventStore(path) as store:
            for number in range(40):
                await add(store, "rare" if number % 13 == 0 else "common", number, kind="Odd" if number % 2 else "Even")
            for types in (None, frozenset({"Odd"}), frozenset({"Odd", "Even"})):
                where = EventFilter(streams=(StreamPrefix("rare"),), types=types)
                first = await store.read_all(None, limit=2, where=where)
                assert first.more
                assert len(first.events) < 2
                found = await read_log(store, where=where, limit=2)
                assert found == [event for event in await read_log(store) if where.admits(event.stream_id, event.type)]
                assert found

    asyncio.run(run())


def test_a_rare_type_is_found_through_the_index(path: Path) -> None:
    """The plan of every filtered page is an index search: no poll reads the table through."""

    async def fill() -> None:
        async with SqliteEventStore(path) as store:
            await add(store, "a-1", 1)

    asyncio.run(fill())
    connection = sqlite3.connect(path)
    connection.create_function("eventcore_matches", 2, lambda _pattern, _stream: True)
    parameters = {"after": 0, "until": 10, "limit": 5, "size": 5, "types": '["A","B"]', "selectors": "[]"}
    for name, statement in log._SQL.items():
        used = {key: value for key, value in parameters.items() if re.search(rf":{key}\b", statement)}
        asked = _in_one_value(statement, 9) if name.startswith("page") else statement
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {asked}", used)]
        assert not [line for line in plan if re.match(r"SCAN (e|n|events)\b", line)], (name, plan)
        if "type" in name:
            assert any("events_by_type (type=? AND rowid>?" in line for line in plan), (name, plan)
    connection.close()
