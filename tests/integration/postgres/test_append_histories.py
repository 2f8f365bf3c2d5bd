"""Random appends: alone they get the verdicts of the memory store, and those that meet have an explanation one after the other, verdict by verdict."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from uuid import UUID

import asyncpg
import pytest

from eventcore import InMemoryEventStore, OutcomeUnknown, PostgresEventStore
from eventcore.ids import Position, new_event_id
from eventcore.store import (
    AlreadyDone,
    AppendRequest,
    Committed,
    Conflict,
    EventStore,
    IdempotencyKey,
    KeyReused,
    NewEvent,
    Refused,
    StoredEvent,
    StreamRead,
    StreamSlice,
    Verdict,
)
from eventcore.stores.postgres.statements import Schema
from eventcore.testing.contract.making import expecting, read_log
from tests.faults.arranged import DeliverAndCut
from tests.faults.proxy import FaultProxy
from tests.integration.postgres.hand import connected
from tests.soak import times

STREAMS = ["a", "b%", "c_\\", "d \U0001f600", "{e,'\"}", "NULL", *(f"many-{number}" for number in range(20))]


def draw_requests(chance: random.Random, heads: Mapping[str, int], count: int, keys: int) -> list[AppendRequest]:
    """Return requests of which most build on those before them."""
    foreseen = Counter(heads)
    requests: list[AppendRequest] = []
    for _ in range(count):
        requests.append(draw_request(chance, foreseen, keys))
        if chance.random() < 0.9:
            foreseen.update(event.stream_id for event in requests[-1].events)
    return requests


def draw_request(chance: random.Random, heads: Mapping[str, int], keys: int) -> AppendRequest:
    """Return a request that mostly expects what *heads* say: of one stream or two, or of more, some of them only read."""
    count = chance.choice([1, 1, 1, 2, 2, 2, 3, 5, 15])
    names = chance.sample(STREAMS if count > 2 or chance.random() < 0.1 else STREAMS[:3], count)
    luck = chance.random()
    expected: dict[str, int | None] = {}
    for name in names:
        drawn = chance.random()
        expected[name] = heads.get(name, 0)
        if drawn < 0.3 * luck:
            expected[name] = None
        elif drawn < 0.4 * luck:
            expected[name] = max(0, heads.get(name, 0) + chance.choice([-300, -2, -1, 1, 2, 300]))
    written = [name for name in names if chance.random() < 0.7]
    events = [draw_event(chance, name) for name in written for _ in range(chance.choice([1, 1, 1, 1, 2, 3, 40]))]
    if chance.random() < 0.3:
        chance.shuffle(events)
    key = IdempotencyKey(f"key {chance.randrange(keys)}", chance.choice([b"one", b"one", b"other"])) if chance.random() < 0.15 else None
    return AppendRequest(expecting(expected), events, key)


def draw_event(chance: random.Random, stream_id: str) -> NewEvent:
    data = json.dumps({"text": chance.choice(["", "\\ \"quoted\", 'so'", "\U0001f600", "[", "x" * 300]), "n": chance.randrange(9)})
    metadata = b"{}" if chance.random() < 0.8 else b'{"by": "me"}'
    return NewEvent(
        stream_id, new_event_id(), chance.choice(["Opened", "Zu\u0308g\x1ee", "{}"]), chance.choice([1, 1, 1, 2]), data.encode(), metadata
    )


# Alone


def plain(verdict: Verdict, number_of: Mapping[Position, int]) -> object:
    """Return *verdict* with the places of events in the log for positions, and without what is each store's own."""

    def told(event: StoredEvent) -> object:
        where = number_of[event.position]
        return event.stream_id, event.version, where, event.event_id, event.type, event.type_version, json.loads(event.data), event.metadata

    def of_slice(piece: StreamSlice) -> object:
        position = None if piece.position is None else number_of[piece.position]
        return piece.stream_id, piece.after, piece.version, position, [told(event) for event in piece.events]

    match verdict:
        case Committed(events):
            return "committed", [told(event) for event in events]
        case Conflict(stream_id, expected, actual, news):
            return "conflict", stream_id, expected, actual, {name: of_slice(piece) for name, piece in news.items()}
        case AlreadyDone(events):
            return "done", [told(event) for event in events]
        case KeyReused(key):
            return "reused", key
        case Refused(error):
            raise error


