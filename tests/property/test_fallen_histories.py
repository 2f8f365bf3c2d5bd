"""A server that falls back on a copy of itself, again and again: what is left has a sequential explanation, and rests on nothing that was lost."""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import Sequence
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st
from lab.accounts import LOOKED, Crash

from eventcore import CommandExecutor, CommandRejected, InMemoryEventStore
from eventcore.errors import HistoryChanged
from eventcore.store import AppendRequest, History, ReadResult, Snapshot, StreamRead, Verdict
from tests.property.histories import Hesitant, Oracle, check_log, check_states, draw
from tests.property.test_histories import PHASES, switches
from tests.soak import times

_LASTING = ("_streams", "_log", "_outcomes", "_snapshots")


class Server(InMemoryEventStore):
    """It keeps a copy of itself now and then, and falls back on it."""

    def __init__(self) -> None:
        super().__init__()
        self.falls = 0
        self.keep()

    def keep(self) -> None:
        self._copy = copy.deepcopy({name: getattr(self, name) for name in _LASTING})

    def fall_back(self) -> None:
        vars(self).update(copy.deepcopy(self._copy))
        self.falls += 1


class Connected(Hesitant):
    """One process's way to *store*, which is its server: with the first word to it after a fall it hears that there was one."""

    def __init__(self, store: Server, chance: random.Random) -> None:
        super().__init__(store, chance)
        self.history = History()
        self._server = store
        self._falls = store.falls

    def _meet(self) -> None:
        if self._falls != self._server.falls:
            self._falls = self._server.falls
            self.history.turn()

    async def read(self, streams: Sequence[StreamRead], /, *, idempotency_key: str | None = None) -> ReadResult:
        await self._hesitate()
        self._meet()
        result = await self._server.read(streams, idempotency_key=idempotency_key)
        await self._hesitate()
        return result

    async def append(self, requests: Sequence[AppendRequest], /) -> Sequence[Verdict]:
        of = self.history.now
        await self._hesitate()
        self._meet()
        if self.history.now is not of:
            raise HistoryChanged("a test")
        verdicts = await self._server.append(requests)
        await self._hesitate()
        return verdicts

    async def save_snapshots(self, snapshots: Sequence[Snapshot], /) -> None:
        of = self.history.now
        await self._hesitate()
        self._meet()
        if self.history.now is of:
            await self._server.save_snapshots(snapshots)


async def fall_now_and_then(server: Server, chance: random.Random) -> None:
    while True:
        for act in (server.keep, server.fall_back):
            for _ in range(chance.randrange(1, 40)):
                await asyncio.sleep(0)
            act()


@given(seed=st.integers(0, 2**32), switches=switches, executors=st.integers(1, 3))
@settings(max_examples=times(60), deadline=None, phases=PHASES)
def test_what_is_left_rests_on_nothing_that_was_lost(seed, switches, executors):
    async def main() -> None:
        chance = random.Random(seed)
        server = Server()
        ways = [CommandExecutor(Connected(server, chance), **switches) for _ in range(executors)]
        orders = {}

        async def client(name: str) -> None:
            LOOKED.set([])
            for number in range(12):
                order = draw(chance, f"{name}-{number}")
                orders[order.by] = order
                with suppress(CommandRejected, Crash):
                    await chance.choice(ways).execute(order.command())

        falling = asyncio.create_task(fall_now_and_then(server, chance))
        await asyncio.gather(*(client(f"c{number}") for number in range(5)))
        falling.cancel()
        for way in ways:
            await way.save_snapshots()
        log = (await server.read_all()).events
        check_log(Oracle(log), orders)
        for way in [*ways, CommandExecutor(server)]:
            await check_states(Oracle(log), way)

    asyncio.run(main())
