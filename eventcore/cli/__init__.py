"""The command `eventcore`."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

import eventcore
from eventcore.cli import doctor, events, generate, migrate, pg, projections, show, streams, tail, who
from eventcore.cli import map as map_
from eventcore.cli.exits import FAILED, INTERRUPTED, OK
from eventcore.cli.output import CannotPrint, Unread, is_closed, put, remark
from eventcore.cli.parser import parser_for

_OBJECTS_BEFORE_COLLECTING: Final = 50_000
"""Most of what a short run makes is modules, which stay: to look through them every 700 objects would be a tenth of it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `eventcore` with *arguments*, the process's own if None; return its exit code."""
    if arguments is None:
        gc.set_threshold(_OBJECTS_BEFORE_COLLECTING)
    code = _run(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:
        gc.freeze()  # the process ends: to look through all that it holds once more would be a tenth of a short run
    return code


def _run(given: Sequence[str]) -> int:
    if is_closed():
        return _failed("there is no standard output to print to: it is closed")
    try:
        options = _parser(given).parse_args(given)
        code: int = options.run(options)
    except KeyboardInterrupt:
        remark("interrupted")
        return INTERRUPTED
    except Unread:
        return OK
    except CannotPrint as error:
        return _failed(str(error))
    return code


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    parser = parser_for(given, prog="eventcore", description="Event sourcing with typed, generated streams.")
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version of eventcore and exit")
    commands = parser.add_subparsers(title="commands", dest="command", required=True)
    generate.add_parser(commands.add_parser)
    map_.add_parser(commands.add_parser)
    who.add_parser(commands.add_parser)
    migrate.add_parser(commands.add_parser)
    doctor.add_parser(commands.add_parser)
    streams.add_parser(commands.add_parser)
    events.add_parser(commands.add_parser)
    tail.add_parser(commands.add_parser)
    show.add_parser(commands.add_parser)
    projections.add_parser(commands.add_parser)
    pg.add_parser(commands.add_parser)
    return parser


class _Version(argparse.Action):
    """Print the version. It is looked up only now: that takes longer than all else of a command line."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        put(f"eventcore {eventcore.__version__}")
        parser.exit()


def _failed(problem: str) -> int:
    remark(problem)
    return FAILED