@pytest.mark.parametrize("most", [1, 4, 30])
@pytest.mark.parametrize("seed", range(times(1)))
def test_appends_get_the_verdicts_of_the_memory_store(postgres: str, schema: str, seed: int, most: int) -> None:
    async def scenario() -> None:
        chance = random.Random(f"{seed} {most}")
        told: dict[str, list[Verdict]] = {"memory": [], "postgres": []}
        async with InMemoryEventStore() as memory, PostgresEventStore(postgres, schema=schema) as store:
            for _ in range(60):
                heads = Counter(event.stream_id for event in await read_log(memory))
                requests = draw_requests(chance, heads, chance.randint(1, most), 40)
                told["memory"] += await memory.append(requests)
                told["postgres"] += await store.append(requests)
            logs = {"memory": await read_log(memory), "postgres": await read_log(store)}
        numbers = {name: {event.position: number for number, event in enumerate(log)} for name, log in logs.items()}
        for here, there in zip(told["postgres"], told["memory"], strict=True):
            assert plain(here, numbers["postgres"]) == plain(there, numbers["memory"])
        for here, there in zip(logs["postgres"], logs["memory"], strict=True):
            assert plain(Committed([here]), numbers["postgres"]) == plain(Committed([there]), numbers["memory"])
        assert {Committed, Conflict} <= {type(verdict) for verdict in told["postgres"]}

    asyncio.run(scenario())


# Together

Told = tuple[AppendRequest, Verdict]

# Appends take their time before they write, and before they end, so that they meet.
SLOWER = """
CREATE FUNCTION {0}.wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(random() * 0.006); RETURN NULL; END $$;
CREATE TRIGGER wait_before BEFORE INSERT ON {0}.events FOR EACH STATEMENT EXECUTE FUNCTION {0}.wait();
CREATE TRIGGER wait_after AFTER INSERT ON {0}.events FOR EACH STATEMENT EXECUTE FUNCTION {0}.wait();
"""


async def client(store: EventStore, chance: random.Random, told: list[Told], calls: int) -> None:
    """Append on what it knows, which gets old."""
    heads: dict[str, int] = {}
    for _ in range(calls):
        if chance.random() < 0.1:
            heads = {piece.stream_id: piece.version for piece in (await store.read([StreamRead(name) for name in STREAMS])).slices}
        requests = draw_requests(chance, heads, chance.choice([1, 1, 1, 2, 6]), 60)
        try:
            verdicts = await store.append(requests)
        except OutcomeUnknown as error:
            verdicts = [Refused(error)] * len(requests)
        told += zip(requests, verdicts, strict=True)
        for verdict in verdicts:
            if isinstance(verdict, Committed):
                heads.update((event.stream_id, event.version) for event in verdict.events)
            elif isinstance(verdict, Conflict):
                heads.update((name, piece.version) for name, piece in verdict.news.items())


async def follow(store: EventStore, seen: list[StoredEvent], done: asyncio.Event) -> None:
    """Read the log while it grows, page by page."""
    position = None
    while True:
        last = done.is_set()
        page = await store.read_all(position, limit=7)
        seen += page.events
        position = page.position
        if last and not page.more:
            return


def check(log: Sequence[StoredEvent], told: Sequence[Told]) -> None:
    streams: dict[str, list[StoredEvent]] = defaultdict(list)
    place: dict[UUID, int] = {}
    before: list[dict[str, int]] = []
    for number, event in enumerate(log):
        before.append({name: len(events) for name, events in streams.items()})
        streams[event.stream_id].append(event)
        assert event.version == len(streams[event.stream_id])
        place[event.event_id] = number
    before.append({name: len(events) for name, events in streams.items()})
    assert len(place) == len(log), "an event is there twice"
    assert [event.position for event in log] == sorted({event.position for event in log})

    used = check_commits(log, place, before, told)
    for request, verdict in told:
        match verdict:
            case Conflict():
                check_conflict(streams, before, request, verdict)
            case AlreadyDone(events):
                assert request.idempotency is not None
                fingerprint, committed = used[request.idempotency.key]
                assert fingerprint == request.idempotency.fingerprint
                assert [event[:4] for event in events] == [event[:4] for event in committed]
            case KeyReused(key):
                assert request.idempotency is not None
                assert request.idempotency.key == key
                assert used[key][0] != request.idempotency.fingerprint
            case Refused(error):
                assert isinstance(error, OutcomeUnknown), verdict
            case Committed():
                pass


