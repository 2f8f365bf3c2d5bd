"""The SQL of this store lives in .sql files; here it is found by its name."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from functools import cache

from eventcore.stores.sql_files import named_statements


def statements(file: str) -> Mapping[str, str]:
    """Return the statements of ``sql/<file>.sql`` by their names."""
    return named_statements("eventcore.stores.sqlite", file)


@cache
def repeated(insert: str, rows: int) -> str:
    """Return *insert*, which ends with the placeholders of one row, for *rows* rows."""
    head, separator, row = insert.rpartition("VALUES ")
    return head + separator + ", ".join([row] * rows)


def split(script: str) -> Iterator[str]:
    """Yield the statements of a migration one by one (`executescript` would commit before it begins)."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement.strip()
            statement = ""
    if statement.strip():
        yield statement.strip()
