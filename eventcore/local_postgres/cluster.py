"""The folder of a server of one's own.

::

    DIR/
    ├── cluster/       PostgreSQL's own: what initdb made
    ├── password       for clients: a passfile, as libpq and asyncpg read it
    ├── port           the one of the last start, so that a DSN stays good
    ├── server.log     of this start; server.log.1 of the one before
    └── socket/        where clients on this machine find the server, if it was asked for

A folder is locked while a server lives: the lock is one of the kernel's, inherited by the server and each of its backends, so that none is forgotten
and nothing stale is left.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from typing import Final

import attrs

from eventcore.local_postgres.account import Account
from eventcore.local_postgres.binaries import Binaries
from eventcore.local_postgres.errors import DataFolderInUse, DataFolderUnusable, ServerFailed

USER: Final = "postgres"
_MAKING: Final = ".making-"


@attrs.frozen
class Cluster:
    """One folder, and what is where in it."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "cluster"

    @property
    def passfile(self) -> Path:
        return self.folder / "password"

    @property
    def socket(self) -> Path:
        return self.folder / "socket"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def password(self) -> str:
        return self.passfile.read_text(encoding="ascii").strip().rpartition(":")[2]

    @property
    def port(self) -> int | None:
        """The one of the last start."""
        try:
            return int((self.folder / "port").read_text(encoding="ascii"))
        except FileNotFoundError:
            return None

    @property
    def exists(self) -> bool:
        return (self.data / "PG_VERSION").exists()

    def remember(self, port: int) -> None:
        (self.folder / "port").write_text(f"{port}\n", encoding="ascii")

    def prepare(self) -> None:
        """Make the folder where there is none; raise `DataFolderUnusable` where it is something else."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataFolderUnusable(f"the data folder {str(self.folder)!r} cannot be made: {error.strerror}") from error
        if self.exists:
            return
        strangers = sorted(path.name for path in self.folder.iterdir() if not path.name.startswith(_MAKING))
        if strangers:
            raise DataFolderUnusable(
                f"the data folder {str(self.folder)!r} is not empty and holds no cluster that `eventcore pg start` made (it holds {strangers[0]!r}); "
                "name a folder that is empty or does not exist yet"
            )

    @contextlib.contextmanager
    def locked(self, *, patience: float = 0) -> Generator[int]:
        """Lock the folder, for as long as this and all who inherit the yielded descriptor live.

        A server that has just been killed leaves backends that end a moment later: wait for *patience* seconds. Raises `DataFolderInUse`.
        """
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            until = time.monotonic() + patience
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if time.monotonic() >= until:
                        raise DataFolderInUse(self._in_use()) from error
                time.sleep(0.01)
            yield descriptor
        finally:
            os.close(descriptor)

    def _in_use(self) -> str:
        return f"a server that is alive works on the data folder {str(self.folder)!r}; stop it first (its port is {self.port})"

    def check(self, binaries: Binaries) -> None:
        """Raise `DataFolderUnusable` where the cluster is of another major version than *binaries*."""
        major = (self.data / "PG_VERSION").read_text(encoding="ascii").strip()
        if major != str(binaries.major):
            raise DataFolderUnusable(
                f"the cluster in {str(self.folder)!r} was made by PostgreSQL {major}, "
                f"and the programs in {str(binaries.folder)!r} are {binaries.version}; "
                f"start it with programs of {major} (--bin DIR), or move its data with pg_dump into a new folder"
            )

    def take_over(self, account: Account) -> None:
        """Make the cluster *account*'s, and remove what a server that did not end in order left where another process has its number now.

        The lock is held: no server that we started is alive. One that was started by other means has its own lock file, which names it.
        """
        account.own(self.data)
        pidfile = self.data / "postmaster.pid"
        try:
            pid = int(pidfile.read_text(encoding="utf-8", errors="replace").split("\n", 1)[0] or 0)
        except FileNotFoundError:
            return
        name = _name_of(pid)
        if name is None:
            return  # PostgreSQL sees as much, and removes it
        if "postgres" in name:
            raise DataFolderInUse(f"{self._in_use()}; it is process {pid}, and was started by something else than `eventcore pg start`")
        pidfile.unlink()

    def make(self, account: Account) -> None:
        """Run initdb, once: whatever ends it half way, the cluster is either there or not."""
        for left in self.folder.glob(f"{_MAKING}*"):
            shutil.rmtree(left)
        making = Path(tempfile.mkdtemp(prefix=_MAKING, dir=self.folder))
        password = secrets.token_urlsafe(24)
        (making / "password").write_text(f"{password}\n", encoding="ascii")
        (making / "cluster").mkdir(mode=0o700)
        account.own(making)
        made = account.run(
            account.binaries.initdb,
            *("--pgdata", making / "cluster", "--username", USER, "--pwfile", making / "password", "--auth", "scram-sha-256"),
            *("--encoding", "UTF8", "--locale", "C", "--no-instructions"),
        )
        if made.returncode:
            raise ServerFailed(f"initdb could not make a cluster in {str(self.folder)!r}: {made.stderr.strip()}")
        descriptor = os.open(self.passfile, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as passfile:
            passfile.write(f"*:*:*:{USER}:{password}\n")
        (making / "cluster").rename(self.data)
        shutil.rmtree(making)

    def rotate_log(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.log.replace(self.log.with_name("server.log.1"))


def _name_of(pid: int) -> str | None:
    """Return the command of a process that is alive, else None."""
    if pid <= 0:
        return None
    # No /proc on macOS; `ps -o` is POSIX.
    said = subprocess.run(["ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return said.stdout.strip() or None
