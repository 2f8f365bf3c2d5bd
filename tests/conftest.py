"""What all tests share: how the drawn ones draw, and the servers they run against."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.servers import run as servers
from tests.servers.installed import postgres_15
from tests.servers.pooler import pgbouncer_before
from tests.servers.tls import TlsServer, tls_server
from tests.soak import SOAKING

# The same examples in each run, so that a test which fails fails for everyone; a soak looks for others, and prints how to have them again.
hypothesis.settings.register_profile("same", deadline=None, derandomize=True)
hypothesis.settings.register_profile("soak", deadline=None, max_examples=2_500, print_blob=True)
hypothesis.settings.load_profile("soak" if SOAKING else "same")

_RUN = pytest.StashKey[servers.Run]()


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell's background jobs ignore Ctrl-C, and what they start does too; programs under test that are ended by it would run for ever.
        signal.signal(signal.SIGINT, signal.default_int_handler)
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


@pytest.fixture(scope="session")
def postgres15() -> Iterator[str]:
    """The DSN of a database of this process, on the PostgreSQL 15 of Debian."""
    server = servers.shared_server("postgres15", binaries=postgres_15())
    with servers.database(server, f"eventcore_test_{os.getpid()}") as dsn:
        yield dsn


@pytest.fixture(scope="session")
def postgres_tls() -> TlsServer:
    """A PostgreSQL 15 that takes TLS connections alone."""
    return tls_server()


@pytest.fixture(scope="session")
def pgbouncer(postgres: str) -> Iterator[str]:
    """The DSN of the database of `postgres`, through pgbouncer in transaction mode."""
    with pgbouncer_before(postgres, Path(os.environ[servers.RUN]) / f"pgbouncer-{os.getpid()}") as dsn:
        yield dsn


@pytest.fixture
def schema(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a schema that no other test uses, dropped after the test from the database that the test used."""
    name = f"s_{uuid.uuid4().hex[:12]}"
    yield name
    for server in {"postgres", "postgres15"} & set(request.fixturenames):
        servers.execute(request.getfixturevalue(server), f'DROP SCHEMA IF EXISTS "{name}" CASCADE')
