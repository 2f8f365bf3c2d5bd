"""Commands whose outcomes tell what they were decided on: for histories that are held against a sequential oracle."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

import attrs

from eventcore import CommandRejected, Discovered, Recorded, StreamId, command, discovered, event, state, stream

if TYPE_CHECKING:
    from lab.accounts_streams import (
        FindResolver,
        FindState,
        FindStreams,
        FindWrites,
        GuardedState,
        GuardedStreams,
        GuardedWrites,
        TallyStreams,
        TallyWrites,
        TransferState,
        TransferStreams,
        TransferWrites,
    )


@event
class Moved:
    by: str
    amount: int
    seen: str


@event
class Split:
    """What `Moved` is, in parts: it goes by its bytes everywhere, for it is not made of numbers and texts alone."""

    by: str
    amounts: tuple[int, ...]
    seen: str


@state(snapshot_every=2)
class Account:
    """*digest* tells the order of all that was moved."""

    count: int = 0
    balance: int = 0
    digest: int = 0

    def apply(self, event: Moved | Split) -> Account:
        amount = event.amount if isinstance(event, Moved) else sum(event.amounts)
        return Account(self.count + 1, self.balance + amount, (self.digest * 31 + amount + 7) % 1_000_003)


@attrs.frozen
class Seen:
    """What is known of one account, or of several that were folded together."""

    count: int = 0
    balance: int = 0
    digest: int = 0


class Crash(Exception):
    """What a command raises that is broken."""


@attrs.frozen
class Move:
    """Add *amount* to the account at *index*."""

    index: int
    amount: int


# Where a command that writes nothing puts down what its last run saw. A call has a list of its own: two may execute one command at once.
LOOKED: Final[ContextVar[list[str]]] = ContextVar("LOOKED")

NAMES: Final = ("a", "b", "c", "d")


def friend(balance: int) -> str:
    """Return the name of the account that one with this balance leads to."""
    return NAMES[balance % len(NAMES)]


def decide(rule: str, amount: int, seen: Sequence[Seen]) -> list[Move]:
    """What every command does: a pure function of what it sees, for commands and for the oracle. It says what it saw whatever it does."""
    told = tell(seen)
    match rule:
        case "add":
            return [Move(0, amount)]
        case "move" if seen[0].balance >= amount:
            return [Move(0, -amount), Move(len(seen) - 1, amount)]
        case "take" if sum(each.balance for each in seen) >= amount:
            return [Move(0, -amount)]
        case "spread":
            return [Move(index, amount) for index in range(len(seen))]
        case "nothing":
            LOOKED.get([]).append(told)
            return []
        case "crash":
            raise Crash(told)
        case _:
            raise CommandRejected(told)


async def dither(turns: int) -> None:
    """Let others run for some turns of the event loop."""
    for _ in range(turns):
        await asyncio.sleep(0)


def tell(seen: Sequence[Seen]) -> str:
    return " ".join(f"{each.count}:{each.balance}:{each.digest}" for each in seen)


def made(by: str, move: Move, told: str) -> Moved | Split:
    """Return the event of a move."""
    return Split(by, (move.amount - 1, 1), told) if move.amount % 3 == 0 else Moved(by, move.amount, told)


def saw(account: Account) -> Seen:
    return Seen(account.count, account.balance, account.digest)


@command(allow_aliases=True)
class Transfer:
    """Writes both of its accounts."""

    source: StreamId[Account] = stream()
    target: StreamId[Account] = stream()
    by: str
    rule: str
    amount: int

    def handle(self, streams: TransferStreams, state: TransferState) -> TransferWrites:
        seen = (saw(state.source), saw(state.target))
        moves = decide(self.rule, self.amount, seen)
        return [(streams.source, streams.target)[move.index].write(made(self.by, move, tell(seen))) for move in moves]


@command
class Guarded:
    """Writes one account by what another holds: two of them that look at each other's would skew. It takes its time to decide."""

    main: StreamId[Account] = stream()
    other: StreamId[Account] = stream(read_only=True)
    by: str
    rule: str
    amount: int

    async def handle(self, streams: GuardedStreams, state: GuardedState) -> GuardedWrites:
        await dither(self.amount)
        seen = (saw(state.main), saw(state.other))
        moves = decide(self.rule, self.amount, seen)
        return [streams.main.write(made(self.by, move, tell(seen))) for move in moves if move.index == 0]


@command
class Find:
    """Goes where balances lead: from its account to a second, and from there to a third."""

    main: StreamId[Account] = stream()
    friends: Discovered[Account] = discovered()
    by: str
    rule: str
    amount: int

    def handle(self, streams: FindStreams, state: FindState, resolver: FindResolver) -> FindWrites:
        second = StreamId.of(Account, friend(state.main.balance))
        resolver.friends.add(second)
        third = StreamId.of(Account, friend(state.friends[second].balance + 1))
        resolver.friends.add(third)
        seen = (saw(state.main), saw(state.friends[second]), saw(state.friends[third]))
        moves = decide(self.rule, self.amount, seen)
        targets = (streams.main, streams.friends[second], streams.friends[third])
        return [targets[move.index].write(made(self.by, move, tell(seen))) for move in moves]


@command
class Tally:
    """Folds two accounts by itself, in the order in which things happened."""

    main: StreamId = stream(events=Moved | Split)
    other: StreamId = stream(events=Moved | Split, read_only=True)
    by: str
    rule: str
    amount: int

    def initial(self) -> Account:
        return Account()

    def apply(self, state: Account, event: Recorded[Moved | Split]) -> Account:
        return state.apply(event.event)

    def handle(self, streams: TallyStreams, state: Account) -> TallyWrites:
        seen = (saw(state),)
        moves = decide(self.rule, self.amount, seen)
        return [streams.main.write(made(self.by, move, tell(seen))) for move in moves]
