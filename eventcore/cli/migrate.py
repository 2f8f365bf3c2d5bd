"""`eventcore migrate`: make or bring up to date what a store needs."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Final

from eventcore.cli.options import add_url

_EXIT_CODES: Final = """\
exit codes:
  0  the store is up to date
  1  with --check: it is not there yet, or `eventcore migrate` would change it
  2  it cannot be migrated: another program's, newer than this eventcore, or out of reach"""


def add_parser(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add this command to others; *add* makes a parser for one."""
    parser = add(
        "migrate",
        help="make a store, or bring it up to date",
        description="Create what the store at URL needs, or bring it up to date, under a lock; nothing happens where it is.\n"
        "A program that opens its store with migrate=False leaves this to you.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_url(parser)
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if there is something to do")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Migrate as *options* say; return the exit code."""
    from eventcore.cli.look import migrate, opening  # noqa: PLC0415  # only now: it takes long

    return opening.finish(migrate.run(options))
