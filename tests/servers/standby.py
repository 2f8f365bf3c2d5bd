"""A server and a standby of it, which follows what is committed there and can only be read."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eventcore.local_postgres import LocalPostgres, Settings
from eventcore.local_postgres.binaries import Binaries
from tests.servers.run import FAST, dsn_of


@contextmanager
def primary_and_standby(folder: Path) -> Iterator[tuple[LocalPostgres, LocalPostgres]]:
    """Start both in *folder*."""
    primary, standby = folder / "primary", folder / "standby"
    with LocalPostgres.start(primary, Settings(parameters=FAST)) as first:
        standby.mkdir()
        _copy(dsn_of(first), standby / "cluster")
        shutil.copy(primary / "password", standby / "password")
        with LocalPostgres.start(standby, Settings(parameters=FAST, immediate=True)) as second:
            yield first, second


def _copy(dsn: str, cluster: Path) -> None:
    program = Binaries.find().folder / "pg_basebackup"
    subprocess.run([program, "-d", dsn, "-D", cluster, "-R", "--checkpoint=fast"], check=True, capture_output=True)
