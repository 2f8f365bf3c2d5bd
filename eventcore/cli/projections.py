"""`eventcore projections`: how far projections are, and what they are told."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Final

from eventcore.cli.options import add_json, add_url_option

_EXIT_CODES: Final = """\
exit codes:
  0    done
  1    lag: one is behind, paused or stopped
  2    there is no such store or projection, or it cannot be read; rebuild --wait: what was built is stopped or paused
  130  interrupted with Ctrl-C"""

_ACTIONS: Final = (
    ("list", "list the projections of a store", False),
    (
        "status",
        "show all that is known of them: who leads, where they stopped and why, how many events they parked, what is being built",
        False,
    ),
    ("lag", "show how far behind the newest event each of them is", False),
    ("parked", "show the events that they could not handle and went on without, each with its error", False),
    ("pause", "let a projection stop after the batch that it is at", True),
    ("resume", "let a projection go on that was paused, or stopped by an event that it could not handle", True),
    ("retry-parked", "let the runner handle the parked events of a projection once more", True),
    ("end-inline", "let an inline projection be kept by a runner; processes that keep it inline cannot append any more", True),
    ("rebuild", "let the runner build a read model anew, beside the old one, and swap them when it has caught up", True),
)


def add_parser(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add this command to others; *add* makes a parser for one."""
    parser = add(
        "projections",
        help="show how far projections are; pause, resume and rebuild them",
        description="Show how far the projections of a store are, and tell their runners what to do. A runner does it at its next look\n"
        "(poll_interval), or when it is started.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", dest="action", required=True, metavar="ACTION")
    for name, text, named in _ACTIONS:
        action = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        action.add_argument(
            "name", metavar="NAME", nargs=None if named else "?", help="the projection" + ("" if named else " (default: all)")
        )
        add_url_option(action)
        if name == "rebuild":
            action.add_argument("--wait", action="store_true", help="show the progress until the new read model is live")
        if not named:
            add_json(action)
        action.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Do as *options* say; return the exit code."""
    from eventcore.cli.look import opening, projections  # noqa: PLC0415  # only now: it takes long

    return opening.finish(projections.run(options))
