"""What `CommandExecutor` promises, one claim a test; the known bugs of others among them by their names."""

from __future__ import annotations

import asyncio
import logging
import pickle
from pathlib import Path

import attrs
import pytest
from lab.accounts import Account, Transfer
from lab.probes import Added, Aliased, AsyncProbe, Counter, Journal, Noted, Notes, Other, Probe, Retired, Select, Selective, Twofold
from lab.stores import Staged, add, put

from eventcore import (
    AliasedStreams,
    BatchCommitted,
    CommandCompleted,
    CommandExecutor,
    CommandFailed,
    CommandRejected,
    ConflictMet,
    DefinitionError,
    DiscoveryLimitExceeded,
    EventNotReadable,
    EventNotStorable,
    ExpectedVersion,
    ForeignWrite,
    IdempotencyKeyReused,
    InMemoryEventStore,
    InvalidArgument,
    InvalidCommand,
    InvalidHandle,
    InvalidIdempotencyKey,
    InvalidMetadata,
    InvalidWrite,
    NotACommand,
    NotAWrite,
    Observation,
    ReadOnlyStreamWrite,
    RetriesExhausted,
    RetryPolicy,
    StreamId,
    StreamNotRequested,
    StreamWrite,
    UndeclaredEvent,
    UndeclaredField,
    UndeclaredStream,
    UnknownEventType,
    UnknownEventVersion,
    require,
)
from eventcore.ids import new_event_id
from eventcore.store import NewEvent
from eventcore.testing import simulate

MAIN, RULES, NOTES = StreamId.of(Counter, "main"), StreamId.of(Counter, "rules"), StreamId.of(Notes, 1)
FRIEND, STRANGER = StreamId.of(Counter, "friend"), StreamId.of(Counter, "stranger")


def probe(act, **fields) -> Probe:
    return Probe(MAIN, RULES, act=act, **fields)


def run(act, store=None, *, executor=None, **fields):
    """Execute one probe on a memory store; return its result."""
    executor = executor or CommandExecutor(store or InMemoryEventStore())
    return asyncio.run(executor.execute(probe(act, **fields)))


async def everything(store) -> list:
    return list((await store.read_all()).events)


# --- what handle is given


def test_every_kind_of_field_is_given_with_its_state_and_version():
    async def main():
        store = InMemoryEventStore()
        await add(store, MAIN, 1, 2)
        await add(store, FRIEND, 5)
        seen = {}

        def act(streams, state, resolver):
            resolver.friends.add([FRIEND])
            seen.update(
                main=(state.main.total, streams.main.id, streams.main.version),
                rules=(state.rules.total, streams.rules.version),
                notes=(state.notes, streams.notes),
                several={id: (counter.total, streams.several[id].version) for id, counter in state.several.items()},
                friends={id: (counter.total, streams.friends[id].version) for id, counter in state.friends.items()},
                seen=dict(state.seen),
            )
            return ()

        await CommandExecutor(store).execute(probe(act, several=(FRIEND, STRANGER, FRIEND)))

        assert seen == {
            "main": (3, MAIN, 2),
            "rules": (0, 0),
            "notes": (None, None),
            "several": {FRIEND: (5, 1), STRANGER: (0, 0)},
            "friends": {FRIEND: (5, 1)},
            "seen": {},
        }

    asyncio.run(main())


def test_an_optional_stream_that_is_given_is_read_and_written():
    def act(streams, state, resolver):
        assert (state.notes, streams.notes.version) == (Notes(), 0)
        return [streams.notes.write(Noted("hello"))]

    assert [recorded.stream_id for recorded in run(act, notes=NOTES).events] == [NOTES]


def test_an_async_handle_is_awaited():
    async def act(streams, state, resolver):
        await asyncio.sleep(0)
        resolver.friends.add([FRIEND])
        return [streams.friends[FRIEND].write(Added(1))]

    result = asyncio.run(CommandExecutor(InMemoryEventStore()).execute(AsyncProbe(MAIN, act)))

    assert result.versions == {MAIN: 0, FRIEND: 1}


# --- discovery


def test_touching_an_unread_stream_ends_the_run_past_the_commands_own_except():
    reached = []

    def act(streams, state, resolver):
        resolver.friends.add([FRIEND])
        try:
            reached.append(state.friends[FRIEND])
        except Exception:
            reached.append("caught")
        return [streams.friends[FRIEND].write(Added(1))]

    result = run(act)

    assert reached == [Counter()]
    assert result.versions[FRIEND] == 1


@pytest.mark.parametrize("touch", [lambda s: s[FRIEND], lambda s: s.get(FRIEND), lambda s: FRIEND in s, list, len, dict])
def test_every_way_of_touching_an_unread_stream_ends_the_run(touch):
    runs = []

    def act(streams, state, resolver):
        runs.append("begun")
        resolver.seen.add([FRIEND])
        touch(state.seen)
        touch(streams.seen)
        runs.append("ended")
        return ()

    run(act)

    assert runs == ["begun", "begun", "ended"]


