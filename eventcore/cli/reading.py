"""What `eventcore map` and `eventcore who` have in common: their PATHs, and the faults in them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from eventcore.cli.options import source
from eventcore.cli.output import remark

if TYPE_CHECKING:
    from eventcore_codegen.atlas import Reading

OK: Final = 0
FAULTY: Final = 2

EXIT_CODES: Final = """\
exit codes:
  0  here it is (warnings are printed to the standard error)
  2  {faulty}; what is sound is shown all the same
"""

_MISSING_EXTRA: Final = """\
eventcore: reading the source needs {name}, which is not installed.
help: install the extra: pip install 'eventcore-py[codegen]'"""


def add_paths(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="*",
        type=source,
        help="a file, or a folder that is searched with all folders in it (default: `sources` in [tool.eventcore] of pyproject.toml)",
    )
    parser.add_argument("--no-cache", action="store_true", help="remember nothing, and use nothing that was remembered")


def add_format(parser: argparse.ArgumentParser, formats: Iterable[str]) -> None:
    parser.add_argument("--format", choices=tuple(formats), default="text", help="how to show it (default: text)")


def read(options: argparse.Namespace) -> Reading | None:
    """Return what is read as *options* say; None where reading cannot begin, once that was told."""
    try:
        return _read(options)
    except ModuleNotFoundError as error:
        _tell_missing_extra(error)
        return None


def _read(options: argparse.Namespace) -> Reading | None:
    from eventcore_codegen.atlas import CannotBegin, read_project  # noqa: PLC0415  # an optional extra

    try:
        return read_project(options.paths, base=Path.cwd(), cached=not options.no_cache)
    except CannotBegin as error:
        remark(str(error))
        return None


def _tell_missing_extra(error: ModuleNotFoundError) -> None:
    """Say which extra to install; raise *error* again where it is about something else."""
    if error.name is None or error.name.partition(".")[0] not in ("libcst", "jinja2"):
        raise error
    print(_MISSING_EXTRA.format(name=error.name), file=sys.stderr)  # noqa: T201


def report(reading: Reading) -> int:
    """Print the faults that were found on the way; return the exit code."""
    for diagnostic in reading.diagnostics:
        print(diagnostic, file=sys.stderr)  # noqa: T201
    errors = sum(diagnostic.is_error for diagnostic in reading.diagnostics)
    if errors:
        remark(f"{errors} {'error' if errors == 1 else 'errors'}; what they keep unread is left out")
    return FAULTY if errors else OK
