"""Of two doctors who see each other on call, one may go."""

from __future__ import annotations

import asyncio

import pytest

from eventcore import CommandExecutor, InMemoryEventStore, StreamId
from patterns.read_only import Doctor, GoOffCall, GoOnCall, NobodyLeftOnCall, WentOffCall
from patterns.tests.meanwhile import Meanwhile

ADA, GRACE = StreamId.of(Doctor, "ada"), StreamId.of(Doctor, "grace")


async def on_call(store: InMemoryEventStore) -> list[StreamId[Doctor]]:
    hospital = CommandExecutor(store)
    return [doctor for doctor in (ADA, GRACE) if (await hospital.load(doctor)).state.on_call]


async def begin_shift(store: InMemoryEventStore) -> CommandExecutor:
    hospital = CommandExecutor(store)
    for doctor in (ADA, GRACE):
        await hospital.execute(GoOnCall(doctor))
    return hospital


def test_a_doctor_may_go_while_the_colleague_stays() -> None:
    async def run() -> None:
        async with InMemoryEventStore() as store:
            hospital = await begin_shift(store)
            result = await hospital.execute(GoOffCall(ADA, GRACE))

            assert [(recorded.stream_id, recorded.event) for recorded in result.events] == [(ADA, WentOffCall())]
            assert result.versions == {ADA: 2, GRACE: 1}
            with pytest.raises(NobodyLeftOnCall, match="doctor-grace has to stay: doctor-ada is not on call"):
                await hospital.execute(GoOffCall(GRACE, ADA))

    asyncio.run(run())


def test_write_skew_through_a_stream_that_is_only_read_is_refused() -> None:
    """Ada's command has read that Grace is on call when Grace's commits; the two write different streams."""

    async def run() -> None:
        async with InMemoryEventStore() as store:
            hospital = await begin_shift(store)
            race = Meanwhile(store, lambda: hospital.execute(GoOffCall(GRACE, ADA)))

            with pytest.raises(NobodyLeftOnCall):
                await CommandExecutor(race).execute(GoOffCall(ADA, GRACE))

            assert await on_call(store) == [ADA]

    asyncio.run(run())


def test_what_happens_to_others_meanwhile_is_no_conflict() -> None:
    async def run() -> None:
        async with InMemoryEventStore() as store:
            hospital = await begin_shift(store)
            race = Meanwhile(store, lambda: hospital.execute(GoOnCall(StreamId.of(Doctor, "hedy"))))
            result = await CommandExecutor(race).execute(GoOffCall(ADA, GRACE))

            assert result.attempts == 1

    asyncio.run(run())


def test_of_many_who_ask_at_once_from_many_places_one_goes() -> None:
    async def run() -> None:
        async with InMemoryEventStore() as store:
            await begin_shift(store)
            asked = (GoOffCall(ADA, GRACE), GoOffCall(GRACE, ADA)) * 4
            await asyncio.gather(*(CommandExecutor(store).execute(each) for each in asked), return_exceptions=True)

            assert len(await on_call(store)) == 1

    asyncio.run(run())
