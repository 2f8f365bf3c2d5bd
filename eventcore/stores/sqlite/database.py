"""The file: where it may be, how it is opened, and how one waits for others who use it."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, TypeAlias, TypeVar, final

import attrs

from eventcore.errors import InvalidArgument, StoreUnavailable
from eventcore.stores.sqlite.faults import Faults, is_busy
from eventcore.stores.sqlite.turns import Turns

Synchronous: TypeAlias = Literal["OFF", "NORMAL", "FULL", "EXTRA"]
T = TypeVar("T")
C = TypeVar("C", bound=sqlite3.Connection)

# STRICT tables, `->>` and the JSON functions without a build option: all there since February 2022.
_OLDEST_SQLITE: Final = (3, 38)
# Seconds between two tries to get a lock. SQLite's own handler waits up to 100 ms, in which a busy neighbour commits dozens of times: short
# waits of random length give everybody the same chance.
_SHORTEST_WAIT: Final = 0.0002
_LONGEST_WAIT: Final = 0.005
# SQLite counts milliseconds in 32 bits; whoever waits longer would not wait at all.
_LONGEST_TIMEOUT: Final = 2_147_483
# Pages of 4 KiB in the write-ahead log before they are moved to the file. SQLite's 1000 is reached within a few batches here.
_CHECKPOINT_PAGES: Final = 4000
# Memory that a connection may use for pages. SQLite's 2 MiB are less than what one batch over a few thousand streams touches.
_CACHE_KIB: Final = 32_768


def checked_path(path: str | os.PathLike[str]) -> Path:
    """Return *path* as an absolute path. Raises `InvalidArgument` for what names no file."""
    text = os.fspath(path)
    if not text or ":memory:" in text or "mode=memory" in text:
        raise InvalidArgument(
            f"{text!r} names no file, and a store without one is gone with its connection; use InMemoryEventStore() instead"
        )
    scheme, is_url, _ = text.partition("://")
    if is_url:  # what follows may hold a password
        instead = "use PostgresEventStore" if scheme.startswith("postgres") else "give the path of the file itself, such as 'shop.db'"
        raise InvalidArgument(f"what begins with {scheme}:// is a URL, and no path; {instead}")
    if text.startswith("file:") or "\0" in text:
        raise InvalidArgument(f"{text!r} is no path; give the path of the file itself, such as 'shop.db'")
    return Path(text).absolute()


Places: TypeAlias = "tuple[str, str, str]"
Files: TypeAlias = "tuple[tuple[int, int] | None, ...]"
"""What the system tells files by, whatever they are called; None for one that is not there."""


def files_at(places: Places) -> Files:
    """Say which files are at *places* now."""
    database, log, index = places
    return _file_at(database), _file_at(log), _file_at(index)


def _file_at(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116  # before each transaction: a path object would cost more than the look
    except OSError:
        return None
    return found.st_dev, found.st_ino


def log_size(places: Places) -> int:
    """Return the bytes of the log, 0 where there is none."""
    try:
        return os.stat(places[1]).st_size  # noqa: PTH116  # as above
    except OSError:
        return 0


class FrozenConnection(sqlite3.Connection):
    """A connection to a file that it takes for unchanging: SQLite looks for no lock and no log. *written* says when the file was written last."""

    written: int


@final
@attrs.frozen
class Database:
    """One SQLite file. *busy_timeout* in seconds."""

    path: Path
    busy_timeout: float
    synchronous: Synchronous
    faults: Faults
    turns: Turns = attrs.field(factory=Turns)

    def check_surroundings(self) -> None:
        """Raise `StoreUnavailable` where no file can be."""
        if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
            oldest = ".".join(map(str, _OLDEST_SQLITE))
            raise StoreUnavailable(f"this Python carries SQLite {sqlite3.sqlite_version}; the event store needs {oldest} or newer")
        try:
            is_there, is_folder = self.path.parent.is_dir(), self.path.is_dir()
        except OSError as error:
            raise self.faults.translate(error) from error
        if not is_there:
            raise StoreUnavailable(f"{self.path} cannot be opened: the folder {self.path.parent} does not exist; create it first")
        if is_folder:
            raise StoreUnavailable(f"{self.path} cannot be opened: it is a folder; give the path of a file in it")

    def connect(self, mode: Literal["rw", "rwc"] = "rw", *, waits: bool = True) -> sqlite3.Connection:
        """Open a connection to be used by one thread at a time. It becomes a reading one by itself where writing is not allowed.

        One that *waits* leaves the waiting for others to SQLite. One that does not is for `patiently`, whose waiting is fair.
        """
        uri = self.path.as_uri()
        connection: sqlite3.Connection
        try:
            connection = self._connect(f"{uri}?mode={mode}", sqlite3.Connection)
        except sqlite3.OperationalError:
            if not self._frozen():
                raise
            # Reading a write-ahead log needs a file beside it. There is no log, and this user may not make one here.
            written = self.path.stat().st_mtime_ns
            connection = frozen = self._connect(f"{uri}?mode=ro&immutable=1", FrozenConnection)
            frozen.written = written
        if not waits:
            connection.execute("PRAGMA busy_timeout = 0")
        return connection

    def _connect(self, uri: str, factory: type[C]) -> C:
        connection = sqlite3.connect(
            uri,
            uri=True,
            timeout=min(self.busy_timeout, _LONGEST_TIMEOUT),
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
            factory=factory,
        )
        try:
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
            connection.execute(f"PRAGMA synchronous = {self.synchronous}")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        except BaseException:
            connection.close()
            raise
        return connection

    @property
    def _log(self) -> Path:
        return Path(self.places()[1])

    def _frozen(self) -> bool:
        return self.path.exists() and not self._log.exists() and not os.access(self._log.parent, os.W_OK)

    def places(self) -> Places:
        """Say where the database, its log and the index of that are now: where the path is a link, the last two are beside what it leads to."""
        beside = os.path.realpath(self.path)
        return str(self.path), f"{beside}-wal", f"{beside}-shm"

    def check_still_there(self, places: Places, opened: Files) -> None:
        """Raise `StoreUnavailable` where others than *opened* are at *places*: SQLite would go on with those, which nobody else can see any more."""
        if files_at(places) != opened:
            raise StoreUnavailable(
                f"{self.path}, or its -wal or -shm, was moved, deleted or replaced while it was open; nothing was written; close all stores "
                "of it first, put the files that belong together in their place, and open them again"
            )

    def check_still_frozen(self, connection: sqlite3.Connection) -> None:
        """Raise `StoreUnavailable` where *connection* takes the file for unchanging and somebody began to write it, or has done so."""
        if isinstance(connection, FrozenConnection) and (self._log.exists() or self.path.stat().st_mtime_ns != connection.written):
            raise StoreUnavailable(f"{self.path} was opened where nobody could write it, and somebody did so since; open the store again")

    def patiently(self, attempt: Callable[[], T], *, until: float | None = None) -> T:
        """Return what *attempt* returns, trying again while others hold the lock it needs, for *busy_timeout* seconds or *until* a time."""
        deadline = time.monotonic() + self.busy_timeout if until is None else until
        while True:
            try:
                return attempt()
            except sqlite3.OperationalError as error:
                if not is_busy(error) or time.monotonic() >= deadline:
                    raise
            time.sleep(random.uniform(_SHORTEST_WAIT, _LONGEST_WAIT))  # noqa: S311  # chance, not secrecy
