"""Take each guard against a known bug away, in a copy of the checkout, and see that the test of that name fails.

``python -m tests.mutants`` runs all of them, ``python -m tests.mutants two_appends`` those whose name holds the text. Each suite is run once as it is, and has to
pass; then once for each of its mutants. Exits 1 where a mutant survives, does not apply, or a suite fails without any.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from xml.etree import ElementTree as ET

import attrs

from tests.mutants.table import ROOT, DoesNotApply, Mutant, Suite, load

COPIED = ("eventcore", "codegen", "templates", "tests", "examples", "pyproject.toml")
AT_A_TIME = min(2, os.cpu_count() or 1)
SECONDS_FOR_A_SUITE = 240
SHOWN = 6


@attrs.frozen
class Outcome:
    """What the tests said. *failed* are the names of those that failed; *trouble* is said where they could not be run."""

    failed: tuple[str, ...]
    seconds: float
    trouble: str | None = None


class NotRun(Exception):
    """The tests of a suite could not be run to their end."""


def main(wanted: Sequence[str]) -> int:
    mutants = [mutant for mutant in load() if not wanted or any(text in mutant.name for text in wanted)]
    if not mutants:
        print(f"no mutant's name holds {' or '.join(wanted)}")
        return 1
    begun = time.monotonic()
    sound = run_all([(suite, None) for suite in dict.fromkeys(mutant.suite for mutant in mutants)])
    faulty = [suite for suite, _, outcome in sound if not report_suite(suite, outcome)]
    if faulty:
        return 1
    tried = run_all([(mutant.suite, mutant) for mutant in mutants])
    caught = [report(mutant, outcome) for _, mutant, outcome in tried if mutant is not None]
    print(f"\n{sum(caught)} of {len(caught)} mutants were caught by the test of their name, in {time.monotonic() - begun:.0f} s")
    return 0 if all(caught) else 1


def run_all(jobs: Sequence[tuple[Suite, Mutant | None]]) -> Iterator[tuple[Suite, Mutant | None, Outcome]]:
    """Run the jobs, some at a time; yield each with its outcome, in their order, as soon as it is known."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for (suite, mutant), outcome in zip(jobs, pool.map(lambda job: run(*job), jobs), strict=True):
            yield suite, mutant, outcome


def run(suite: Suite, mutant: Mutant | None) -> Outcome:
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="eventcore-mutant-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        copy_checkout(root)
        try:
            if mutant is not None:
                mutant.apply(root)
            failed = run_tests(root, suite)
        except (DoesNotApply, NotRun) as error:
            return Outcome((), time.monotonic() - begun, str(error))
    return Outcome(tuple(failed), time.monotonic() - begun)


def copy_checkout(root: Path) -> None:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__", "*.db", "*.db-*"))
        elif source.exists():
            shutil.copy2(source, root / name)


def run_tests(root: Path, suite: Suite) -> list[str]:
    """Return the names of the tests that failed. Raises `NotRun`."""
    report_file = root / "report.xml"
    options = ["-q", "-p", "no:cacheprovider", f"--basetemp={root / 'tmp'}", "--timeout", str(suite.seconds), f"--junit-xml={report_file}"]
    path = os.pathsep.join(str(root / part) for part in ("", "codegen", "examples"))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    tests = subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, *suite.tests],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = tests.communicate(timeout=SECONDS_FOR_A_SUITE)
    except subprocess.TimeoutExpired as error:
        # Let the fixtures clean up first: a process of a test may have made a group of its own.
        tests.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            tests.communicate(timeout=10)
        raise NotRun(f"the tests did not end within {SECONDS_FOR_A_SUITE} seconds") from error
    finally:
        # A test that failed may have left processes of its own: they are of this group.
        with suppress(ProcessLookupError):
            os.killpg(tests.pid, signal.SIGKILL)
        tests.wait()
    if tests.returncode not in {0, 1}:
        raise NotRun(f"pytest could not run the tests:\n{output[-2000:]}")
    return failed_tests(report_file)


def failed_tests(report_file: Path) -> list[str]:
    cases = ET.parse(report_file).iter("testcase")  # noqa: S314  # written by our own pytest
    names = [case.get("name", "") for case in cases if case.find("failure") is not None or case.find("error") is not None]
    return list(dict.fromkeys(names))


def report_suite(suite: Suite, outcome: Outcome) -> bool:
    sound = not outcome.failed and outcome.trouble is None
    print(f"{'passes ' if sound else 'FAILS  '} {outcome.seconds:5.1f} s  {' '.join(suite.tests)}, as it is", flush=True)
    if not sound:
        print(f"         {outcome.trouble or ', '.join(outcome.failed)}")
    return sound


def report(mutant: Mutant, outcome: Outcome) -> bool:
    killed = any(map(mutant.is_caught, outcome.failed))
    word = "caught  " if killed else "BROKEN  " if outcome.trouble else "SURVIVES"
    print(f"{word} {outcome.seconds:5.1f} s  {mutant.name}", flush=True)
    others = [name for name in outcome.failed if not mutant.is_caught(name)]
    if others:
        more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
        print(f"                   also failed: {', '.join(others[:SHOWN])}{more}", flush=True)
    if outcome.trouble:
        print(f"                   {outcome.trouble}", flush=True)
    return killed


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