def test_the_end_of_a_run_is_seen_through_a_task_group():
    async def act(streams, state, resolver):
        resolver.friends.add([FRIEND])

        async def look():
            return state.friends[FRIEND].total

        async with asyncio.TaskGroup() as group:
            task = group.create_task(look())
        return [streams.main.write(Added(task.result()))]

    result = asyncio.run(CommandExecutor(InMemoryEventStore()).execute(AsyncProbe(MAIN, act)))

    assert [recorded.event for recorded in result.events] == [Added(0)]


@pytest.mark.parametrize("field", ["friends", "seen", "several"])
@pytest.mark.parametrize("touch", [lambda s: s[STRANGER], lambda s: s.get(STRANGER), lambda s: STRANGER in s])
@pytest.mark.parametrize("of", ["streams", "state"])
def test_touching_a_stream_that_was_never_asked_for_is_an_error_that_is_no_key_error(field, touch, of):
    def act(streams, state, resolver):
        touch(getattr(streams if of == "streams" else state, field))

    with pytest.raises(StreamNotRequested, match=f"'counter-stranger' through '{field}'") as caught:
        run(act)

    assert not isinstance(caught.value, KeyError)


@pytest.mark.parametrize("outcome", ["raise", "reject", "write", "nothing", "nonsense"])
def test_what_a_run_did_before_its_streams_were_read_does_not_count(outcome):
    runs = []

    def act(streams, state, resolver):
        runs.append(outcome)
        resolver.friends.add([FRIEND])
        if len(runs) > 1:
            return [streams.main.write(Added(1))]
        match outcome:
            case "raise":
                raise ZeroDivisionError
            case "reject":
                require(False, "no")
            case "write":
                return [streams.main.write(Added(999))]
            case "nonsense":
                return 42
        return ()

    result = run(act)

    assert len(runs) == 2
    assert [recorded.event for recorded in result.events] == [Added(1)]


@pytest.mark.parametrize("stop", [asyncio.CancelledError, KeyboardInterrupt, SystemExit])
def test_cancellation_and_exit_pass_even_with_unread_streams(stop):
    def act(streams, state, resolver):
        resolver.friends.add([FRIEND])
        raise stop

    async def main():
        with pytest.raises(stop):
            await CommandExecutor(InMemoryEventStore()).execute(probe(act))

    asyncio.run(main())


def test_a_command_that_asks_for_ever_is_stopped_and_told_what_it_asked_for():
    runs = []

    def act(streams, state, resolver):
        runs.append(1)
        resolver.friends.add([FRIEND])
        resolver.friends.add(StreamId.of(Counter, number) for number in range(len(runs)))

    with pytest.raises(DiscoveryLimitExceeded) as caught:
        asyncio.run(CommandExecutor(InMemoryEventStore(), max_discoveries=3).execute(probe(act)))

    assert caught.value.rounds == ((FRIEND, "counter-0"), ("counter-1",), ("counter-2",), ("counter-3",))
    assert "round 2: 'counter-1'" in str(caught.value)
    assert len(runs) == 4


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (["counter-friend"], r"'counter-friend' \(str\)"),
        ("counter-friend", r"'counter-friend' \(str\)"),
        (None, r"None \(NoneType\)"),
        (5, r"5 \(int\)"),
    ],
)
def test_asking_for_something_that_is_no_stream_id_is_an_error(asked, message):
    def act(streams, state, resolver):
        resolver.friends.add(asked)

    with pytest.raises(InvalidCommand, match=f"Probe.friends: handle asked for {message}"):
        run(act)


def test_a_discovery_reads_in_one_snapshot_what_is_new_in_the_streams_known_before():
    async def main():
        store = Staged()
        store.after_read = lambda number: [(MAIN, 7), (FRIEND, 1)] if number == 1 else []

        def act(streams, state, resolver):
            resolver.friends.add([FRIEND])
            return [streams.main.write(Added(100 * state.main.total + state.friends[FRIEND].total))]

        result = await CommandExecutor(store).execute(probe(act))

        assert [recorded.event for recorded in result.events] == [Added(701)]
        assert result.attempts == 1
        assert store.reads == [(MAIN, RULES), (MAIN, RULES, FRIEND)]

    asyncio.run(main())


def test_nothing_decided_on_old_data():
    """A rejection that rests on two streams is only true if both were current at one moment: main + friend is never 10 in any order of the writes."""

    async def main(outcome):
        store = Staged()
        await add(store, MAIN, 10)
        store.after_read = lambda number: [(MAIN, -10), (FRIEND, 10)] if number == 1 else []
        decided = []

        def act(streams, state, resolver):
            resolver.seen.add([FRIEND])
            both = (state.main.total, state.seen[FRIEND].total)
            decided.append(both)
            if outcome == "reject":
                require(sum(both) == 10, "the sum is {}", sum(both))
            if outcome == "raise":
                assert sum(both) == 10
            return ()

        await CommandExecutor(store).execute(probe(act))

        assert decided == [(0, 10)]

    for outcome in ("reject", "raise", "nothing"):
        asyncio.run(main(outcome))


