"""Given, when, then: one command on the real executor, and exactly what it wrote.

::

    scenario.given(on(ADA, AccountOpened("Ada"), MoneyDeposited(1000)), on(GRACE, AccountOpened("Grace")))
    scenario.when(TransferMoney(ADA, GRACE, 300)).then(on(ADA, MoneySent(300, GRACE)), on(GRACE, MoneyReceived(300, ADA)))
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Iterable
from functools import partial
from typing import Any, Final, Generic, Never, Protocol, TypeAlias, TypeVar, cast, final, overload

from eventcore.arguments import Arguments
from eventcore.declare import command_marker, event_marker
from eventcore.errors import CommandRejected, InvalidArgument, NotACommand
from eventcore.events import Metadata
from eventcore.execute import CommandExecutor, CommandResult, DiscoveringCommand, PlainCommand
from eventcore.ids import StreamId
from eventcore.store import ANY, AppendRequest, Committed, EventStore, NewEvent, Refused
from eventcore.stores.memory import InMemoryEventStore
from eventcore.testing import differences
from eventcore.testing.meanwhile import MeanwhileStore
from eventcore.testing.simulation import simulate
from eventcore.testing.stream_events import FoldsInto, StreamEvents
from eventcore.testing.together import PATIENT, Together, at_once, everything
from eventcore.typed import StreamResolver, StreamSet

T = TypeVar("T")
S = TypeVar("S")
E = TypeVar("E")
E_co = TypeVar("E_co", covariant=True)
StreamsT = TypeVar("StreamsT", bound=StreamSet)
ResolverT = TypeVar("ResolverT", bound=StreamResolver)

AnyCommand: TypeAlias = PlainCommand[Never, object] | DiscoveringCommand[Never, Never, object]
"""Any command at all. (`Never` admits every type of streams.)"""


class RunsCoroutines(Protocol):
    """What runs a coroutine to its end: `asyncio.run`, or the method of a runner whose loop a store was opened in."""

    def __call__(self, main: Coroutine[Any, Any, T], /) -> T: ...


@final
class Scenario:
    """Tells what had happened (`given`), then runs a command (`when`), whose `Outcome` says what was to come of it.

    The command runs on a real executor with the settings of *executor*, by default one on a new `InMemoryEventStore`. Everything of one scenario is
    in one store, so a scenario may go on after its first outcome. *run* runs coroutines, by default each in an event loop of its own;
    a store that is bound to the loop it was opened in needs that loop's. (The fixture `scenario` has all that.)
    """

    def __init__(self, executor: CommandExecutor | None = None, *, run: RunsCoroutines | None = None) -> None:
        given = executor or CommandExecutor(InMemoryEventStore())
        self._executor: Final = partial(
            CommandExecutor,
            retry=given.retry,
            max_discoveries=given.max_discoveries,
            observer=given.observer,
            codec=given.codec,
            cache_size=0,
        )
        # Without a cache: what is given goes past the executor, which would have to find that out by a conflict.
        self.executor: Final = self._executor(given.store)
        self._loop: Final[RunsCoroutines] = run or asyncio.run
        self._meanwhile: list[tuple[tuple[StreamEvents | AnyCommand, ...], int]] = []
        self._open: Outcome[object] | Together | None = None

    def given(self, *history: StreamEvents | AnyCommand) -> Scenario:
        """Let *history* have happened: events in streams (`on`), and commands, which have to succeed."""
        _require_history("given", history)
        self._run(_happen(self.executor, history))
        return self

    def meanwhile(self, *history: StreamEvents | AnyCommand, after: int = 1) -> Scenario:
        """Let *history* happen while the next command runs: right after its read number *after*, before it appends.

        A command reads once, then once more for each round of discovery.
        """
        _require_history("meanwhile", history)
        self._meanwhile.append((history, after))
        return self

    @overload
    def when(
        self, command: PlainCommand[StreamsT, E], /, *, metadata: Metadata | None = None, idempotency_key: str | None = None
    ) -> Outcome[E]: ...
    @overload
    def when(
        self,
        command: DiscoveringCommand[StreamsT, ResolverT, E],
        /,
        *,
        metadata: Metadata | None = None,
        idempotency_key: str | None = None,
    ) -> Outcome[E]: ...
    def when(self, command: Any, /, *, metadata: Metadata | None = None, idempotency_key: str | None = None) -> Outcome[object]:
        """Execute *command*, and return what came of it. Any of the outcome's `then...` has to follow."""
        if command_marker(cast("type[object]", type(command))) is None:
            raise NotACommand(command)
        self.finish()
        run = self._run(self._attempt(command, metadata, idempotency_key))
        self._open = outcome = Outcome[object](self, command, run)
        return outcome

    def when_together(self, *commands: AnyCommand, seed: int) -> Together:
        """Execute *commands* at the same time, interleaved as *seed* says. A `then_in_some_order` has to follow.

        An interleaving that `check_command` found is found again by its seed, for a store in memory: threads and sockets are nobody's to decide.
        The commands are tried again for as long as they conflict.
        """
        self.finish()
        store = cast("EventStore", self.executor.store)
        make = partial(self._executor, retry=PATIENT)
        history = self._run(everything(store))
        meeting = simulate(lambda: at_once(partial(make, store), commands, seed=seed, log=store), seed=seed)
        self._open = together = Together(commands, seed, meeting, history, make)
        return together

    def state(self, stream: StreamId[S], /) -> S:
        """Return what *stream* folds into now."""
        return self._run(self.executor.load(stream)).state

    def version(self, stream: StreamId[object], /) -> int:
        """Return how many events *stream* has now."""
        return self._run(self.executor.load(stream)).version

    def finish(self) -> None:
        """Refuse to go on, or to end, while a `when` has no `then`: a test that expects nothing tests nothing."""
        __tracebackhide__ = True
        outcome, self._open = self._open, None
        if outcome is not None and not outcome.judged:
            raise AssertionError(_unjudged(outcome))

    def _run(self, main: Coroutine[Any, Any, T]) -> T:
        if _is_in_loop():
            main.close()
            raise InvalidArgument(
                "a scenario runs an event loop of its own, and here is one already; use it in a plain `def` test, or await an executor"
            )
        return self._loop(main)

    async def _attempt(self, command: Any, metadata: Metadata | None, key: str | None) -> CommandResult[object] | Exception:
        stores = self._interrupted()
        executor = self._executor(stores[-1]) if stores else self.executor
        outcome: CommandResult[object] | Exception
        try:
            outcome = await executor.execute(command, metadata=metadata, idempotency_key=key)
        except Exception as error:  # noqa: BLE001  # the outcome raises it where it was not expected
            outcome = error
        for store in stores:
            store.require_happened(differences.shown(command))
        return outcome

    def _interrupted(self) -> list[MeanwhileStore]:
        """Return the store of the executor with what is to happen meanwhile, each in front of the one before."""
        happenings, self._meanwhile = self._meanwhile, []
        stores: list[MeanwhileStore] = []
        for history, after in happenings:
            # An executor needs less of a store than stores have; whoever lacks the rest is not asked for it here.
            inner = stores[-1] if stores else cast("EventStore", self.executor.store)
            stores.append(MeanwhileStore(inner, partial(_happen, self.executor, history), after=after))
        return stores


