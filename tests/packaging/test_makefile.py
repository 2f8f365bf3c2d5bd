"""The first command of a newcomer, where there is no Python that is new enough."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.packaging.installation import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


@pytest.fixture
def old_python(tmp_path: Path) -> Path:
    """A Python that says of itself that it is too old."""
    python = tmp_path / "python3"
    python.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    python.chmod(0o755)
    return python


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the Makefile with an environment below *folder*; that of the checkout stays as it is."""
    command = ["make", "-C", str(ROOT), f"VENV={folder / 'venv'}", *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("target", ["demo", "test"])
def test_a_python_that_is_too_old_is_told_and_no_environment_is_made_with_it(tmp_path: Path, old_python: Path, target: str) -> None:
    done = make(tmp_path, f"PYTHON={old_python}", target)

    assert done.returncode != 0
    assert f"make: {old_python} is no Python 3.11 or newer; name another: make PYTHON=/path/to/python3" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_that_there_is_no_python_is_told(tmp_path: Path) -> None:
    done = make(tmp_path, "PYTHON=", "demo")

    assert done.returncode != 0
    assert "make: found no Python 3.11 or newer" in done.stderr
