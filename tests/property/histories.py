"""Random histories of commands, recorded, and held against a sequential oracle.

Each command says what it saw in what it writes, rejects or raises (`lab.accounts`). So the log alone tells of every commit what it was decided on, whichever
process it came from and whether or not its caller heard of it; and the oracle, which takes the log event by event, decides each command again at its
place. What was not committed must be what the oracle decides at some moment between the call and the answer.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import attrs
from lab.accounts import LOOKED, NAMES, Account, Crash, Find, Guarded, Seen, Tally, Transfer, decide, friend, made, tell

from eventcore import (
    CommandExecutor,
    CommandRejected,
    IdempotencyKeyReused,
    OutcomeUnknown,
    RetriesExhausted,
    SqliteEventStore,
    StoreUnavailable,
    StreamId,
)
from eventcore.store import AppendRequest, EventStore, Refused, StoredEvent, Verdict
from eventcore.testing.forwarding import ForwardingStore

STREAMS = {name: StreamId.of(Account, name) for name in NAMES}
KINDS = {"transfer": Transfer, "guarded": Guarded, "find": Find, "tally": Tally}
RULES = ("add", "add", "add", "move", "move", "take", "spread", "nothing", "crash", "refuse")


class Order(NamedTuple):
    """One command, as plain data."""

    by: str
    kind: str
    names: tuple[str, str]
    rule: str
    amount: int
    key: str | None

    def command(self) -> Transfer | Guarded | Find | Tally:
        main, other = (STREAMS[name] for name in self.names)
        if self.kind == "find":
            return Find(main, self.by, self.rule, self.amount)
        return KINDS[self.kind](main, other, self.by, self.rule, self.amount)


@attrs.frozen
class Answer:
    """What a caller got to hear of *order*, and how long the log was when it called and when it was answered."""

    order: Order
    before: int
    after: int
    outcome: str
    told: str = ""
    versions: dict[str, int] = attrs.field(factory=dict)
    events: tuple[object, ...] = ()
    position: object = None
    replayed: bool = False


class Log:
    """The log, read on and on."""

    def __init__(self, store: EventStore) -> None:
        self.events: list[StoredEvent] = []
        self._store = store
        self._position = None
        self._lock = asyncio.Lock()

    async def length(self) -> int:
        async with self._lock:
            while True:
                page = await self._store.read_all(self._position)
                self.events += page.events
                self._position = page.position
                if not page.more:
                    return len(self.events)


class Hesitant(ForwardingStore):
    """Before and after each call it lets others run for a random while."""

    def __init__(self, store: EventStore, chance: random.Random) -> None:
        super().__init__(store)
        self._chance = chance

    async def _forward(self, operation, call, /):
        try:
            await self._hesitate()
            result = await call
        finally:
            call.close()
        await self._hesitate()
        return result

    async def _hesitate(self) -> None:
        for _ in range(self._chance.randrange(5)):
            await asyncio.sleep(0)


class Treacherous(Hesitant):
    """Of the requests of one call it tells the truth about some, and about others nothing, or that there was no server; *share* of them fare badly."""

    def __init__(self, store: EventStore, chance: random.Random, share: float) -> None:
        super().__init__(store, chance)
        self._share = share

    async def append(self, requests: Sequence[AppendRequest], /) -> Sequence[Verdict]:
        await self._hesitate()
        fates = [self._chance.choice(["lost", "unknown", "away"]) if self._chance.random() < self._share else "told" for _ in requests]
        arrived = [request for request, fate in zip(requests, fates, strict=True) if fate in {"lost", "told"}]
        verdicts = iter(await self.store.append(arrived) if arrived else ())
        told = [self._tell(fate, next(verdicts) if fate in {"lost", "told"} else None) for fate in fates]
        await self._hesitate()
        return told

    def _tell(self, fate: str, verdict: Verdict | None) -> Verdict:
        if verdict is not None and fate == "told":
            return verdict
        return Refused(StoreUnavailable("a test") if fate == "away" else OutcomeUnknown("a test"))


async def cancel_now_and_then(chance: random.Random) -> None:
    """Cancel a task of some executor's own after a while, again and again."""
    while True:
        for _ in range(chance.randrange(1, 60)):
            await asyncio.sleep(0)
        own = [task for task in asyncio.all_tasks() if getattr(task.get_coro(), "__qualname__", "").startswith("Chains.")]
        if own:
            chance.choice(own).cancel()


def draw(chance: random.Random, by: str) -> Order:
    kind = chance.choice(["transfer", "transfer", "guarded", "guarded", "guarded", "find", "find", "tally"])
    main, other = chance.sample(NAMES, 2) if chance.random() < 0.9 else [chance.choice(NAMES)] * 2
    if kind in {"guarded", "tally"} and main == other:
        other = friend(NAMES.index(main) + 1)
    rule = chance.choice(RULES)
    return Order(by, kind, (main, other), rule, chance.randrange(1, 6), f"key of {by}" if chance.random() < 0.3 else None)


