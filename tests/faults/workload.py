"""Clients who transfer money and write down what they are told, and readers who follow everything.

The commands are those of examples/bank; each carries its own name in the metadata of its events.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager

from bank.accounts import Account
from bank.commands import DepositMoney, OpenAccount, TransferMoney
from eventcore import CommandExecutor, CommandRejected, EventCoreError, OutcomeUnknown, Position, RetryPolicy, StreamId
from eventcore.errors import StoreError
from eventcore.store import EventStore, StoredEvent, StreamRead
from tests.faults.judge import Entry, History, Place, Told, judge

DEPOSIT = 1_000_00
MOST = 400_00
_PAGE = 37

Tell = Callable[[Told], None]


def account_ids(count: int) -> list[StreamId[Account]]:
    return [StreamId.of(Account, number) for number in range(1, count + 1)]


def make_executor(store: EventStore) -> CommandExecutor:
    return CommandExecutor(store, retry=RetryPolicy(max_attempts=10_000, deadline=120))


async def open_bank(store: EventStore, accounts: Sequence[StreamId[Account]]) -> None:
    """Open the accounts, with something in each."""
    executor = make_executor(store)
    for account in accounts:
        await executor.execute(OpenAccount(account, "somebody"), metadata={"command": f"open {account}"})
        await executor.execute(DepositMoney(account, DEPOSIT), metadata={"command": f"deposit {account}"})


async def transfer(
    executor: CommandExecutor, accounts: Sequence[StreamId[Account]], name: str, rng: random.Random, tell: Tell, *, most: int = MOST
) -> None:
    """Transfer something between two accounts, and tell what was heard of it. Some is more than is there, and rejected."""
    source, target = rng.sample(accounts, 2)
    command = TransferMoney(source, target, rng.randint(1, most))
    try:
        result = await executor.execute(command, metadata={"command": name})
    except OutcomeUnknown as error:
        tell(Told(name, "unknown", error=repr(error)))
    except (CommandRejected, EventCoreError) as error:
        tell(Told(name, "failed", error=repr(error)))
    except asyncio.CancelledError:
        # It runs on in the store, or it was never begun.
        tell(Told(name, "unknown", error="cancelled"))
        raise
    else:
        places = [Place(str(event.event_id), event.stream_id, event.version, str(event.position)) for event in result.events]
        tell(Told(name, "committed", tuple(places)))


async def run_clients(
    store: EventStore,
    accounts: Sequence[StreamId[Account]],
    *,
    name: str,
    clients: int,
    seed: int,
    tell: Tell,
    going_on: Callable[[int], bool],
) -> None:
    """Let *clients* transfer at the same time, as long as *going_on* says so of the number of transfers begun."""
    executor = make_executor(store)
    rng = random.Random(seed)
    begun = 0

    async def client() -> None:
        nonlocal begun
        while going_on(begun):
            begun += 1
            await transfer(executor, accounts, f"{name}:{begun}", rng, tell)

    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(client())


class Follower:
    """Reads everything from the beginning, by its checkpoint: what it saw and has not saved is forgotten by the next `run`, as by a process that ends."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.restarts = 0
        self._seen: list[tuple[Position, str]] = []

    @property
    def seen(self) -> list[str]:
        return [event_id for _, event_id in self._seen]

    @property
    def last(self) -> Position | None:
        return self._seen[-1][0] if self._seen else None

    async def run(self, store: EventStore, *, until: Callable[[], bool]) -> None:
        """Follow *store* until *until* says so and nothing more is there. A store that cannot be reached is asked again."""
        while True:
            try:
                if await self._follow(store, until):
                    return
            except StoreError:
                await asyncio.sleep(0.01)

    async def _follow(self, store: EventStore, until: Callable[[], bool]) -> bool:
        self.restarts += 1
        after = await store.load_checkpoint(self.name)
        self._seen = [] if after is None else [(position, event_id) for position, event_id in self._seen if position <= after]
        for _ in range(20):
            ending = until()
            page = await store.read_all(after, limit=_PAGE)
            self._seen += [(event.position, str(event.event_id)) for event in page.events]
            if page.position is not None and page.position != after:
                await store.save_checkpoint(self.name, page.position)
                after = page.position
            if not page.more:
                if ending:
                    return True
                await store.wait_for_news(after, timeout=0.2)
        # Begin again from the checkpoint, as after a restart.
        return False


@asynccontextmanager
async def following(store: EventStore, *names: str) -> AsyncIterator[list[Follower]]:
    """Let readers follow beside the body; at its end they may catch up."""
    over = asyncio.Event()
    followers = [Follower(name) for name in names]
    tasks = [asyncio.create_task(follower.run(store, until=over.is_set)) for follower in followers]
    try:
        yield followers
        over.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 60)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def history(
    store: EventStore, accounts: Sequence[StreamId[Account]], told: Iterable[Told], followers: Iterable[Follower] = ()
) -> History:
    """Read back what is stored, in both ways, and put it beside what was told."""
    log: list[Entry] = []
    last: Position | None = None
    after: Position | None = None
    while True:
        page = await store.read_all(after, limit=500)
        for event in page.events:
            assert last is None or event.position > last, f"positions do not grow: {event.position} after {last}"
            last = event.position
            log.append(entry_of(event))
        after = page.position
        if not page.more:
            break
    slices = (await store.read([StreamRead(account) for account in accounts])).slices
    assert [piece.version for piece in slices] == [len(piece.events) for piece in slices], "a head says otherwise than its events"
    return History(
        told=list(told),
        log=log,
        streams={piece.stream_id: [entry_of(event) for event in piece.events] for piece in slices},
        readers={follower.name: follower.seen for follower in followers},
        openings=frozenset(f"{what} {account}" for what in ("open", "deposit") for account in accounts),
    )


async def require_truth(
    store: EventStore, accounts: Sequence[StreamId[Account]], told: Iterable[Told], followers: Iterable[Follower] = ()
) -> History:
    """Fail where the judge finds fault."""
    found = await history(store, accounts, told, followers)
    faults = judge(found)
    assert not faults, "\n".join(faults[:20])
    return found


def entry_of(event: StoredEvent) -> Entry:
    data = json.loads(event.data)
    sign = -1 if event.type == "MoneySent" else 1
    return Entry(
        str(event.event_id),
        event.stream_id,
        event.version,
        str(event.position),
        json.loads(event.metadata)["command"],
        sign * data.get("amount", 0),
    )
