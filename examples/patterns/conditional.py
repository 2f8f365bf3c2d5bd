"""Conditional writes: declare every stream that may be written, write those that the rules say.

Use it where one thing always happens and others only sometimes. A declared stream may stay unwritten; but it was part of the decision,
so its version is checked too: a guest who joins the loyalty programme while checking out gets the points, though the card was not
enrolled when the command began.

Where many streams may be written and few of them are, see `patterns.lazy`: what is not even read costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, require, state, stream

if TYPE_CHECKING:
    from patterns.conditional_streams import (
        CheckInState,
        CheckInStreams,
        CheckInWrites,
        CheckOutState,
        CheckOutStreams,
        CheckOutWrites,
        EnrolState,
        EnrolStreams,
        EnrolWrites,
    )

POINTS_PER_NIGHT = 100


@event("patterns.checked-in")
class CheckedIn:
    nights: int


@event("patterns.checked-out")
class CheckedOut:
    pass


@state
class Stay:
    nights: int = 0
    is_in_house: bool = False

    def apply(self, event: CheckedIn | CheckedOut) -> Stay:
        match event:
            case CheckedIn(nights):
                return Stay(nights, is_in_house=True)
            case CheckedOut():
                return Stay(self.nights, is_in_house=False)


@event("patterns.enrolled")
class Enrolled:
    pass


@event("patterns.points-earned")
class PointsEarned:
    points: int


@state
class LoyaltyCard:
    is_enrolled: bool = False
    points: int = 0

    def apply(self, event: Enrolled | PointsEarned) -> LoyaltyCard:
        match event:
            case Enrolled():
                return LoyaltyCard(is_enrolled=True, points=self.points)
            case PointsEarned(points):
                return LoyaltyCard(self.is_enrolled, self.points + points)


@event("patterns.damage-reported")
class DamageReported:
    stay: str
    what: str


@state
class RepairList:
    open: tuple[str, ...] = ()

    def apply(self, event: DamageReported) -> RepairList:
        return RepairList((*self.open, event.what))


@command
class CheckIn:
    stay: StreamId[Stay] = stream()
    nights: int

    def handle(self, streams: CheckInStreams, state: CheckInState) -> CheckInWrites:
        require(not state.stay.is_in_house, "{} has begun already", self.stay)
        yield streams.stay.write(CheckedIn(self.nights))


@command
class Enrol:
    card: StreamId[LoyaltyCard] = stream()

    def handle(self, streams: EnrolStreams, state: EnrolState) -> EnrolWrites:
        if not state.card.is_enrolled:
            yield streams.card.write(Enrolled())


@command
class CheckOut:
    """Ends the stay always, adds to the card if it is enrolled, and to the repairs if something is broken."""

    stay: StreamId[Stay] = stream()
    card: StreamId[LoyaltyCard] = stream()
    repairs: StreamId[RepairList] = stream()
    damage: str | None = None

    def handle(self, streams: CheckOutStreams, state: CheckOutState) -> CheckOutWrites:
        require(state.stay.is_in_house, "{} is over", self.stay)
        yield streams.stay.write(CheckedOut())
        if state.card.is_enrolled:
            yield streams.card.write(PointsEarned(state.stay.nights * POINTS_PER_NIGHT))
        if self.damage is not None:
            yield streams.repairs.write(DamageReported(self.stay, self.damage))
