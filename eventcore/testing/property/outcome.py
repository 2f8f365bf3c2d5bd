"""Where the commands of a case run."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import TypeVar, final

import attrs

from eventcore.codec import EventCodec
from eventcore.execute import CommandExecutor
from eventcore.store import EventStore
from eventcore.testing.scenario import append_events
from eventcore.testing.simulation import simulate
from eventcore.testing.stream_events import StreamEvents
from eventcore.testing.together import PATIENT, CommandOutcome, Meeting, Written, at_once, one_after_another, outcome_of

T = TypeVar("T")


@final
@attrs.frozen
class World:
    """A new store for each time that commands run, and the codec of their events."""

    store: Callable[[], EventStore]
    codec: EventCodec

    def executor(self, store: EventStore) -> CommandExecutor:
        return CommandExecutor(store, codec=self.codec, cache_size=0, retry=PATIENT)

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

    async def outcome(self, store: EventStore, command: object) -> CommandOutcome:
        return await outcome_of(self.executor(store), command)

    def at_once(self, history: Sequence[StreamEvents | object], commands: Sequence[object], *, seed: int) -> Meeting:
        """Let *history* happen, and then *commands* at the same time."""

        async def use(store: EventStore) -> Meeting:
            await self.happen(store, history)
            return await at_once(partial(self.executor, store), commands, seed=seed, log=store)

        return self.run(use)

    def one_after_another(self, history: Sequence[StreamEvents | object], commands: Sequence[object], order: Sequence[int]) -> Meeting:
        """Let *history* happen, and then *commands* in this order."""

        async def use(store: EventStore) -> Meeting:
            await self.happen(store, history)
            return await one_after_another(partial(self.executor, store), commands, order, log=store)

        return self.run(use)
