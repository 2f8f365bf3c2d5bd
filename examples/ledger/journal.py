"""The ledger itself: every entry in the order in which it was recorded, and what they add up to."""

from __future__ import annotations

from decimal import Decimal

import attrs

from eventcore import event, state


@attrs.frozen
class Entry:
    """What a bookkeeper hands in. Both sides are given, so that a slip of the pen can be seen."""

    reference: str
    debits: Decimal
    credits: Decimal


@event("ledger.entry-recorded")
class EntryRecorded:
    entry: Entry
    debited: str
    credited: str


@state
class Ledger:
    entries: int = 0
    debits: Decimal = Decimal()
    credits: Decimal = Decimal()

    def apply(self, event: EntryRecorded) -> Ledger:
        return Ledger(self.entries + 1, self.debits + event.entry.debits, self.credits + event.entry.credits)