def test_a_retry_does_not_mix_the_news_with_streams_of_an_earlier_run():
    """The first run looks at a friend, the one that conflicts does not: what is kept of the friend is older than the news."""

    async def main():
        store = Staged()
        await add(store, FRIEND, 10)
        store.before_append = lambda number: [(MAIN, 1), (FRIEND, -10)] if number == 2 else []  # 1 was its own seed
        runs, decided = [], []

        def act(streams, state, resolver):
            runs.append(state.main.total)
            if len(runs) != 2:
                resolver.seen.add([FRIEND])
                decided.append((state.main.total, state.seen[FRIEND].total))
            return [streams.main.write(Added(5))]

        await CommandExecutor(store).execute(probe(act))

        assert runs == [0, 0, 1, 1]
        assert decided == [(1, 0)]

    asyncio.run(main())


# --- what is checked


def test_every_stream_of_the_final_run_is_checked_written_or_not_existing_or_not():
    async def main():
        store = Staged()

        def act(streams, state, resolver):
            resolver.seen.add([STRANGER])
            return [streams.main.write(Added(state.seen[STRANGER].total))]

        await CommandExecutor(store).execute(probe(act, several=(FRIEND,)))

        expected = ExpectedVersion.NO_STREAM
        assert store.requests[0].expected == {MAIN: expected, RULES: expected, FRIEND: expected, STRANGER: expected}

    asyncio.run(main())


@pytest.mark.parametrize("overtaken", [MAIN, RULES, FRIEND, STRANGER])
def test_a_write_to_any_stream_that_was_read_makes_the_command_decide_again(overtaken):
    async def main():
        store = Staged()
        store.before_append = lambda number: [(overtaken, 7)] if number == 1 else []

        def act(streams, state, resolver):
            resolver.seen.add([STRANGER])
            totals = (state.main.total, state.rules.total, state.several[FRIEND].total, state.seen[STRANGER].total)
            return [streams.main.write(Added(sum(totals)))]

        result = await CommandExecutor(store).execute(probe(act, several=(FRIEND,)))

        assert (result.attempts, [recorded.event for recorded in result.events]) == (2, [Added(7)])
        assert len(store.reads) == 2  # the first retry lived on the news that the conflict brought

    asyncio.run(main())


def test_stream_declared_twice():
    """One stream by two constructor arguments where that is allowed, and once more as read-only: read once, checked once, no conflict with itself."""

    async def main():
        store = Staged()
        executor = CommandExecutor(store, retry=RetryPolicy(max_attempts=1))
        result = await executor.execute(Aliased(MAIN, MAIN, MAIN, 3))

        assert store.reads == [(MAIN,)]
        assert (result.versions, [recorded.version for recorded in result.events]) == ({MAIN: 2}, [1, 2])
        assert (await executor.load(MAIN)).state.total == 6

    asyncio.run(main())


@pytest.mark.parametrize("newer", ["one", "other"])
def test_a_stream_that_folds_in_two_ways_is_decided_on_at_one_version(newer):
    """Each of its states is kept by itself, and one of them may have come further: the version of the other must not pass for both."""

    async def main():
        store = InMemoryEventStore()
        executor, twice = CommandExecutor(store), StreamId("twice")
        await add(store, twice, 1)
        await executor.load(twice, Counter)
        await executor.load(twice, Selective)
        await add(store, twice, 10)
        await executor.load(twice, Counter if newer == "one" else Selective)

        result = await executor.execute(Twofold(twice, twice))

        assert [recorded.event for recorded in result.events] == [Added(1111)]
        assert result.versions == {twice: 3}

    asyncio.run(main())


def test_a_discovered_stream_may_repeat_a_declared_one_and_is_writable_if_one_way_is():
    async def main():
        store = Staged()

        def act(streams, state, resolver):
            resolver.friends.add([RULES, RULES])
            resolver.seen.add([MAIN])
            assert state.friends[RULES] == state.rules
            return [streams.friends[RULES].write(Added(1)), streams.main.write(Added(2))]

        result = await CommandExecutor(store, retry=RetryPolicy(max_attempts=1)).execute(probe(act))

        assert result.versions == {MAIN: 1, RULES: 1}
        assert store.reads == [(MAIN, RULES)]  # nothing new was asked for

    asyncio.run(main())


def test_one_stream_in_two_arguments_is_refused_when_the_command_is_made():
    with pytest.raises(AliasedStreams, match="'main' and 'rules' are the same stream 'counter-main'"):
        Probe(MAIN, MAIN)
    with pytest.raises(AliasedStreams, match="'main' and 'several'"):
        Probe(MAIN, RULES, several=(FRIEND, MAIN))


# --- commands that fold by themselves


async def note(store, stream_id: str, text: str) -> None:
    await put(store, stream_id, [NewEvent(stream_id, new_event_id(), "Noted", 1, b'{"text":"%s"}' % text.encode())])


def test_a_command_that_folds_by_itself_gets_the_events_of_all_its_streams_in_the_order_of_their_positions():
    async def main():
        store = Staged()
        await add(store, "left", 1)
        await note(store, "more", "second")
        await note(store, "right", "third")
        await add(store, "left", 4)
        await add(store, "right", 5)
        seen = []

        def act(streams, state, resolver):
            resolver.more.add(StreamId("more"))
            seen.append([event for _, _, event in state])
            return [streams.left.write(Added(len(state))), streams.more[StreamId("more")].write(Noted("last"))]

        result = await CommandExecutor(store).execute(Journal(StreamId("left"), StreamId("right"), act))

        assert seen == [[Added(1), Noted("third"), Added(4), Added(5)], [Added(1), Noted("second"), Noted("third"), Added(4), Added(5)]]
        assert result.versions == {"left": 3, "right": 2, "more": 2}

    asyncio.run(main())


