"""What commands that build on each other travel in: a `Link` is one decided command, a `Train` what is committed together (`chains.py`)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Final, TypeAlias, final

from eventcore.execute.folding import Known, StreamKey, known
from eventcore.store import AppendRequest, ExpectedVersion, NewEvent, Verdict
from eventcore.typed import ValidWrite

# What one train takes at most: bytes of its events, each of which counts for a little more than its own.
_BYTES: Final = 1 << 20
_OF_AN_EVENT: Final = 256


class Again(Enum):
    """What a link gets instead of a verdict: it was not sent, or fell with its train, and has to be decided again."""

    TOGETHER = "together"
    ALONE = "alone"  # the store refused the train: who is guilty shows when each goes alone


Outcome: TypeAlias = Verdict | Again


@final
class Link:
    """One decided command. *states* are those of its streams after it, once `foresee` was called; *committed* is None until that is known."""

    __slots__ = ("_decided_on", "_writes", "bases", "committed", "faults", "future", "keys", "request", "states", "train")

    def __init__(
        self,
        keys: Sequence[StreamKey],
        decided_on: Mapping[StreamKey, Known],
        writes: Sequence[ValidWrite],
        request: AppendRequest,
        bases: Sequence[Link],
        train: Train,
    ) -> None:
        self.keys = keys
        self.request = request
        self.bases = bases
        self.train = train
        self.states: dict[StreamKey, Known] = {}
        self.faults: Sequence[tuple[StreamKey, Exception]] = ()
        self.committed: bool | None = None
        self.future: asyncio.Future[Outcome] | None = None
        self._decided_on: Mapping[StreamKey, Known] | None = decided_on
        self._writes = writes

    def foresee(self) -> None:
        """Fold the events into what the command was decided on, unless that has been done: who needs the states calls it first."""
        decided_on = self._decided_on
        if decided_on is None:
            return
        self._decided_on = None
        lives = iter(self._writes)
        written: dict[str, list[tuple[object, NewEvent]]] = {}
        for event in self.request.events:
            stream_id, pair = event[0], (next(lives)[2], event)
            if stream_id in written:
                written[stream_id].append(pair)
            else:
                written[stream_id] = [pair]
        for key in self.keys:
            stream_id, fold = key
            pairs = written.get(stream_id)
            if pairs is not None and fold is not None:
                base = decided_on[key]
                try:
                    state = fold.foresee(base.state, pairs)
                except Exception as error:  # noqa: BLE001  # the command is right by itself; who reads the stream next meets the error
                    self.faults = [*self.faults, (key, error)]
                else:
                    self.states[key] = known(base.version + len(pairs), None, state, base.saved, self)

    def forget(self) -> None:
        """Let go of the states. They know their link, as the train does: circles, which only the garbage collector would find."""
        self._decided_on = None
        self.states.clear()

    async def arrival(self) -> None:
        await self.train.arrival()


@final
class Train:
    """Links that are committed together. It departs when all of *after* has arrived. Once *frozen*, it takes no more to wait for."""

    __slots__ = ("_event", "_heads", "_size", "_summed", "after", "closed", "departed", "followers", "frozen", "landed", "links", "loop")

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.links: list[Link] = []
        self.after: frozenset[Train] = NO_TRAINS
        self.followers: Sequence[Train] = ()
        self.closed = False
        self.departed = False
        self.landed = False
        self.frozen = False
        self._event: asyncio.Event | None = None
        # What the first so many of the links come to; summed up when somebody asks.
        self._summed = 0
        self._heads: dict[str, int | None] = {}
        self._size = 0

    def depth(self) -> int:
        """Return how many departures there will be up to its own."""
        return 0 if self.departed else 1 + max((train.depth() for train in self.after), default=0)

    def has_room(self, limit: int) -> bool:
        return not (self.closed or self.departed) and len(self.links) < limit

    def fits(self, request: AppendRequest) -> bool:
        """Tell whether *request* goes on from where the links leave the streams, and is not too much."""
        self._sum_up()
        heads = self._heads
        for stream_id, expected in request.expected.items():
            if heads.get(stream_id, expected.version) != expected.version:
                return False
        return self._size + _size(request.events) <= _BYTES

    def _sum_up(self) -> None:
        heads = self._heads
        for link in self.links[self._summed :]:
            expected, events, _ = link.request
            for stream_id, wanted in expected.items():
                heads[stream_id] = wanted.version
            for event in events:
                heads[event[0]] = (heads[event[0]] or 0) + 1
            self._size += _size(events)
        self._summed = len(self.links)

    def drop(self, link: Link) -> None:
        """Take out a link. Nobody boards any more: what it left behind is in the way of others."""
        self.links.remove(link)
        self.closed = True

    def wait_for(self, trains: Iterable[Train]) -> None:
        self.after = self.after.union(trains)
        for train in trains:
            train.followers = [*train.followers, self]

    async def arrival(self) -> None:
        if not self.landed:
            if self._event is None:
                self._event = asyncio.Event()
            await self._event.wait()

    def arrive(self) -> Sequence[Train]:
        """Wake all who wait for it; return the trains that follow."""
        self.landed = True
        followers = self.followers
        if followers:
            self.followers = ()
        if self.after:
            self.after = frozenset()
        if self._event is not None:
            self._event.set()
        return followers


NO_TRAINS: Final[frozenset[Train]] = frozenset()


def _size(events: Sequence[NewEvent]) -> int:
    return sum([len(event[4]) + len(event[5]) + _OF_AN_EVENT for event in events])


def merged(links: Sequence[Link]) -> AppendRequest:
    """Return one request for all of *links*: each stream is expected where the first that knows it expects it."""
    if len(links) == 1:
        return links[0].request
    expected: dict[str, ExpectedVersion] = {}
    for link in links:
        for stream_id, version in link.request.expected.items():
            expected.setdefault(stream_id, version)
    return AppendRequest(expected, [event for link in links for event in link.request.events])
