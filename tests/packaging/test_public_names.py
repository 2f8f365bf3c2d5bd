"""What may be imported, and what an import brings with it."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points, version
from pathlib import Path

import pytest

import eventcore
from eventcore import errors

ROOT = Path(__file__).resolve().parents[2]
FROM_API = [
    "CommandExecutor",
    "CommandRejected",
    "Discovered",
    "EventCoreError",
    "EventStore",
    "ExpectedVersion",
    "InMemoryEventStore",
    "Loaded",
    "Position",
    "Recorded",
    "RetryPolicy",
    "SqliteEventStore",
    "StreamId",
    "StreamResolver",
    "StreamSet",
    "StreamWrite",
    "command",
    "discovered",
    "event",
    "require",
    "state",
    "stream",
]


def test_public_names_are_sorted_as_ruff_sorts_them_and_said_once() -> None:
    assert len(set(eventcore.__all__)) == len(eventcore.__all__)


@pytest.mark.parametrize("name", FROM_API)
def test_the_names_that_the_documentation_uses_are_public(name: str) -> None:
    assert name in eventcore.__all__


def test_every_public_name_exists() -> None:
    assert [name for name in eventcore.__all__ if not hasattr(eventcore, name)] == []


def test_everything_else_in_the_front_room_is_a_module() -> None:
    others = {name for name in vars(eventcore) if not name.startswith("_")} - set(eventcore.__all__) - {"annotations", "TYPE_CHECKING"}

    assert {name for name in others if f"eventcore.{name}" not in sys.modules} == set()


def test_every_error_is_public() -> None:
    defined = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, errors.EventCoreError)}

    assert defined - set(eventcore.__all__) == set()


def test_every_error_of_ours_has_one_root() -> None:
    defined = [value for value in vars(eventcore).values() if isinstance(value, type) and issubclass(value, BaseException)]

    assert all(issubclass(value, eventcore.EventCoreError) for value in defined)


def test_the_version_is_the_distributions() -> None:
    assert eventcore.__version__ == version("eventcore-py")


def test_the_command_line_is_an_entry_point() -> None:
    (command,) = entry_points(group="console_scripts", name="eventcore")

    assert command.value == "eventcore.cli:main"
    assert callable(command.load())


@pytest.mark.parametrize(
    "module", ["eventcore", "eventcore.cli", "eventcore.typed", "eventcore.stores.sqlite", "eventcore.testing.contract"]
)
def test_a_runtime_import_brings_no_compiler_and_no_driver_that_was_not_asked_for(module: str) -> None:
    code = f"import sys, {module}; print(sorted({{'libcst', 'jinja2', 'asyncpg', 'eventcore_codegen'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.strip() == "[]"


def test_the_import_contracts_hold() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports"))], cwd=ROOT, capture_output=True, text=True, check=False, timeout=100
    )

    assert done.returncode == 0, done.stdout
