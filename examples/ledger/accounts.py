"""An account of the ledger: open for postings or not, and what was debited and credited to it."""

from __future__ import annotations

from decimal import Decimal

from eventcore import event, state


@event("ledger.account-activated")
class AccountActivated:
    title: str


@event("ledger.account-closed")
class AccountClosed:
    pass


@event("ledger.debited")
class Debited:
    amount: Decimal
    reference: str


@event("ledger.credited")
class Credited:
    amount: Decimal
    reference: str


AccountEvent = AccountActivated | AccountClosed | Debited | Credited


@state(category="ledger_account")
class Account:
    title: str = ""
    is_active: bool = False
    debits: Decimal = Decimal()
    credits: Decimal = Decimal()

    @property
    def balance(self) -> Decimal:
        """What was debited beyond what was credited; less than nothing where it is the other way round."""
        return self.debits - self.credits

    def apply(self, event: AccountEvent) -> Account:
        match event:
            case AccountActivated(title):
                return Account(title, True, self.debits, self.credits)
            case AccountClosed():
                return Account(self.title, False, self.debits, self.credits)
            case Debited(amount):
                return Account(self.title, self.is_active, self.debits + amount, self.credits)
            case Credited(amount):
                return Account(self.title, self.is_active, self.debits, self.credits + amount)
