"""The chapter's distributed ledger: double entry over three streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, require, state, stream

if TYPE_CHECKING:
    from chapter.ledger_streams import RecordTransactionState, RecordTransactionStreams, RecordTransactionWrites


@event
class Activated:
    pass


@event
class Debited:
    amount: int
    reference: str


@event
class Credited:
    amount: int
    reference: str


@event
class EntryRecorded:
    reference: str
    debits: int
    credits: int


@state
class LedgerAccount:
    is_active: bool = False
    balance: int = 0

    def apply(self, event: Activated | Debited | Credited) -> LedgerAccount:
        match event:
            case Activated():
                return LedgerAccount(is_active=True, balance=self.balance)
            case Debited(amount):
                return LedgerAccount(self.is_active, self.balance - amount)
            case Credited(amount):
                return LedgerAccount(self.is_active, self.balance + amount)


@state
class Ledger:
    entries: int = 0

    def apply(self, event: EntryRecorded) -> Ledger:
        return Ledger(self.entries + 1)


@command
class RecordTransaction:
    ledger: StreamId[Ledger] = stream()
    account_a: StreamId[LedgerAccount] = stream()
    account_b: StreamId[LedgerAccount] = stream()
    reference: str
    debits: int
    credits: int

    def handle(self, streams: RecordTransactionStreams, state: RecordTransactionState) -> RecordTransactionWrites:
        require(self.debits == self.credits, "Debits must equal credits")
        require(state.account_a.is_active and state.account_b.is_active, "Both accounts must be active")
        yield streams.ledger.write(EntryRecorded(self.reference, self.debits, self.credits))
        yield streams.account_a.write(Debited(self.debits, self.reference))
        yield streams.account_b.write(Credited(self.credits, self.reference))
