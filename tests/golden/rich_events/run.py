from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from eventcore import CommandExecutor, InMemoryEventStore, StreamId
from trips.booking import BookTrip, Trip, TripBooked
from trips.values import Currency, Flight, Money, Place, Priority, Train


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        trip = StreamId.of(Trip, 1)
        booked_at = datetime(2031, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
        booked = TripBooked(
            trip_id=UUID(int=7),
            booked_at=booked_at,
            day=date(2031, 2, 3),
            price=Money(Decimal("10.10"), Currency.EUR),
            legs=(Train(9, (Place("Köln", Place("NRW")),)), Flight("LH1", "1a")),
            kind="leisure",
            priority=Priority.HIGH,
            shares={"ann": Decimal("0.3"), "bo": Decimal("0.7")},
            labels=frozenset({"sea", "sun"}),
            guests=("cy",),
            destination=Place("Rome"),
            share=0.1,
            code="x",
        )
        await executor.execute(BookTrip(trip, booked))
        await executor.execute(BookTrip(trip, booked))
        loaded = (await executor.load(trip)).state
        assert loaded.moves == (booked_at + timedelta(days=1),)
        assert loaded.booked == booked


asyncio.run(main())