def check_commits(
    log: Sequence[StoredEvent], place: Mapping[UUID, int], before: Sequence[Mapping[str, int]], told: Sequence[Told]
) -> dict[str, tuple[bytes, Sequence[StoredEvent]]]:
    """Return what was committed under each key."""
    explained: set[UUID] = set()
    used: dict[str, tuple[bytes, Sequence[StoredEvent]]] = {}
    for request, verdict in told:
        ids = [event.event_id for event in request.events]
        if isinstance(verdict, Committed) and ids:
            first = place[ids[0]]
            mine = log[first : first + len(ids)]
            assert [event.event_id for event in mine] == ids, "not at once"
            assert [event[:4] for event in verdict.events] == [event[:4] for event in mine]
            for name, wanted in request.expected.items():
                assert wanted.admits(before[first].get(name, 0)), f"{request} was committed on something old at {first}"
            if request.idempotency is not None:
                assert request.idempotency.key not in used, "a key was used twice"
                used[request.idempotency.key] = request.idempotency.fingerprint, verdict.events
        elif not isinstance(verdict, Refused):
            assert not set(ids) & set(place), f"{verdict} of what was written"
            continue
        explained.update(ids)
    assert explained >= set(place), "what nobody asked for was written"
    return used


def check_conflict(
    streams: Mapping[str, Sequence[StoredEvent]], before: Sequence[Mapping[str, int]], request: AppendRequest, verdict: Conflict
) -> None:
    exact = {name: wanted.version for name, wanted in request.expected.items() if wanted.version is not None}
    news = verdict.news
    assert news[verdict.stream_id].version == verdict.actual != verdict.expected == exact[verdict.stream_id]
    assert set(news) == set(exact)
    for name, piece in news.items():
        known = streams.get(name, ())
        assert piece.version <= len(known)
        assert piece.after == (exact[name] if exact[name] <= piece.version else 0)
        assert [event[:4] for event in piece.events] == [event[:4] for event in known[piece.after : piece.version]]
        assert piece.position == (known[piece.version - 1].position if piece.version else None)
    if request.events:
        # (Who only asks locks nothing, and may see what is later in the log before it sees what is earlier.)
        assert any(all(heads.get(name, 0) == piece.version for name, piece in news.items()) for heads in before), f"no moment of {verdict}"


@pytest.mark.parametrize("cuts", [False, True])
@pytest.mark.parametrize("seed", range(times(2)))
def test_appends_that_meet_have_an_explanation_one_after_the_other(postgres: str, schema: str, seed: int, cuts: bool) -> None:
    """Of several connections, one of which has another default isolation, beside a reader; also where answers are lost."""

    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            proxy = await stack.enter_async_context(FaultProxy(postgres))
            pool = await stack.enter_async_context(
                asyncpg.create_pool(postgres, min_size=1, max_size=4, server_settings={"default_transaction_isolation": "serializable"})
            )
            quiet = await stack.enter_async_context(PostgresEventStore(postgres, schema=schema))
            hand = await stack.enter_async_context(connected(postgres))
            await hand.execute(SLOWER.format(Schema(schema).quoted))
            stores = [await stack.enter_async_context(PostgresEventStore(source, schema=schema)) for source in (proxy.dsn, pool, postgres)]
            told: list[Told] = []
            seen: list[StoredEvent] = []
            done = asyncio.Event()
            reader = asyncio.create_task(follow(quiet, seen, done))

            async def cut() -> None:
                for _ in range(8 if cuts else 0):
                    await proxy.arm(DeliverAndCut(marker=b"Opened")).happened.wait()
                    await asyncio.sleep(0.1)

            cutter = asyncio.create_task(cut())
            await asyncio.gather(*(client(stores[number % 3], random.Random(f"{seed} {number}"), told, 25) for number in range(9)))
            cutter.cancel()
            proxy.disarm()
            done.set()
            await reader
            log = await read_log(quiet)
            assert seen == log, "what was read while it grew is not what is there"
            check(log, told)
            assert {Committed, Conflict} <= {type(verdict) for _, verdict in told}

    asyncio.run(scenario())
