"""What a careful engineer writes by hand on the standard library: one transaction for each command, nothing else.

One thread, because SQLite has one writer. The statements are prepared once (the connection keeps them), the payload is JSON by orjson, rows come as
tuples. Tried and not faster: one SELECT over both streams, a table WITHOUT ROWID, other page sizes, memory mapping. A longer WAL is slower: a file
that grows has its size synced too.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable

import orjson

from benchmarks.contestants.sqlite_settings import durable_settings
from benchmarks.work import DEPOSIT, Outcome, Place, Timed, Transfer, Work

NAME = "plain sqlite3"
DISTRIBUTIONS = ("orjson",)
VARIANTS = ("one thread",)

SCHEMA = """
CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    stream TEXT NOT NULL,
    version INTEGER NOT NULL,
    type TEXT NOT NULL,
    data BLOB NOT NULL,
    UNIQUE (stream, version)
) STRICT
"""
SELECT = "SELECT version, type, data FROM events WHERE stream = ? ORDER BY version"
INSERT_ONE = "INSERT INTO events (stream, version, type, data) VALUES (?, ?, ?, ?)"
INSERT_TWO = "INSERT INTO events (stream, version, type, data) VALUES (?, ?, ?, ?), (?, ?, ?, ?)"


def fold(rows: Iterable[tuple[int, str, bytes]]) -> tuple[int, int]:
    """Return the balance and the version."""
    balance = version = 0
    for version, event_type, data in rows:  # noqa: B007  # the last one counts
        event = orjson.loads(data)
        if event_type == "MoneyReceived":
            balance += event["amount"]
        elif event_type == "MoneySent":
            balance -= event["amount"]
        else:
            balance = event["deposit"]
    return balance, version


def run(work: Work, *, variant: str, place: Place) -> Outcome:
    del variant
    connection = sqlite3.connect(place.folder / "plain.db", isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(SCHEMA)
        _open_accounts(connection, work)
        _transfer_all(connection, work.warming())
        began = time.perf_counter()
        _transfer_all(connection, work.transfers())
        seconds = time.perf_counter() - began
        balances = {account: fold(connection.execute(SELECT, (account,)))[0] for account in work.accounts}
        [events] = connection.execute("SELECT count(*) FROM events").fetchone()
        return Outcome(Timed(seconds), balances, events, durable_settings(connection))
    finally:
        connection.close()


def _open_accounts(connection: sqlite3.Connection, work: Work) -> None:
    connection.execute("BEGIN IMMEDIATE")
    opened = orjson.dumps({"deposit": DEPOSIT})
    connection.executemany(INSERT_ONE, [(account, 1, "AccountOpened", opened) for account in work.accounts])
    connection.execute("COMMIT")


def _transfer_all(connection: sqlite3.Connection, transfers: Iterable[Transfer]) -> None:
    execute, dumps = connection.execute, orjson.dumps
    for source, target, amount in transfers:
        execute("BEGIN IMMEDIATE")
        balance, source_version = fold(execute(SELECT, (source,)).fetchall())
        _, target_version = fold(execute(SELECT, (target,)).fetchall())
        if balance < amount:
            execute("ROLLBACK")
            continue
        sent = dumps({"amount": amount, "receiver": target})
        received = dumps({"amount": amount, "sender": source})
        execute(INSERT_TWO, (source, source_version + 1, "MoneySent", sent, target, target_version + 1, "MoneyReceived", received))
        execute("COMMIT")
