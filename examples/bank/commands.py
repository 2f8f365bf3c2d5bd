"""What a customer of the bank may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bank.accounts import Account, AccountOpened, MoneyDeposited, MoneyReceived, MoneySent
from eventcore import CommandRejected, StreamId, command, require, stream

if TYPE_CHECKING:
    from bank.commands_streams import (
        DepositMoneyState,
        DepositMoneyStreams,
        DepositMoneyWrites,
        OpenAccountState,
        OpenAccountStreams,
        OpenAccountWrites,
        TransferMoneyState,
        TransferMoneyStreams,
        TransferMoneyWrites,
    )


class InsufficientFunds(CommandRejected):
    """The account to take from holds less than what was to be taken."""


@command
class OpenAccount:
    account: StreamId[Account] = stream()
    owner: str

    def handle(self, streams: OpenAccountStreams, state: OpenAccountState) -> OpenAccountWrites:
        require(not state.account.is_open, "{} is already open", self.account)
        yield streams.account.write(AccountOpened(self.owner))


@command
class DepositMoney:
    account: StreamId[Account] = stream()
    amount: int

    def handle(self, streams: DepositMoneyStreams, state: DepositMoneyState) -> DepositMoneyWrites:
        require(self.amount > 0, "a deposit needs an amount above 0, got {}", self.amount)
        require(state.account.is_open, "{} is not open", self.account)
        yield streams.account.write(MoneyDeposited(self.amount))


@command
class TransferMoney:
    """Move money between two accounts: both are written, or neither is."""

    source: StreamId[Account] = stream()
    target: StreamId[Account] = stream()
    amount: int

    def handle(self, streams: TransferMoneyStreams, state: TransferMoneyState) -> TransferMoneyWrites:
        require(self.amount > 0, "a transfer needs an amount above 0, got {}", self.amount)
        require(state.source.is_open, "{} is not open", self.source)
        require(state.target.is_open, "{} is not open", self.target)
        require(
            state.source.balance >= self.amount,
            InsufficientFunds(f"{self.source} holds {state.source.balance}, {self.amount} were to be taken"),
        )
        yield streams.source.write(MoneySent(self.amount, self.target))
        yield streams.target.write(MoneyReceived(self.amount, self.source))
