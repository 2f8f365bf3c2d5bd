"""What a check-out writes, and what it rests on without writing it."""

from __future__ import annotations

import asyncio

import pytest

from eventcore import CommandExecutor, CommandRejected, InMemoryEventStore, StreamId
from patterns.conditional import CheckedOut, CheckIn, CheckOut, DamageReported, Enrol, LoyaltyCard, PointsEarned, RepairList, Stay
from patterns.tests.meanwhile import Meanwhile

STAY, CARD, REPAIRS = StreamId.of(Stay, "7"), StreamId.of(LoyaltyCard, "ada"), StreamId.of(RepairList, "house")

Written = CheckedOut | PointsEarned | DamageReported


@pytest.mark.parametrize(
    ("is_enrolled", "damage", "written"),
    [
        (False, None, {STAY: CheckedOut()}),
        (True, None, {STAY: CheckedOut(), CARD: PointsEarned(300)}),
        (False, "a lamp", {STAY: CheckedOut(), REPAIRS: DamageReported(STAY, "a lamp")}),
        (True, "a lamp", {STAY: CheckedOut(), CARD: PointsEarned(300), REPAIRS: DamageReported(STAY, "a lamp")}),
    ],
)
def test_each_stream_is_written_where_its_rule_says(*, is_enrolled: bool, damage: str | None, written: dict[StreamId, Written]) -> None:
    async def run() -> None:
        async with InMemoryEventStore() as store:
            hotel = CommandExecutor(store)
            await hotel.execute(CheckIn(STAY, 3))
            if is_enrolled:
                await hotel.execute(Enrol(CARD))
            result = await hotel.execute(CheckOut(STAY, CARD, REPAIRS, damage))

            assert {recorded.stream_id: recorded.event for recorded in result.events} == written
            assert set(result.versions) == {STAY, CARD, REPAIRS}

    asyncio.run(run())


def test_a_guest_who_enrols_meanwhile_gets_the_points() -> None:
    """The first run of the command would not have written the card; that was decided on its version all the same."""

    async def run() -> None:
        async with InMemoryEventStore() as store:
            hotel = CommandExecutor(store)
            await hotel.execute(CheckIn(STAY, 2))
            race = Meanwhile(store, lambda: hotel.execute(Enrol(CARD)))
            result = await CommandExecutor(race).execute(CheckOut(STAY, CARD, REPAIRS))

            assert result.attempts == 2
            assert (await hotel.load(CARD)).state == LoyaltyCard(is_enrolled=True, points=200)

    asyncio.run(run())


def test_one_checks_out_once() -> None:
    async def run() -> None:
        async with InMemoryEventStore() as store:
            hotel = CommandExecutor(store)
            await hotel.execute(CheckIn(STAY, 3))
            await hotel.execute(CheckOut(STAY, CARD, REPAIRS, "a lamp"))
            with pytest.raises(CommandRejected, match="stay-7 is over"):
                await hotel.execute(CheckOut(STAY, CARD, REPAIRS, "a lamp"))

            assert (await hotel.load(REPAIRS)).state.open == ("a lamp",)

    asyncio.run(run())
