"""Every program that the page of examples names runs, twice on one file, and every example is on the page."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, read

PAGE = read(ROOT / "docs" / "examples.md")
COMMANDS = [step.command for step in PAGE.steps]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_program_runs_and_goes_on_with_its_file(command: str, tmp_path: Path) -> None:
    _, *arguments = shlex.split(command)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "examples")))}

    for _ in range(2):
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout


def test_every_example_is_on_the_page() -> None:
    examples = {path.parent.name for path in (ROOT / "examples").glob("*/__main__.py")}

    assert {shlex.split(command)[2] for command in COMMANDS} == examples
    assert {f"../examples/{name}" for name in examples} <= set(PAGE.links)
