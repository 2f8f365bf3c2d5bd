from __future__ import annotations

from typing import TYPE_CHECKING

from bank.accounts import Account, Deposited, Withdrawn
from eventcore import StreamId, command, require, stream

if TYPE_CHECKING:
    from bank.transfer_streams import TransferMoneyState, TransferMoneyStreams, TransferMoneyWrites


@command
class TransferMoney:
    source: StreamId[Account] = stream()
    target: StreamId[Account] = stream()
    amount: int

    def handle(self, streams: TransferMoneyStreams, state: TransferMoneyState) -> TransferMoneyWrites:
        require(state.source.balance >= self.amount, "{} holds only {}", self.source, state.source.balance)
        require(state.target.is_open, "{} is not open", self.target)
        yield streams.source.write(Withdrawn(self.amount))
        yield streams.target.write(Deposited(self.amount))
