"""Settings and arguments that will not do: each is told by its name where it is given, never met later as an error of Python's."""

from __future__ import annotations

import asyncio
import functools
import re
from datetime import timedelta

import pytest
from lab.probes import Added, Counter

from eventcore import (
    BlockingExecutor,
    CommandExecutor,
    CommandRejected,
    DefinitionError,
    EventCodec,
    EventFilter,
    ExpectedVersion,
    InMemoryEventStore,
    InvalidArgument,
    InvalidPosition,
    Position,
    PostgresEventStore,
    RetryPolicy,
    SqliteEventStore,
    StreamId,
    StreamPrefix,
    command,
    discovered,
    event,
    require,
    state,
    stream,
)
from eventcore.projections import ProjectionRunner, caught_up, on, project_inline, projection
from eventcore.testing import ChaosStore, ConflictingStore, MeanwhileStore, explore, simulate

MAIN = StreamId.of(Counter, "main")
STORE = InMemoryEventStore()
NOWHERE = "nowhere.db"
NOT_WHOLE = (None, "5", 1.5, -1, True, [])
NOT_SECONDS = (None, "5", -1, float("nan"), True, [])
NO_VERSIONS = (-1, -(2**63), 2**62 + 1, 2**63, 2**64)
NO_FLAGS = (None, "false", 0, 1)


def executor_with(**settings):
    return CommandExecutor(STORE, **settings)


def sqlite_with(**settings):
    return SqliteEventStore(NOWHERE, **settings)


def runner_with(**settings):
    return ProjectionRunner(STORE, [Seen()], **settings)


def chaos_with(**settings):
    return ChaosStore(seed=1, **settings)


@projection
class Seen:
    @on(Added)
    async def seen(self, recorded, context): ...


@pytest.mark.parametrize(
    ("call", "name", "wrong"),
    [
        *((RetryPolicy, name, NOT_SECONDS) for name in ("initial_delay", "max_delay", "multiplier", "jitter")),
        (RetryPolicy, "max_attempts", NOT_WHOLE),
        (RetryPolicy, "deadline", NOT_SECONDS[1:]),
        (executor_with, "retry", (None, 5, RetryPolicy)),
        *((executor_with, name, NOT_WHOLE) for name in ("max_discoveries", "cache_size")),
        *((executor_with, name, NO_FLAGS) for name in ("chaining", "snapshots")),
        (executor_with, "codec", ("json", EventCodec)),
        (executor_with, "observer", ("print", [])),
        (EventCodec, "converter", ("json", 5)),
        (EventCodec, "ignore_unknown_fields", NO_FLAGS),
        (InMemoryEventStore, "clock", (None, "now")),
        (SqliteEventStore, "path", (None, 5, b"shop.db")),
        (sqlite_with, "migrate", NO_FLAGS),
        (sqlite_with, "busy_timeout", NOT_SECONDS),
        (sqlite_with, "synchronous", (None, "full", [])),
        (PostgresEventStore, "schema", (None, 5)),
        (PostgresEventStore, "migrate", NO_FLAGS),
        *((PostgresEventStore, name, NOT_SECONDS) for name in ("lock_timeout", "reply_timeout", "patience")),
        (PostgresEventStore, "statement_timeout", (*NOT_SECONDS[1:], float("inf"))),
        *((PostgresEventStore, name, NOT_WHOLE) for name in ("pool_size", "statement_cache_size")),
        (ExpectedVersion.exact, "version", (*NOT_WHOLE[:3], *NO_VERSIONS)),
        (ExpectedVersion, "version", (*NOT_WHOLE[1:], *NO_VERSIONS)),
        (EventFilter, "types", ("Added", 5)),
        (EventFilter, "streams", ("cart-", ["cart-"], ("cart-",))),
        (runner_with, "batch_size", NOT_WHOLE),
        *((runner_with, name, NOT_SECONDS) for name in ("batch_seconds", "poll_interval", "lease_seconds")),
        (runner_with, "codec", ("json",)),
        *((chaos_with, name, NOT_SECONDS) for name in ("conflicts", "failures_before", "lost_replies", "latency")),
        (chaos_with, "operations", ("append", ["append"])),
        (lambda seeds: explore(print, seeds=seeds), "seeds", (5,)),
        (ConflictingStore, "conflicts", NOT_WHOLE),
        (lambda happens: MeanwhileStore(STORE, happens), "happens", (None,)),
        (lambda after: MeanwhileStore(STORE, print, after=after), "after", (0, *NOT_WHOLE)),
    ],
)
def test_a_setting_that_will_not_do_is_told_by_its_name(call, name, wrong):
    for value in wrong:
        with pytest.raises(InvalidArgument, match=rf"\({name}s?={re.escape(repr(value))}\): expected |\({name}='cart-'\): expected "):
            call(value) if name in {"path", "version"} else call(**{name: value})


