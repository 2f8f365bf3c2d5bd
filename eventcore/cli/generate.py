"""`eventcore generate`: the one place where the runtime reaches the generator."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Final

from eventcore.cli.options import source
from eventcore.cli.output import put, remark, show

FAULTY: Final = 2

_MISSING_EXTRA: Final = """\
eventcore: generating needs {name}, which is not installed.
help: install the extra: pip install 'eventcore-py[codegen]'"""

_EPILOG: Final = """\
exit codes:
  0  everything is generated (warnings are printed, but change nothing without --strict)
  1  with --check: some generated files are missing, changed or no longer needed
  2  errors in the source, or files that cannot be read or written
"""


def add_parser(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add this command to others; *add* makes a parser for one."""
    parser = add(
        "generate",
        help="write the typed streams of commands beside their source",
        description="Read the Python files at and below PATH, and write beside each one that declares commands or states what belongs to them.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="*",
        type=source,
        help="a file, or a folder that is searched with all folders in it (default: `sources` in [tool.eventcore] of pyproject.toml)",
    )
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument("--check", action="store_true", help="write nothing; show what would change, and exit with 1 if anything would")
    modes.add_argument("--diff", action="store_true", help="write nothing; show what would change")
    modes.add_argument("--watch", action="store_true", help="generate now and after each change of a file, until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")
    parser.add_argument("--strict", action="store_true", help="treat warnings as errors")
    parser.add_argument("--no-cache", action="store_true", help="remember nothing, and use nothing that was remembered")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Generate as *options* say; return the exit code."""
    try:
        from eventcore_codegen import command  # noqa: PLC0415  # an optional extra

        request = command.Request(
            paths=tuple(options.paths),
            mode="check" if options.check else "diff" if options.diff else "write",
            strict=options.strict,
            as_json=options.json,
            cached=not options.no_cache,
        )
        if not options.watch:
            return command.run(request, show)
        if options.json:
            remark("--watch prints a line for each round, and --json one document: leave one of them out")
            return FAULTY
        from eventcore_codegen.watch import watch  # noqa: PLC0415  # an optional extra

        return watch(request, put)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("libcst", "jinja2"):
            raise
        print(_MISSING_EXTRA.format(name=error.name), file=sys.stderr)  # noqa: T201
        return FAULTY
