"""What goes wrong with a server of one's own."""

from __future__ import annotations

from eventcore.errors import EventCoreError


class LocalPostgresError(EventCoreError):
    """A server of one's own cannot be started, or did not stay."""


class PostgresNotInstalled(LocalPostgresError):
    """There are no binaries of PostgreSQL, or none that run."""


class DataFolderUnusable(LocalPostgresError):
    """The folder holds something else, or a cluster of another major version, or cannot be reached by the account that runs the server."""


class DataFolderInUse(LocalPostgresError):
    """A server that is alive works on the folder."""


class PortTaken(LocalPostgresError):
    """Another program listens on the port."""


class ServerFailed(LocalPostgresError):
    """The server ended, or did not become ready in time."""