@pytest.mark.parametrize("call", [CommandExecutor, BlockingExecutor, lambda dsn: PostgresEventStore(listen_dsn=dsn.encode())])
def test_what_is_no_store_is_told_without_a_password_that_may_be_in_it(call):
    with pytest.raises(InvalidArgument, match=r"(Executor|Store)\(.*\): expected") as caught:
        call("postgresql://user:hunter2@host/shop")

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("wrong", "shown"), [(InMemoryEventStore, "InMemoryEventStore"), (None, "NoneType"), ([], "list")])
def test_a_class_of_stores_is_no_store(wrong, shown):
    with pytest.raises(InvalidArgument, match=rf"CommandExecutor\(store=<class '.*{shown}'>\): expected an event store"):
        CommandExecutor(wrong)


async def _observe(observation):
    raise AssertionError(observation)


class _Observes:
    async def __call__(self, observation):
        raise AssertionError(observation)


@pytest.mark.parametrize("observer", [_observe, _Observes(), functools.partial(_observe)])
def test_an_observer_that_would_have_to_be_awaited_is_refused(observer):
    """It would never run: each observation would only make a coroutine."""
    with pytest.raises(InvalidArgument, match=r"CommandExecutor\(observer=.*\): expected a plain function, for nobody awaits"):
        executor_with(observer=observer)


