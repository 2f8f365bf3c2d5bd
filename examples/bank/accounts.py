"""An account: what can happen to it, and what that makes of it. Amounts are whole cents."""

from __future__ import annotations

from eventcore import event, state


@event
class AccountOpened:
    owner: str


@event
class MoneyDeposited:
    amount: int


@event
class MoneySent:
    amount: int
    receiver: str


@event
class MoneyReceived:
    amount: int
    sender: str


AccountEvent = AccountOpened | MoneyDeposited | MoneySent | MoneyReceived


@state
class Account:
    owner: str | None = None
    balance: int = 0

    @property
    def is_open(self) -> bool:
        return self.owner is not None

    def apply(self, event: AccountEvent) -> Account:
        match event:
            case AccountOpened(owner):
                return Account(owner, self.balance)
            case MoneyDeposited(amount) | MoneyReceived(amount):
                return Account(self.owner, self.balance + amount)
            case MoneySent(amount):
                return Account(self.owner, self.balance - amount)
