"""The generator in other people's tools: hatchling, pytest and pre-commit find it by what pyproject.toml and .pre-commit-hooks.yaml declare."""

from __future__ import annotations

import re
import shlex
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.packaging import installation
from tests.packaging.installation import ROOT, declare_entry_points

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "shop"
version = "1"

[tool.hatch.build.targets.wheel]
packages = ["src/shop"]

[tool.hatch.build.hooks.eventcore]
{hook}

[tool.eventcore]
sources = ["src"]
"""

CART = """
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
def project(tmp_path: Path) -> Path:
    """A user's project, and beside it the entry points as an installed eventcore would have them."""
    (tmp_path / "project/src/shop").mkdir(parents=True)
    (tmp_path / "project/src/shop/__init__.py").write_text("")
    (tmp_path / "project/src/shop/cart.py").write_text(CART)
    (tmp_path / "project/.gitignore").write_text("*_streams.py\n")
    (tmp_path / "project/pyproject.toml").write_text(PYPROJECT.format(hook=""))
    declare_entry_points(tmp_path / "site")
    return tmp_path / "project"


def run(project: Path, *arguments: str) -> tuple[int, str]:
    return installation.run(project, "-m", *arguments, sites=[project.parent / "site"])


def build(project: Path) -> tuple[int, str]:
    return run(project, "build", "--no-isolation", "--wheel", "--outdir", "dist", ".")


def test_a_wheel_is_built_with_what_is_generated_in_its_build(project: Path) -> None:
    code, said = build(project)
    assert code == 0, said
    (wheel,) = (project / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("shop/cart_streams.py").startswith(b"# @gen")
    assert not list(project.rglob(".eventcore_cache"))


def test_a_build_that_only_checks_stops_at_stale_code(project: Path) -> None:
    (project / "pyproject.toml").write_text(PYPROJECT.format(hook="check = true"))
    code, said = build(project)
    assert code != 0
    assert "generated code is stale: src/shop/cart_streams.py (missing); run `eventcore generate`" in said
    assert run(project, "eventcore", "generate")[0] == 0
    assert build(project)[0] == 0


def test_a_build_of_faulty_source_stops_and_says_where(project: Path) -> None:
    (project / "src/shop/cart.py").write_text(CART.replace("event: Added", "event"))
    code, said = build(project)
    assert code != 0
    assert "src/shop/cart.py:10:21: EC106 error" in said
    assert not list(project.glob("dist/*.whl"))


@pytest.mark.parametrize(
    ("hook", "problem"),
    [("chek = true", "has no key 'chek'; it has check, strict"), ("check = 1", "check must be true or false; it is 1")],
)
def test_wrong_settings_of_the_build_hook_are_told(project: Path, hook: str, problem: str) -> None:
    (project / "pyproject.toml").write_text(PYPROJECT.format(hook=hook))
    code, said = build(project)
    assert code != 0
    assert f"[tool.hatch.build.hooks.eventcore] {problem}" in said


def pytest_run(project: Path, *arguments: str) -> tuple[int, str]:
    (project / "test_shop.py").write_text("def test_that_runs():\n    pass\n")
    return run(project, "pytest", "-q", "-p", "no:cacheprovider", *arguments)


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_no_test_runs_on_stale_code(project: Path, workers: tuple[str, ...]) -> None:
    code, said = pytest_run(project, "--eventcore-check", *workers)
    assert code == 1
    assert "eventcore: generated code is stale\n  src/shop/cart_streams.py: missing\nhelp: run `eventcore generate`" in said
    assert "passed" not in said
    assert run(project, "eventcore", "generate")[0] == 0
    code, said = pytest_run(project, "--eventcore-check", *workers)
    assert (code, "1 passed" in said) == (0, True), said


def test_pytest_without_the_switch_minds_its_own_business(project: Path) -> None:
    assert pytest_run(project)[0] == 0


def test_pytest_tells_faults_and_settings_that_are_wrong(project: Path) -> None:
    (project / "src/shop/cart.py").write_text(CART.replace("event: Added", "event"))
    code, said = pytest_run(project, "--eventcore-check")
    assert code == 1
    assert "src/shop/cart.py:10:21: EC106 error" in said
    (project / "pyproject.toml").write_text("[tool.eventcore]\nsorces = []\n")
    code, said = pytest_run(project, "--eventcore-check")
    assert code == 1
    assert "[tool.eventcore] has no key 'sorces'" in said


def test_without_settings_pytest_checks_all_below_its_root(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    code, said = pytest_run(project, "--eventcore-check")
    assert code == 1
    assert "help: run `eventcore generate .`" in said


def test_pre_commit_hooks_call_commands_that_exist_with_what_they_need(project: Path) -> None:
    text = (ROOT / ".pre-commit-hooks.yaml").read_text()
    entries = re.findall(r"^  entry: (.+)$", text, re.MULTILINE)
    assert entries == ["eventcore generate", "eventcore generate --check"]
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["codegen"]
    dependencies = re.findall(r"^  additional_dependencies: \[(.+)\]$", text, re.MULTILINE)
    assert [sorted(re.findall(r'"([^"]+)"', line)) for line in dependencies] == [sorted(extra)] * 2
    codes = [run(project, *shlex.split(entry))[0] for entry in reversed(entries)]
    assert codes == [1, 0]
