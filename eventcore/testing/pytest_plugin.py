"""The pytest plugin ``eventcore``: a store, an executor and a scenario for each test, on every store there is; and ``--eventcore-check``.

pytest loads this module in every project that has eventcore installed, so nothing but what the hooks need is imported before a test asks for it.
"""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Generator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from eventcore.execute import CommandExecutor
    from eventcore.store import EventStore
    from eventcore.testing.postgres import PostgresForTests
    from eventcore.testing.scenario import RunsCoroutines, Scenario

STORES: Final = ("memory", "sqlite", "postgres")
POSTGRES: Final = "EVENTCORE_TEST_POSTGRES"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("eventcore")
    group.addoption(
        "--eventcore-check",
        action="store_true",
        help="fail at once if generated code is stale: that of the sources in [tool.eventcore], or else of all files below the root",
    )
    group.addoption(
        "--eventcore-store",
        metavar="STORES",
        help="the stores behind the fixtures event_store, executor and scenario: some of memory, sqlite, postgres with commas between them, or all "
        "(default: eventcore_store of the configuration, or else memory)",
    )
    group.addoption(
        "--eventcore-postgres",
        metavar="DSN",
        help=f"the PostgreSQL server for tests (default: what {POSTGRES} says, or one of this run, from the extra local-postgres)",
    )
    parser.addini("eventcore_store", "the stores behind event_store where --eventcore-store is not given", default="memory")


def pytest_configure(config: pytest.Config) -> None:
    _stores(config)


def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    if config.getoption("--eventcore-check") and not hasattr(config, "workerinput"):  # pytest-xdist's workers are started after this check
        from eventcore_codegen.freshness import problem  # noqa: PLC0415  # the generator, and only where it is asked for

        if found := problem(config.rootpath):
            pytest.exit(found, returncode=pytest.ExitCode.TESTS_FAILED)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    stores = _stores(metafunc.config)
    if "event_store" in metafunc.fixturenames and "eventcore_store_name" in metafunc.fixturenames and len(stores) > 1:
        metafunc.parametrize("eventcore_store_name", stores, indirect=True)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Fail a test in which something was done and nothing expected of it."""
    result = yield
    scenario: Any = pyfuncitem.funcargs.get("scenario")
    if scenario is not None and hasattr(scenario, "finish"):
        try:
            scenario.finish()
        except AssertionError as error:
            pytest.fail(str(error), pytrace=False)
    return result


# Named, for pytest knows a hook by its name and a module has one function of each.
class CoroutineTests:
    """Runs ``async def`` tests that use these fixtures in the event loop of their store; no other plugin is needed for them."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> object | None:
        run: Any = pyfuncitem.funcargs.get("eventcore_runner")
        if run is None or not inspect.iscoroutinefunction(pyfuncitem.obj) or pyfuncitem.get_closest_marker("anyio"):
            return None
        names = inspect.signature(pyfuncitem.obj).parameters
        run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
        return True


def pytest_plugin_registered(plugin: object, manager: pytest.PytestPluginManager) -> None:
    if getattr(plugin, "__name__", None) == __name__:
        manager.register(CoroutineTests(), "eventcore-coroutine-tests")


@pytest.fixture
def eventcore_runner(request: pytest.FixtureRequest) -> Iterator[RunsCoroutines]:
    """Runs coroutines in the event loop of one test, in which its store is open."""
    if _uses_postgres(request):
        postgres: PostgresForTests = request.getfixturevalue("_eventcore_postgres_for_tests")
        with postgres.loop() as loop:
            yield loop.run
        return
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture
def eventcore_store_name(request: pytest.FixtureRequest) -> str:
    """Which store is behind `event_store`: memory, sqlite or postgres."""
    return str(getattr(request, "param", _stores(request.config)[0]))


