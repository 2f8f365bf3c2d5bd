"""What docs/howto/projections.md says of the arguments of `context.execute` and `context.fetch`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from uuid import UUID

import pytest

from eventcore import InMemoryEventStore, PostgresEventStore, RequestRefused, SqliteEventStore, StreamId
from eventcore.store import Statement

Store = InMemoryEventStore | PostgresEventStore | SqliteEventStore

DAY, MOMENT, ID = date(2026, 7, 1), datetime(2026, 7, 1, 12, tzinfo=UTC), UUID(int=7)


class Colour(StrEnum):
    RED = "red"


class Rank(IntEnum):
    FIRST = 1


class Kind(Enum):
    ROOM = "room"


EVERYWHERE = [
    ("x", "TEXT", "x"),
    (StreamId("seat-1"), "TEXT", "seat-1"),
    (1.5, "DOUBLE PRECISION", 1.5),
    (None, "TEXT", None),
    (2**62, "BIGINT", 2**62),
    (True, "BIGINT", 1),
    (DAY.isoformat(), "TEXT", "2026-07-01"),
    (str(Decimal("1.50")), "TEXT", "1.50"),
    (json.dumps({"a": 1}), "TEXT", '{"a": 1}'),
    (Colour.RED, "TEXT", "red"),
    (Rank.FIRST, "BIGINT", 1),
]
ON_POSTGRES = [
    (True, "BOOLEAN", True),
    (b"x", "BYTEA", b"x"),
    (DAY, "DATE", DAY),
    (MOMENT, "TIMESTAMPTZ", MOMENT),
    (Decimal("1.50"), "NUMERIC", Decimal("1.50")),
    (ID, "UUID", ID),
    (str(Decimal("1.50")), "NUMERIC", Decimal("1.50")),
    (str(ID), "UUID", ID),
    ((1, 2), "BIGINT[]", [1, 2]),
    (json.dumps({"a": 1}), "JSONB", '{"a": 1}'),
]
ON_SQLITE = [
    (DAY, "TEXT", "2026-07-01"),
    (MOMENT, "TEXT", "2026-07-01 12:00:00+00:00"),
]
REFUSED_ON_POSTGRES = [(5, "TEXT"), (DAY, "TEXT"), (DAY.isoformat(), "DATE"), ({"a": 1}, "JSONB"), (Kind.ROOM, "TEXT")]
REFUSED_ON_SQLITE = [(Decimal("1.50"), "NUMERIC"), (ID, "TEXT"), ((1, 2), "TEXT"), ({"a": 1}, "TEXT"), (Kind.ROOM, "TEXT")]


async def kept(store: Store, value: object, column: str) -> object:
    """Write *value* through a transaction on read models, as a handler does, read it back, and take all of it back."""
    found: object = None
    async with store:
        with suppress(KeyError):
            async with store.transaction() as transaction:
                table = transaction.table("kept__1")
                await transaction.execute([Statement(f"CREATE TABLE {table} (value {column})", ())])
                await transaction.execute([Statement(f"INSERT INTO {table} VALUES ($1)", (value,))])
                [row] = await transaction.fetch(Statement(f"SELECT value FROM {table}", ()))
                found = row["value"]
                raise KeyError  # the next case makes the table anew
    return found


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    match request.param:
        case "memory":
            return InMemoryEventStore
        case "sqlite":
            return lambda: SqliteEventStore(tmp_path / "store.db")
        case _:
            dsn: str = request.getfixturevalue("postgres")
            return lambda: PostgresEventStore(dsn, schema="projection_arguments")


@pytest.mark.parametrize(("value", "column", "back"), EVERYWHERE, ids=str)
def test_every_store_takes(store: Callable[[], Store], value: object, column: str, back: object) -> None:
    assert asyncio.run(kept(store(), value, column)) == back


@pytest.mark.parametrize(("value", "column", "back"), ON_SQLITE, ids=str)
def test_sqlite_takes(value: object, column: str, back: object) -> None:
    assert asyncio.run(kept(InMemoryEventStore(), value, column)) == back


@pytest.mark.parametrize(("value", "column", "back"), ON_POSTGRES, ids=str)
def test_postgresql_takes(postgres: str, value: object, column: str, back: object) -> None:
    assert asyncio.run(kept(PostgresEventStore(postgres, schema="projection_arguments"), value, column)) == back


@pytest.mark.parametrize(("value", "column"), REFUSED_ON_POSTGRES, ids=str)
def test_postgresql_refuses(postgres: str, value: object, column: str) -> None:
    with pytest.raises(RequestRefused):
        asyncio.run(kept(PostgresEventStore(postgres, schema="projection_arguments"), value, column))


@pytest.mark.parametrize(("value", "column"), REFUSED_ON_SQLITE, ids=str)
def test_sqlite_refuses(value: object, column: str) -> None:
    with pytest.raises(RequestRefused):
        asyncio.run(kept(InMemoryEventStore(), value, column))


@pytest.mark.parametrize("placeholder", ["?", ":value"])
def test_postgresql_refuses_other_placeholders(postgres: str, placeholder: str) -> None:
    async def run() -> None:
        async with PostgresEventStore(postgres, schema="projection_arguments") as store, store.transaction() as transaction:
            await transaction.execute([Statement(f"SELECT {placeholder}", ("x",))])

    with pytest.raises(RequestRefused):
        asyncio.run(run())
