"""Options that the commands which look at a store have in common."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from eventcore.cli.parser import holds_url

ENVIRONMENT: Final = "EVENTCORE_URL"

_URL: Final = (
    "sqlite:///FILE (sqlite:////FILE for an absolute path), the path of an SQLite file, or postgresql://USER@HOST/DATABASE?schema=SCHEMA "
    f"(default: ${ENVIRONMENT})"
)

TIMES: Final = """\
A TIME is ISO 8601 (2026-11-24, 2026-11-24T16:00+01:00; UTC where it names no zone), or how long ago: 90s, 15m, 2h, 1d12h, 2w.
Clocks of several machines differ: where a thousand events in a row lie beyond a TIME, those behind them are not looked at.
A POSITION is what these commands print."""

LOOK_CODES: Final = """\
exit codes:
  0    here it is, be it nothing
  2    there is no such store, it cannot be read, or it needs `eventcore migrate`
  130  interrupted with Ctrl-C"""


def add_url(parser: argparse.ArgumentParser) -> None:
    """Add where the store is."""
    parser.add_argument("url", metavar="URL", nargs="?", help=_URL)
    add_schema(parser)


def add_url_option(parser: argparse.ArgumentParser) -> None:
    """Add where the store is, for a command whose argument is something else."""
    parser.add_argument("--url", metavar="URL", help=_URL)
    add_schema(parser)


def add_schema(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--schema", metavar="NAME", help="the schema of a PostgreSQL store (default: eventcore)")


def add_streams(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--prefix", metavar="TEXT", action="append", help="streams whose id begins with TEXT; may be given again")
    parser.add_argument(
        "--match", metavar="GLOB", action="append", help="streams whose whole id fits GLOB, with * ? [a-z] [!a-z]; may be given again"
    )


def add_types(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--type", metavar="TYPE", action="append", dest="types", help=f"{what} of this type; may be given again")


def add_range(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", metavar="TIME", help="recorded at TIME or later")
    parser.add_argument("--until", metavar="TIME", help="recorded before TIME")
    parser.add_argument("--after", metavar="POSITION", help="behind POSITION in the global order")
    parser.add_argument("--before", metavar="POSITION", help="before POSITION in the global order")


def add_limit(parser: argparse.ArgumentParser, default: int, what: str) -> None:
    parser.add_argument("-n", "--limit", metavar="N", type=count, default=default, help=f"{what} (default: {default})")


def add_json(parser: argparse.ArgumentParser, how: str = "one JSON object a line") -> None:
    parser.add_argument("--json", action="store_true", help=f"print {how}")


def source(text: str) -> Path:
    """Read where source files are. For argparse."""
    return Path(declared(text))


def declared(text: str) -> str:
    """Read a name that the source declares. For argparse."""
    if holds_url(text):
        raise argparse.ArgumentTypeError(f"{text!r} is where a store is, and this command reads Python files")
    return text


def folder(text: str) -> Path:
    """Read where files of a server are, or are to be. For argparse."""
    if holds_url(text):
        raise argparse.ArgumentTypeError(f"{text!r} is where a store is, and no folder")
    return Path(text)


def count(text: str) -> int:
    """Read a number of things. For argparse."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of things, such as 0 or 20")
    return int(text)
