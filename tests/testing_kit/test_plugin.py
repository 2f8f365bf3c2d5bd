"""The fixtures, on the stores that the command line names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TESTS = """
from bank.accounts import Account, AccountOpened
from bank.commands import OpenAccount
from eventcore import StreamId
from eventcore.testing import on

ADA = StreamId.of(Account, "ada")

def test_a_scenario(scenario):
    scenario.when(OpenAccount(ADA, "Ada")).then(on(ADA, AccountOpened("Ada")))

async def test_a_coroutine(executor, event_store):
    await executor.execute(OpenAccount(ADA, "Ada"))
    assert len((await event_store.read_all()).events) == 1
"""
FORGOTTEN = (
    TESTS
    + """
def test_forgotten(scenario):
    scenario.when(OpenAccount(ADA, "Ada"))
"""
)


def run(folder, text, *arguments):
    (folder / "test_it.py").write_text(text)
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT} {ROOT / 'codegen'} {ROOT / 'examples'}\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_store_of_each_kind_is_new_for_each_test(tmp_path, postgres):
    code, said = run(tmp_path, TESTS, "--eventcore-store=all", "-vv", f"--eventcore-postgres={postgres}")

    assert code == 0, said
    assert "6 passed" in said
    for store in ("memory", "sqlite", "postgres"):
        assert f"test_a_scenario[{store}] PASSED" in said


@pytest.mark.parametrize(
    ("given", "passed"),
    [((), "2 passed"), (("--eventcore-store=sqlite",), "2 passed"), (("-o", "eventcore_store=memory,sqlite"), "4 passed")],
)
def test_the_stores_are_those_that_are_named(tmp_path, given, passed):
    code, said = run(tmp_path, TESTS, *given)

    assert (code, passed in said) == (0, True), said


def test_a_store_that_nobody_knows_is_refused(tmp_path):
    code, said = run(tmp_path, TESTS, "--eventcore-store=redis")

    assert code == pytest.ExitCode.USAGE_ERROR
    assert "eventcore knows no store 'redis' for tests; expected some of memory, sqlite, postgres, or all" in said


def test_a_scenario_that_expects_nothing_fails(tmp_path):
    code, said = run(tmp_path, FORGOTTEN)

    assert code == 1
    assert "1 failed, 2 passed" in said
    assert "was followed by no then" in said


def test_a_store_of_the_users_own_needs_no_server(tmp_path):
    (tmp_path / "conftest.py").write_text(
        "import pytest\nfrom eventcore import InMemoryEventStore\n\n@pytest.fixture\ndef event_store():\n    return InMemoryEventStore()\n"
    )

    code, said = run(tmp_path, TESTS, "--eventcore-store=postgres", "--eventcore-postgres=postgresql://nobody@127.0.0.1:1/none")

    assert (code, "2 passed" in said) == (0, True), said


def test_a_driver_that_is_missing_is_named_with_its_extra(tmp_path):
    code, said = run(tmp_path, "import sys\n\nsys.modules['asyncpg'] = None\n" + TESTS, "--eventcore-store=postgres")

    assert code == 1
    assert "tests on PostgreSQL need asyncpg; install it with `pip install 'eventcore-py[postgres]'`" in said
    assert "Traceback" not in said


def test_a_server_that_does_not_answer_gives_no_password_away(tmp_path):
    dsn = "postgresql://u:sesame@127.0.0.1:1/x"
    code, said = run(tmp_path, TESTS, "--eventcore-store=postgres", f"--eventcore-postgres={dsn}", "-k", "a_scenario")

    assert code == 1
    assert "no connection" in said
    assert "sesame" not in said