def test_a_command_that_folds_by_itself_folds_and_checks_what_its_last_attempt_asked_for():
    async def main():
        store = Staged()
        await note(store, "more", "one")
        store.before_append = lambda number: [("left", 1)] if number == 2 else []
        runs = []

        def act(streams, state, resolver):
            runs.append(len(state))
            if len(runs) == 1:
                resolver.more.add(StreamId("more"))
            return [streams.left.write(Added(len(state)))]

        result = await CommandExecutor(store).execute(Journal(StreamId("left"), StreamId("right"), act))

        # The first attempt found `more`; the second one, which a conflict made necessary, did not ask for it.
        assert [set(request.expected) for request in store.requests[1:]] == [{"left", "right", "more"}, {"left", "right"}]
        assert (runs, [recorded.event for recorded in result.events]) == ([0, 1, 1], [Added(1)])

    asyncio.run(main())


# --- what may be written


def writes(*made):
    return lambda streams, state, resolver: [make(streams) for make in made]


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda s, state, r: None, InvalidHandle, "Probe.handle returned None"),
        (lambda s, state, r: "text", InvalidHandle, "returned 'text'"),
        (lambda s, state, r: s.main.write(Added(1)), InvalidHandle, "expected an iterable of writes"),
        (writes(lambda s: Added(1)), NotAWrite, r"yielded Added\(amount=1\)"),
        (writes(lambda s: None), NotAWrite, "yielded None"),
        (writes(lambda s: StreamWrite(s, STRANGER, Added(1))), UndeclaredStream, "'counter-stranger', a stream that it did not declare"),
        (writes(lambda s: StreamWrite(s, RULES, Added(1))), ReadOnlyStreamWrite, "'rules' is read-only"),
        (writes(lambda s: s.main.write(Noted("x"))), UndeclaredEvent, "which takes Added;"),
        (writes(lambda s: s.main.write(Retired())), UndeclaredEvent, "'main'"),
        (writes(lambda s: s.main.write(None)), UndeclaredEvent, "None"),
        (writes(lambda s: s.main.write(Added)), UndeclaredEvent, "; write an instance of a class$"),
        (
            writes(lambda s: StreamWrite(MAIN, s, Added(1))),
            InvalidWrite,
            "Probe.handle made a StreamWrite of 'counter-main' in place of its",
        ),
        (writes(lambda s: s.main.write(Added(float("nan")))), EventNotStorable, "Added"),
        (writes(lambda s: s.main.write(Added(10**30))), EventNotStorable, "Added"),
    ],
)
def test_a_write_that_may_not_be_done_is_refused_and_nothing_is_written(act, error, message):
    async def main():
        store = InMemoryEventStore()
        with pytest.raises(error, match=message):
            await CommandExecutor(store).execute(probe(act))

        assert await everything(store) == []

    asyncio.run(main())


def found(field, ids, write):
    """Ask for *ids* in *field*, then write."""

    def act(streams, state, resolver):
        getattr(resolver, field).add(ids)
        return [write(streams)]

    return act


@pytest.mark.parametrize(
    ("act", "field", "stream_id"),
    [
        (writes(lambda s: s.rules.write(Added(1))), "rules", RULES),
        (writes(lambda s: s.rules.write), "rules", RULES),
        (lambda s, state, r: (s.rules.write(Added(n)) for n in range(2)), "rules", RULES),
        (found("seen", FRIEND, lambda s: s.seen[FRIEND].write(Added(1))), "seen", FRIEND),
    ],
)
def test_untyped_code_that_looks_for_the_write_of_a_read_only_stream_is_told_so(act, field, stream_id):
    with pytest.raises(
        ReadOnlyStreamWrite, match=f"^Probe wanted to write to '{stream_id}', but its field '{field}' is read-only"
    ) as caught:
        run(act)

    assert (caught.value.field, caught.value.stream_id, caught.value.event) == (field, stream_id, None)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (writes(lambda s: s.warehouse.write(Added(1))), r"streams.warehouse, .* \(there is: streams.main, streams.rules, .*stream\(\)"),
        (lambda s, state, r: state.warehouse, r"state.warehouse, .* \(there is: state.main"),
        (
            lambda s, state, r: r.warehouse.add(FRIEND),
            r"resolver.warehouse, .* \(there is: resolver.friends, resolver.seen\).*discovered\(\)",
        ),
    ],
)
def test_untyped_code_that_touches_what_the_command_does_not_declare_is_told_so(act, message):
    with pytest.raises(UndeclaredField, match=f"^Probe.handle touched {message}") as caught:
        run(act)

    assert caught.value.field == "warehouse"
    assert caught.traceback[-1].path == Path(__file__)  # it ends where the mistake is


