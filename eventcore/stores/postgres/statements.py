"""The SQL of this store lives in .sql files; here it is found by its name, and told the schema's."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Final, final

import attrs

from eventcore.errors import InvalidArgument
from eventcore.stores.sql_files import Migration, named_statements, numbered_migrations

_PACKAGE = "eventcore.stores.postgres"
# PostgreSQL cuts longer names off without a word (NAMEDATALEN).
_LONGEST_NAME = 63
_PLACE: Final = re.compile(r"\{schema\}|\{seed\}")


@final
@attrs.frozen
class Schema:
    """The schema that holds all objects of a store. Nearly any name will do."""

    name: str = attrs.field()

    def __attrs_post_init__(self) -> None:
        # A line break would end a comment, and $$ the body of a function, in which the name is told.
        if not self.name.isprintable() or not 1 <= len(self.name.encode("utf-8", "replace")) <= _LONGEST_NAME or "$$" in self.name:
            raise InvalidArgument(f"a schema's name has 1 to {_LONGEST_NAME} bytes, no control characters and no $$; got {self.name!r}")
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
        told = {"{schema}": self.quoted, "{seed}": str(self.seed)}
        return _PLACE.sub(lambda found: told[found[0]], sql)


def _migrations() -> tuple[Migration, ...]:
    return numbered_migrations(_PACKAGE)
