"""Servers that all workers of one run share: the first that asks starts one, and it ends with the run, however that ends."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import attrs

from eventcore.local_postgres import LocalPostgres, Settings

RUN = "EVENTCORE_TEST_RUN"
# Nothing here outlives the run; what has to survive a crash is tested on servers that are durable.
FAST = {"fsync": "off", "full_page_writes": "off", "max_connections": "300", "max_prepared_transactions": "10", "log_checkpoints": "off"}

_started: list[LocalPostgres] = []


@attrs.frozen
class Run:
    """The folder that the processes of one run share, and the pipe whose one end the first of them holds for as long as it lives."""

    folder: Path
    _lifeline: int

    @classmethod
    def begin(cls) -> Run:
        folder = Path(tempfile.mkdtemp(prefix="eventcore-tests-"))
        folder.chmod(0o755)
        os.mkfifo(folder / "lifeline")
        os.environ[RUN] = str(folder)
        return cls(folder, os.open(folder / "lifeline", os.O_RDWR))

    def end(self) -> None:
        os.close(self._lifeline)
        until = time.monotonic() + 30
        while servers := [path for path in self.folder.iterdir() if path.is_dir()]:
            assert time.monotonic() < until, f"servers of this run did not end: {servers}"
            time.sleep(0.01)
        shutil.rmtree(self.folder)
        os.environ.pop(RUN)


def shared_server(
    name: str, *, binaries: Path | None = None, parameters: Mapping[str, str] = FAST, prepare: Callable[[Path], None] | None = None
) -> str:
    """Return the DSN of the server called *name* in this run; start it if nobody did, on a folder that *prepare* has changed."""
    folder = Path(os.environ[RUN])
    with _locked(folder / f"{name}.lock"):
        known = folder / f"{name}.json"
        if not known.exists():
            if prepare is not None:
                prepare(folder / name)
            lifeline = os.open(folder / "lifeline", os.O_RDONLY)
            try:
                settings = Settings(binaries=binaries, parameters=parameters, remove=True, immediate=True, lifeline=lifeline)
                server = LocalPostgres.start(folder / name, settings)
            finally:
                os.close(lifeline)
            _started.append(server)
            known.write_text(json.dumps(dsn_of(server)))
        return str(json.loads(known.read_text()))


def dsn_of(server: LocalPostgres, database: str = "postgres") -> str:
    """Return a DSN with the password in it, for what takes a DSN apart."""
    return f"postgresql://postgres:{server.cluster.password}@127.0.0.1:{server.port}/{database}"


@contextmanager
def database(server: str, name: str) -> Iterator[str]:
    """Make the database *name* on *server*; give its DSN, and drop it afterwards."""
    execute(server, f'CREATE DATABASE "{name}"')
    base, question, options = server.partition("?")
    try:
        yield f"{base.rpartition('/')[0]}/{name}{question}{options}"
    finally:
        execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def execute(dsn: str, *statements: str) -> None:
    """Execute *statements* on a connection of their own, each in its own transaction."""

    async def on_a_connection() -> None:
        connection = await asyncpg.connect(dsn)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(on_a_connection())


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
