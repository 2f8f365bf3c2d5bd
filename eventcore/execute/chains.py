"""Commands decided on top of each other's events before those are written.

A decided command is a `Link`: its request, and the states that its streams will have, folded when they are needed. While it is on its way, the
next command on one of its streams is decided on those states and becomes a link that rests on it. Links that rest on something travel in a
`Train`, one request of the store made of all of theirs: they are committed together, in their order, or none of them is. A train departs when all
that it rests on has arrived; what rested on something that was not committed never departs and is decided again.

All trains that can depart in one turn of the event loop go by one call of the store, each a request of its own. A lone command is sent at once.

One request, and not one for each command: were a link's predecessor refused because another process wrote as many events as it was about to, the
link's expected version would fit by chance, and it would be committed on a state that never was.

Commands of different event loops do not see each other here. They meet in the store and conflict there, as those of other processes do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, final

from eventcore.errors import HistoryChanged, OutcomeUnknown
from eventcore.execute.folding import Foreseeing, Hindered, Known, StateCache, StreamKey, Views
from eventcore.execute.snapshots import Snapshots
from eventcore.execute.trains import NO_TRAINS, Again, Link, Outcome, Train, merged
from eventcore.store import AppendRequest, Committed, Conflict, ExpectedVersion, History, Refused, StoredEvent, StreamStore, Verdict
from eventcore.typed import ValidWrite

_log: Final = logging.getLogger("eventcore")

# Links that one train takes at most. Conflicts with other processes make it shorter.
_LINKS: Final = 64
# Commands committed one after the other, since conflicts made trains that short, after which longer ones are tried again.
_WENT_WELL: Final = 64
# Trains that may wait behind the one that is under way. Who would need one more waits for an arrival instead.
_DEPTH: Final = 3
# With so many trains under way, or fewer, all who wait go together.
_FEW: Final = 8
# How often a command waits for arrivals before it takes its chance in the store.
_PATIENCE: Final = 64
# Trains that one call of the store takes: enough to share the call, and so few that a store with two connections can divide what departs together.
_AT_ONCE: Final = 16
# A train of so many links has been waited for by many: it does not wait for company.
_WORTH_A_CALL: Final = 8
# Seconds for which a command waits until what is on its way has arrived.
_HELD_UP: Final = 0.02


@final
class Chains:
    """The links of one executor that have not arrived, by the streams that they write. Another history begins with other chains."""

    def __init__(self, store: StreamStore, history: History, cache: StateCache, snapshots: Snapshots, *, enabled: bool) -> None:
        self.history: Final = history.now
        self._history = history
        self.limit = _LINKS if enabled else 1
        self._longest = self.limit
        self._in_line = 0
        self._store = store
        self._cache = cache
        self._snapshots = snapshots
        self._heads: dict[str, Link] = {}
        self._flying: set[Train] = set()
        self._newest: Train | None = None
        # Those that depart at the end of this turn of the event loop, and how many did last time.
        self._leaving: list[Train] = []
        self._company = 1
        self._tasks: set[asyncio.Task[None]] = set()
        # Of each event loop, those who wait until nothing is on its way; and what has been waited for long enough.
        self._quiet: dict[asyncio.AbstractEventLoop, asyncio.Event] = {}
        self._held_up: frozenset[Train] = NO_TRAINS

    def head(self, key: StreamKey) -> Link | None:
        """Return the last link that writes the stream of *key*, if it is of this event loop."""
        link = self._heads.get(key[0]) if self._heads else None
        return link if link is not None and link.train.loop is asyncio.get_running_loop() else None

    def foreseeing(self) -> Foreseeing | None:
        """Return what tells of states that streams will have; None where nothing is on its way."""
        return self._foreseen if self._heads else None

    def _foreseen(self, key: StreamKey) -> Known | Hindered | None:
        link = self._heads.get(key[0])
        if link is None or link.train.loop is not asyncio.get_running_loop():
            return None
        return link.states[key] if self._bears(link, key) else Hindered.HINDERED

    def hinders(self, keys: Iterable[StreamKey], *, alone: bool) -> bool:
        """Tell whether something is on its way to one of *keys* that no command can be decided upon."""
        return bool(self._heads) and self._blocker(keys, alone=alone) is not None

    async def clear(self, keys: Sequence[StreamKey], *, alone: bool) -> None:
        """Wait until nothing hinders; after a bounded number of arrivals the command takes its chance."""
        for _ in range(_PATIENCE):
            train = self._blocker(keys, alone=alone)
            if train is None:
                return
            await train.arrival()

    def _blocker(self, keys: Iterable[StreamKey], *, alone: bool) -> Train | None:
        for key in keys:
            link = self.head(key)
            if link is not None and (alone or not self._bears(link, key)):
                return link.train
        return None

    def _bears(self, link: Link, key: StreamKey) -> bool:
        """Tell whether a command may be decided on what *link* leaves of *key*."""
        if self.limit == 1:
            return False
        link.foresee()
        if key not in link.states:
            return False
        train = link.train
        return train.departed or train.has_room(self.limit) or train.depth() < _DEPTH

    async def quiet(self) -> None:
        """Wait until nothing is on its way, so that all who come meanwhile are decided, and sent, together; what takes long is not waited for."""
        loop = asyncio.get_running_loop()
        if not self._busy(loop):
            return
        quiet = self._quiet.get(loop)
        if quiet is None:
            quiet = self._quiet[loop] = asyncio.Event()
            loop.call_later(_HELD_UP, self._lose_patience, loop, quiet)
        await quiet.wait()

    def _busy(self, loop: asyncio.AbstractEventLoop) -> bool:
        return any([train.loop is loop and train not in self._held_up for train in tuple(self._flying)])  # noqa: C419

    def _lose_patience(self, loop: asyncio.AbstractEventLoop, quiet: asyncio.Event) -> None:
        if not quiet.is_set():
            self._held_up = frozenset([train for train in tuple(self._flying) if train.loop is loop or train in self._held_up])
            self._let_go(loop)

    def _let_go(self, loop: asyncio.AbstractEventLoop) -> None:
        quiet = self._quiet.pop(loop, None)
        if quiet is not None:
            quiet.set()
            self._company = 2  # at least: those who waited

    async def append(
        self, views: Views, keys: Sequence[StreamKey], writes: Sequence[ValidWrite], request: AppendRequest, *, alone: bool
    ) -> Outcome:
        """Commit a decided command; return its verdict, or `Again`.

        Cancelled before it was sent, nothing of it is written, and what rests on it is decided again.
        """
        bases: Sequence[Link] = ()
        if not alone and (self._heads or views.foreseen):
            found = self._bases(views, keys)
            if found is None:
                return Again.TOGETHER
            bases = found
        trains = {base.train for base in bases if not base.train.landed} if bases else ()
        if trains:
            train = self._waiting(set(trains), request)
        else:
            train = Train()
            if self._company < 2 and not self._flying:
                self._depart(train)
                link = self._board(Link(keys, views.known, writes, request, bases, train))
                [verdict] = await self._send([(train, [link])])
                return verdict
            train.frozen = True
            train.closed = alone or request.idempotency is not None
            self._leave_soon(train)
        link = self._board(Link(keys, views.known, writes, request, bases, train))
        link.future = train.loop.create_future()
        try:
            return await link.future
        except asyncio.CancelledError:
            if not train.departed:
                self._drop(link)
            raise

    def _bases(self, views: Views, keys: Sequence[StreamKey]) -> Sequence[Link] | None:
        """Return what the command rests on and is on its way; None where its streams have moved on, or not come to be what it took them for."""
        bases: list[Link] = []
        for key in keys:
            head, base = self.head(key), views.known[key].link
            if head is None:
                if base is not None and not base.committed:
                    return None
            elif head is not base:
                return None  # another command went before while this one was being decided
            else:
                bases.append(head)
        return bases

    def _waiting(self, trains: set[Train], request: AppendRequest) -> Train:
        """Return the train that goes after all of *trains*: one that waits already, or a new one."""
        if request.idempotency is None:
            for train in self._candidates(trains):
                others = trains - train.after - {train}
                # Once something that it waits for has arrived, it takes no more to wait for, or it might never depart.
                in_time = not others or not train.frozen
                if train.has_room(self.limit) and in_time and train.fits(request):
                    train.wait_for(others)
                    return train
        train = Train()
        train.closed = request.idempotency is not None
        train.wait_for(trains)
        self._newest = train
        return train

    def _candidates(self, trains: set[Train]) -> Sequence[Train]:
        """Return the trains that may take one more which rests on *trains*.

        One that has not departed, and waits for nothing but the end of the turn, takes who rests on it alone. Where few are under way, all meet on
        few streams: the newest train gathers whoever has to wait, and one round trip does for all. Where many are, it would wait for the last of
        them: then each waits for no more than it has to. (Only the newest takes older ones that wait to wait for, so that no two ever wait for
        each other.)
        """
        if len(trains) == 1:
            [base] = trains
            if not (base.departed or base.after):
                return [base]
        if len(self._flying) <= _FEW:
            newest = self._newest
            return [newest] if newest is not None and newest.loop is asyncio.get_running_loop() else ()
        waiting = [train for train in trains if not train.departed]
        if len(waiting) > 1:
            return ()
        return waiting or [follower for train in trains for follower in train.followers]

    def _board(self, link: Link) -> Link:
        """Let the next command see *link*."""
        link.train.links.append(link)
        for event in link.request.events:
            self._heads[event[0]] = link
        return link

    def _leave_soon(self, train: Train) -> None:
        """Let *train* depart at the end of this turn of the event loop, with all others that can."""
        leaving = self._leaving
        if leaving and leaving[0].loop is train.loop:
            leaving.append(train)
            return
        self._leaving = leaving = [train]
        self._start(leaving, self._leave(leaving))

    def _start(self, trains: Sequence[Train], work: Coroutine[Any, Any, None]) -> None:
        """Do *work*, which sends *trains*, in a task."""
        task = trains[0].loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(partial(self._done, trains))

    def _done(self, trains: Sequence[Train], task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            return
        # Somebody cancelled it, as all tasks of an event loop may be. What it had not sent by then is decided again.
        if self._leaving is trains:
            self._leaving = []
        for train in trains:
            if not train.departed:
                for link in train.links:
                    _tell(link, Again.TOGETHER)
                self._arrive(train)

    async def _leave(self, trains: list[Train]) -> None:
        await asyncio.sleep(0)
        if self._leaving is trains:
            self._leaving = []
        self._company = len(trains)
        for start in range(_AT_ONCE, len(trains), _AT_ONCE):
            some = trains[start : start + _AT_ONCE]
            self._start(some, self._run(some))
        await self._run(trains[:_AT_ONCE])

    async def _send(self, trains: Sequence[tuple[Train, Sequence[Link]]]) -> Sequence[Verdict]:
        try:
            # What nobody has asked for yet is foreseen while they are on their way.
            asyncio.get_running_loop().call_soon(_foresee, trains)
            if self._history.now is not self.history:
                raise HistoryChanged("the store")
            verdicts = await self._store.append([merged(links) for _, links in trains])
            committed = [(links, verdict) for (_, links), verdict in zip(trains, verdicts, strict=True) if type(verdict) is Committed]
            if self.limit == 1 < self._longest:
                self._grow_again(len(committed))
            for links, _ in committed:
                for link in links:
                    link.committed = True
            for links, verdict in committed:
                self._settle(links, verdict.events)
            return verdicts
        finally:
            for train, _ in trains:
                self._arrive(train)

    def _grow_again(self, committed: int) -> None:
        """Note what was committed while all wait in line; let two go together again once that went well for a while."""
        self._in_line += committed
        if self._in_line >= _WENT_WELL:
            self._in_line, self.limit = 0, 2

    def _depart(self, train: Train) -> None:
        train.departed = True
        self._flying.add(train)

    def _arrive(self, train: Train) -> None:
        """Let all who wait for *train* go on, and those that follow depart."""
        train.departed = True
        self._flying.discard(train)
        if self._quiet and not self._busy(train.loop):
            self._let_go(train.loop)
        if train is self._newest:
            self._newest = None
        for link in train.links:
            if link.committed is None:
                link.committed = False
            link.bases = ()  # or each link would keep all that there ever were
            link.forget()
            self._behead(link)
        train.links.clear()
        for follower in train.arrive():
            follower.frozen = True
            if not follower.departed and all(before.landed for before in follower.after):
                if len(follower.links) < _WORTH_A_CALL:
                    self._leave_soon(follower)
                else:
                    # Whoever has been told now builds on it, and is decided while it is on its way.
                    self._depart(follower)
                    self._start([follower], self._run([follower]))

    def _behead(self, link: Link) -> None:
        heads = self._heads
        for event in link.request.events:
            if heads.get(event[0]) is link:
                heads.pop(event[0], None)  # other threads have links of their own here

    def _drop(self, link: Link) -> None:
        """Take out a link that was not sent: its caller was cancelled."""
        link.committed = False
        link.train.drop(link)
        self._behead(link)

    async def _run(self, trains: Sequence[Train]) -> None:
        """Send trains, without the links whose bases were not committed; tell each what became of it."""
        sent: list[tuple[Train, Sequence[Link]]] = []
        for train in trains:
            self._depart(train)
            links = self._whole(train)
            if links:
                sent.append((train, links))
            else:
                self._arrive(train)
        if not sent:
            return
        try:
            verdicts = await self._send(sent)
        except asyncio.CancelledError:
            for future in _futures(sent):
                future.set_exception(OutcomeUnknown("a command whose append was cancelled, as all tasks of an event loop may be,"))
            raise
        except Exception as error:  # noqa: BLE001  # it belongs to those who wait for the trains
            for future in _futures(sent):
                future.set_exception(error)
            return
        for (_, links), verdict in zip(sent, verdicts, strict=True):
            for link, outcome in zip(links, self._outcomes(links, verdict), strict=True):
                _tell(link, outcome)

    def _whole(self, train: Train) -> Sequence[Link]:
        """Return the links of *train* that rest on what was committed, or on each other; tell the others that they do not."""
        links: list[Link] = []
        for link in train.links:
            if all([base.committed or base in links for base in link.bases]):  # noqa: C419
                links.append(link)
            else:
                link.committed = False
                _tell(link, Again.TOGETHER)
        return links

    def _outcomes(self, links: Sequence[Link], verdict: Verdict) -> Sequence[Outcome]:
        """Return what *verdict* on a train means for each of its links."""
        if len(links) == 1:
            return [verdict]
        match verdict:
            case Committed(events, batch):
                self.limit = min(self._longest, self.limit * 2)
                return [Committed(piece, batch + len(links) - 1) for piece in _pieces(links, events)]
            case Conflict():
                # Others write here too: what is built high falls deep.
                self.limit = max(1, self.limit // 2)
                self._take_news(links, verdict.news)
                return [_first_conflict(links[0], verdict), *[Again.TOGETHER] * (len(links) - 1)]
            case Refused(error) if not isinstance(error, OutcomeUnknown):
                return [Again.ALONE] * len(links)
            case _:
                return [verdict] * len(links)

    def _take_news(self, links: Iterable[Link], news: Mapping[str, object]) -> None:
        """Let go of the kept states that turned out to be old: whoever decides again reads what they are now."""
        for link in links:
            for key in link.keys:
                if key[0] in news:
                    self._cache.discard(key)

    def _settle(self, links: Sequence[Link], committed: Sequence[StoredEvent]) -> None:
        """Keep the states that the links left, now that they are the committed ones."""
        keep, snapshots = self._cache.keep, self._snapshots
        begin = 0
        for link in links:
            link.foresee()
            end = begin + len(link.request[1])
            positions = {event[0]: event[2] for event in committed[begin:end]}
            begin = end
            for key, left in link.states.items():
                # What was foreseen of it is so now, for all who have it.
                left.position, left.link = positions[key[0]], None
                fold = key[1]
                rule = None if fold is None else fold.snapshots
                if rule is not None and left.version - left.saved >= rule.every and snapshots.enabled:
                    snapshots.offer(key[0], rule, left.version, left.state)
                    left.saved = left.version
                keep(key, left)
            for key, error in link.faults:
                self._cache.discard(key)
                fold = key[1]
                owner = "a state" if fold is None else fold.state.__qualname__
                _log.warning("a command was committed whose events do not fold into %s: %s", owner, error)


def _foresee(trains: Iterable[tuple[Train, Sequence[Link]]]) -> None:
    for _, links in trains:
        for link in links:
            link.foresee()


def _futures(trains: Sequence[tuple[Train, Sequence[Link]]]) -> Sequence[asyncio.Future[Outcome]]:
    """Return the futures of those who wait for *trains*."""
    return [link.future for _, links in trains for link in links if link.future is not None and not link.future.done()]


def _tell(link: Link, outcome: Outcome) -> None:
    if link.future is not None and not link.future.done():
        link.future.set_result(outcome)


def _pieces(links: Sequence[Link], events: Sequence[StoredEvent]) -> list[Sequence[StoredEvent]]:
    pieces: list[Sequence[StoredEvent]] = []
    begin = 0
    for link in links:
        end = begin + len(link.request.events)
        pieces.append(events[begin:end])
        begin = end
    return pieces


def _first_conflict(link: Link, conflict: Conflict) -> Outcome:
    """Return the conflict as the first link met it: it rests on committed states alone. All others rested on what never came to be."""
    if link.request.expected.get(conflict.stream_id) != ExpectedVersion.exact(conflict.expected):
        return Again.TOGETHER
    return conflict._replace(news={stream_id: piece for stream_id, piece in conflict.news.items() if stream_id in link.request.expected})