@pytest.mark.parametrize("make", [InMemoryEventStore, lambda: SqliteEventStore(NOWHERE)])
@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        *((lambda store, wrong=wrong: store.read_all(limit=wrong), InvalidArgument, r"read_all\(limit=") for wrong in NOT_WHOLE),
        (lambda store: store.read_all(where="Added"), InvalidArgument, r"read_all\(where='Added'\): expected an EventFilter"),
        (lambda store: store.read_all("42"), InvalidPosition, "'42' is no position: expected a Position, got str"),
        (lambda store: store.wait_for_news(42, timeout=0), InvalidPosition, "42 is no position"),
        *(
            (lambda store, ttl=ttl: store.acquire_lease("daily", owner="me", ttl=ttl), InvalidArgument, "its ttl cannot be")
            for ttl in (timedelta(0), timedelta(seconds=-1))
        ),
        (lambda store: store.forget_idempotency_keys(older_than=5), InvalidArgument, r"\(older_than=5\): expected a timedelta"),
    ],
)
def test_a_store_says_what_it_was_asked_wrongly(make, ask, error, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    async def main():
        async with make() as store:
            with pytest.raises(error, match=message):
                await ask(store)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"types": 5}, InvalidArgument, r"subscribe\(types=5\): expected an @event class"),
        ({"types": "Added"}, InvalidArgument, "the subscription asks for A, which is no event"),
        ({"after": "42"}, InvalidPosition, "got str"),
        ({"streams": 5}, InvalidArgument, "expected texts, StreamPrefix or StreamPattern, got 5"),
        ({"streams": ["cart-", 5]}, InvalidArgument, "got 5"),
        *(({"page_size": wrong}, InvalidArgument, r"subscribe\(page_size=") for wrong in NOT_WHOLE),
        *(({"poll_interval": wrong}, InvalidArgument, r"subscribe\(poll_interval=") for wrong in NOT_SECONDS),
        ({"codec": "json"}, InvalidArgument, r"subscribe\(codec='json'\)"),
    ],
)
def test_a_subscription_says_what_it_was_asked_wrongly(wrong, error, message):
    with pytest.raises(error, match=message):
        STORE.subscribe(**{"types": Added, **wrong})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda executor: executor.load("counter-main", Counter), r"load\(stream_id='counter-main'\): expected a StreamId"),
        (lambda executor: executor.load(5), r"load\(stream_id=5\)"),
        (lambda executor: executor.load(MAIN, "Counter"), r"load\(state='Counter'\): expected a type or None"),
        (lambda executor: executor.load(MAIN, int), "streams fold into @state classes, and int is none"),
        (lambda executor: executor.load(MAIN, Added), "streams fold into @state classes, and Added is none"),
        (lambda executor: project_inline(executor.store, [Seen()], batch_size="5"), r"project_inline\(batch_size='5'\)"),
        (lambda executor: project_inline(executor.store, 5), r"project_inline\(projections=5\): expected instances of @projection"),
        (lambda executor: project_inline("shop.db", [Seen()]), r"project_inline\(store=<class 'str'>\): expected a store that keeps read"),
        (lambda executor: caught_up(executor.store, "seen", Position.parse("1"), timeout=None), r"caught_up\(timeout=None\)"),
        (lambda executor: caught_up(executor.store, "seen", "1", timeout=1), "'1' is no position"),
    ],
)
def test_a_call_says_what_it_was_given_wrongly(make, message):
    with pytest.raises(InvalidArgument, match=message):
        asyncio.run(make(CommandExecutor(InMemoryEventStore())))


def test_a_runner_takes_a_store_and_projections():
    with pytest.raises(InvalidArgument, match=r"ProjectionRunner\(store=<class 'str'>\): expected a store that keeps read models"):
        ProjectionRunner("shop.db", [Seen()])
    with pytest.raises(InvalidArgument, match=r"ProjectionRunner\(projections=.*\): expected instances of @projection classes, in a list"):
        ProjectionRunner(STORE, Seen())


@pytest.mark.parametrize("seconds", [86_401, 1e12, float("inf")])
def test_a_lease_lasts_a_day_at_most(seconds):
    """A runner whose leases end beyond all times would look for one for ever."""
    with pytest.raises(InvalidArgument, match=r"lease_seconds=.*expected a number, between 0\.1 and 86400\.0"):
        runner_with(lease_seconds=seconds)


class NotedStore(InMemoryEventStore):
    closed = False

    async def __aexit__(self, *exc_info):
        self.closed = True
        await super().__aexit__(*exc_info)


def test_a_blocking_executor_says_what_its_functions_returned():
    store = NotedStore()
    for make, message in (
        (lambda: BlockingExecutor(lambda: None), r"make_store=.*\): expected a function that returns a store; it returned NoneType"),
        (lambda: BlockingExecutor(lambda: store, make_executor=lambda store: store), "a CommandExecutor; it returned NotedStore"),
    ):
        with make() as executor, pytest.raises(InvalidArgument, match=message):
            executor.load(MAIN)
    assert store.closed
    with BlockingExecutor(InMemoryEventStore) as executor, pytest.raises(InvalidArgument, match=r"call\(work=5\): expected what can be"):
        executor.call(5)


def test_a_simulation_takes_the_function_and_not_its_coroutine():
    async def main(): ...

    coroutine = main()
    with pytest.raises(InvalidArgument, match=r"simulate\(main=.*\): expected a function that returns a coroutine: `main`, not `main\(\)`"):
        simulate(coroutine, seed=1)
    coroutine.close()


