"""The environment that all contestants share, ours included: one interpreter, in .venv-bench beside the checkout's own."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
VENV: Final = ROOT / ".venv-bench"
PYTHON: Final = VENV / "bin" / "python"
PREFERRED: Final = (3, 13)
"""The newest release of one peer needs it."""

_REQUIREMENTS: Final = Path(__file__).with_name("requirements.txt")


def ensure() -> None:
    """Make the environment, unless one made from the same requirements is there."""
    stamp = VENV / ".made"
    wanted = _fingerprint()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    python = _preferred_python()
    print(f"making {VENV.name} with {python} (once): eventcore and the peers", flush=True)
    _run(python, "-m", "venv", "--clear", str(VENV))
    (VENV / ".gitignore").write_text("*\n")
    install = (str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    _run(*install, "--requirement", str(_REQUIREMENTS), "--editable", str(ROOT))
    stamp.write_text(wanted)


def _fingerprint() -> str:
    """Return a digest of everything that is installed: the peers, and what eventcore itself needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return hashlib.sha256("\n".join([_REQUIREMENTS.read_text(), *project["dependencies"]]).encode()).hexdigest()


def _preferred_python() -> str:
    for python in _candidates():
        found = subprocess.run([python, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True, check=False)  # noqa: S603
        if found.returncode == 0 and tuple(map(int, found.stdout.split())) == PREFERRED:
            return python
    return sys.executable


def _candidates() -> Iterator[str]:
    version = ".".join(map(str, PREFERRED))
    for folder in os.get_exec_path():
        file = Path(folder) / f"python{version}"
        if os.access(file, os.X_OK):
            yield str(file)
    # pyenv keeps interpreters that are not on the path.
    installed = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    yield from (str(file) for file in sorted(installed.glob(f"{version}.*/bin/python")))


def _run(*command: str) -> None:
    subprocess.run(command, check=True)  # noqa: S603


def machine() -> dict[str, str | int]:
    """Say what the figures were measured on."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count() or 0,
        "system": f"{platform.system()} {platform.release()}",
        "file system": file_system(ROOT),
    }


def _cpu() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def file_system(folder: Path) -> str:
    """Return the type of the file system that *folder* is on; "unknown" where the system does not tell."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return "unknown"
    best, kind = Path("/"), "unknown"
    for line in mounts.read_text().splitlines():
        _, where, found, *_ = line.split()
        mount = Path(where.replace("\\040", " "))
        if folder.is_relative_to(mount) and len(mount.parts) >= len(best.parts):
            best, kind = mount, found
    return kind
