from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

LAB = Path(__file__).with_name("process_lab.py")

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


@pytest.fixture
def start() -> Iterator[Start]:
    """Start process_lab.py with these arguments; whatever still runs at the end of the test is killed, with what it forked."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: Any) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(LAB), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def hear(process: subprocess.Popen[str], line: str) -> None:
    """Wait for *line* of *process*."""
    assert process.stdout is not None
    assert process.stdout.readline() == f"{line}\n"


def tell(process: subprocess.Popen[str]) -> None:
    """Let *process* go on, which waits for a line."""
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def finish(process: subprocess.Popen[str], timeout: float = 60) -> None:
    """Wait for the end of *process*, which must be a good one."""
    _, errors = process.communicate(timeout=timeout)
    assert process.returncode == 0, errors
