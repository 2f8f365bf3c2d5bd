from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from eventcore.cli import main

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


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "cart.py").write_text(STATE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_generating_says_what_it_did_in_one_line(project, capsys):
    assert main(["generate", "."]) == 0
    assert capsys.readouterr() == ("eventcore: 1 generated\n", "")
    assert main(["generate", "cart.py"]) == 0
    assert capsys.readouterr() == ("eventcore: 1 unchanged\n", "")


def test_check_shows_the_difference_and_the_command_that_mends_it(project, capsys):
    assert main(["generate", "--check", "."]) == 1

    out, err = capsys.readouterr()

    assert "cart_streams.py: missing\n--- /dev/null\n+++ cart_streams.py\n" in out
    assert out.endswith("eventcore: 1 stale\n")
    assert err == "help: run `eventcore generate .`\n"
    assert not (project / "cart_streams.py").exists()


def test_check_is_content_with_what_generate_wrote(project, capsys):
    main(["generate", "."])

    assert main(["generate", "--check", "."]) == 0


def test_errors_are_printed_and_exit_with_2(project, capsys):
    (project / "cart.py").write_text(STATE.replace("event: Added", "event"))

    assert main(["generate", "."]) == 2

    out, err = capsys.readouterr()
    assert err.startswith("cart.py:10:21: EC106 error: ")
    assert out == "eventcore: 1 skipped, 1 error\n"


def test_warnings_matter_only_when_they_are_asked_to(project, capsys):
    (project / "other.py").write_text("from cart import *\n" + STATE.replace("@event\nclass Added:\n    pass\n", "").replace("Cart", "Box"))

    assert main(["generate", "."]) == 0
    assert "EC201 warning" in capsys.readouterr().err
    assert main(["generate", "--strict", "."]) == 2


def test_a_path_that_does_not_exist_is_an_error(project, capsys):
    assert main(["generate", "nowhere"]) == 2
    assert "nowhere:1:1: EC120 error: there is no such file or folder" in capsys.readouterr().err


def test_nothing_to_do_is_success(project, capsys):
    (project / "cart.py").write_text("x = 1\n")

    assert main(["generate", "."]) == 0
    assert capsys.readouterr().out == "eventcore: nothing to do\n"


@pytest.mark.parametrize("missing", ["libcst", "jinja2"])
def test_without_the_extra_it_says_which_to_install(project, missing):
    code = f"import sys; sys.modules[{missing!r}] = None\nfrom eventcore.cli import main\nsys.exit(main(['generate', '.']))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=_environment())

    assert done.returncode == 2
    assert "pip install 'eventcore-py[codegen]'" in done.stderr
    assert missing in done.stderr
    assert "Traceback" not in done.stderr


def test_it_runs_as_a_module(project):
    done = subprocess.run(
        [sys.executable, "-m", "eventcore", "generate", "."], capture_output=True, text=True, check=False, env=_environment()
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "eventcore: 1 generated\n", "")


def _environment() -> dict[str, str]:
    return {"PYTHONPATH": ":".join(path for path in sys.path if path)}
