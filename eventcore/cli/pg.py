"""`eventcore pg start`: a PostgreSQL of one's own, for development and tests."""

from __future__ import annotations

import argparse
import json
import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from eventcore.cli.exits import FAILED, OK
from eventcore.cli.options import folder
from eventcore.cli.output import remark, show
from eventcore.errors import EventCoreError

if TYPE_CHECKING:
    from eventcore.local_postgres import LocalPostgres


_LISTENING: Final = ("tcp", "socket", "both")

_START: Final = """\
Start a PostgreSQL server on DIR, and end it with this command: with Ctrl-C, with SIGTERM, or when this process is killed.

The first start makes a cluster in DIR with a password of its own; later ones go on with it, on the same port. The programs come with the
extra `local-postgres`, or are those of a PostgreSQL that is installed. For development and tests: see to backups and upgrades yourself."""

_EPILOG: Final = """\
exit codes:
  0  the server ran, and was ended on request
  2  it could not be started, or ended by itself
"""

_READY: Final = """\
PostgreSQL {version} is ready.
  DSN   {dsn}
  data  {data}
  log   {log}
  stop  Ctrl-C, or: kill {pid}"""


def add_parser(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add this command to others; *add* makes a parser for one."""
    parser = add("pg", help="run a PostgreSQL server of one's own", description="Run a PostgreSQL server of one's own.")
    commands = parser.add_subparsers(title="commands", dest="pg_command", required=True)
    start = commands.add_parser(
        "start",
        help="start a server on a folder",
        description=_START,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    start.add_argument("--data", metavar="DIR", type=folder, required=True, help="the server's folder; made if it does not exist")
    start.add_argument(
        "--port", metavar="N", type=_port, help="the port on 127.0.0.1; 0 for any that is free (default: that of the last start)"
    )
    start.add_argument(
        "--listen", choices=_LISTENING, default="tcp", help="where: TCP on 127.0.0.1, a Unix socket in DIR, both (default: tcp)"
    )
    start.add_argument(
        "--bin", metavar="DIR", type=folder, help="the folder of the programs `postgres` and `initdb` (default: EVENTCORE_POSTGRES_BIN)"
    )
    start.add_argument("--json", action="store_true", help="say what is started as one line of JSON")
    start.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run a server as *options* say, until a signal; return the exit code."""
    # Only this command needs it, and there is no fcntl on Windows.
    from eventcore.local_postgres import LocalPostgres, Settings  # noqa: PLC0415

    # SIGTERM as Ctrl-C: an exception that unwinds, wherever the start is.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        settings = Settings(port=options.port, listen=options.listen, binaries=options.bin)
        with LocalPostgres.start(options.data, settings) as server:
            _show(server, as_json=options.json)
            server.wait()
    except KeyboardInterrupt:
        return OK
    except EventCoreError as error:
        remark(str(error))
        return FAILED
    remark(f"the server ended by itself; see {str(server.cluster.log)!r}")
    return FAILED


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is no port; expected 0 to 65535")
    return int(text)


def _show(server: LocalPostgres, *, as_json: bool) -> None:
    facts = {
        "dsn": server.dsn,
        "version": server.version,
        "port": server.port,
        "pid": os.getpid(),
        "data": str(server.cluster.folder),
        "log": str(server.cluster.log),
    }
    show(json.dumps(facts) if as_json else _READY.format(**facts))
