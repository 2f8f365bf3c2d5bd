"""The SQL of this store lives in .sql files; here it is found by its name."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def statements(file: str) -> Mapping[str, str]:
    """Return the statements of ``sql/<file>.sql``: each begins with a line ``-- name: <its name>``."""
    text = resources.files("eventcore.stores.sqlite").joinpath("sql", f"{file}.sql").read_text(encoding="utf-8")
    parts = _NAME.split(text)[1:]
    return {name: sql.strip().rstrip(";") for name, sql in zip(parts[::2], parts[1::2], strict=True)}


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
