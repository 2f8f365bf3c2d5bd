"""`eventcore streams`: which streams a store has."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from eventcore.cli.options import LOOK_CODES, TIMES, add_json, add_limit, add_range, add_streams, add_types, add_url


def add_parser(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add this command to others; *add* makes a parser for one."""
    parser = add(
        "streams",
        help="list the streams of a store",
        description="List the streams of the store at URL in the order of their ids, each with its version, which is how many events it has,\n"
        "and its newest event. A range is compared with that newest event. The store is only read.",
        epilog=f"{TIMES}\n\n{LOOK_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_url(parser)
    add_streams(parser)
    add_types(parser, "streams that have an event")
    add_range(parser)
    add_limit(parser, 100, "at most N streams, 0 for all")
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """List as *options* say; return the exit code."""
    from eventcore.cli.look import opening, streams  # noqa: PLC0415  # only now: it takes long

    return opening.finish(streams.run(options))