# Calling


async def call(executor: CommandExecutor, order: Order, log: Log, *, patience: int | None = None) -> Answer:
    """Execute *order*; cancel it after *patience* turns of the event loop."""
    before = await log.length()
    looked: list[str] = []
    LOOKED.set(looked)
    task = asyncio.ensure_future(executor.execute(order.command(), idempotency_key=order.key))
    if patience is not None:
        for _ in range(patience):
            await asyncio.sleep(0)
        task.cancel()
    facts: dict[str, object] = {}
    try:
        result = await task
    except CommandRejected as error:
        facts = {"outcome": "rejected", "told": str(error)}
    except Crash as error:
        facts = {"outcome": "crashed", "told": str(error)}
    except asyncio.CancelledError:
        facts = {"outcome": "cancelled"}
    except (OutcomeUnknown, StoreUnavailable, RetriesExhausted, IdempotencyKeyReused) as error:
        facts = {"outcome": type(error).__name__}
    else:
        events = tuple(event.event_id for event in result.events)
        facts = {
            "outcome": "committed" if events else "nothing",
            "told": "" if events else looked[-1],
            "versions": {str(stream_id): version for stream_id, version in result.versions.items()},
            "events": events,
            "position": result.position,
            "replayed": result.replayed,
        }
    return Answer(order, before, await log.length(), **facts)


async def client(
    executors: Sequence[CommandExecutor], log: Log, chance: random.Random, name: str, commands: int, *, cancels: bool = True
) -> list[Answer]:
    """Give *commands* orders, one after the other; those with a key now and then twice at once, and again until there is an answer."""
    answers: list[Answer] = []
    for number in range(commands):
        order = draw(chance, f"{name}-{number}")
        patience = chance.randrange(30) if cancels and chance.random() < 0.1 else None
        calls = [call(chance.choice(executors), order, log, patience=patience)]
        if order.key is not None and chance.random() < 0.5:
            calls.append(call(chance.choice(executors), order, log))
        answers += await asyncio.gather(*calls)
        for _ in range(3 if order.key is not None else 0):
            if chance.random() < 0.5 and answers[-1].outcome not in {"cancelled", "OutcomeUnknown", "StoreUnavailable"}:
                break
            answers.append(await call(chance.choice(executors), order, log))
    return answers


# The oracle


class Group(NamedTuple):
    """The events of one commit: those of the log from *start* to *end*."""

    by: str
    start: int
    end: int


class Oracle:
    """Knows what each account was at each moment of *log*, folded as slowly and plainly as possible."""

    def __init__(self, log: Sequence[StoredEvent]) -> None:
        self.log = log
        self._raw = [json.loads(stored.data) for stored in log]
        self.groups = list(_groups(raw["by"] for raw in self._raw))
        self._moments = [dict.fromkeys(NAMES, Seen())]
        for stored, raw in zip(log, self._raw, strict=True):
            now = dict(self._moments[-1])
            now[_name(stored.stream_id)] = _added(now[_name(stored.stream_id)], _amount(raw))
            self._moments.append(now)

    def accounts(self, moment: int) -> dict[str, Seen]:
        return self._moments[moment]

    def streams(self, order: Order, moment: int) -> list[str]:
        """Return the names of the streams that *order* rests on at *moment*."""
        if order.kind != "find":
            return list(order.names)
        accounts = self.accounts(moment)
        second = friend(accounts[order.names[0]].balance)
        return [order.names[0], second, friend(accounts[second].balance + 1)]

    def sees(self, order: Order, moment: int) -> list[Seen]:
        if order.kind != "tally":
            return [self.accounts(moment)[name] for name in self.streams(order, moment)]
        folded = Seen()
        for stored, raw in zip(self.log[:moment], self._raw, strict=False):
            if _name(stored.stream_id) in order.names:
                folded = _added(folded, _amount(raw))
        return [folded]

    def decides(self, order: Order, moment: int) -> tuple[str, str, list[tuple[str, object]]]:
        """Return what *order* comes to at *moment*: the outcome, what it tells, and its events with their streams."""
        seen = self.sees(order, moment)
        told = tell(seen)
        try:
            moves = decide(order.rule, order.amount, seen)
        except CommandRejected:
            return "rejected", told, []
        except Crash:
            return "crashed", told, []
        names = self.streams(order, moment)
        writable = {"transfer": 2, "guarded": 1, "find": 3, "tally": 1}[order.kind]
        events = [(names[move.index], made(order.by, move, told)) for move in moves if move.index < writable]
        return ("committed", "", events) if events else ("nothing", told, [])

    def written(self, group: Group) -> list[tuple[str, object]]:
        pairs = zip(self.log[group.start : group.end], self._raw[group.start : group.end], strict=True)
        return [(_name(stored.stream_id), (stored.type, raw)) for stored, raw in pairs]

    def versions(self, order: Order, moment: int, *, names_of: int) -> dict[str, int]:
        """Return the versions at *moment* of the streams that *order* rested on at the moment *names_of*."""
        return {str(STREAMS[name]): self.accounts(moment)[name].count for name in self.streams(order, names_of)}


