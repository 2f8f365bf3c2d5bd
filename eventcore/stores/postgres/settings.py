"""What a user may set, checked when it is given."""

from __future__ import annotations

import os
from typing import Any, Final, TypeAlias, final

import asyncpg
import attrs

from eventcore.errors import InvalidArgument
from eventcore.stores.postgres.statements import Schema
from eventcore.stores.urls import check_dsn

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
FEWEST_CONNECTIONS: Final = 3


def _seconds(_: object, attribute: attrs.Attribute[Any], value: float | None) -> None:
    if value is not None and not value > 0:
        raise InvalidArgument(f"{attribute.name} is a number of seconds above 0 and cannot be {value!r}")


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
    pool_size: int = attrs.field()
    lock_timeout: float = attrs.field(validator=_seconds)
    statement_timeout: float | None = attrs.field(validator=_seconds)
    reply_timeout: float = attrs.field(validator=_seconds)
    patience: float = attrs.field(validator=_seconds)
    statement_cache_size: int
    listen_dsn: str | None = attrs.field(repr=False)

    def __attrs_post_init__(self) -> None:
        if self.pool_size < FEWEST_CONNECTIONS:
            raise InvalidArgument(
                f"pool_size={self.pool_size}: a store needs {FEWEST_CONNECTIONS} connections, one each to append, to read streams, and for all else"
            )
        _check_source(self.source)
        for dsn in (self.source, self.listen_dsn):
            if isinstance(dsn, str):
                check_dsn(dsn)
        if isinstance(self.source, asyncpg.Pool) and self.statement_timeout is not None:
            raise InvalidArgument("statement_timeout= is set when a connection is made: give it to the pool (server_settings=) instead")

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
