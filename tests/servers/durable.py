"""A server that keeps what it acknowledged, to be killed and started again."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import attrs
import psutil

from eventcore.local_postgres import LocalPostgres, Settings
from tests.servers.run import dsn_of

# All that PostgreSQL promises by default, said here because tests rest on it.
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "max_connections": "300", "max_prepared_transactions": "10"}


@attrs.define
class DurableServer:
    """`dsn` stays the same over `kill` and `restart`."""

    server: LocalPostgres
    settings: Settings

    @property
    def dsn(self) -> str:
        return dsn_of(self.server)

    def kill(self, *, backends: bool = False) -> None:
        """SIGKILL the postmaster; with *backends*, all its processes at one moment, as when the machine fails.

        Backends that are left end by themselves when they next look: one may still finish the commit that it is in.
        """
        postmaster = psutil.Process(self.server.pid)
        postmaster.suspend()  # so that it starts none meanwhile
        killed = [postmaster, *(postmaster.children(recursive=True) if backends else ())]
        for process in killed:
            try:
                os.kill(process.pid, signal.SIGKILL)
            except ProcessLookupError:  # it ended by itself
                continue
        self.server.wait()

    def restart(self) -> None:
        """Start the server again, after `kill` or in order, on the same port; return when it takes connections."""
        self.server.stop()
        self.server = LocalPostgres.start(self.server.cluster.folder, self.settings)


@contextmanager
def durable_server(folder: Path, *, binaries: Path | None = None, parameters: Mapping[str, str] | None = None) -> Iterator[DurableServer]:
    """Start a durable server on *folder*, and stop it afterwards."""
    settings = Settings(binaries=binaries, parameters={**DURABLE, **(parameters or {})})
    handle = DurableServer(LocalPostgres.start(folder, settings), settings)
    try:
        yield handle
    finally:
        handle.server.stop()
