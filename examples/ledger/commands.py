"""What a bookkeeper may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, require, stream
from ledger.accounts import Account, AccountActivated, AccountClosed, Credited, Debited
from ledger.journal import Entry, EntryRecorded, Ledger

if TYPE_CHECKING:
    from ledger.commands_streams import (
        ActivateAccountState,
        ActivateAccountStreams,
        ActivateAccountWrites,
        CloseAccountState,
        CloseAccountStreams,
        CloseAccountWrites,
        RecordTransactionState,
        RecordTransactionStreams,
        RecordTransactionWrites,
    )


@command
class ActivateAccount:
    """Open an account for postings, be it new or closed. One that is active stays as it is."""

    account: StreamId[Account] = stream()
    title: str

    def handle(self, streams: ActivateAccountStreams, state: ActivateAccountState) -> ActivateAccountWrites:
        if not state.account.is_active:
            yield streams.account.write(AccountActivated(self.title))


@command
class CloseAccount:
    """Take no more postings; what was posted stays."""

    account: StreamId[Account] = stream()

    def handle(self, streams: CloseAccountStreams, state: CloseAccountState) -> CloseAccountWrites:
        if state.account.is_active:
            yield streams.account.write(AccountClosed())


@command
class RecordTransaction:
    """Record an entry in the ledger and in both of its accounts: in all three, or in none."""

    ledger: StreamId[Ledger] = stream()
    debited: StreamId[Account] = stream()
    credited: StreamId[Account] = stream()
    entry: Entry

    def handle(self, streams: RecordTransactionStreams, state: RecordTransactionState) -> RecordTransactionWrites:
        entry = self.entry
        require(entry.debits == entry.credits, "Debits must equal credits")
        require(entry.debits > 0, "an entry needs an amount above 0, got {}", entry.debits)
        require(state.debited.is_active and state.credited.is_active, "Both accounts must be active")
        yield streams.ledger.write(EntryRecorded(entry, self.debited, self.credited))
        yield streams.debited.write(Debited(entry.debits, entry.reference))
        yield streams.credited.write(Credited(entry.credits, entry.reference))
