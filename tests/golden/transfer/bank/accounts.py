from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, require, state, stream

if TYPE_CHECKING:
    from bank.accounts_streams import OpenAccountState, OpenAccountStreams, OpenAccountWrites


@event
class Opened:
    balance: int


@event
class Withdrawn:
    amount: int


@event
class Deposited:
    amount: int


AccountEvent = Opened | Withdrawn | Deposited


@state
class Account:
    is_open: bool = False
    balance: int = 0

    def apply(self, event: AccountEvent) -> Account:
        match event:
            case Opened(balance):
                return Account(is_open=True, balance=balance)
            case Withdrawn(amount):
                return Account(self.is_open, self.balance - amount)
            case Deposited(amount):
                return Account(self.is_open, self.balance + amount)


@command
class OpenAccount:
    account: StreamId[Account] = stream()
    balance: int

    def handle(self, streams: OpenAccountStreams, state: OpenAccountState) -> OpenAccountWrites:
        require(not state.account.is_open, "{} is open already", self.account)
        return [streams.account.write(Opened(self.balance))]
