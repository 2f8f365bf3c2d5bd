"""What is shipped: built from the checkout with the backend at hand, looked into, and installed into an environment that does not see the checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IGNORED = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}


def files_under(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file() and not IGNORED.intersection(path.parts):
            yield path.relative_to(folder).as_posix()


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An sdist built from the checkout, and a wheel built from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (path,) = dist.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def metadata(wheel: Path, names: set[str]) -> Message:
    (path,) = (name for name in names if name.endswith(".dist-info/METADATA"))
    with zipfile.ZipFile(wheel) as archive:
        return Parser().parsestr(archive.read(path).decode("utf-8"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A python that has the wheel, and sees this environment's packages after it, but not the checkout."""
    folder = tmp_path_factory.mktemp("env")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index", str(wheel)],
        check=True,
        timeout=100,
    )
    (site,) = folder.glob("lib/python3*/site-packages")
    # A path that comes in through a .pth file has its own .pth files left alone, so the editable install of the checkout stays out of sight.
    (site / "dependencies.pth").write_text(f"{Path(pytest.__file__).parents[1]}\n", encoding="utf-8")
    return python


def run(python: Path, code: str, folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run([str(python), "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_wheel_holds_both_packages_and_nothing_else(names: set[str]) -> None:
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"eventcore", "eventcore_codegen"}


def test_the_wheel_holds_every_file_of_the_packages_and_the_templates(names: set[str]) -> None:
    expected = {
        *(f"eventcore/{name}" for name in files_under(ROOT / "eventcore")),
        *(f"eventcore_codegen/{name}" for name in files_under(ROOT / "codegen/eventcore_codegen")),
        *(f"eventcore_codegen/templates/{name}" for name in files_under(ROOT / "templates")),
    }

    assert {name for name in names if ".dist-info/" not in name} == expected


@pytest.mark.parametrize("name", ["eventcore/py.typed", "eventcore_codegen/py.typed"])
def test_both_packages_are_typed(names: set[str], name: str) -> None:
    assert name in names


@pytest.mark.parametrize("suffix", [".sql", ".j2"])
def test_files_that_are_read_at_run_time_are_shipped(names: set[str], suffix: str) -> None:
    assert [name for name in names if name.endswith(suffix)]


def test_a_plain_install_needs_only_what_runs_commands(metadata: Message) -> None:
    required = {re.split(r"[<>=;\s\[]", line)[0] for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line}

    assert required == {"attrs", "cattrs", "orjson", "typing-extensions"}


def test_the_generator_is_an_extra(metadata: Message) -> None:
    required = {re.split(r"[<>=;\s\[]", line)[0] for line in metadata.get_all("Requires-Dist", []) if "extra == 'codegen'" in line}

    assert required == {"jinja2", "libcst"}


def test_the_metadata_says_what_it_is(metadata: Message) -> None:
    assert metadata["Name"] == "eventcore-py"
    assert metadata["License-Expression"] == "MIT"
    assert metadata.get_all("License-File") == ["LICENSE"]
    assert "# eventcore for Python" in metadata.get_payload()


def test_the_sdist_holds_what_its_tests_need_and_no_caches(dist: Path) -> None:
    (path,) = dist.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}

    assert {
        "pyproject.toml",
        "Makefile",
        "README.md",
        "LICENSE",
        ".ci/run",
        "examples/demo.py",
        "tests/packaging/test_distribution.py",
    } <= inside
    assert not [name for name in inside if IGNORED.intersection(name.split("/")) or name.endswith((".pyc", ".db"))]


def test_the_installed_wheel_finds_its_templates_inside_itself(installed: Path, tmp_path: Path) -> None:
    code = "from eventcore_codegen.template_files import template_root; root = template_root(); print(root); print(sorted(e.name for e in root.iterdir()))"
    root, listed = run(installed, code, tmp_path).splitlines()

    assert Path(root).is_relative_to(installed.parents[1])
    assert listed == str(sorted(path.name for path in (ROOT / "templates").iterdir()))


def test_the_checkout_finds_its_templates_in_its_own_folder() -> None:
    from eventcore_codegen.template_files import template_root

    assert Path(str(template_root())) == ROOT / "templates"


def test_the_installed_wheel_imports_from_where_it_was_installed(installed: Path, tmp_path: Path) -> None:
    code = "import eventcore, eventcore_codegen; print(eventcore.__file__); print(eventcore_codegen.__file__)"

    for path in run(installed, code, tmp_path).splitlines():
        assert Path(path).is_relative_to(installed.parents[1])


def test_the_installed_command_generates_and_the_result_runs(installed: Path, tmp_path: Path) -> None:
    source = """\
from __future__ import annotations
import asyncio
from typing import TYPE_CHECKING
from eventcore import CommandExecutor, InMemoryEventStore, SqliteEventStore, StreamId, command, event, state, stream
if TYPE_CHECKING:
    from counting_streams import CountState, CountStreams, CountWrites
@event
class Counted:
    by: int
@state
class Counter:
    total: int = 0
    def apply(self, event: Counted) -> Counter:
        return Counter(self.total + event.by)
@command
class Count:
    counter: StreamId[Counter] = stream()
    by: int
    def handle(self, streams: CountStreams, state: CountState) -> CountWrites:
        yield streams.counter.write(Counted(self.by))
async def main() -> None:
    for store in InMemoryEventStore(), SqliteEventStore("counting.db"):
        async with store:
            executor = CommandExecutor(store)
            for by in 1, 2, 39:
                await executor.execute(Count(StreamId.of(Counter, "a"), by))
            print((await executor.load(StreamId.of(Counter, "a"))).state)
if __name__ == "__main__":
    asyncio.run(main())
"""
    (tmp_path / "counting.py").write_text(source, encoding="utf-8")
    subprocess.run(
        [str(installed.with_name("eventcore")), "generate", "counting.py"], cwd=tmp_path, check=True, capture_output=True, timeout=60
    )

    done = subprocess.run([str(installed), "counting.py"], cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60)

    assert done.stdout.splitlines() == ["Counter(total=42)"] * 2
