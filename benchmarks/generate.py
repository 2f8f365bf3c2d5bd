"""How long generating takes: 500 commands in 100 modules, cold, with nothing to do, and after a change.

Each figure is the median of some runs of `eventcore generate` in processes of their own, less what an interpreter takes that does nothing. They find
everything compiled to bytecode, as an installed package is.
Leave the machine alone meanwhile: `load` tells whether something else ran. Run it as ``python -m benchmarks.generate``: it prints the figures, and
writes them into benchmarks/generate.json and docs/generator.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, final

import attrs

from benchmarks import environment, generate_report
from benchmarks.generate_project import make_project

_CHECKOUT: Final = Path(__file__).resolve().parents[1]
_LEAF: Final = "office/floor_3/desk_31.py"
_GOALS: Final = {"from nothing": 5.0, "nothing to do": 0.3, "one command changed": 0.5, "one event changed": 0.5}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.generate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--modules", type=int, default=100, metavar="N", help="how many modules of 5 commands each (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often each is measured (default: %(default)s)")
    parser.add_argument("--dry", action="store_true", help="leave benchmarks/generate.json and docs/generator.md as they are")
    options = parser.parse_args()
    load = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as bytecode:
        root = Path(folder)
        make_project(root, modules=options.modules)
        interpreter, rows = _measure(_Runner(root, bytecode), options.rounds)
    results = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": environment.machine(),
        "python": platform.python_version(),
        "load": load,
        "modules": options.modules,
        "commands": 5 * options.modules,
        "rounds": options.rounds,
        "interpreter": interpreter,
        "rows": rows,
    }
    print(generate_report.for_people(results))
    if not options.dry:
        generate_report.write(results)
    return 0


@final
@attrs.frozen
class _Runner:
    """Runs Python in the project at *root*; *bytecode* is a folder for what it compiles, whatever the variables of this process say."""

    root: Path
    bytecode: str

    def seconds(self, *arguments: str) -> float:
        paths = os.pathsep.join([str(_CHECKOUT), str(_CHECKOUT / "codegen")])
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        environment |= {"PYTHONPATH": paths, "PYTHONPYCACHEPREFIX": self.bytecode}
        began = time.perf_counter()
        command = [sys.executable, *arguments]
        subprocess.run(command, cwd=self.root, env=environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  # our own command
        return time.perf_counter() - began

    def generate(self) -> float:
        return self.seconds("-m", "eventcore", "generate", ".")


def _measure(runner: _Runner, rounds: int) -> tuple[float, list[dict[str, str | float]]]:
    """Return how long an interpreter takes that does nothing, and the rows: what each run takes beyond that."""
    root = runner.root
    runner.generate()  # compiles everything
    start = statistics.median(runner.seconds("-c", "pass") for _ in range(rounds))
    preparations: dict[str, Callable[[int], None]] = {
        "from nothing": lambda _: _forget(root),
        "nothing to do": lambda _: None,
        "one command changed": lambda number: _replace(root / _LEAF, "auditors", f"auditors_{number}"),
        "one event changed": lambda number: _replace(root / _LEAF, "@event\nclass Moved", f'@event("moved.{number}")\nclass Moved'),
    }
    return round(start, 4), [_row(name, _runs(runner, prepare, rounds, start)) for name, prepare in preparations.items()]


def _row(name: str, seconds: list[float]) -> dict[str, str | float]:
    figures = {"median": statistics.median(seconds), "least": min(seconds), "most": max(seconds)}
    return {"run": name, **{key: round(value, 4) for key, value in figures.items()}, "goal": _GOALS[name]}


def _runs(runner: _Runner, prepare: Callable[[int], None], rounds: int, start: float) -> list[float]:
    found: list[float] = []
    for number in range(rounds):
        prepare(number)
        found.append(runner.generate() - start)
    return found


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


if __name__ == "__main__":
    sys.exit(main())
