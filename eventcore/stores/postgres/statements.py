"""The SQL of this store lives in .sql files; here it is found by its name, and told the schema's."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import final

import attrs

from eventcore.errors import InvalidArgument
from eventcore.stores.sql_files import Migration, named_statements, numbered_migrations

_PACKAGE = "eventcore.stores.postgres"
# PostgreSQL cuts longer names off without a word (NAMEDATALEN).
_LONGEST_NAME = 63


@final
@attrs.frozen
class Schema:
    """The schema that holds all objects of a store. Any name will do."""

    name: str = attrs.field()

    def __attrs_post_init__(self) -> None:
        if not self.name or "\0" in self.name or len(self.name.encode("utf-8", "replace")) > _LONGEST_NAME:
            raise InvalidArgument(f"a schema's name has 1 to {_LONGEST_NAME} bytes and no NUL; got {self.name!r}")
        if self.name.startswith("pg_"):
            raise InvalidArgument(f"{self.name!r} is reserved for PostgreSQL itself; choose a schema whose name does not begin with 'pg_'")

    @property
    def quoted(self) -> str:
        return '"' + self.name.replace('"', '""') + '"'

    @property
    def seed(self) -> int:
        """Return a number of 62 bits made of the name: what this schema's advisory locks begin with."""
        return int.from_bytes(hashlib.blake2b(self.name.encode(), digest_size=8).digest(), "big") >> 2

    @property
    def channel(self) -> str:
        """Return the name of the schema's NOTIFY channel."""
        return f"eventcore_{self.seed:x}"

    def statements(self, file: str) -> Mapping[str, str]:
        """Return the statements of ``sql/<file>.sql``: each begins with a line ``-- name: <its name>``."""
        return {name: self._told(sql) for name, sql in named_statements(_PACKAGE, file).items()}

    def migrations(self) -> list[Migration]:
        """Return all migrations in their order."""
        return [migration._replace(script=self._told(migration.script)) for migration in _migrations()]

    def _told(self, sql: str) -> str:
        return sql.replace("{schema}", self.quoted).replace("{seed}", str(self.seed))


def _migrations() -> tuple[Migration, ...]:
    return numbered_migrations(_PACKAGE)
