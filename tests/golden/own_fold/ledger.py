from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Literal, NamedTuple, NewType

import attrs

from eventcore import Discovered, Recorded, StreamId, StreamWrite, command, discovered, event, require, stream

if TYPE_CHECKING:
    from ledger_streams import (
        CloseResolver,
        CloseStreams,
        CloseWrites,
        EnterStreams,
        EnterWrites,
        OpenBookStreams,
        OpenBookWrites,
        SumUpStreams,
        SumUpWrites,
        SweepResolver,
        SweepStreams,
        SweepWrites,
        TearStreams,
        TearWrites,
    )


@event
class BookOpened:
    accounts: tuple[str, ...]


@event
class Entered:
    amount: int


@event
class BookClosed:
    total: int


Total = NewType("Total", int)
Side = Enum("Side", ["DEBIT", "CREDIT"])
Line = NamedTuple("Line", [("total", Total), ("side", Side)])

LedgerEvent = BookOpened | Entered | BookClosed


@attrs.frozen
class Balances:
    """A plain class of the user's: whatever a command folds its events into."""

    accounts: tuple[str, ...] = ()
    amounts: Mapping[StreamId, int] = attrs.field(factory=dict[StreamId, int])
    closed: bool = False

    def plus(self, stream_id: StreamId, amount: int) -> Balances:
        return attrs.evolve(self, amounts={**self.amounts, stream_id: self.amounts.get(stream_id, 0) + amount})


def fold(balances: Balances, recorded: Recorded[LedgerEvent]) -> Balances:
    match recorded.event:
        case BookOpened(accounts):
            return attrs.evolve(balances, accounts=accounts)
        case Entered(amount):
            return balances.plus(recorded.stream_id, amount)
        case BookClosed():
            return attrs.evolve(balances, closed=True)


@command
class OpenBook:
    book: StreamId = stream(events=LedgerEvent)
    accounts: tuple[str, ...]

    def initial(self) -> Balances:
        return Balances()

    def apply(self, state: Balances, event: Recorded[LedgerEvent]) -> Balances:
        return fold(state, event)

    def handle(self, streams: OpenBookStreams, state: Balances) -> OpenBookWrites:
        require(not state.accounts, "the book is open")
        return (StreamWrite(streams, self.book, BookOpened(self.accounts)),)


@command
class Enter:
    """Two streams, each with events of its own, and one that may be left out."""

    debit: StreamId = stream(events=Entered)
    credit: StreamId = stream(events=BookOpened | Entered)
    check: StreamId | None = stream(events=BookClosed, read_only=True, default=None)
    amount: int = 0

    def initial(self) -> Balances:
        return Balances()

    def apply(self, state: Balances, event: Recorded[LedgerEvent]) -> Balances:
        return fold(state, event)

    def handle(self, streams: EnterStreams, state: Balances) -> EnterWrites:
        require(not state.closed, "the book is closed")
        yield streams.debit.write(Entered(-self.amount))
        yield streams.credit.write(Entered(self.amount))


@command
class Close:
    """Finds the accounts in the book, through the chapter's `add_streams`."""

    book: StreamId = stream(events=LedgerEvent)
    entries: Discovered = discovered(events=Entered, read_only=True)

    def initial(self) -> Balances:
        return Balances()

    def apply(self, state: Balances, event: Recorded[LedgerEvent]) -> Balances:
        return fold(state, event)

    def handle(self, streams: CloseStreams, state: Balances, resolver: CloseResolver) -> CloseWrites:
        resolver.add_streams(StreamId(account) for account in state.accounts)
        total = sum(state.amounts.values())
        require(total == 0, "the entries of {} accounts add up to {}", len(streams.entries), total)
        yield streams.book.write(BookClosed(total))


@command
class Sweep:
    """Writes to what it finds, and takes any number of accounts."""

    given: tuple[StreamId, ...] = stream(events=Entered)
    found: Discovered = discovered(events=LedgerEvent)
    into: str

    def initial(self) -> Balances:
        return Balances()

    def apply(self, state: Balances, event: Recorded[LedgerEvent]) -> Balances:
        return fold(state, event)

    def handle(self, streams: SweepStreams, state: Balances, resolver: SweepResolver) -> SweepWrites:
        target = StreamId(self.into)
        resolver.found.add(target)
        for account in streams.given:
            yield streams.given[account].write(Entered(-state.amounts.get(account, 0)))
        yield streams.found[target].write(Entered(sum(state.amounts.get(account, 0) for account in streams.given)))


@command
class Tear:
    """Writes without a look at anything: its state is the empty tuple, or could be a few values."""

    book: StreamId = stream(events=LedgerEvent)

    def initial(self) -> tuple[()] | Literal[Side.DEBIT, b"torn"]:
        return ()

    def apply(self, state: tuple[()] | Literal[Side.DEBIT, b"torn"], event: Recorded[LedgerEvent]) -> tuple[()] | Literal[Side.DEBIT, b"torn"]:
        return ()

    def handle(self, streams: TearStreams, state: tuple[()] | Literal[Side.DEBIT, b"torn"]) -> TearWrites:
        yield streams.book.write(BookClosed(0 if isinstance(state, Side) else len(state)))


@command
class SumUp:
    """Its state is made of types that calls make."""

    account: StreamId = stream(events=Entered)
    books: tuple[StreamId, ...] = stream(events=BookClosed)

    def initial(self) -> tuple[Total, Line | None]:
        return Total(0), None

    def apply(self, state: tuple[Total, Line | None], event: Recorded[Entered | BookClosed]) -> tuple[Total, Line | None]:
        match event.event:
            case Entered(amount):
                total = Total(state[0] + amount)
                return total, Line(total, Side.DEBIT if amount > 0 else Side.CREDIT)
            case BookClosed():
                return state

    def handle(self, streams: SumUpStreams, state: tuple[Total, Line | None]) -> SumUpWrites:
        for book in streams.books.values():
            yield book.write(BookClosed(0 if state[1] is None else state[1].total))