def test_looking_whether_a_stream_can_be_written_is_no_error():
    def act(streams, state, resolver):
        assert not hasattr(streams.rules, "write")
        assert not hasattr(streams, "warehouse")
        return [streams.main.write(Added(1))] if hasattr(streams.main, "write") else ()

    assert len(run(act).events) == 1


@pytest.mark.parametrize(
    "act",
    [
        lambda s, state, r: state.main.average,
        lambda s, state, r: s.rules.verison,
        writes(lambda s: Added(1).write(s)),
        lambda s, state, r: s.notes.id,
    ],
)
def test_an_attribute_error_of_the_commands_own_reaches_the_caller_as_it_is(act):
    with pytest.raises(AttributeError):
        run(act)


def test_a_write_of_another_commands_set_is_foreign():
    kept = []

    async def main():
        executor = CommandExecutor(InMemoryEventStore())
        await executor.execute(Other(MAIN, lambda streams: kept.append(streams) or ()))
        with pytest.raises(ForeignWrite, match="made with OtherStreams"):
            await executor.execute(probe(writes(lambda s: kept[0].main.write(Added(1)))))

    asyncio.run(main())


def test_a_write_of_an_earlier_run_is_foreign():
    kept = []

    def act(streams, state, resolver):
        kept.append(streams)
        resolver.friends.add([FRIEND])
        return [kept[0].main.write(Added(1))]

    with pytest.raises(ForeignWrite, match="an earlier run's ProbeStreams"):
        run(act)


def test_a_write_to_a_discovered_stream_that_this_run_did_not_ask_for_is_undeclared():
    runs = []

    def act(streams, state, resolver):
        runs.append(1)
        if len(runs) == 1:
            resolver.friends.add([FRIEND])
            return ()
        return [StreamWrite(streams, FRIEND, Added(1))]

    with pytest.raises(UndeclaredStream, match=r"writable here: 'counter-main'"):
        run(act)


def test_what_handle_raises_reaches_the_caller_as_it_is():
    class Mine(Exception):
        pass

    raised = Mine("x")

    def act(streams, state, resolver):
        yield streams.main.write(Added(1))
        raise raised

    async def main():
        store = InMemoryEventStore()
        with pytest.raises(Mine) as caught:
            await CommandExecutor(store).execute(probe(act))

        assert caught.value is raised
        assert await everything(store) == []

    asyncio.run(main())


# --- outcomes


def test_nothing_to_write_is_success_at_the_newest_position_it_rests_on():
    async def main():
        store = InMemoryEventStore()
        executor = CommandExecutor(store)
        result = await executor.execute(probe(lambda s, state, r: ()))
        assert (result.events, result.position, result.attempts) == ((), None, 1)

        await add(store, RULES, 1)
        await add(store, MAIN, 1)
        await add(store, STRANGER, 1)
        result = await executor.execute(probe(lambda s, state, r: ()))
        assert result.position == (await everything(store))[1].position

    asyncio.run(main())


def test_a_result_tells_what_was_recorded():
    async def main():
        store = InMemoryEventStore()
        result = await CommandExecutor(store).execute(
            probe(writes(lambda s: s.main.write(Added(4)))), metadata={"actor": "ann", "n": [1, None]}
        )
        [recorded], [stored] = result.events, await everything(store)

        assert recorded.event == Added(4)
        assert recorded.metadata == {"actor": "ann", "n": [1, None]}
        assert (recorded.stream_id, recorded.version, recorded.position) == (stored.stream_id, 1, stored.position)
        assert (recorded.event_id, recorded.recorded_at) == (stored.event_id, stored.recorded_at)
        assert recorded.recorded_at.utcoffset().total_seconds() == 0
        assert result.position == stored.position

    asyncio.run(main())


def test_a_result_crosses_a_process_pool():
    async def main():
        executor = CommandExecutor(InMemoryEventStore())
        written = await executor.execute(probe(writes(lambda s: s.main.write(Added(4)))), metadata={"actor": "ann"})
        nothing = await executor.execute(probe(writes()))
        for result in (written, nothing):
            there = pickle.loads(pickle.dumps(result))

            assert (there.events, there.versions) == (result.events, result.versions)
            assert (there.position, there.attempts, there.replayed) == (result.position, result.attempts, result.replayed)
            assert repr(there) == repr(result)

    asyncio.run(main())


def test_metadata_that_is_no_json_is_refused_before_anything_runs():
    with pytest.raises(InvalidMetadata):
        asyncio.run(CommandExecutor(InMemoryEventStore()).execute(probe(writes()), metadata={"x": object()}))


# --- idempotency keys


def test_under_one_key_a_command_is_done_once_and_its_outcome_given_again():
    async def main():
        store = InMemoryEventStore()
        executor = CommandExecutor(store)
        first = await executor.execute(Aliased(MAIN, FRIEND, RULES, 1), idempotency_key="k")
        again = await executor.execute(Aliased(MAIN, FRIEND, RULES, 1), idempotency_key="k")

        assert (first.replayed, again.replayed) == (False, True)
        assert first.events == again.events
        assert first.position == again.position
        assert len(await everything(store)) == 2

    asyncio.run(main())


