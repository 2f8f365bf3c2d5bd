"""The library `eventsource-py` on its memory store: 0.15 on Python 3.13, 0.8 before.

It cannot append to two streams at once, so a transfer is two appends, and nothing holds them together: less than what the others promise. Its
store is used directly, without its aggregates, which are slower. Its events are made by their constructors,
validated by pydantic.
"""

# mypy: ignore-errors
# The peers are installed beside the benchmarks only, so the checkers see no types of theirs.
from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from uuid import UUID, uuid4, uuid5

from eventsource import DomainEvent, ExpectedVersion, InMemoryEventStore, OptimisticLockError, StreamId, register_event

from benchmarks.work import DEPOSIT, Outcome, Place, Timed, Transfer, Work

NAME = "eventsource-py, memory"
DISTRIBUTIONS = ("eventsource-py", "pydantic")
TASKS = (1, 8, 32, 64)
VARIANTS = tuple(f"{n} tasks" for n in TASKS)

SPACE = UUID("6d0f7a52-5c8e-4c0f-9f0e-3a2c7d1b8e44")


@register_event
class AccountOpened(DomainEvent):
    aggregate_type: str = "Account"
    deposit: int


@register_event
class MoneySent(DomainEvent):
    aggregate_type: str = "Account"
    amount: int
    receiver: UUID


@register_event
class MoneyReceived(DomainEvent):
    aggregate_type: str = "Account"
    amount: int
    sender: UUID


def run(work: Work, *, variant: str, place: Place) -> Outcome:
    del place
    return asyncio.run(_run(work, int(variant.split(maxsplit=1)[0])))


async def _run(work: Work, concurrency: int) -> Outcome:
    store = InMemoryEventStore()
    streams = {account: StreamId(uuid5(SPACE, account), "Account") for account in work.accounts}
    for stream in streams.values():
        await store.append(stream, [AccountOpened(aggregate_id=stream.aggregate_id, deposit=DEPOSIT)], ExpectedVersion.no_stream())
    await _transfer_all(store, streams, work.warming(), concurrency)
    began = time.perf_counter()
    await _transfer_all(store, streams, work.transfers(), concurrency)
    seconds = time.perf_counter() - began
    found = {account: await _fold(store, stream) for account, stream in streams.items()}
    balances = {account: balance for account, (balance, _) in found.items()}
    events = sum(version for _, version in found.values())
    return Outcome(Timed(seconds), balances, events, {"at a time": concurrency, "atomic": "no"})


async def _transfer_all(store: InMemoryEventStore, streams: dict[str, StreamId], transfers: Iterable[Transfer], concurrency: int) -> None:
    waiting = iter(transfers)

    async def work() -> None:
        for source, target, amount in waiting:
            await _transfer(store, streams[source], streams[target], amount)

    if concurrency == 1:
        await work()
        return
    async with asyncio.TaskGroup() as tasks:
        for _ in range(concurrency):
            tasks.create_task(work())


async def _transfer(store: InMemoryEventStore, source: StreamId, target: StreamId, amount: int) -> None:
    transfer_id = uuid4()
    while True:
        balance, version = await _fold(store, source)
        if balance < amount:
            raise ValueError(f"{source} holds less than {amount}")
        sent = MoneySent(
            event_type="MoneySent",
            aggregate_id=source.aggregate_id,
            aggregate_version=version + 1,
            correlation_id=transfer_id,
            amount=amount,
            receiver=target.aggregate_id,
        )
        try:
            await store.append(source, [sent], ExpectedVersion.exact(version))
            break
        except OptimisticLockError:
            continue
    while True:
        _, version = await _fold(store, target)
        received = MoneyReceived(
            event_type="MoneyReceived",
            aggregate_id=target.aggregate_id,
            aggregate_version=version + 1,
            correlation_id=transfer_id,
            amount=amount,
            sender=source.aggregate_id,
        )
        try:
            await store.append(target, [received], ExpectedVersion.exact(version))
        except OptimisticLockError:
            continue
        return


async def _fold(store: InMemoryEventStore, stream: StreamId) -> tuple[int, int]:
    """Return the balance and the version."""
    balance = version = 0
    async for envelope in store.read_stream(stream):
        event = envelope.event
        version += 1
        if type(event) is MoneyReceived:
            balance += event.amount
        elif type(event) is MoneySent:
            balance -= event.amount
        else:
            balance = event.deposit
    return balance, version
