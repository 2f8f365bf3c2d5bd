"""`eventcore who`: which commands read, write and discover a state, a category, a stream or an event."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from eventcore.cli.options import declared
from eventcore.cli.output import show
from eventcore.cli.reading import EXIT_CODES, FAULTY, add_format, add_paths, read, report

if TYPE_CHECKING:
    from eventcore_codegen.atlas import Atlas, Subject, Unknown

FORMATS: Final = ("text", "mermaid", "json")

_DESCRIPTION: Final = """\
Show which commands read, write or discover what is called NAME:

  Product        a state, by its class (shop.products.Product where there are more)
  product        a category, which is what ids of its streams begin with
  product-7      a stream, by its category
  StockReserved  an event, by its class or by the name it is stored under

The Python files at and below PATH are read; none of them is imported."""


def add_parser(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add this command to others; *add* makes a parser for one."""
    parser = add(
        "who",
        help="show which commands read and write a state, a stream or an event",
        description=_DESCRIPTION,
        epilog=EXIT_CODES.format(faulty="no such name, errors in the source, or files that cannot be read"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME", type=declared, help="a state, a category, a stream's id or an event")
    add_paths(parser)
    add_format(parser, FORMATS)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Answer as *options* say; return the exit code."""
    reading = read(options)
    if reading is None:
        return FAULTY
    from eventcore_codegen.atlas import Unknown, find  # noqa: PLC0415  # an optional extra

    code = report(reading)
    found = find(options.name, reading.atlas)
    if isinstance(found, Unknown):
        print(_unknown(found), file=sys.stderr)  # noqa: T201
        return FAULTY
    show(_rendered(options, found, reading.atlas))
    return code


def _rendered(options: argparse.Namespace, found: tuple[Subject, ...], atlas: Atlas) -> str:
    from eventcore_codegen.atlas import answer_data, answer_mermaid, answer_text  # noqa: PLC0415  # an optional extra

    match options.format:
        case "mermaid":
            return answer_mermaid(found, atlas)
        case "json":
            return json.dumps(answer_data(options.name, found, atlas), indent=2)
        case _:
            return answer_text(found)


def _unknown(unknown: Unknown) -> str:
    if unknown.is_command:
        return (
            f"eventcore: {unknown.name!r} is a command, not a state, a category, a stream or an event\n"
            "help: `eventcore map` shows what a command reads and writes"
        )
    close = " or ".join(f"{name!r} ({kind})" for name, kind in unknown.close)
    helped = f"did you mean {close}?" if close else "`eventcore map` lists all states, categories and events"
    return f"eventcore: no state, category, stream or event is called {unknown.name!r}\nhelp: {helped}"