@pytest.mark.parametrize("cache_size", [0, 10_000])
@pytest.mark.parametrize("chaining", [True, False])
def test_what_was_committed_under_the_key_meanwhile_is_told_again_and_not_decided_upon(cache_size, chaining):
    """The second call sees the key unused, then the first one's events: by those the command would be rejected."""

    async def main():
        executor = CommandExecutor(InMemoryEventStore(), cache_size=cache_size, chaining=chaining)
        command = Transfer(StreamId.of(Account, "a"), StreamId.of(Account, "b"), "once", "move", 4)
        await executor.execute(attrs.evolve(command, by="first", rule="spread"))
        results = await asyncio.gather(*(executor.execute(command, idempotency_key="k") for _ in range(5)))
        assert sorted(result.replayed for result in results) == [False, True, True, True, True]
        assert len({result.events[0].event_id for result in results}) == 1

    asyncio.run(main())


def test_many_at_once_under_one_key_are_done_once():
    async def main():
        store = InMemoryEventStore()
        executor = CommandExecutor(store)
        results = await asyncio.gather(*(executor.execute(Aliased(MAIN, FRIEND, RULES, 1), idempotency_key="k") for _ in range(20)))

        assert len({result.events for result in results}) == 1
        assert sum(not result.replayed for result in results) == 1
        assert len(await everything(store)) == 2

    asyncio.run(main())


@pytest.mark.parametrize("other", [Aliased(MAIN, FRIEND, RULES, 2), Aliased(FRIEND, MAIN, RULES, 1), Select(StreamId.of(Selective, 1))])
def test_a_key_of_another_command_is_refused(other):
    async def main():
        store = InMemoryEventStore()
        executor = CommandExecutor(store)
        await executor.execute(Aliased(MAIN, FRIEND, RULES, 1), idempotency_key="k")
        with pytest.raises(IdempotencyKeyReused, match="'k' was already used"):
            await executor.execute(other, idempotency_key="k")

        assert len(await everything(store)) == 2

    asyncio.run(main())


def test_a_rejection_is_not_remembered():
    async def main():
        store = InMemoryEventStore()
        executor = CommandExecutor(store)
        await add(store, StreamId.of(Selective, 1), 1)
        await put(store, MAIN, [NewEvent(MAIN, new_event_id(), "Gone", 1, b"{}")])
        with pytest.raises(UnknownEventType):
            await executor.execute(Aliased(MAIN, FRIEND, RULES, 1), idempotency_key="k")
        await executor.execute(Select(StreamId.of(Selective, 1)), idempotency_key="k")

    asyncio.run(main())


@pytest.mark.parametrize("key", ["", "x" * 256, "a\0b", "a\nb"])
def test_a_bad_key_is_refused(key):
    with pytest.raises(InvalidIdempotencyKey, match="1 to 255"):
        asyncio.run(CommandExecutor(InMemoryEventStore()).execute(Aliased(MAIN, FRIEND, RULES, 1), idempotency_key=key))


# --- retrying


def test_retries_are_counted_and_end_with_the_last_conflict():
    async def main():
        store = Staged()
        store.before_append = lambda number: [(MAIN, number)]
        executor = CommandExecutor(store, retry=RetryPolicy(max_attempts=4, initial_delay=0))
        with pytest.raises(RetriesExhausted) as caught:
            await executor.execute(probe(writes(lambda s: s.main.write(Added(0)))))
        error = caught.value

        assert (error.attempts, error.stream_id, error.expected, error.actual) == (4, MAIN, 3, 4)
        assert [recorded.event for recorded in error.events] == [Added(4)]
        assert "stream 'counter-main' is at version 4, expected 3" in str(error)

    asyncio.run(main())


def test_no_attempt_is_begun_after_the_deadline():
    async def main():
        store = Staged()
        store.before_append = lambda number: [(MAIN, number)]
        policy = RetryPolicy(max_attempts=1000, initial_delay=0.02, max_delay=0.02, jitter=0, deadline=0.1)
        with pytest.raises(RetriesExhausted) as caught:
            await CommandExecutor(store, retry=policy).execute(probe(writes(lambda s: s.main.write(Added(0)))))

        assert 2 <= caught.value.attempts <= 8

    simulate(main, seed=1)  # so that only the delays take time


# --- what is stored that cannot be read


@pytest.mark.parametrize(
    ("stored", "error", "message"),
    [
        (("Gone", 1, b"{}"), UnknownEventType, "holds 'Gone' at version 1, which Counter does not take"),
        (("Gone", 1, b"{}"), UnknownEventType, r"where its class was renamed, let that keep the name with @event\('Gone'\)"),
        (("Added", 2, b'{"amount":1}'), UnknownEventVersion, "stored in version 2, this code declares version 1"),
        (("Added", 1, b"not json"), EventNotReadable, "version 1 of stream 'counter-main'"),
        (("Added", 1, b"{}"), EventNotReadable, "amount"),
        (("Added", 1, b'{"amount":"x"}'), EventNotReadable, "amount"),
        (("Added", 1, b"[]"), EventNotReadable, "Added at version 1"),
    ],
)
def test_an_event_that_cannot_be_read_is_named_and_nothing_is_decided_on_it(stored, error, message):
    async def main():
        store = InMemoryEventStore()
        name, version, data = stored
        await put(store, MAIN, [NewEvent(MAIN, new_event_id(), name, version, data)])
        with pytest.raises(error, match=message):
            await CommandExecutor(store).execute(probe(writes(lambda s: s.main.write(Added(1)))))

        assert len(await everything(store)) == 1

    asyncio.run(main())


