"""Each pattern at work, told line by line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

from eventcore import CommandExecutor, CommandRejected, StreamId
from eventcore.store import StreamStore
from patterns.conditional import CheckIn, CheckOut, Enrol, LoyaltyCard, RepairList, Stay
from patterns.lazy import Claim, FileClaim, SettleClaim, WriteReport, report_id
from patterns.partitioned import CloseDay, PlaceOrder, TradingDay, all_partitions, partition_of
from patterns.read_only import Doctor, GoOffCall, GoOnCall, NobodyLeftOnCall

Story = Callable[[StreamStore, str], AsyncIterator[str]]
"""Takes a store and a text that keeps its streams apart from those of earlier tellings."""


async def read_only(store: StreamStore, telling: str) -> AsyncIterator[str]:
    ada, grace = StreamId.of(Doctor, f"ada-{telling}"), StreamId.of(Doctor, f"grace-{telling}")
    at_the_desk, at_home = CommandExecutor(store), CommandExecutor(store)
    for doctor in (ada, grace):
        await at_the_desk.execute(GoOnCall(doctor))
    yield "two doctors are on call, and both ask to go at once, from two places"
    outcomes = await asyncio.gather(
        at_the_desk.execute(GoOffCall(ada, grace)), at_home.execute(GoOffCall(grace, ada)), return_exceptions=True
    )
    for outcome in outcomes:
        if isinstance(outcome, NobodyLeftOnCall):
            yield f"refused: {outcome}"
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            yield f"committed: {outcome.events[0].stream_id} went off call"


async def conditional(store: StreamStore, telling: str) -> AsyncIterator[str]:
    executor = CommandExecutor(store)
    repairs = StreamId.of(RepairList, telling)
    for guest, enrols, damage in (("ada", True, None), ("bob", False, "a broken lamp")):
        stay, card = StreamId.of(Stay, f"{guest}-{telling}"), StreamId.of(LoyaltyCard, f"{guest}-{telling}")
        await executor.execute(CheckIn(stay, 3))
        if enrols:
            await executor.execute(Enrol(card))
        result = await executor.execute(CheckOut(stay, card, repairs, damage))
        written = ", ".join(recorded.stream_id for recorded in result.events)
        yield f"{guest} checks out: {len(result.versions)} streams decide, written are {written}"


async def partitioned(store: StreamStore, telling: str) -> AsyncIterator[str]:
    executor = CommandExecutor(store)
    customers = [f"{name}-{telling}" for name in ("ada", "barbara", "claude")]
    for customer in customers:
        await executor.execute(PlaceOrder.of(customer, 400))
        yield f"{customer} orders for 400, in {partition_of(customer)}"
    try:
        await executor.execute(PlaceOrder.of(customers[0], 700))
    except CommandRejected as rejection:
        yield f"refused: {rejection}"
    result = await executor.execute(CloseDay(StreamId.of(TradingDay, telling), all_partitions()))
    yield f"the day is closed on {len(all_partitions())} partitions at one moment: all customers together owe {result.events[0].event.owed:,}"


async def lazy(store: StreamStore, telling: str) -> AsyncIterator[str]:
    executor = CommandExecutor(store)
    for name, amount in (("small", 300), ("large", 9_000)):
        claim = StreamId.of(Claim, f"{name}-{telling}")
        await executor.execute(FileClaim(claim, amount, ("frances", "hedy")))
        for assessor in ("frances", "hedy"):
            await executor.execute(WriteReport(report_id(claim, assessor), plausible=True))
        result = await executor.execute(SettleClaim(claim))
        yield f"a {name} claim of {amount:,} is settled on {len(result.versions)} of its 3 streams"


STORIES: Mapping[str, Story] = {"read-only": read_only, "conditional": conditional, "partitioned": partitioned, "lazy": lazy}
