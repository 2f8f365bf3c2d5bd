"""A server whose disk for WAL fills: the server itself dies then, and comes back when there is room.

The WAL lies on a tmpfs in namespaces that a process of ours keeps, so that it outlives the server as a disk does; see `full_disk`.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from eventcore.local_postgres import Binaries, LocalPostgres, Settings
from eventcore.local_postgres.account import NOBODY, Account
from tests.servers.durable import DURABLE
from tests.servers.run import dsn_of

_SIZE_MB = 96
_HOLD = f'mount -t tmpfs -o size={_SIZE_MB}m,mode=777 none "$0" && echo mounted && exec sleep infinity'
# Nothing is kept for later but what a checkpoint needs: the disk is full soon.
_PARAMETERS = {**DURABLE, "min_wal_size": "32MB", "max_wal_size": "48MB", "wal_recycle": "off"}


@attrs.define
class FullWalServer:
    """`dsn` stays the same over `restart`."""

    server: LocalPostgres
    settings: Settings
    inside: tuple[str, ...]
    disk: Path

    @property
    def dsn(self) -> str:
        return dsn_of(self.server)

    def fill(self) -> None:
        """Leave no room on the disk; what the server has of it already it keeps."""
        self._run(f"dd if=/dev/zero of={self.disk}/ballast bs=64k 2>/dev/null; true")

    def relieve(self) -> None:
        self._run(f"rm {self.disk}/ballast")

    def restart(self) -> None:
        """Start the server again, which has died or is about to."""
        self.server.stop()
        self.server = LocalPostgres.start(self.server.cluster.folder, self.settings)

    def move_wal(self) -> None:
        """Put the WAL of the server, which is stopped, on the disk."""
        wal = self.server.cluster.data / "pg_wal"
        self._run(f"cp -a {wal} {self.disk}/pg_wal && rm -r {wal} && ln -s {self.disk}/pg_wal {wal}")

    def _run(self, script: str) -> None:
        subprocess.run([*self.inside, "/bin/sh", "-c", script], check=True)


@contextmanager
def full_wal_server(folder: Path) -> Iterator[FullWalServer]:
    """Start a server whose WAL is on a small disk, *folder* holding the rest."""
    disk = folder / "disk"
    disk.mkdir(parents=True)
    command = ["unshare", "--user", "--map-root-user", "--mount", "--", "/bin/sh", "-c", _HOLD, str(disk)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"mounted\n"
            enter = ("nsenter", "--user", "--mount", "--preserve-credentials", "--target", str(holder.pid), "--")
            nobody = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--")
            settings = Settings(account=Account(Binaries.find(), prefix=(*enter, *nobody)), parameters=_PARAMETERS, immediate=True)
            handle = FullWalServer(LocalPostgres.start(folder / "server", settings), settings, (*enter, *nobody), disk)
            try:
                handle.server.stop()
                handle.move_wal()
                handle.restart()
                yield handle
            finally:
                handle.server.stop()
        finally:
            holder.kill()
