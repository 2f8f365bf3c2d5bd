"""Take each guard against a known bug away, in a copy of the checkout, and see that the test of that name fails.

``python -m tests.mutants`` runs all of them, ``python -m tests.mutants two_appends`` those whose name holds the text. Each suite is run once as it is, and has to
pass; then once for each of its mutants. Exits 1 where a mutant survives, does not apply, or a suite fails without any.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import attrs

from tests.mutants.table import ROOT, DoesNotApply, Mutant, load

COPIED = ("eventcore", "codegen", "templates", "tests", "examples", "pyproject.toml")
AT_A_TIME = min(2, os.cpu_count() or 1)
SECONDS_FOR_A_TEST = 20
SECONDS_FOR_A_SUITE = 240
SHOWN = 6


@attrs.frozen
class Outcome:
    """What the tests said. *failed* are the names of those that failed; *trouble* is said where they could not be run."""

    failed: tuple[str, ...]
    seconds: float
    trouble: str | None = None


def main(wanted: Sequence[str]) -> int:
    mutants = [mutant for mutant in load() if not wanted or any(text in mutant.name for text in wanted)]
    if not mutants:
        print(f"no mutant's name holds {' or '.join(wanted)}")
        return 1
    begun = time.monotonic()
    sound = run_all((suite, None) for suite in dict.fromkeys(mutant.tests for mutant in mutants))
    healthy = [report_suite(suite, outcome) for (suite, _), outcome in sound]
    if not all(healthy):
        return 1
    killed = [report(mutant, outcome) for (_, mutant), outcome in run_all((mutant.tests, mutant) for mutant in mutants) if mutant]
    print(f"\n{sum(killed)} of {len(killed)} mutants were caught by the test of their name, in {time.monotonic() - begun:.0f} s")
    return 0 if all(killed) else 1


def run_all(jobs: Iterable[tuple[tuple[str, ...], Mutant | None]]) -> Iterable[tuple[tuple[tuple[str, ...], Mutant | None], Outcome]]:
    """Run the jobs, some at a time; yield each with its outcome, in their order, as soon as it is known."""
    listed = list(jobs)
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        yield from zip(listed, pool.map(lambda job: run(*job), listed), strict=True)


def run(tests: Sequence[str], mutant: Mutant | None) -> Outcome:
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="eventcore-mutant-") as folder:
        root = Path(folder)
        copy_checkout(root)
        try:
            if mutant is not None:
                mutant.apply(root)
            failed = run_tests(root, tests)
        except (DoesNotApply, RuntimeError) as error:
            return Outcome((), time.monotonic() - begun, str(error))
    return Outcome(tuple(failed), time.monotonic() - begun)


def copy_checkout(root: Path) -> None:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__", "*.db", "*.db-*"))
        elif source.exists():
            shutil.copy2(source, root / name)


def run_tests(root: Path, tests: Sequence[str]) -> list[str]:
    """Return the names of the tests that failed. Raises `RuntimeError` where they could not be run."""
    report_file = root / "report.xml"
    options = ["-q", "-p", "no:cacheprovider", "--timeout", str(SECONDS_FOR_A_TEST), f"--junit-xml={report_file}"]
    path = os.pathsep.join(str(root / part) for part in ("", "codegen", "examples"))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *tests],
            cwd=root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=SECONDS_FOR_A_SUITE,
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"the tests did not end within {SECONDS_FOR_A_SUITE} seconds") from error
    if done.returncode not in {0, 1}:
        raise RuntimeError(f"pytest could not run the tests:\n{done.stdout[-2000:]}")
    return failed_tests(report_file)


def failed_tests(report_file: Path) -> list[str]:
    cases = ElementTree.parse(report_file).iter("testcase")  # noqa: S314  # written by our own pytest
    names = [case.get("name", "").partition("[")[0] for case in cases if case.find("failure") is not None or case.find("error") is not None]
    return list(dict.fromkeys(names))


def report_suite(tests: Sequence[str], outcome: Outcome) -> bool:
    sound = not outcome.failed and outcome.trouble is None
    print(f"{'passes ' if sound else 'FAILS  '} {outcome.seconds:5.1f} s  {' '.join(tests)}, as it is", flush=True)
    if not sound:
        print(f"         {outcome.trouble or ', '.join(outcome.failed)}")
    return sound


def report(mutant: Mutant, outcome: Outcome) -> bool:
    own = f"test_{mutant.bug}"
    killed = own in outcome.failed
    word = "caught  " if killed else "BROKEN  " if outcome.trouble else "SURVIVES"
    print(f"{word} {outcome.seconds:5.1f} s  {mutant.name}", flush=True)
    others = [name for name in outcome.failed if name != own]
    if others:
        more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
        print(f"                   also failed: {', '.join(others[:SHOWN])}{more}", flush=True)
    if outcome.trouble:
        print(f"                   {outcome.trouble}", flush=True)
    return killed


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
