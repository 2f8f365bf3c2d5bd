"""Statements with ``$1`` for placeholders, on a connection of sqlite3."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from importlib import resources
from typing import Any, Final, final

from eventcore.errors import RequestRefused
from eventcore.store import Row, Statement

_NUMBERED: Final = re.compile(r"\$\d")


@final
class StatementFailed(Exception):
    """*statement* met *error*, which is one of sqlite3's."""

    def __init__(self, statement: Statement, error: Exception) -> None:
        self.statement = statement
        self.error = error
        super().__init__(str(error))

    def refused(self, where: str) -> RequestRefused:
        """Say which statement the database did not take, and why."""
        sql = " ".join(self.statement.sql.split())
        refusal = RequestRefused(
            f"{where} refused `{sql[:200]}`: {self.error}; mend the SQL of the projection, or look at the event that it was run for"
        )
        refusal.__cause__ = self.error
        return refusal


def quoted(name: str) -> str:
    """Return *name* as SQL calls it."""
    return '"' + name.replace('"', '""') + '"'


def execute(connection: sqlite3.Connection, statements: Sequence[Statement]) -> None:
    for statement in statements:
        _run(connection, statement).close()


def fetch(connection: sqlite3.Connection, statement: Statement) -> list[Row]:
    cursor = _run(connection, statement)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def schema() -> str:
    """Return the tables of the projections' bookkeeping, for a database that has none yet."""
    return resources.files("eventcore.stores.lite").joinpath("schema.sql").read_text(encoding="utf-8")


def _run(connection: sqlite3.Connection, statement: Statement) -> sqlite3.Cursor:
    arguments: Sequence[Any] | Mapping[str, Any] = [_kept(argument) for argument in statement.arguments]
    # For SQLite `$1` is a name, which sqlite3 looks up in a mapping; that also holds for one that occurs twice.
    if _NUMBERED.search(statement.sql):
        arguments = {str(number): argument for number, argument in enumerate(arguments, 1)}
    try:
        return connection.execute(statement.sql, arguments)
    except (sqlite3.Error, OverflowError, ValueError) as error:
        raise StatementFailed(statement, error) from error


def _kept(argument: object) -> object:
    """Return *argument* as it is kept: a date as the text that sqlite3 made of it by itself, of which it warns from Python 3.12 on."""
    if isinstance(argument, datetime):
        return argument.isoformat(" ")
    return argument.isoformat() if isinstance(argument, date) else argument
