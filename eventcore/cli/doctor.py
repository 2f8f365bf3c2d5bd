"""`eventcore doctor`: what is wrong with a store, and what to do."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Final

from eventcore.cli.options import add_json, add_url

_EXIT_CODES: Final = """\
exit codes:
  0    nothing is wrong
  1    warnings
  2    errors, or there is a part that could not be looked at
  130  interrupted with Ctrl-C"""


def add_parser(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add this command to others; *add* makes a parser for one."""
    parser = add(
        "doctor",
        help="look for what is wrong with a store",
        description="Look at the store at URL, and at the server or the file that it is in: say what is wrong, what it means, and what to do.\n"
        "Nothing is changed. An SQLite file is read as a whole; in PostgreSQL, tables that are large are estimated.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_url(parser)
    add_json(parser, "one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Examine as *options* say; return the exit code."""
    from eventcore.cli.look import doctor, opening  # noqa: PLC0415  # only now: it takes long

    return opening.finish(doctor.run(options))
