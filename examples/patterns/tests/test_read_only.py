"""Of two doctors who see each other on call, one may go."""

from __future__ import annotations

import asyncio

import pytest

from eventcore import CommandExecutor, EventStore, StreamId
from eventcore.testing import Scenario, on
from patterns.read_only import Doctor, GoOffCall, GoOnCall, NobodyLeftOnCall, WentOffCall

ADA, GRACE = StreamId.of(Doctor, "ada"), StreamId.of(Doctor, "grace")


@pytest.fixture
def hospital(scenario: Scenario) -> Scenario:
    return scenario.given(GoOnCall(ADA), GoOnCall(GRACE))


def test_a_doctor_may_go_while_the_colleague_stays(hospital: Scenario) -> None:
    gone = hospital.when(GoOffCall(ADA, GRACE)).then(on(ADA, WentOffCall()))

    assert gone.result.versions == {ADA: 2, GRACE: 1}
    hospital.when(GoOffCall(GRACE, ADA)).then_rejected(NobodyLeftOnCall, match="doctor-grace has to stay: doctor-ada is not on call")


def test_write_skew_through_a_stream_that_is_only_read_is_refused(hospital: Scenario) -> None:
    """Ada's command has read that Grace is on call when Grace's commits; the two write different streams."""
    hospital.meanwhile(GoOffCall(GRACE, ADA)).when(GoOffCall(ADA, GRACE)).then_rejected(NobodyLeftOnCall)

    assert (hospital.state(ADA).on_call, hospital.state(GRACE).on_call) == (True, False)


def test_what_happens_to_others_meanwhile_is_no_conflict(hospital: Scenario) -> None:
    gone = hospital.meanwhile(GoOnCall(StreamId.of(Doctor, "hedy"))).when(GoOffCall(ADA, GRACE))

    assert gone.result.attempts == 1


async def test_of_many_who_ask_at_once_from_many_places_one_goes(executor: CommandExecutor, event_store: EventStore) -> None:
    for doctor in (ADA, GRACE):
        await executor.execute(GoOnCall(doctor))

    asked = (GoOffCall(ADA, GRACE), GoOffCall(GRACE, ADA)) * 4
    await asyncio.gather(*(CommandExecutor(event_store).execute(each) for each in asked), return_exceptions=True)

    assert [(await executor.load(doctor)).state.on_call for doctor in (ADA, GRACE)].count(True) == 1
