"""The store for production: PostgreSQL 15 or newer, by asyncpg."""

from __future__ import annotations

from eventcore.stores.postgres.store import PostgresEventStore

__all__ = ["PostgresEventStore"]
