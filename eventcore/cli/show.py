"""`eventcore show`: one stream, or one event, in full."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from eventcore.cli.options import LOOK_CODES, add_json, add_limit, add_url_option, count


def add_parser(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add this command to others; *add* makes a parser for one."""
    parser = add(
        "show",
        help="show a stream or an event in full",
        description="Show the events of a stream, or the event of an id, with all data and metadata. The store is only read.\n"
        "An event's id is found through an index in PostgreSQL; in an SQLite file all events are looked through.",
        epilog=f"{LOOK_CODES}\n     (2 also where there is no such stream, version or event)",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", metavar="STREAM|EVENT", help="the id of a stream, or that of an event (a UUID)")
    add_url_option(parser)
    parser.add_argument("--version", metavar="N", type=count, help="only the event of the stream at version N, the first being 1")
    add_limit(parser, 20, "the newest N events of the stream, 0 for all")
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Show as *options* say; return the exit code."""
    from eventcore.cli.look import opening, show  # noqa: PLC0415  # only now: it takes long

    return opening.finish(show.run(options))
