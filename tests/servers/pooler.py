"""pgbouncer in transaction mode, in front of any server."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from eventcore.local_postgres.account import NOBODY
from eventcore.local_postgres.server import spawn
from tests.servers.installed import program

# As pgbouncer's own documentation begins, with no parameter ignored: a client that needs one to be would fail with most people's.
_INI = """\
[databases]
* = host={host} port={port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 400
"""


@contextmanager
def pgbouncer_before(dsn: str, folder: Path, *, pool_size: int = 8) -> Iterator[str]:
    """Start pgbouncer in front of the server of *dsn*; give the DSN of the same database through it."""
    server = urlsplit(dsn)
    own_port = _free_port()
    ini = folder / "pgbouncer.ini"
    users = folder / "users"
    folder.mkdir(parents=True)
    users.write_text(f'"{server.username}" "{server.password}"\n')
    ini.write_text(_INI.format(host=server.hostname, port=server.port, own_port=own_port, users=users, pool_size=pool_size))
    account = None
    if os.geteuid() == 0:  # which pgbouncer refuses as well
        account = NOBODY
        os.chown(users, NOBODY, NOBODY)
    users.chmod(0o600)
    lock = os.open(folder, os.O_RDONLY)
    guard, lifeline = spawn(
        {
            "command": [program("pgbouncer", "pgbouncer"), str(ini)],
            "account": account,
            "parent": os.getpid(),
            "log": str(folder / "log"),
            "lock": lock,
            "immediate": True,
            "patience": 10.0,
            "remove": [],
        },
        None,
    )
    os.close(lock)
    assert guard.stdout is not None
    assert lifeline is not None
    try:
        _await_port(own_port, folder / "log")
        yield server._replace(netloc=f"{server.username}:{server.password}@127.0.0.1:{own_port}").geturl()
    finally:
        os.close(lifeline)
        guard.wait()
        guard.stdout.close()
        shutil.rmtree(folder)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_port(port: int, log: Path) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"pgbouncer did not listen on {port}: {log.read_text()}")
