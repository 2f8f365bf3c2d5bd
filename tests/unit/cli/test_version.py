from __future__ import annotations

import subprocess
import sys

import pytest

import eventcore
from eventcore.cli import main


def test_the_version_is_printed(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr() == (f"eventcore {eventcore.__version__}\n", "")


def test_no_other_command_looks_it_up():
    code = "import sys; from eventcore.cli import main; main(['streams', 'none.db']); sys.exit('importlib.metadata' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
