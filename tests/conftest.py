"""What all tests share: how the drawn ones draw, and the servers they run against."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import hypothesis
import pytest

from tests.servers import run as servers
from tests.soak import SOAKING

# The same examples in each run, so that a test which fails fails for everyone; a soak looks for others, and prints how to have them again.
hypothesis.settings.register_profile("same", deadline=None, derandomize=True)
hypothesis.settings.register_profile("soak", deadline=None, max_examples=2_500, print_blob=True)
hypothesis.settings.load_profile("soak" if SOAKING else "same")

_RUN = pytest.StashKey[servers.Run]()


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.stash[_RUN] = servers.Run.begin()


def pytest_unconfigure(config: pytest.Config) -> None:
    if _RUN in config.stash:
        config.stash[_RUN].end()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The DSN of a database of this process, on the PostgreSQL 18 of the wheel or on the server that EVENTCORE_TEST_POSTGRES names."""
    server = os.environ.get("EVENTCORE_TEST_POSTGRES") or servers.shared_server("postgres18")
    with servers.database(server, f"eventcore_test_{os.getpid()}") as dsn:
        yield dsn


@pytest.fixture
def schema(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a schema that no other test uses, dropped after the test from the database that the test used."""
    name = f"s_{uuid.uuid4().hex[:12]}"
    yield name
    for server in {"postgres", "postgres15"} & set(request.fixturenames):
        servers.execute(request.getfixturevalue(server), f'DROP SCHEMA IF EXISTS "{name}" CASCADE')
