"""`eventcore events`: what happened."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from eventcore.cli.options import LOOK_CODES, TIMES, add_json, add_limit, add_range, add_streams, add_types, add_url


def add_parser(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add this command to others; *add* makes a parser for one."""
    parser = add(
        "events",
        help="show events of a store",
        description="Show the newest events of the store at URL that are selected, in the order in which they were committed.\n"
        "The store is only read.",
        epilog=f"{TIMES}\n\n{LOOK_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_url(parser)
    add_streams(parser)
    add_types(parser, "events")
    add_range(parser)
    add_limit(parser, 20, "the newest N events, 0 for all")
    parser.add_argument("--oldest", action="store_true", help="the oldest N instead of the newest")
    parser.add_argument("--reverse", action="store_true", help="print the newest first")
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Show as *options* say; return the exit code."""
    from eventcore.cli.look import events, opening  # noqa: PLC0415  # only now: it takes long

    return opening.finish(events.run(options))
