"""A user's installation of eventcore: the code of this checkout, and the entry points that an installed eventcore would have."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def declare_entry_points(site: Path) -> None:
    """Write into the folder *site* what tells other tools of eventcore's plugins."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
    lines = [
        line for group, entries in declared.items() for line in (f"[{group}]", *(f"{name} = {value}" for name, value in entries.items()))
    ]
    info = site / "eventcore_under_test-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: eventcore-under-test\nVersion: 1\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")


def run(folder: Path, *arguments: str, sites: Iterable[Path] = ()) -> tuple[int, str]:
    """Run Python with *arguments* in *folder*, where it finds what is in *sites*, and eventcore; return its exit code and all that it said."""
    path = os.pathsep.join(map(str, [*sites, ROOT, ROOT / "codegen"]))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=100, check=False)
    return done.returncode, done.stdout + done.stderr
