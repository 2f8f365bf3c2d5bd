"""What docs/reference/cli.md says of each command is what ``--help`` says: ``python -m tests.docs.cli_reference`` writes it there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator

from tests.docs.marks import put_between
from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "reference" / "cli.md"
BEGIN, END = "<!-- written by `python -m tests.docs.cli_reference` -->\n", "<!-- end of what was written -->\n"


def helps() -> dict[str, str]:
    """Return what each command, `eventcore` itself first, prints for ``--help``."""
    return dict(_helps())


def _helps(*command: str) -> Iterator[tuple[str, str]]:
    text = help_of(*command)
    yield " ".join(("eventcore", *command)), text
    # A command of commands ends its usage with their names: `{start} ...`.
    for names in re.findall(r"\{([\w,-]+)\} \.\.\.", text):
        for name in names.split(","):
            yield from _helps(*command, name)


def help_of(*command: str) -> str:
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "codegen")))}
    program = [sys.executable, "-m", "eventcore", *command, "--help"]
    return subprocess.run(program, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout


def reference() -> str:
    return "\n".join(f"## {command}\n\n```text\n{text}```\n" for command, text in helps().items())


if __name__ == "__main__":
    put_between(PAGE, BEGIN, END, reference())