@final
class Outcome(Generic[E_co]):
    """What came of a command. The methods fail with an `AssertionError` where it is something else; all return the outcome, so more may follow."""

    def __init__(self, scenario: Scenario, command: object, outcome: CommandResult[E_co] | Exception, /) -> None:
        self.scenario: Final = scenario
        self.command: Final = command
        self.judged = False
        self._outcome: Final = outcome

    @property
    def result(self) -> CommandResult[E_co]:
        """What the executor returned: attempts, versions, position. Raises what it raised."""
        self.judged = True
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome

    def then(self, *expected: StreamEvents) -> Outcome[E_co]:
        """Require that the command wrote exactly the *expected* events: these, in this order in each stream, and nothing to other streams.

        Several `on(...)` of one stream follow each other.
        """
        __tracebackhide__ = True
        self.judged = True
        for each in expected:
            Arguments("then").check(isinstance(cast("object", each), StreamEvents), "expected", each, "what `on(stream, event, ...)` makes")
        wanted = _by_stream((each.stream_id, each.events) for each in expected)
        if isinstance(self._outcome, Exception):
            self._unexpected(f"should have written\n\n{differences.listed(wanted, self._name)}")
        written = _by_stream((recorded.stream_id, (recorded.event,)) for recorded in self._outcome.events)
        if difference := differences.of_streams(wanted, written, self._name):
            raise AssertionError(f"{differences.shown(self.command)} wrote something else:\n\n{difference}")
        return self

    def then_nothing(self) -> Outcome[E_co]:
        """Require that the command succeeded and had nothing to write."""
        __tracebackhide__ = True
        return self.then()

    def then_rejected(self, error: type[Exception] = CommandRejected, /, *, match: str | None = None) -> Outcome[E_co]:
        """Require that the command ended with *error* or a class of it, whose text matches the regular expression *match* (as `re.search` does)."""
        __tracebackhide__ = True
        self.judged = True
        expected = error.__name__ if match is None else f"{error.__name__} matching {match!r}"
        if not isinstance(self._outcome, Exception):
            written = _by_stream((recorded.stream_id, (recorded.event,)) for recorded in self._outcome.events)
            raise AssertionError(  # noqa: TRY004  # it is no type that is wrong
                f"{differences.shown(self.command)} should have been refused with {expected}, but wrote\n\n"
                + differences.listed(written, self._name)
            )
        if not isinstance(self._outcome, error):
            self._unexpected(f"should have been refused with {expected}")
        if match is not None and not re.search(match, str(self._outcome)):
            raise AssertionError(
                f"{differences.shown(self.command)} was refused for another reason:\n\n    - {match}\n    + {self._outcome}\n\n"
                "(- the pattern that was expected, + what the refusal says)"
            ) from self._outcome
        return self

    def then_state(self, stream: FoldsInto[S], expected: S, /) -> Outcome[E_co]:
        """Require that *stream*, a `StreamId`, now folds into *expected*, whatever came of the command."""
        __tracebackhide__ = True
        self.judged = True
        stream_id = cast("StreamId[S]", stream)
        actual = self.scenario.state(stream_id)
        if actual != expected:
            raise AssertionError(f"{self._name(stream_id)} folds into something else:\n\n{differences.of_values(expected, actual)}")
        return self

    def _unexpected(self, expectation: str) -> Never:
        __tracebackhide__ = True
        error = cast("Exception", self._outcome)
        how = "was rejected" if isinstance(error, CommandRejected) else f"raised {type(error).__name__}"
        message = f"{differences.shown(self.command)} {expectation}\n\nbut {how}: {error}"
        raise AssertionError(message) from error

    def _name(self, stream_id: str) -> str:
        return differences.name(self.command, stream_id)


