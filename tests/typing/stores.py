"""Stores: how they are made, what opens them, and the values that they speak in."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import assert_type

import asyncpg

from eventcore import (
    ANY,
    NO_STREAM,
    CommandExecutor,
    EventStore,
    ExpectedVersion,
    InMemoryEventStore,
    Position,
    PostgresEventStore,
    SqliteEventStore,
    StreamPattern,
    StreamPrefix,
)


def postgres(pool: asyncpg.Pool[asyncpg.Record], connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """row: PostgresEventStore(dsn, schema="shop")"""
    assert_type(PostgresEventStore(), PostgresEventStore)
    assert_type(PostgresEventStore(None), PostgresEventStore)
    assert_type(PostgresEventStore("postgresql://localhost/shop", schema="shop", migrate=False, pool_size=16), PostgresEventStore)
    assert_type(PostgresEventStore(pool, schema="shop", listen_dsn="postgresql://localhost/shop"), PostgresEventStore)
    assert_type(PostgresEventStore(lock_timeout=1, statement_timeout=2.5, reply_timeout=10.0, patience=5.0), PostgresEventStore)
    assert_type(PostgresEventStore(statement_timeout=None, statement_cache_size=0, listen_dsn=None), PostgresEventStore)
    PostgresEventStore("postgresql://localhost/shop", "shop")  # E: options by name
    PostgresEventStore(source="postgresql://localhost/shop")  # E: by position
    PostgresEventStore(dsn="postgresql://localhost/shop")  # E: by position
    PostgresEventStore(connection)  # E: one connection is no pool
    PostgresEventStore(5432)  # E: a port is no DSN
    PostgresEventStore(Path("shop.db"))  # E: a path is no DSN
    PostgresEventStore(b"postgresql://localhost/shop")  # E: a DSN is text
    PostgresEventStore(schema=None)  # E: a schema has a name
    PostgresEventStore(pool_size="8")  # E: a number
    PostgresEventStore(pool_size=2.5)  # E: a whole number
    PostgresEventStore(lock_timeout="30 s")  # E: a number of seconds
    PostgresEventStore(lock_timeout=None)  # E: a number of seconds
    PostgresEventStore(statement_cache_size=None)  # E: 0 switches it off
    PostgresEventStore(listen_dsn=pool)  # E: a DSN, not a pool
    PostgresEventStore(busy_timeout=30.0)  # E: that is SQLite's
    PostgresEventStore(min_size=1)  # E: no such option


def sqlite(text: str) -> None:
    """row: SqliteEventStore("shop.db")"""
    assert_type(SqliteEventStore(text), SqliteEventStore)
    assert_type(SqliteEventStore(Path(text), migrate=False, busy_timeout=1, synchronous="NORMAL"), SqliteEventStore)
    SqliteEventStore()  # E: in which file?
    SqliteEventStore(text, False)  # E: options by name
    SqliteEventStore(b"shop.db")  # E: a path is text
    SqliteEventStore(os.environ.get("SHOP_DB"))  # E: perhaps there is none
    SqliteEventStore(text, synchronous="full")  # E: one of four words
    SqliteEventStore(text, schema="shop")  # E: that is PostgreSQL's


def memory(now: Callable[[], datetime]) -> None:
    """row: InMemoryEventStore()"""
    assert_type(InMemoryEventStore(clock=now), InMemoryEventStore)
    InMemoryEventStore("shop.db")  # E: it keeps nothing
    InMemoryEventStore(clock=datetime)  # E: a clock is asked without arguments


async def opening(sqlite: SqliteEventStore, memory: InMemoryEventStore, postgres: PostgresEventStore) -> None:
    """row: async with store"""
    async with sqlite as store:
        assert_type(store, SqliteEventStore)
    async with memory as another:
        assert_type(another, InMemoryEventStore)
    async with postgres as third:
        assert_type(third, PostgresEventStore)


def not_async(store: SqliteEventStore) -> None:
    """row: async with store"""
    with store:  # E: `async with`
        pass


def all_are_event_stores(sqlite: SqliteEventStore, memory: InMemoryEventStore, postgres: PostgresEventStore) -> None:
    """row: EventStore, one protocol"""
    assert_type(port(sqlite), CommandExecutor)
    assert_type(port(memory), CommandExecutor)
    assert_type(port(postgres), CommandExecutor)
    port(SqliteEventStore)  # E: the class instead of a store
    port(None)  # E: no store


def port(store: EventStore) -> CommandExecutor:
    return CommandExecutor(store)


def expected_versions() -> None:
    """row: ExpectedVersion.exact(n), NO_STREAM, ANY"""
    assert_type(ExpectedVersion.exact(3), ExpectedVersion)
    assert_type(NO_STREAM, ExpectedVersion)
    assert_type(ANY, ExpectedVersion)
    ExpectedVersion.exact("3")  # E: a version is a number
    ExpectedVersion.exact()  # E: which version?


def positions(position: Position, other: Position, text: str) -> None:
    """row: Position, opaque, ordered, printable"""
    assert_type(position < other, bool)
    assert_type(position >= other, bool)
    assert_type(max(position, other), Position)
    assert_type(str(position), str)
    assert_type(Position.parse(text), Position)
    position + 1  # E: there is no arithmetic on positions
    position - other  # E: there is no arithmetic on positions
    position < 5  # E: a number is no position
    int(position)  # E: a position is no number
    Position.parse(5)  # E: from text


def selections() -> None:
    """row: StreamPrefix, StreamPattern"""
    assert_type(StreamPrefix("cart-").matches("cart-1"), bool)
    assert_type(StreamPattern("cart-*").matches("cart-1"), bool)
    StreamPrefix(1)  # E: a prefix is text
    StreamPattern()  # E: which?