# --- declarations


def apply(self, event: Added):
    return self


def handle(self, streams, state):
    return ()


@pytest.mark.parametrize(
    ("decorate", "message"),
    [
        *((lambda cls, name=name: event(name)(cls), "a text; got") for name in (5, ("a",), b"added", len)),
        (event(""), "'' is no event name"),
        *((lambda cls, version=version: event(version=version)(cls), "count from 1, got") for version in NOT_WHOLE),
        *((lambda cls, version=version: state(version=version)(cls), "count from 1, got") for version in NOT_WHOLE),
        *((lambda cls, every=every: state(snapshot_every=every)(cls), "give 1 or more") for every in NOT_WHOLE[1:]),
        *((lambda cls, category=category: state(category=category)(cls), "a category is a text") for category in (5, "")),
        *((lambda cls, flag=flag: state(ignore_unknown=flag)(cls), "neither True nor False") for flag in NO_FLAGS),
        *((lambda cls, flag=flag: command(allow_aliases=flag)(cls), "allow_aliases=.* neither True nor False") for flag in NO_FLAGS),
        *((lambda cls, flag=flag: stream(read_only=flag), r"stream\(\): read_only=.* neither True nor False") for flag in NO_FLAGS),
        *((lambda cls, flag=flag: discovered(read_only=flag), r"discovered\(\): read_only=") for flag in NO_FLAGS),
        *((lambda cls, version=version: projection(version=version)(cls), "count from 1, got") for version in NOT_WHOLE),
        (projection(name=5), "5 is no name of a projection"),
        (projection(retry=5), "retry is a RetryPolicy, not 5"),
        (projection(streams=5), "expected texts, StreamPrefix or StreamPattern, got 5"),
        (lambda cls: projection(5), "@projection decorates classes, not int"),
        (lambda cls: on(5), "@on: it takes event classes.* got 5"),
        (lambda cls: on(), "@on: it takes event classes.* got nothing"),
        (lambda cls: on(Added, Counter), "@on: it takes event classes.* got <class '.*Added'>, <class '.*Counter'>"),
        (lambda cls: on(type("Heir", (Added,), {})), "@on: it takes event classes.* got <class '.*Heir'>"),
    ],
)
def test_a_declaration_that_cannot_be_is_told_by_its_class(decorate, message):
    with pytest.raises(DefinitionError, match=message):
        decorate(type("Thing", (), {"apply": apply, "handle": handle, "seen": on(Added)(lambda self, recorded, context: None)}))


# --- require


@pytest.mark.parametrize(
    ("template", "arguments"), [("{} {}", (1,)), ("{name}", (1,)), ("{0.missing}", (1,)), ("{:d}", ("one",)), ("{", (1,))]
)
def test_a_template_that_does_not_fit_its_arguments_is_told(template, arguments):
    with pytest.raises(InvalidArgument, match=f"^require: the text {re.escape(repr(template))} cannot be filled in with {arguments[0]!r} "):
        require(False, template, *arguments)


@pytest.mark.parametrize("wrong", [None, 5, ValueError])
def test_what_is_neither_a_text_nor_an_exception_rejects_nothing(wrong):
    with pytest.raises(InvalidArgument, match=r"require\(otherwise=.*\): expected a str or a BaseException"):
        require(False, wrong)


def test_a_template_is_only_filled_in_when_the_condition_fails():
    require(True, "{} {}", 1)
    with pytest.raises(CommandRejected, match=r"^\{\} as it stands$"):
        require(False, "{} as it stands")


def test_a_filter_takes_any_collection_of_names_and_selectors():
    loose = EventFilter(types=["Added", "Added"], streams=[StreamPrefix("cart-")])

    assert loose == EventFilter(types=frozenset({"Added"}), streams=(StreamPrefix("cart-"),))
    assert EventFilter(types={"Added"}) == EventFilter(types=("Added",))
