"""An account that holds whole units of money."""

from __future__ import annotations

from eventcore import event, state


@event
class AccountOpened:
    deposit: int


@event
class MoneySent:
    amount: int
    receiver: str


@event
class MoneyReceived:
    amount: int
    sender: str


AccountEvent = AccountOpened | MoneySent | MoneyReceived


@state(snapshot_every=100)
class Account:
    balance: int = 0

    def apply(self, event: AccountEvent) -> Account:
        match event:
            case AccountOpened(deposit):
                return Account(deposit)
            case MoneySent(amount):
                return Account(self.balance - amount)
            case MoneyReceived(amount):
                return Account(self.balance + amount)
