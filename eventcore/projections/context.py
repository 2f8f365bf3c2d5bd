"""What a handler is given beside the event: SQL in the transaction that also says how far the projection has come."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, final

from eventcore.errors import InvalidArgument
from eventcore.store import ReadModelTransaction, Row, Statement

_COMMENTS: Final = re.compile(r"\A(\s+|--[^\n]*\n|/\*.*?\*/)*", re.DOTALL)
# What would end the transaction that belongs to the runner, or is no part of one.
_NOT_HERE: Final = frozenset(
    {"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "PREPARE", "ATTACH", "DETACH", "PRAGMA", "VACUUM"}
)
_TABLE: Final = re.compile(r"[a-z_][a-z0-9_]{0,39}")


@final
class Context:
    """SQL for one batch of events. All of it is committed together with the progress of the projection, or none of it.

    *projection* is the name of the projection; *rebuilding* tells whether history is gone through for a read model that is not live yet.
    *generation* counts its read models from 1. It belongs into names that `table` does not make, such as that of an index in SQLite, which have
    to differ from those of the read model beside it.
    """

    def __init__(
        self,
        projection: str,
        generation: int,
        transaction: ReadModelTransaction,
        tables: Iterable[str],
        *,
        rebuilding: bool,
        creating: bool,
    ) -> None:
        self.projection = projection
        self.rebuilding = rebuilding
        self.generation = generation
        self._transaction = transaction
        self._tables = dict.fromkeys(tables)
        self._creating = creating
        self._queued: list[Statement] = []

    def table(self, name: str) -> str:
        """Return how SQL has to call the table *name* of this read model, quoted.

        Each generation of a read model has tables of its own, so that two can stand side by side; everybody else reads the view *name*,
        which shows the live one. A table has to be named in `create`.
        """
        if self._creating:
            if not _TABLE.fullmatch(name):
                raise InvalidArgument(
                    f"{name!r} is no name of a table; use a-z, 0-9 and _, at most 40 of them, beginning with a letter or _"
                )
            self._tables[name] = None
        elif name not in self._tables:
            known = ", ".join(self._tables) or "none"
            raise InvalidArgument(
                f"the projection {self.projection!r} made no table {name!r} (it made {known}); make it in `create`, and raise the version "
                "of the projection, so that it is built anew"
            )
        return self._transaction.table(physical_name(name, self.generation))

    def execute(self, sql: str, *arguments: object) -> None:
        """Queue a statement, with arguments for ``$1``, ``$2`` and so on. It runs before the next `fetch`, at the latest before the commit.

        A statement that the database refuses makes the event that it was queued for fail.
        """
        self._queued.append(_checked(sql, arguments))

    async def fetch(self, sql: str, *arguments: object) -> Sequence[Row]:
        """Run what is queued, then this, and return its rows as mappings by column.

        It keeps the transaction open: on SQLite, nobody else can write until the batch is committed.
        """
        statement = _checked(sql, arguments)
        await self.flush()
        return await self._transaction.fetch(statement)

    async def flush(self) -> None:
        """Run what is queued."""
        if self._queued:
            queued, self._queued = self._queued, []
            await self._transaction.execute(queued)

    @property
    def tables(self) -> Sequence[str]:
        """The names of the tables of the read model."""
        return tuple(self._tables)


def physical_name(table: str, generation: int) -> str:
    return f"{table}__{generation}"


def _checked(sql: str, arguments: tuple[object, ...]) -> Statement:
    word = re.match(r"\w*", _COMMENTS.sub("", sql, count=1))
    if word is not None and word[0].upper() in _NOT_HERE:
        raise InvalidArgument(f"`{sql.strip()[:60]}` cannot be part of a projection: its transaction belongs to the runner; leave it out")
    return Statement(sql, arguments)
