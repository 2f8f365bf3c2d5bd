"""Commands at the same time: a seed interleaves them, and what comes of them is held against the same commands one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import permutations
from textwrap import indent
from typing import Any, Final, NamedTuple, TypeAlias, final

import attrs

from eventcore.execute import CommandExecutor, RetryPolicy
from eventcore.store import ANY, AppendRequest, EventLog, EventStore, NewEvent, StoredEvent
from eventcore.stores.memory import InMemoryEventStore
from eventcore.testing.differences import shown
from eventcore.testing.simulation import reseed, simulate

PATIENT: Final = RetryPolicy(max_attempts=100)
"""How commands are tried again here: one that gave up early would have done less than it would have done alone."""


@final
@attrs.frozen
class Written:
    """The events that a command wrote, each with its stream."""

    events: tuple[tuple[str, object], ...]

    def __str__(self) -> str:
        return ", ".join(f"{stream_id}: {shown(event)}" for stream_id, event in self.events) or "nothing to write"


@final
@attrs.frozen
class Failed:
    """The error that a command ended with. Two are equal when their class and text are."""

    error: Exception = attrs.field(eq=False)
    kind: type[Exception]
    text: str

    @classmethod
    def of(cls, error: Exception) -> Failed:
        return cls(error, type(error), str(error))

    def __str__(self) -> str:
        return f"{self.kind.__name__}: {self.text}"


CommandOutcome: TypeAlias = Written | Failed


class Meeting(NamedTuple):
    """What came of each of some commands, and what every stream holds afterwards."""

    outcomes: Sequence[CommandOutcome]
    streams: Mapping[str, Sequence[tuple[str, bytes]]]

    def told(self, commands: Sequence[object]) -> str:
        return "\n".join(f"{shown(command)}\n    {outcome}" for command, outcome in zip(commands, self.outcomes, strict=True))


@final
class Together:
    """What came of commands that ran at the same time, for a test to judge."""

    def __init__(
        self,
        commands: Sequence[object],
        seed: int,
        meeting: Meeting,
        history: Sequence[StoredEvent],
        make: Callable[[EventStore], CommandExecutor],
    ) -> None:
        self.commands: Final = tuple(commands)
        self.seed: Final = seed
        self.judged = False
        self._meeting, self._history, self._make = meeting, history, make

    def then_in_some_order(self) -> Together:
        """Require that they did what they would have done one after the other, in some order, and left the same in every stream."""
        __tracebackhide__ = True
        self.judged = True
        if not any(self._alone(order) == self._meeting for order in orders(self.commands)):
            raise AssertionError(
                "these commands ran at the same time, and did what they do one after the other in no order:\n\n"
                f"{indent(self._meeting.told(self.commands), '    ')}\n\n(this interleaving is seed {self.seed})"
            )
        return self

    def _alone(self, order: Sequence[int]) -> Meeting:
        async def main() -> Meeting:
            async with InMemoryEventStore() as store:
                for event in self._history:
                    await store.append([AppendRequest({event.stream_id: ANY}, [_again(event)])])
                return await one_after_another(partial(self._make, store), self.commands, order, log=store)

        return simulate(main, seed=0)


def _again(event: StoredEvent) -> NewEvent:
    return NewEvent(event.stream_id, event.event_id, event.type, event.type_version, event.data, event.metadata)


async def outcome_of(executor: CommandExecutor, command: Any) -> CommandOutcome:
    """Execute *command*, and return what came of it."""
    try:
        result = await executor.execute(command)
    except Exception as error:  # noqa: BLE001  # it is compared, and shown where it should not be
        return Failed.of(error)
    return Written(tuple((str(recorded.stream_id), recorded.event) for recorded in result.events))


async def at_once(make: Callable[[], CommandExecutor], commands: Sequence[object], *, seed: int, log: EventLog) -> Meeting:
    """Let *commands* meet in a simulation, each on an executor of its own. What happens depends on *seed* alone, whatever went before."""
    # What the history left to be done later is no part of the meeting. (A store may have a task that never ends.)
    if others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others, timeout=1)
    reseed(seed)
    outcomes = await asyncio.gather(*(outcome_of(make(), command) for command in commands))
    return Meeting(outcomes, await stored(log))


async def one_after_another(
    make: Callable[[], CommandExecutor], commands: Sequence[object], order: Sequence[int], *, log: EventLog
) -> Meeting:
    """Run *commands* in this *order*; the outcomes returned are in theirs."""
    outcomes = {index: await outcome_of(make(), commands[index]) for index in order}
    return Meeting([outcomes[index] for index in range(len(commands))], await stored(log))


def orders(commands: Sequence[object]) -> Iterator[tuple[int, ...]]:
    return permutations(range(len(commands)))


async def stored(log: EventLog) -> dict[str, list[tuple[str, bytes]]]:
    """Return everything in *log*, stream by stream."""
    streams: dict[str, list[tuple[str, bytes]]] = {}
    for event in await everything(log):
        streams.setdefault(event.stream_id, []).append((event.type, event.data))
    return streams


async def everything(log: EventLog) -> list[StoredEvent]:
    page = await log.read_all()
    events = list(page.events)
    while page.more:
        page = await log.read_all(page.position)
        events += page.events
    return events
