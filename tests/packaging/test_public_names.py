"""What may be imported, and what an import brings with it."""

from __future__ import annotations

import ast
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


def test_each_name_comes_from_where_the_type_checkers_are_told() -> None:
    """The imports that they read never run; the table that runs is never read by them."""
    tree = ast.parse(Path(eventcore.__file__).read_text(encoding="utf-8"))
    guarded = [
        node for node in tree.body if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    ]
    told = [
        (alias.name, node.module, alias.asname)
        for block in guarded
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]

    # What needs asyncpg is found by a way of its own, and a star does not bring it.
    told.remove(("PostgresEventStore", "eventcore.stores.postgres", "PostgresEventStore"))
    assert sorted((name, home) for name, home, _ in told) == sorted(vars(eventcore)["_HOME_OF"].items())
    assert {name for name, _, _ in told} == set(eventcore.__all__)
    assert set(eventcore.__all__) <= set(dir(eventcore))


def test_a_program_may_go_through_the_package_to_its_modules() -> None:
    code = "import eventcore; print(eventcore.stores.sqlite.SqliteEventStore is eventcore.SqliteEventStore, eventcore.errors.StoreError.__name__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.split() == ["True", "StoreError"]


def test_a_misspelt_name_is_an_error_of_pythons_own() -> None:
    with pytest.raises(AttributeError, match="module 'eventcore' has no attribute 'StreamID'"):
        _ = eventcore.StreamID  # type: ignore[attr-defined]
    with pytest.raises(ImportError, match="cannot import name 'StreamID'"):
        from eventcore import StreamID  # type: ignore[attr-defined]  # noqa: F401


@pytest.mark.parametrize("module", ["eventcore", "eventcore.cli", "eventcore.declare"])
def test_what_declares_and_generates_does_not_wait_for_what_runs(module: str) -> None:
    heavy = {"asyncio", "cattrs", "orjson", "sqlite3", "eventcore.execute", "eventcore.stores"}
    code = f"import sys, {module}; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.strip() == "[]"


def test_the_store_that_needs_asyncpg_says_so_where_it_is_missing() -> None:
    code = (
        "import sys; sys.modules['asyncpg'] = None\n"
        "from eventcore import *\n"
        "try:\n    from eventcore import PostgresEventStore\nexcept ImportError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)

    assert "eventcore-py[postgres]" in done.stdout


def test_everything_else_in_the_front_room_is_a_module() -> None:
    # Names with an @ are pytest's: it rewrites the asserts of a package that brings a plugin.
    others = (
        {name for name in vars(eventcore) if not name.startswith(("_", "@"))} - set(eventcore.__all__) - {"annotations", "TYPE_CHECKING"}
    )

    assert {name for name in others if f"eventcore.{name}" not in sys.modules} == set()


def test_every_error_is_public() -> None:
    defined = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, errors.EventCoreError)}

    assert defined - set(eventcore.__all__) == set()


def test_every_error_of_ours_has_one_root() -> None:
    values = [getattr(eventcore, name) for name in eventcore.__all__]
    defined = [value for value in values if isinstance(value, type) and issubclass(value, BaseException)]

    assert defined
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
