"""`eventcore generate`, once its arguments are read: what is generated from where, what is printed, and how it ends."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeAlias, final

import attrs

from eventcore_codegen import report
from eventcore_codegen.config import CannotBegin, Config, find_config, settings
from eventcore_codegen.pipeline import Outcome, generate, open_cache
from eventcore_codegen.progress import TerminalProgress
from eventcore_codegen.report import Mode

OK: Final = 0
STALE: Final = 1
FAULTY: Final = 2

Put: TypeAlias = Callable[[str], None]
"""Prints lines of the output; it raises where that takes no more."""


@final
@attrs.frozen
class Request:
    """What the command line asks for. Without *paths*, the project's own sources are meant."""

    paths: tuple[Path, ...]
    mode: Mode
    strict: bool = False
    as_json: bool = False
    cached: bool = True

    @property
    def command(self) -> str:
        """The command that makes everything fresh that this one finds stale."""
        return shlex.join(["eventcore", "generate", *map(str, self.paths)])


def run(request: Request, put: Put) -> int:
    """Do what is asked for, *put* what was found, and return the exit code."""
    try:
        base = Path.cwd()
        config = settings(request.paths, base)
    except CannotBegin as error:
        if request.as_json:
            put(report.problem_document(str(error), request.mode, FAULTY))
        else:
            print(f"eventcore: {error}", file=sys.stderr)
        return FAULTY
    outcome = run_once(request, base, config)
    show(outcome, request, put)
    return exit_code(outcome, request)


def check_of(root: Path, base: Path) -> tuple[Request, Config]:
    """Return what checks the project in the folder *root*: its own sources, or all files in it if it names none. Raises CannotBegin."""
    config = find_config([root], base)
    paths = () if config.sources else (Path(os.path.relpath(root, base)),)
    return Request(paths, "check"), config


def run_once(request: Request, base: Path, config: Config) -> Outcome:
    """Generate, or compare, once."""
    progress = TerminalProgress(sys.stderr)
    try:
        return generate(
            sources_of(request, config),
            base=base,
            write=request.mode == "write",
            cache=open_cache(config.root) if request.cached else None,
            config=config,
            progress=progress,
        )
    finally:
        progress.end()


def sources_of(request: Request, config: Config) -> Sequence[Path]:
    return request.paths or config.sources


def exit_code(outcome: Outcome, request: Request) -> int:
    if outcome.errors or (request.strict and outcome.warnings):
        return FAULTY
    return STALE if request.mode == "check" and outcome.stale else OK


def show(outcome: Outcome, request: Request, put: Put) -> None:
    """Print faults to the standard error, and *put* all else; or one JSON document."""
    if request.as_json:
        put(report.document(outcome, request.mode, exit_code(outcome, request)))
        return
    for diagnostic in outcome.diagnostics:
        print(diagnostic, file=sys.stderr)
    if request.mode != "write" and outcome.stale:
        put(report.differences(outcome))
        print(f"help: run `{request.command}`", file=sys.stderr)
    put(f"eventcore: {report.summary(outcome, request.mode)}")
