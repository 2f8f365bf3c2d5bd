"""What a user may set, checked when it is given."""

from __future__ import annotations

import os
from typing import Final, TypeAlias, cast, final

import asyncpg
import attrs

from eventcore.arguments import Arguments
from eventcore.errors import InvalidArgument
from eventcore.stores.postgres.statements import Schema
from eventcore.stores.urls import check_dsn

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
FEWEST_CONNECTIONS: Final = 3
# PostgreSQL counts timeouts in milliseconds, and in 32 bits.
_LONGEST_TIMEOUT: Final = 2_147_483


def _check_source(source: object) -> None:
    if not isinstance(source, (str, asyncpg.Pool, type(None))):
        raise InvalidArgument(f"a PostgresEventStore is made with a DSN or an asyncpg pool, not with {type(source).__name__}")


@final
@attrs.frozen(kw_only=True)
class Settings:
    """Times are in seconds."""

    source: str | Pool | None = attrs.field(repr=False)
    schema: Schema
    migrate: bool
    pool_size: int
    lock_timeout: float
    statement_timeout: float | None
    reply_timeout: float
    patience: float
    statement_cache_size: int
    listen_dsn: str | None = attrs.field(repr=False)

    def __attrs_post_init__(self) -> None:
        given = Arguments("PostgresEventStore")
        given.flags(migrate=self.migrate)
        # One each to append, to read streams, and for all else.
        given.whole(FEWEST_CONNECTIONS, pool_size=self.pool_size)
        given.seconds(reply_timeout=self.reply_timeout, patience=self.patience)
        given.seconds(_LONGEST_TIMEOUT, lock_timeout=self.lock_timeout)
        given.seconds(_LONGEST_TIMEOUT, statement_timeout=self.statement_timeout, optional=True)
        given.whole(0, statement_cache_size=self.statement_cache_size)
        _check_source(self.source)
        if not isinstance(cast("object", self.listen_dsn), str | None):
            # Whatever it is may hold a password.
            raise InvalidArgument(f"PostgresEventStore(listen_dsn=...): expected a DSN or None, got {type(self.listen_dsn).__name__}")
        for dsn in (self.source, self.listen_dsn):
            if isinstance(dsn, str):
                check_dsn(dsn)
        if isinstance(self.source, asyncpg.Pool) and self.statement_timeout is not None:
            raise InvalidArgument("statement_timeout= is set when a connection is made: give it to the pool (server_settings=) instead")
        if isinstance(self.source, asyncpg.Pool) and self.connections < FEWEST_CONNECTIONS:
            raise InvalidArgument(
                f"the pool has room for {self.source.get_max_size()} connections, and a PostgresEventStore keeps at least "
                f"{FEWEST_CONNECTIONS}, and one more that listens; give the pool a larger max_size="
            )

    @property
    def connections(self) -> int:
        """Return how many connections the store keeps at most, without the one that listens: *pool_size*, or fewer where a user's pool has fewer."""
        if not isinstance(self.source, asyncpg.Pool):
            return self.pool_size
        return min(self.pool_size, self.source.get_max_size() - (1 if self.listens and self.listen_dsn is None else 0))

    @property
    def listens(self) -> bool:
        """Return whether something can listen: through a pooler NOTIFY does not come."""
        return self.listen_dsn is not None or self.statement_cache_size != 0

    @property
    def dsns(self) -> tuple[str, ...]:
        """Return what may hold a password."""
        password = os.environ.get("PGPASSWORD")
        given = (self.source, self.listen_dsn, f"password={password}" if password else None)
        return tuple(each for each in given if isinstance(each, str))

    @property
    def described(self) -> str:
        """Name the store for people. Never a password: where it is does not matter enough to risk one."""
        return f"the event store in the schema {self.schema.name!r}"
