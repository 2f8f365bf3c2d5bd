"""What came of commands, as far as it can be compared between two runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, TypeVar, final

import attrs

from eventcore.codec import EventCodec
from eventcore.execute import CommandExecutor, RetryPolicy
from eventcore.store import EventStore, StoredEvent
from eventcore.testing.scenario import append_events
from eventcore.testing.simulation import simulate
from eventcore.testing.stream_events import StreamEvents

T = TypeVar("T")

_PATIENT: Final = RetryPolicy(max_attempts=100)


@final
@attrs.frozen
class Written:
    """The events that a command wrote, each with its stream."""

    events: tuple[tuple[str, object], ...]


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


CommandOutcome = Written | Failed


@final
@attrs.frozen
class World:
    """Where commands run: a new store for each time, and the codec of its events."""

    store: Callable[[], EventStore]
    codec: EventCodec

    def executor(self, store: EventStore) -> CommandExecutor:
        return CommandExecutor(store, codec=self.codec, cache_size=0, retry=_PATIENT)

    def run(self, use: Callable[[EventStore], Coroutine[object, object, T]], *, seed: int = 0) -> T:
        """Return what *use* returns, on a new store that is open."""

        async def main() -> T:
            async with self.store() as store:
                return await use(store)

        return simulate(main, seed=seed)

    async def happen(
        self, store: EventStore, history: Sequence[StreamEvents | object]
    ) -> list[tuple[StreamEvents | object, CommandOutcome]]:
        """Let *history* happen; a command of it that is refused did not. Return what did, and what was written."""
        executor = self.executor(store)
        done: list[tuple[StreamEvents | object, CommandOutcome]] = []
        for each in history:
            if isinstance(each, StreamEvents):
                await append_events(executor, each)
                done.append((each, Written(tuple((str(each.stream_id), event) for event in each.events))))
            else:
                done.append((each, await self.outcome(store, each)))
        return done

    async def outcome(self, store: EventStore, command: Any) -> CommandOutcome:
        try:
            result = await self.executor(store).execute(command)
        except Exception as error:  # noqa: BLE001  # it is compared, and shown where it should not be
            return Failed.of(error)
        return Written(tuple((str(recorded.stream_id), recorded.event) for recorded in result.events))

    async def one_after_another(self, store: EventStore, commands: Sequence[object]) -> list[CommandOutcome]:
        return [await self.outcome(store, command) for command in commands]

    async def at_once(self, store: EventStore, commands: Sequence[object]) -> list[CommandOutcome]:
        return list(await asyncio.gather(*(self.outcome(store, command) for command in commands)))


async def stored(store: EventStore) -> dict[str, list[tuple[str, bytes]]]:
    """Return everything in *store*, stream by stream."""
    streams: dict[str, list[tuple[str, bytes]]] = {}
    for event in await everything(store):
        streams.setdefault(event.stream_id, []).append((event.type, event.data))
    return streams


async def everything(store: EventStore) -> list[StoredEvent]:
    events: list[StoredEvent] = []
    page = await store.read_all()
    events += page.events
    while page.more:
        page = await store.read_all(page.position)
        events += page.events
    return events
