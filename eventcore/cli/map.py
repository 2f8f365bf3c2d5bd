"""`eventcore map`: all commands with their streams, all states with their commands, and which commands can conflict."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from eventcore.cli.output import show
from eventcore.cli.reading import EXIT_CODES, FAULTY, add_format, add_paths, read, report

if TYPE_CHECKING:
    from eventcore_codegen.atlas import Atlas

FORMATS: Final = ("text", "mermaid", "json")


def add_parser(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add this command to others; *add* makes a parser for one."""
    parser = add(
        "map",
        help="show which commands read and write what, and which of them can conflict",
        description="Read the Python files at and below PATH, and show every command with its streams, every state with its events and commands, "
        "and which commands can conflict on which kind of stream. None of your files is written or imported.",
        epilog=EXIT_CODES.format(faulty="errors in the source, or files that cannot be read"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_paths(parser)
    add_format(parser, FORMATS)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Show the map as *options* say; return the exit code."""
    reading = read(options)
    if reading is None:
        return FAULTY
    code = report(reading)
    show(_rendered(reading.atlas, options.format))
    return code


def _rendered(atlas: Atlas, format: str) -> str:
    from eventcore_codegen.atlas import map_data, map_mermaid, map_text  # noqa: PLC0415  # an optional extra

    match format:
        case "mermaid":
            return map_mermaid(atlas)
        case "json":
            return json.dumps(map_data(atlas), indent=2)
        case _:
            return map_text(atlas)
