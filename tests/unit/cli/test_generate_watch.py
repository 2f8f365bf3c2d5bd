"""`eventcore generate --watch`, in a process of its own as its user has it."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from eventcore.cli import main
from eventcore_codegen.watch import _SETTLED

ROOT = Path(__file__).resolve().parents[3]

STATE = """
from eventcore import event, state

@event
class Added:
    pass

@state
class Cart:
    def apply(self, event: Added) -> "Cart":
        return self
"""


class Watching:
    """A running `eventcore generate --watch`, and the lines that it prints."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "codegen")])}
        command = [sys.executable, "-m", "eventcore", "generate", "--watch", *arguments]
        self.process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))

    def line(self) -> str:
        """Return the next line without its time."""
        stamp, _, rest = self._lines.get(timeout=20).partition(" ")
        time.strptime(stamp, "%H:%M:%S")
        return rest

    def is_quiet(self, seconds: float) -> bool:
        try:
            self._lines.get(timeout=seconds)
        except queue.Empty:
            return True
        return False

    def stop(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=20)
        return self.process.returncode, self.process.stderr.read()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "cart.py").write_text(STATE)
    return tmp_path


@pytest.fixture
def watching(project: Path) -> Iterator[Watching]:
    started = Watching(project, ".")
    try:
        assert started.line() == "eventcore: 1 generated"
        yield started
    finally:
        started.process.kill()
        started.process.wait()
        started.process.stdout.close()
        started.process.stderr.close()


def test_a_save_is_answered_with_one_line_and_fresh_code(project, watching):
    (project / "cart.py").write_text(STATE.replace("@event\n", "@event('cart.added')\n"))
    assert watching.line() == "eventcore: 1 generated"
    assert "cart.added" in (project / "cart_streams.py").read_text()
    assert watching.is_quiet(0.8)  # what it wrote itself is no save


def test_code_that_is_no_python_yet_is_survived(project, watching):
    (project / "cart.py").write_text(STATE[:60] + "(")
    assert watching.line().startswith("eventcore: 1 error; cart.py:")
    assert (project / "cart_streams.py").exists()
    (project / "cart.py").write_text(STATE)
    assert watching.line() == "eventcore: 1 unchanged"


def test_many_saves_at_once_are_one_round(project, watching):
    pauses = [time.monotonic()]
    for number in range(20):
        (project / f"cart_{number}.py").write_text(STATE.replace("@event", f"@event('{number}')"))
        pauses.append(time.monotonic())
    said = [watching.line()]
    while not watching.is_quiet(0.8):
        said.append("more")
    if max(after - before for before, after in pairwise(pauses)) < _SETTLED / 2:  # who pauses between two saves may be done
        assert len(said) <= 2
    assert len(list(project.glob("cart_*_streams.py"))) == 20


def test_a_file_that_is_written_piece_by_piece_ends_up_generated(project, watching):
    text = STATE.replace("@event\n", "@event('slow')\n")
    with (project / "cart.py").open("w") as file:
        for character in text:
            file.write(character)
            file.flush()
            time.sleep(0.002)
    deadline = time.monotonic() + 20
    while "slow" not in (project / "cart_streams.py").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_generated_code_that_is_deleted_or_edited_comes_back(project, watching):
    (project / "cart_streams.py").unlink()
    assert watching.line() == "eventcore: 1 generated"
    with (project / "cart_streams.py").open("a") as file:
        file.write("# mine\n")
    assert watching.line() == "eventcore: 1 generated"
    assert "# mine" not in (project / "cart_streams.py").read_text()


def test_settings_are_read_again(project, watching):
    (project / "pyproject.toml").write_text("[tool.eventcore]\nsorces = []\n")
    assert "has no key 'sorces'" in watching.line()
    (project / "pyproject.toml").write_text("[tool.eventcore]\n")
    assert watching.line() == "eventcore: 1 unchanged"


def test_ctrl_c_ends_it_cleanly(watching):
    assert watching.stop() == (0, "")


def test_it_prints_lines_and_no_document(project, capsys, monkeypatch):
    monkeypatch.chdir(project)
    assert main(["generate", "--watch", "--json", "."]) == 2
    assert "leave one of them out" in capsys.readouterr().err
