"""A durable server of one's own that dies as by a power cut of its machine, except that what the kernel has stays."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from eventcore.local_postgres import LocalPostgres, Settings
from tests.servers.run import dsn_of


class CrashingServer:
    """Keeps its port and its data from one life to the next."""

    def __init__(self, folder: Path, parameters: Mapping[str, str]) -> None:
        self._folder = folder
        self._parameters = parameters
        self._server = self._start()
        self.dsn = dsn_of(self._server)

    @property
    def owner(self) -> int:
        """The user who owns its files, and may be given more of them."""
        return self._server.cluster.data.stat().st_uid

    def kill(self) -> None:
        """SIGKILL the server: the postmaster first, so that it takes no notice, then all that it started."""
        postmaster = self._server.pid
        os.kill(postmaster, signal.SIGSTOP)
        family = [postmaster, *_children(postmaster)]
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._server.stop()

    def kill_a_backend(self, pid: int) -> None:
        """SIGKILL one backend: the server throws out everybody, and recovers."""
        os.kill(pid, signal.SIGKILL)

    def start(self) -> None:
        self._server = self._start()

    def stop(self) -> None:
        self._server.stop()

    def _start(self) -> LocalPostgres:
        return LocalPostgres.start(self._folder, Settings(parameters=self._parameters, immediate=True))


@contextmanager
def crashing_server(folder: Path, **parameters: str) -> Iterator[CrashingServer]:
    server = CrashingServer(folder, {"fsync": "on", "max_connections": "300", "log_checkpoints": "off", **parameters})
    try:
        yield server
    finally:
        server.stop()


def _children(pid: int) -> list[int]:
    return [int(stat.parent.name) for stat in Path("/proc").glob("[0-9]*/stat") if _parent(stat) == pid]


def _parent(stat: Path) -> int | None:
    try:
        # pid (name) state ppid
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None