def test_a_state_that_ignores_unknown_events_never_sees_them_and_still_checks_the_version():
    async def main():
        store = InMemoryEventStore()
        selective = StreamId.of(Selective, 1)
        await put(store, selective, [NewEvent(selective, new_event_id(), name, 1, b'{"amount":3}') for name in ("Added", "Gone", "Added")])
        result = await CommandExecutor(store).execute(Select(selective))

        assert [(recorded.event, recorded.version) for recorded in result.events] == [(Added(6), 4)]

    asyncio.run(main())


def test_an_error_in_apply_says_which_event_it_met():
    async def main():
        store = InMemoryEventStore()
        await put(store, NOTES, [NewEvent(NOTES, new_event_id(), "Noted", 1, b'{"text":"x"}')])
        executor = CommandExecutor(store)
        original = Notes.apply
        Notes.apply = lambda self, event: 1 / 0
        try:
            with pytest.raises(ZeroDivisionError) as caught:
                await executor.load(NOTES)
        finally:
            Notes.apply = original

        assert "version 1 of stream 'notes-1'" in caught.value.__notes__[0]

    asyncio.run(main())


def test_an_apply_that_forgets_to_return_is_told_before_anything_is_decided_on_it(monkeypatch):
    monkeypatch.setattr(Notes, "apply", lambda self, event: None if event.text == "x" else Notes((*self.texts, event.text)))

    async def main():
        store = InMemoryEventStore()
        executor = CommandExecutor(store)
        write = [Noted("x")]
        act = lambda streams, state, resolver: [streams.notes.write(write.pop())]  # noqa: E731
        await executor.execute(probe(act, notes=NOTES))
        # From what is kept, and from what is read.
        for each in (executor, CommandExecutor(store)):
            with pytest.raises(DefinitionError, match=r"^Notes.apply: it returned None, expected the next Notes; let it `return self`"):
                await each.execute(probe(act, notes=NOTES))

        await put(store, NOTES, [NewEvent(NOTES, new_event_id(), "Noted", 1, b'{"text":"y"}')])
        with pytest.raises(AttributeError) as caught:
            await CommandExecutor(store).load(NOTES)
        assert "after it had returned None for the event before" in caught.value.__notes__[0]

    asyncio.run(main())


# --- loading, observing, misuse


def test_load_folds_one_stream_outside_any_command():
    async def main():
        store = InMemoryEventStore()
        executor = CommandExecutor(store)
        await add(store, MAIN, 1, 2)
        loaded = await executor.load(MAIN)
        assert (loaded.state, loaded.version, loaded.position) == (Counter(3, 2), 2, (await everything(store))[-1].position)
        assert (await executor.load(StreamId[Counter]("nobody"))).version == 0
        assert (await executor.load(StreamId("counter-main"), Counter)).state == loaded.state
        with pytest.raises(InvalidArgument, match=r"StreamId\.of\(<State>, key\), or call load"):
            await executor.load(StreamId("counter-main"))

    asyncio.run(main())


def test_the_observer_is_told_and_one_that_fails_does_no_harm(caplog):
    seen: list[Observation] = []

    def observer(observation: Observation) -> None:
        seen.append(observation)
        raise ValueError("broken observer")

    async def main():
        executor = CommandExecutor(InMemoryEventStore(), observer=observer)
        await executor.execute(probe(writes(lambda s: s.main.write(Added(1)))))
        with pytest.raises(CommandRejected):
            await executor.execute(probe(lambda s, state, r: require(False, "no")))

    with caplog.at_level(logging.ERROR, "eventcore"):
        asyncio.run(main())

    assert [type(observation).__name__ for observation in seen] == [
        "AttemptStarted",
        "BatchCommitted",
        "CommandCompleted",
        "AttemptStarted",
        "CommandFailed",
    ]
    assert any(isinstance(o, BatchCommitted) and o.requests == 1 for o in seen)
    assert any(isinstance(o, CommandCompleted) and (o.attempts, o.events) == (1, 1) for o in seen)
    assert any(isinstance(o, CommandFailed) and isinstance(o.error, CommandRejected) for o in seen)
    assert caplog.text.count("the observer of commands failed") == 5


@pytest.mark.parametrize(
    ("value", "message"), [(MAIN, "'counter-main' is an instance of StreamId"), (Probe, "the class Probe was given"), (None, "None")]
)
def test_what_is_no_command_is_refused(value, message):
    with pytest.raises(NotACommand, match=message):
        asyncio.run(CommandExecutor(InMemoryEventStore()).execute(value))


async def until_asked(store):
    """Wait until somebody asked *store* to append."""
    while not store.requests:
        await asyncio.sleep(0)


def test_cancelling_execute_leaves_an_executor_that_goes_on():
    async def main():
        store = Staged()
        store.before_commit = asyncio.Event()
        executor = CommandExecutor(store)
        command = probe(writes(lambda s: s.main.write(Added(1))))
        task = asyncio.create_task(executor.execute(command))
        await until_asked(store)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        store.before_commit.set()

        assert (await executor.execute(command)).attempts == 1

    asyncio.run(main())


