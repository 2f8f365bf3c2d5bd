"""`eventcore tail`: what happens."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from eventcore.cli.options import LOOK_CODES, add_json, add_limit, add_streams, add_types, add_url


def add_parser(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add this command to others; *add* makes a parser for one."""
    parser = add(
        "tail",
        help="follow the events of a store",
        description="Show the newest events of the store at URL that are selected, and go on with those that follow, until Ctrl-C.\n"
        "A server that is restarted is waited for; no event is left out. The store is only read.",
        epilog=LOOK_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_url(parser)
    add_streams(parser)
    add_types(parser, "events")
    parser.add_argument("--after", metavar="POSITION", help="begin behind POSITION instead of with the newest")
    add_limit(parser, 10, "begin with the newest N events")
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Follow as *options* say; return the exit code."""
    from eventcore.cli.look import opening, tail  # noqa: PLC0415  # only now: it takes long

    return opening.finish(tail.run(options))
