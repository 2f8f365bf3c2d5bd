"""What a check-out writes, and what it rests on without writing it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from eventcore import StreamId
from eventcore.testing import Scenario, StreamEvents, on
from patterns.conditional import CheckedOut, CheckIn, CheckOut, DamageReported, Enrol, LoyaltyCard, PointsEarned, RepairList, Stay

STAY, CARD, REPAIRS = StreamId.of(Stay, "7"), StreamId.of(LoyaltyCard, "ada"), StreamId.of(RepairList, "house")
POINTS, DAMAGE = on(CARD, PointsEarned(300)), on(REPAIRS, DamageReported(STAY, "a lamp"))


@pytest.mark.parametrize(
    ("before", "damage", "also_written"),
    [([], None, []), ([Enrol(CARD)], None, [POINTS]), ([], "a lamp", [DAMAGE]), ([Enrol(CARD)], "a lamp", [POINTS, DAMAGE])],
)
def test_each_stream_is_written_where_its_rule_says(
    scenario: Scenario, before: Sequence[Enrol], damage: str | None, also_written: Sequence[StreamEvents]
) -> None:
    outcome = scenario.given(CheckIn(STAY, 3), *before).when(CheckOut(STAY, CARD, REPAIRS, damage))

    outcome.then(on(STAY, CheckedOut()), *also_written)
    assert set(outcome.result.versions) == {STAY, CARD, REPAIRS}


def test_a_guest_who_enrols_meanwhile_gets_the_points(scenario: Scenario) -> None:
    """The first run of the command would not have written the card; that was decided on its version all the same."""
    outcome = scenario.given(CheckIn(STAY, 2)).meanwhile(Enrol(CARD)).when(CheckOut(STAY, CARD, REPAIRS))

    outcome.then_state(CARD, LoyaltyCard(is_enrolled=True, points=200))
    assert outcome.result.attempts == 2


def test_one_checks_out_once(scenario: Scenario) -> None:
    check_out = CheckOut(STAY, CARD, REPAIRS, "a lamp")

    scenario.given(CheckIn(STAY, 3), check_out).when(check_out).then_rejected(match="stay-7 is over").then_state(
        REPAIRS, RepairList(("a lamp",))
    )