def _unjudged(outcome: Outcome[object] | Together) -> str:
    if isinstance(outcome, Together):
        commands = ", ".join(map(differences.shown, outcome.commands))
        return f"when_together({commands}, seed={outcome.seed}) was followed by no then: say then_in_some_order()"
    return (
        f"when({differences.shown(outcome.command)}) was followed by no then: say what is expected with "
        "then(...), then_nothing(), then_rejected(...) or then_state(...)"
    )


def _by_stream(changes: Iterable[tuple[StreamId, tuple[object, ...]]]) -> dict[str, list[object]]:
    streams: dict[str, list[object]] = {}
    for stream_id, events in changes:
        streams.setdefault(str(stream_id), []).extend(events)
    return streams


def _require_history(call: str, history: Iterable[object]) -> None:
    for each in history:
        holds = isinstance(each, StreamEvents) or command_marker(type(each)) is not None
        Arguments(call).check(holds, "history", each, "commands, and what `on(stream, event, ...)` makes")


async def _happen(executor: CommandExecutor, history: Iterable[StreamEvents | AnyCommand]) -> None:
    for each in history:
        if isinstance(each, StreamEvents):
            await append_events(executor, each)
        else:
            command: Any = each
            await executor.execute(command)


async def append_events(executor: CommandExecutor, given: StreamEvents) -> None:
    """Append what is *given*, whatever the stream holds."""
    ids = executor.event_ids.draw(len(given.events))
    events: list[NewEvent] = []
    for event, event_id in zip(given.events, ids, strict=True):
        marker = event_marker(type(event))
        if marker is None:
            raise InvalidArgument(f"{event!r} was given for {str(given.stream_id)!r}, which is no instance of an @event class")
        events.append(NewEvent(given.stream_id, event_id, marker.name, marker.version, executor.codec.encode(event)))
    [verdict] = await executor.store.append([AppendRequest({given.stream_id: ANY}, events)])
    if isinstance(verdict, Refused):
        raise verdict.error
    if not isinstance(verdict, Committed):
        raise InvalidArgument(f"the store answered {verdict!r} to an append that rests on no version; is it one that conflicts on purpose?")


def _is_in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
