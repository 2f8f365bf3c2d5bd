"""A server of one's own, from its start to its end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self
from urllib.parse import quote

import attrs

from eventcore.local_postgres import guard as guard_
from eventcore.local_postgres.account import Account, account_for, environment
from eventcore.local_postgres.binaries import Binaries
from eventcore.local_postgres.cluster import USER, Cluster
from eventcore.local_postgres.errors import DataFolderUnusable, LocalPostgresError, PortTaken, ServerFailed

Listening = Literal["tcp", "socket", "both"]

HOST: Final = "127.0.0.1"
_READY: Final = b"ready"
_STATE_LINE: Final = 7
_LONGEST_SOCKET: Final = 103
_TAIL_LINES: Final = 12


@attrs.frozen
class Settings:
    """How a server is started."""

    port: int | None = None
    """None for the port of the last start, or a free one; 0 for a free one."""
    listen: Listening = "tcp"
    binaries: Path | None = None
    """The folder of PostgreSQL's programs; see `Binaries.find`."""
    parameters: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Parameters of the server, over those of its postgresql.conf."""
    remove: bool = False
    """Remove the whole folder when the server has ended."""
    immediate: bool = False
    """End without a checkpoint; the next start recovers."""
    account: Account | None = None
    """Who runs it, where that is not to be found out."""
    lifeline: int | None = None
    """A descriptor of a pipe to watch instead of one of the caller's: the server lives as long as somebody holds its other end."""
    patience: float = 30.0
    """Seconds for the server to become ready, and to end."""


@attrs.define(eq=False)
class LocalPostgres:
    """A running server. It ends with `stop`, with the block of a `with`, or with the process that started it, even if that is killed."""

    cluster: Cluster
    settings: Settings
    version: str
    port: int
    pid: int
    """The postmaster's."""
    _guard: subprocess.Popen[bytes]
    _lifeline: int | None
    """Our end of the pipe to the guard."""

    @classmethod
    def start(cls, folder: Path, settings: Settings | None = None) -> Self:
        """Start a server on *folder*, with a new cluster where there is none; return when it takes connections.

        Raises `LocalPostgresError`: which one says what is wrong.
        """
        settings = settings or Settings()
        binaries = Binaries.find(settings.binaries)
        cluster = Cluster(folder.absolute())
        cluster.prepare()
        with cluster.locked(patience=min(settings.patience, 5.0)) as lock:
            account = settings.account or account_for(binaries, cluster.folder)
            try:
                if not cluster.exists:
                    cluster.make(account)
                cluster.check(binaries)
                cluster.take_over(account)
                port = _port(settings.port, cluster.port)
                cluster.rotate_log()
                guard, lifeline = spawn(_orders(cluster, account, settings, port, lock), settings.lifeline)
            except BaseException:
                account.forget()
                raise
        assert guard.stdout is not None  # noqa: S101  # for type checkers
        with guard.stdout as said:
            pid = int(said.readline() or 0)
        server = cls(cluster, settings, binaries.version, port, pid, guard, lifeline)
        try:
            server._await_ready()
        except BaseException:
            server.stop()
            raise
        cluster.remember(port)
        return server

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def dsn(self) -> str:
        """The DSN of the database `postgres`, which names the file of the password instead of it."""
        return self.dsn_of("postgres")

    def dsn_of(self, database: str) -> str:
        passfile = quote(str(self.cluster.passfile))
        if self.settings.listen == "socket":
            return f"postgresql://{USER}@/{quote(database)}?host={quote(str(self.cluster.socket))}&port={self.port}&passfile={passfile}"
        return f"postgresql://{USER}@{HOST}:{self.port}/{quote(database)}?passfile={passfile}"

    @property
    def running(self) -> bool:
        return self._guard.poll() is None

    def wait(self) -> None:
        """Return when the server has ended by itself."""
        self._guard.wait()

    def stop(self) -> None:
        """End the server: connections are cut, what is committed is safe, a checkpoint is made. Nothing happens if it has ended."""
        if self._guard.poll() is None:
            self._guard.send_signal(signal.SIGTERM)
        self._guard.wait()
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None

    def _await_ready(self) -> None:
        until = time.monotonic() + self.settings.patience
        while not _is_ready(self.cluster.data / "postmaster.pid", self.pid):
            if not self.running:
                raise self._failure()
            if time.monotonic() >= until:
                raise ServerFailed(
                    f"the server on {str(self.cluster.folder)!r} was not ready after {self.settings.patience} s; see {str(self.cluster.log)!r}"
                )
            time.sleep(0.005)

    def _failure(self) -> LocalPostgresError:
        log = self.cluster.log.read_text(encoding="utf-8", errors="replace") if self.cluster.log.exists() else ""
        if "Address already in use" in log:
            return PortTaken(_taken(self.port))
        tail = "\n".join(log.splitlines()[-_TAIL_LINES:])
        return ServerFailed(
            f"the server on {str(self.cluster.folder)!r} ended while it started; the end of {str(self.cluster.log)!r}:\n{tail}"
        )


