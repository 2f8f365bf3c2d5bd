from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, require, state, stream

if TYPE_CHECKING:
    from payroll_streams import (
        HireState,
        HireStreams,
        HireWrites,
        PayState,
        PayStreams,
        PayWrites,
        SetRateState,
        SetRateStreams,
        SetRateWrites,
    )


@event
class Hired:
    name: str


@event
class Paid:
    amount: int


@event
class RateSet:
    rate: int


@state
class Employee:
    hired: bool = False
    paid: int = 0

    def apply(self, event: Hired | Paid) -> Employee:
        match event:
            case Hired():
                return Employee(hired=True)
            case Paid(amount):
                return Employee(self.hired, self.paid + amount)


@state
class Rate:
    value: int = 1

    def apply(self, event: RateSet) -> Rate:
        return Rate(event.rate)


@command
class Hire:
    employee: StreamId[Employee] = stream()
    name: str

    def handle(self, streams: HireStreams, state: HireState) -> HireWrites:
        yield streams.employee.write(Hired(self.name))


@command
class SetRate:
    rate: StreamId[Rate] = stream()
    value: int

    def handle(self, streams: SetRateStreams, state: SetRateState) -> SetRateWrites:
        yield streams.rate.write(RateSet(self.value))


@command
class Pay:
    employees: tuple[StreamId[Employee], ...] = stream()
    rates: tuple[StreamId[Rate], ...] = stream(read_only=True)

    def handle(self, streams: PayStreams, state: PayState) -> PayWrites:
        amount = sum(rate.value for rate in state.rates.values())
        for employee, known in state.employees.items():
            require(known.hired, "{} works elsewhere (version {})", employee, streams.employees[employee].version)
            yield streams.employees[employee].write(Paid(amount))
        require(all(streams.rates[rate].version > 0 for rate in streams.rates), "a rate was never set")