@pytest.mark.parametrize("keyed", [False, True])
def test_commands_of_one_executor_wait_for_each_other_instead_of_conflicting(keyed):
    async def main():
        seen: list[Observation] = []
        executor = CommandExecutor(InMemoryEventStore(), observer=seen.append)
        command = Aliased(MAIN, FRIEND, RULES, 1)
        keys = [f"key-{number}" if keyed else None for number in range(40)]
        results = await asyncio.gather(*(executor.execute(command, idempotency_key=key) for key in keys))

        assert (await executor.load(MAIN)).state.total == 40
        assert [result.attempts for result in results] == [1] * 40
        assert not any(isinstance(observation, ConflictMet) for observation in seen)

    asyncio.run(main())


def test_a_cancelled_append_keeps_nobody_waiting():
    async def main():
        store = Staged()
        store.before_commit = asyncio.Event()
        executor = CommandExecutor(store)
        first = asyncio.create_task(executor.execute(Aliased(MAIN, FRIEND, RULES, 1)))
        await until_asked(store)
        second = asyncio.create_task(executor.execute(Aliased(MAIN, FRIEND, RULES, 1)))
        for _ in range(100):
            await asyncio.sleep(0)
        assert len(store.requests) == 1
        first.cancel()
        store.before_commit.set()
        await second

        assert first.cancelled()
        assert (await executor.load(MAIN)).state.total == 1

    asyncio.run(main())


# --- cached states


def test_a_command_whose_streams_are_known_needs_no_read():
    async def main():
        store = Staged()
        executor = CommandExecutor(store)
        for _ in range(3):
            await executor.execute(Aliased(MAIN, FRIEND, RULES, 1))

        assert store.reads == [(MAIN, FRIEND, RULES)]
        await CommandExecutor(store, cache_size=0).execute(Aliased(MAIN, FRIEND, RULES, 1))
        assert len(store.reads) == 2

    asyncio.run(main())


class Unexpected(BaseException):
    pass


@pytest.mark.parametrize("outcome", ["reject", "raise", "raise what is no Exception", "nothing", "invalid"])
def test_what_was_decided_on_cached_states_alone_is_confirmed_before_anyone_hears_of_it(outcome):
    async def main():
        store = InMemoryEventStore()
        executor = CommandExecutor(store)
        await executor.execute(probe(writes(lambda s: s.main.write(Added(1)))))
        await add(store, RULES, 1)  # by another process
        decided = []

        def act(streams, state, resolver):
            decided.append(state.rules.total)
            if outcome == "reject":
                require(state.rules.total == 1, "old news")
            if outcome == "raise":
                assert state.rules.total == 1
            if outcome == "raise what is no Exception" and state.rules.total == 0:
                raise Unexpected
            return [Added(1)] if outcome == "invalid" and state.rules.total == 0 else ()

        await executor.execute(probe(act))

        assert decided == [0, 1]

    asyncio.run(main())


def test_cache_survives_failure():
    """A conflict replaces what is cached, a failed or cancelled append leaves it as it was, and an event that was changed later never gets in."""

    async def main():
        store = Staged()
        executor = CommandExecutor(store)
        add_one = probe(writes(lambda s: s.main.write(Added(1))))
        await executor.execute(add_one)
        await add(store, MAIN, 10)
        assert (await executor.execute(add_one)).attempts == 2
        assert (await executor.execute(add_one)).attempts == 1

        def fail(number):
            raise ConnectionError("gone")

        store.before_append = fail
        with pytest.raises(ConnectionError):
            await executor.execute(add_one)
        store.before_append = lambda number: ()
        result = await executor.execute(add_one)

        assert (result.attempts, (await executor.load(MAIN)).state) == (1, Counter(14, 5))

    asyncio.run(main())


def test_a_stream_that_became_shorter_is_folded_afresh():
    """A store that was restored from a backup: what is cached lies beyond its head."""

    async def main():
        store = InMemoryEventStore()
        executor = CommandExecutor(store)
        await add(store, MAIN, 1, 2, 3)
        assert (await executor.load(MAIN)).state.total == 6
        restored = InMemoryEventStore()
        await add(restored, MAIN, 5)
        vars(store).update({name: value for name, value in vars(restored).items() if name != "_lock"})
        result = await executor.execute(probe(lambda s, state, r: [s.main.write(Added(state.main.total))]))

        assert [(recorded.event, recorded.version) for recorded in result.events] == [(Added(5), 2)]
        assert (await executor.load(MAIN)).state == Counter(10, 2)

    asyncio.run(main())


def test_the_cache_forgets_what_was_used_longest_ago():
    async def main():
        store = Staged()
        executor = CommandExecutor(store, cache_size=2)
        for name in "abcab":
            await executor.load(StreamId.of(Counter, name))
        assert len(executor.cache) == 2

    asyncio.run(main())
    with pytest.raises(InvalidArgument, match="expected a whole number, at least 0"):
        CommandExecutor(InMemoryEventStore(), cache_size=-1)
