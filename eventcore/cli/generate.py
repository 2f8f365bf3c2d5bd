"""`eventcore generate`: the one place where the runtime reaches the generator."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from eventcore_codegen.pipeline import Outcome

OK: Final = 0
STALE: Final = 1
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
    parser.add_argument("paths", metavar="PATH", nargs="+", type=Path, help="a file, or a folder that is searched with all folders in it")
    parser.add_argument("--check", action="store_true", help="write nothing; show what would change, and exit with 1 if anything would")
    parser.add_argument("--strict", action="store_true", help="treat warnings as errors")
    parser.add_argument("--no-cache", action="store_true", help="remember nothing, and use nothing that was remembered")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Generate as *options* say; return the exit code."""
    try:
        outcome = _generate(options)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("libcst", "jinja2"):
            raise
        print(_MISSING_EXTRA.format(name=error.name), file=sys.stderr)  # noqa: T201
        return FAULTY
    _report(outcome, options)
    return _exit_code(outcome, options)


def _generate(options: argparse.Namespace) -> Outcome:
    from eventcore_codegen.pipeline import generate, open_cache  # noqa: PLC0415  # an optional extra

    base = Path.cwd()
    return generate(options.paths, base=base, write=not options.check, cache=None if options.no_cache else open_cache(base))


def _exit_code(outcome: Outcome, options: argparse.Namespace) -> int:
    if outcome.errors or (options.strict and outcome.warnings):
        return FAULTY
    return STALE if options.check and outcome.stale else OK


def _report(outcome: Outcome, options: argparse.Namespace) -> None:
    for diagnostic in outcome.diagnostics:
        print(diagnostic, file=sys.stderr)  # noqa: T201
    if options.check:
        for stale in outcome.stale:
            print(f"{stale.path}: {stale.kind}\n{stale.diff}", end="")  # noqa: T201
        if outcome.stale:
            print(f"help: run `eventcore generate {' '.join(map(str, options.paths))}`", file=sys.stderr)  # noqa: T201
    print(f"eventcore: {_summary(outcome, check=options.check)}")  # noqa: T201


def _summary(outcome: Outcome, *, check: bool) -> str:
    counts = (
        (len(outcome.stale) if check else 0, "stale"),
        (outcome.written, "generated"),
        (outcome.removed, "removed"),
        (outcome.unchanged, "unchanged"),
        (outcome.skipped, "skipped"),
        (outcome.errors, "error" if outcome.errors == 1 else "errors"),
        (outcome.warnings, "warning" if outcome.warnings == 1 else "warnings"),
    )
    return ", ".join(f"{count} {what}" for count, what in counts if count) or "nothing to do"