def _groups(by: Iterable[str]) -> Iterable[Group]:
    start, current = 0, None
    end = 0
    for end, each in enumerate(by):
        if each != current:
            if current is not None:
                yield Group(current, start, end)
            start, current = end, each
    if current is not None:
        yield Group(current, start, end + 1)


def _name(stream_id: str) -> str:
    return next(name for name, known in STREAMS.items() if known == stream_id)


def _amount(raw: dict[str, object]) -> int:
    return raw["amount"] if "amount" in raw else sum(raw["amounts"])


def _added(seen: Seen, amount: int) -> Seen:
    return Seen(seen.count + 1, seen.balance + amount, (seen.digest * 31 + amount + 7) % 1_000_003)


def _as_stored(event: object) -> tuple[str, object]:
    return type(event).__name__, json.loads(json.dumps(attrs.asdict(event)))


# The check


def check_log(oracle: Oracle, orders: Mapping[str, Order]) -> Mapping[str, Group]:
    """Hold what was committed against the oracle; return the commits by who made them."""
    log = oracle.log
    for name, stream_id in STREAMS.items():
        versions = [stored.version for stored in log if stored.stream_id == stream_id]
        assert versions == list(range(1, len(versions) + 1)), f"the versions of {name}"
    assert [stored.position for stored in log] == sorted({stored.position for stored in log}), "positions"
    groups = {group.by: group for group in oracle.groups}
    assert len(groups) == len(oracle.groups), "a command was committed twice, or not at once"
    for group in oracle.groups:
        _, _, events = oracle.decides(orders[group.by], group.start)
        expected = [(name, _as_stored(event)) for name, event in events]
        assert oracle.written(group) == expected, f"{orders[group.by]} was decided on something else than what was there at {group.start}"
    return groups


def check(log: Sequence[StoredEvent], answers: Sequence[Answer], *, commits_in_order: bool = True) -> None:
    """Hold a whole history against the oracle.

    Where the log is not in the order in which transactions became visible, though in one that explains them (*commits_in_order* is False: PostgreSQL),
    what was not committed is held against the versions alone that it saw.
    """
    oracle = Oracle(log)
    groups = check_log(oracle, {answer.order.by: answer.order for answer in answers})
    for answer in answers:
        _check_answer(oracle, groups.get(answer.order.by), answer, commits_in_order=commits_in_order)


def _check_answer(oracle: Oracle, group: Group | None, answer: Answer, *, commits_in_order: bool) -> None:
    match answer.outcome:
        case "committed":
            _check_commit(oracle, group, answer, commits_in_order=commits_in_order)
        case "cancelled" | "OutcomeUnknown":
            pass
        case "StoreUnavailable" | "RetriesExhausted":
            assert group is None or answer.order.key is not None, f"{answer} was committed all the same"
        case "rejected" | "crashed" | "nothing":
            assert group is None or answer.order.key is not None, f"{answer} was committed all the same"
            if commits_in_order:
                _check_refusal(oracle, group, answer)
            else:
                _check_cut(oracle, answer)
        case _:
            raise AssertionError(f"nothing explains {answer}")


def _check_commit(oracle: Oracle, group: Group | None, answer: Answer, *, commits_in_order: bool) -> None:
    assert group is not None, f"{answer} is not in the log"
    mine = oracle.log[group.start : group.end]
    assert answer.events == tuple(stored.event_id for stored in mine), f"{answer} tells of other events"
    assert answer.position == mine[-1].position
    if answer.replayed:
        assert answer.order.key is not None
        assert not commits_in_order or group.end <= answer.after
        return
    assert answer.versions == oracle.versions(answer.order, group.end, names_of=group.start), f"versions of {answer}"
    if commits_in_order:
        assert answer.before <= group.start, f"{answer} was committed before it was asked for"
        assert group.end <= answer.after, f"{answer} was not there when it was answered"


def _check_refusal(oracle: Oracle, group: Group | None, answer: Answer) -> None:
    """What was committed under the same key before is told again, so such an answer must come from a moment before that."""
    last = answer.after if group is None else min(answer.after, group.start)
    moments = range(answer.before, last + 1)
    explained = [moment for moment in moments if oracle.decides(answer.order, moment)[:2] == (answer.outcome, answer.told)]
    assert explained, f"no moment of {moments} explains {answer}"
    if answer.outcome == "nothing":
        assert any(answer.versions == oracle.versions(answer.order, moment, names_of=moment) for moment in explained), (
            f"versions of {answer}"
        )


