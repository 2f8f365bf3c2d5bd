"""The auditor: reads the whole history of the store in its global order, and trusts no state that somebody else folded.

`EventStore.read_all` gives stored events, not classes: they are turned back into events by an `EventCodec`, by the names they are stored under.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import attrs

from eventcore import EventCodec, EventFilter, EventStore, Position, StreamId
from ledger.accounts import Account, AccountActivated, AccountClosed, AccountEvent, Credited, Debited
from ledger.journal import EntryRecorded, Ledger
from ledger.trial_balance import TrialBalance

HistoryEvent = AccountEvent | EntryRecorded

EVENTS: Mapping[str, type[HistoryEvent]] = {
    "ledger.account-activated": AccountActivated,
    "ledger.account-closed": AccountClosed,
    "ledger.debited": Debited,
    "ledger.credited": Credited,
    "ledger.entry-recorded": EntryRecorded,
}


@attrs.define
class Audit:
    """What the history adds up to, and everything in it that must not be."""

    ledger: Ledger = attrs.field(factory=Ledger)
    accounts: dict[StreamId[Account], Account] = attrs.field(factory=dict[StreamId[Account], Account])
    findings: list[str] = attrs.field(factory=list[str])
    events: int = 0
    _unposted: set[tuple[str, Debited | Credited]] = attrs.field(factory=set[tuple[str, Debited | Credited]])

    def see(self, stream_id: str, event: HistoryEvent) -> None:
        """Take the next event of the history into account."""
        self.events += 1
        if isinstance(event, EntryRecorded):
            self._see_entry(event)
        else:
            self._see_account(StreamId[Account](stream_id), event)

    def close(self) -> None:
        """Look for entries that never reached one of their accounts."""
        for stream_id, event in self._unposted:
            self.findings.append(f"{event} was never posted to {stream_id}")

    @property
    def trial_balance(self) -> TrialBalance:
        """Of all accounts that there ever were, the oldest first."""
        return TrialBalance(self.ledger, tuple(self.accounts.items()))

    def _see_entry(self, event: EntryRecorded) -> None:
        entry = event.entry
        if entry.debits != entry.credits:
            self.findings.append(f"{entry.reference} debits {entry.debits} and credits {entry.credits}")
        self.ledger = self.ledger.apply(event)
        self._unposted.add((event.debited, Debited(entry.debits, entry.reference)))
        self._unposted.add((event.credited, Credited(entry.credits, entry.reference)))

    def _see_account(self, account: StreamId[Account], event: AccountEvent) -> None:
        before = self.accounts.get(account, Account())
        if isinstance(event, Debited | Credited):
            self._see_posting(account, before, event)
        self.accounts[account] = before.apply(event)

    def _see_posting(self, account: StreamId[Account], before: Account, event: Debited | Credited) -> None:
        if not before.is_active:
            self.findings.append(f"{event} was posted to {account} while that was closed")
        if (account, event) not in self._unposted:
            self.findings.append(f"{event} was posted to {account} without an entry in the ledger")
        self._unposted.discard((account, event))


async def audit(store: EventStore) -> Audit:
    """Go through the history from its first event to its last."""
    found = Audit()
    async for stream_id, event in read_history(store):
        found.see(stream_id, event)
    found.close()
    return found


async def read_history(store: EventStore) -> AsyncIterator[tuple[str, HistoryEvent]]:
    """Yield every event of the bookkeeping in the order in which they were committed, page by page."""
    codec = EventCodec()
    decoders = {name: codec.decoder(cls) for name, cls in EVENTS.items()}
    bookkeeping = EventFilter(types=frozenset(EVENTS))
    after: Position | None = None
    more = True
    while more:
        page = await store.read_all(after, where=bookkeeping)
        for stored in page.events:
            yield stored.stream_id, decoders[stored.type](stored.data)
        after, more = page.position, page.more
