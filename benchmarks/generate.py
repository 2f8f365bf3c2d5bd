"""How long generating takes: 500 commands in 100 modules, cold, with nothing to do, and after a change.

Each figure is the median of some runs of `eventcore generate` in processes of their own, less what an interpreter takes that does nothing.
Leave the machine alone meanwhile: `load` tells whether something else ran. Run it as ``python -m benchmarks.generate``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.generate_project import make_project

_CHECKOUT: Final = Path(__file__).resolve().parents[1]
_LEAF: Final = "office/floor_3/desk_31.py"
_GOALS: Final = {"cold": 5.0, "nothing to do": 0.3, "one command changed": 0.5, "an event changed": 0.5}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.generate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--modules", type=int, default=100, metavar="N", help="how many modules of 5 commands each (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often each is measured (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_project(root, modules=options.modules)
        print(f"{5 * options.modules} commands in {options.modules} modules; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
        _measure(root, options.rounds)
    return 0


def _measure(root: Path, rounds: int) -> None:
    start = statistics.median(_seconds(root, "-c", "pass") for _ in range(rounds))
    preparations: dict[str, Callable[[int], None]] = {
        "cold": lambda _: _forget(root),
        "nothing to do": lambda _: None,
        "one command changed": lambda number: _replace(root / _LEAF, "auditors", f"auditors_{number}"),
        "an event changed": lambda number: _replace(root / _LEAF, "@event\nclass Moved", f'@event("moved.{number}")\nclass Moved'),
    }
    print(f"{'':22}{'median':>9}{'goal':>9}   (seconds, beyond {start:.3f} for an interpreter that does nothing)")
    for name, prepare in preparations.items():
        print(f"{name:22}{_median(root, prepare, rounds) - start:9.3f}{_GOALS[name]:9.1f}")


def _median(root: Path, prepare: Callable[[int], None], rounds: int) -> float:
    found: list[float] = []
    for number in range(rounds):
        prepare(number)
        found.append(_seconds(root, "-m", "eventcore", "generate", "."))
    return statistics.median(found)


def _forget(root: Path) -> None:
    shutil.rmtree(root / ".eventcore_cache", ignore_errors=True)
    for path in root.rglob("*_streams.py"):
        path.unlink()


def _replace(path: Path, old: str, new: str) -> None:
    """Make one change to the module as it was made first, and one that no run has seen before."""
    original = path.with_suffix(".txt")
    if not original.exists():
        shutil.copy(path, original)
    text = original.read_text(encoding="utf-8")
    if old not in text:
        raise ValueError(f"{path} holds no {old!r}: the benchmark's project has changed, and this change of it has not")
    path.write_text(f"{text.replace(old, new, 1)}# {time.time_ns()}\n", encoding="utf-8")


def _seconds(root: Path, *arguments: str) -> float:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(_CHECKOUT), str(_CHECKOUT / "codegen")])}
    began = time.perf_counter()
    command = [sys.executable, *arguments]
    subprocess.run(command, cwd=root, env=environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  # our own command
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