def _check_cut(oracle: Oracle, answer: Answer) -> None:
    """What it saw is what the streams were at those versions, and of each commit it saw all or nothing."""
    if answer.order.kind == "tally":
        return
    counts = [int(part.split(":")[0]) for part in answer.told.split()]
    seen = [_at(oracle, name, count) for name, count in zip(_names(oracle, answer, counts), counts, strict=True)]
    assert tell(seen) == answer.told, f"{answer} saw what never was"
    cut = dict(zip(_names(oracle, answer, counts), counts, strict=True))
    for group in oracle.groups:
        mine = [stored for stored in oracle.log[group.start : group.end] if _name(stored.stream_id) in cut]
        inside = {stored.version <= cut[_name(stored.stream_id)] for stored in mine}
        assert len(inside) <= 1, f"{answer} saw half of {group}"


def _names(oracle: Oracle, answer: Answer, counts: Sequence[int]) -> list[str]:
    names = [answer.order.names[0]]
    if answer.order.kind != "find":
        return list(answer.order.names)
    names.append(friend(_at(oracle, names[0], counts[0]).balance))
    return [*names, friend(_at(oracle, names[1], counts[1]).balance + 1)]


def _at(oracle: Oracle, name: str, count: int) -> Seen:
    return next(now[name] for now in map(oracle.accounts, range(len(oracle.log) + 1)) if now[name].count == count)


async def check_states(oracle: Oracle, executor: CommandExecutor) -> None:
    """Whatever happened, nobody keeps a state that is not what the log says."""
    last = oracle.accounts(len(oracle.log))
    for name, stream_id in STREAMS.items():
        loaded = await executor.load(stream_id)
        assert (loaded.version, Seen(*attrs.astuple(loaded.state))) == (last[name].count, last[name]), f"{name} is kept wrong"


async def run(
    stores: Sequence[EventStore],
    make: Callable[[EventStore], CommandExecutor],
    seed: int,
    *,
    clients: int,
    commands: int,
    quiet: EventStore,
    commits_in_order: bool = True,
) -> None:
    """Let clients meet on *stores*, which are ways to one log, and check what came of it. *quiet* is a way without mishaps."""
    executors = [make(store) for store in stores]
    log = Log(quiet)
    work = [client(executors, log, random.Random(f"{seed} {number}"), f"c{number}", commands) for number in range(clients)]
    answers = [answer for some in await asyncio.gather(*work) for answer in some]
    for executor in executors:
        await executor.save_snapshots()
    await log.length()
    check(log.events, answers, commits_in_order=commits_in_order)
    for executor in [*executors, make(quiet), make(quiet)]:
        await _check_kept(log, executor)


async def one_process(path: str, seed: int, name: str, switches: dict[str, Any], *, commands: int) -> list[Answer]:
    """Do what one process of several does on the file *path*: two clients, one executor."""
    async with SqliteEventStore(path) as store:
        executor, log = CommandExecutor(store, **switches), Log(store)
        work = [client([executor], log, random.Random(f"{seed} {name} {number}"), f"{name}{number}", commands) for number in range(2)]
        answers = [answer for some in await asyncio.gather(*work) for answer in some]
        await executor.save_snapshots()
        await _check_kept(log, executor)
    return answers


def in_a_process(path: str, seed: int, name: str, switches: dict[str, Any], commands: int) -> list[Answer]:
    return asyncio.run(one_process(path, seed, name, switches, commands=commands))


def in_threads(executor: CommandExecutor, quiet: EventStore, seed: int, *, threads: int, clients: int, commands: int) -> list[Answer]:
    """Let clients in the event loops of several threads share one executor."""

    async def one(thread: int) -> list[Answer]:
        log = Log(quiet)
        names = [f"t{thread}c{number}" for number in range(clients)]
        work = [client([executor], log, random.Random(f"{seed} {name}"), name, commands) for name in names]
        answers = [answer for some in await asyncio.gather(*work) for answer in some]
        await executor.save_snapshots()
        return answers

    with ThreadPoolExecutor(threads) as pool:
        return [answer for some in pool.map(lambda thread: asyncio.run(one(thread)), range(threads)) for answer in some]


async def _check_kept(log: Log, executor: CommandExecutor) -> None:
    """As `check_states`, while the store may fail now and then, and what was cancelled on its way may still arrive."""
    patience = 20
    while True:
        try:
            await check_states(Oracle(log.events), executor)
        except StoreUnavailable:
            await asyncio.sleep(0)
        except AssertionError:
            length = len(log.events)
            await asyncio.sleep(0.1)
            if length == await log.length():  # nothing came: for how long that may be depends on how busy the machine is
                patience -= 1
                if not patience:
                    raise
        else:
            return