def _is_ready(pidfile: Path, pid: int) -> bool:
    """Tell whether the postmaster says so; its lock file has a line for it, which pg_ctl reads as well."""
    try:
        lines = pidfile.read_bytes().split(b"\n")
    except FileNotFoundError:
        return False
    return len(lines) > _STATE_LINE and lines[0] == str(pid).encode() and lines[_STATE_LINE].strip() == _READY


def _port(wanted: int | None, last: int | None) -> int:
    """Return the port to use; raise `PortTaken`."""
    port = last or 0 if wanted is None else wanted
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise PortTaken(_taken(port)) from error
        return int(probe.getsockname()[1])


def _taken(port: int) -> str:
    return f"port {port} of {HOST} is taken by another program; name another one, or 0 for any that is free (--port 0)"


def _orders(cluster: Cluster, account: Account, settings: Settings, port: int, lock: int) -> guard_.Orders:
    parameters = {
        "listen_addresses": HOST if settings.listen != "socket" else "",
        "port": str(port),
        "unix_socket_directories": str(cluster.socket) if settings.listen != "tcp" else "",
        **settings.parameters,
    }
    if settings.listen != "tcp":
        _make_socket_folder(cluster, account)
    command = [*account.prefix, str(account.binaries.postgres), "-D", str(cluster.data)]
    for name, value in parameters.items():
        command += ["-c", f"{name}={value}"]
    remove = [str(folder) for folder in (account.temporary, cluster.folder if settings.remove else None) if folder is not None]
    return {
        "command": command,
        "account": account.number,
        "parent": os.getpid() if settings.lifeline is None else 0,
        "log": str(cluster.log),
        "lock": lock,
        "immediate": settings.immediate,
        "patience": settings.patience,
        "remove": remove,
    }


def _make_socket_folder(cluster: Cluster, account: Account) -> None:
    path = cluster.socket / ".s.PGSQL.65535"
    if len(os.fsencode(path)) > _LONGEST_SOCKET:
        raise DataFolderUnusable(
            f"the path of the socket {str(path)!r} is longer than the {_LONGEST_SOCKET} bytes that systems allow; "
            "choose a data folder with a shorter path"
        )
    cluster.socket.mkdir(exist_ok=True)
    account.own(cluster.socket)


def spawn(orders: guard_.Orders, lifeline: int | None) -> tuple[subprocess.Popen[bytes], int | None]:
    """Start the guard; return it with our end of the pipe, if we made it."""
    ours = None
    theirs = lifeline
    if theirs is None:
        theirs, ours = os.pipe()
    try:
        process = subprocess.Popen(  # noqa: S603  # this interpreter, and a file of this package
            [sys.executable, "-I", "-S", guard_.__file__, json.dumps(orders)],
            stdin=theirs,
            stdout=subprocess.PIPE,
            pass_fds=(orders["lock"],),
            env=environment(),
            cwd="/",
            start_new_session=True,
        )
    finally:
        if ours is not None:
            os.close(theirs)
    return process, ours