@pytest.fixture(scope="session")
def eventcore_postgres(request: pytest.FixtureRequest) -> Iterator[str]:
    """The DSN of a PostgreSQL server for tests. Override it to use a server of your own; each test has a schema of its own there."""
    dsn: str | None = request.config.getoption("--eventcore-postgres") or os.environ.get(POSTGRES)
    if dsn:
        yield dsn
        return
    with _postgres_module().test_server() as started:
        yield started


@pytest.fixture(scope="session")
def _eventcore_postgres_for_tests(eventcore_postgres: str) -> Iterator[PostgresForTests]:
    __tracebackhide__ = True  # where a server does not answer, the argument would be shown, and a password may be in it
    with _postgres_module().PostgresForTests(eventcore_postgres) as postgres:
        yield postgres


def _postgres_module() -> ModuleType:
    try:
        from eventcore.testing import postgres  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        pytest.fail("tests on PostgreSQL need asyncpg; install it with `pip install 'eventcore-py[postgres]'`", pytrace=False)
    return postgres


@pytest.fixture
def event_store(
    request: pytest.FixtureRequest, eventcore_store_name: str, eventcore_runner: RunsCoroutines, tmp_path: Path
) -> Iterator[EventStore]:
    """A store without events that is open: in memory, unless --eventcore-store says otherwise."""
    opening = _opening(request, eventcore_store_name, tmp_path)
    store = eventcore_runner(_enter(opening))
    try:
        yield store
    finally:
        eventcore_runner(_exit(opening))


@pytest.fixture
def executor(event_store: EventStore, eventcore_runner: RunsCoroutines) -> CommandExecutor:  # noqa: ARG001  # what awaits it is run there
    """A `CommandExecutor` on `event_store`. Override it where yours has a codec or a retry policy of its own; `scenario` takes them over."""
    from eventcore.execute import CommandExecutor  # noqa: PLC0415

    return CommandExecutor(event_store)


@pytest.fixture
def scenario(executor: CommandExecutor, eventcore_runner: RunsCoroutines) -> Scenario:
    """Given, when, then, on `executor`: see eventcore.testing.Scenario."""
    from eventcore.testing.scenario import Scenario  # noqa: PLC0415

    return Scenario(executor, run=eventcore_runner)


def _stores(config: pytest.Config) -> tuple[str, ...]:
    """Return which stores the fixtures use."""
    said = str(config.getoption("--eventcore-store") or config.getini("eventcore_store"))
    names = tuple(dict.fromkeys(name.strip() for name in said.split(",")))
    if names == ("all",):
        return STORES
    if wrong := [name for name in names if name not in STORES]:
        raise pytest.UsageError(f"eventcore knows no store {wrong[0]!r} for tests; expected some of {', '.join(STORES)}, or all")
    return names


def _uses_postgres(request: pytest.FixtureRequest) -> bool:
    """Tell whether the test has our `event_store`, on PostgreSQL; one of the user's own does not ask which store is meant."""
    return "eventcore_store_name" in request.fixturenames and request.getfixturevalue("eventcore_store_name") == "postgres"


def _opening(request: pytest.FixtureRequest, name: str, folder: Path) -> AbstractAsyncContextManager[EventStore]:
    if name == "sqlite":
        from eventcore.stores.sqlite import SqliteEventStore  # noqa: PLC0415

        # A test that loses its file to a power cut is run again.
        return SqliteEventStore(folder / "eventcore-test.db", synchronous="OFF")
    if name == "postgres":
        postgres: PostgresForTests = request.getfixturevalue("_eventcore_postgres_for_tests")
        return postgres.opened()
    from eventcore.stores.memory import InMemoryEventStore  # noqa: PLC0415

    return InMemoryEventStore()


async def _enter(opening: AbstractAsyncContextManager[EventStore]) -> EventStore:
    return await opening.__aenter__()


async def _exit(opening: AbstractAsyncContextManager[EventStore]) -> None:
    await opening.__aexit__(None, None, None)
