"""What comes back from executing: results, recorded events, loaded states, what an observer is told, and errors with facts on them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import assert_never, assert_type
from uuid import UUID

from kinds import Filled, Labelled, Stateful, Tank, TankEvent

from eventcore import (
    AliasedStreams,
    AttemptStarted,
    BatchCommitted,
    CommandCompleted,
    CommandExecutor,
    CommandFailed,
    CommandRejected,
    CommandResult,
    ConflictMet,
    EventCoreError,
    IdempotencyKeyReused,
    InMemoryEventStore,
    Loaded,
    Metadata,
    Observation,
    OutcomeUnknown,
    Position,
    Recorded,
    RetriesExhausted,
    RetryPolicy,
    StreamId,
    StreamsDiscovered,
)


async def a_result(executor: CommandExecutor, command: Stateful, generic: Labelled[int]) -> None:
    """row: result.events
    row: result.position
    row: result.attempts, result.versions"""
    result = await executor.execute(command)
    assert_type(result, CommandResult[TankEvent])
    assert_type(await executor.execute(generic), CommandResult[TankEvent])
    assert_type(result.events, tuple[Recorded[TankEvent], ...])
    assert_type(result.position, Position | None)
    assert_type(result.attempts, int)
    assert_type(result.versions, Mapping[StreamId, int])
    assert_type(result.versions[command.one], int)
    assert_type(result.replayed, bool)
    result.events = ()  # E: a result is frozen
    result.position = None  # E: a result is frozen
    result.versions[command.one] = 1  # E: what happened has happened
    result.event  # E: there may be many
    result.state  # E: load it
    takes_a_position(result.position)  # E: perhaps there is none


def takes_a_position(position: Position) -> Position:
    return position


def what_was_recorded(recorded: Recorded[TankEvent]) -> None:
    """row: Recorded"""
    assert_type(recorded.event, TankEvent)
    assert_type(recorded.stream_id, StreamId)
    assert_type(recorded.version, int)
    assert_type(recorded.position, Position)
    assert_type(recorded.event_id, UUID)
    assert_type(recorded.recorded_at, datetime)
    assert_type(recorded.metadata, Metadata)
    recorded.event.litres  # E: only one of two events has it
    match recorded.event:
        case Filled(litres):
            assert_type(litres, int)
        case drained:
            drained.litres  # E: the other of two events
    wider: Recorded[object] = recorded
    narrower: Recorded[Filled] = recorded  # E: perhaps it is the other one
    recorded.event = Filled(1)  # E: what is recorded is recorded
    recorded.version = 2  # E: what is recorded is recorded
    recorded.metadata["actor"] = "eve"  # E: what is recorded is recorded
    print(wider, narrower)


async def what_was_loaded(executor: CommandExecutor, tank: StreamId[Tank], bare: StreamId) -> None:
    """row: executor.load(cart)"""
    loaded = await executor.load(tank)
    assert_type(loaded, Loaded[Tank])
    assert_type(loaded.state, Tank)
    assert_type(loaded.version, int)
    assert_type(loaded.position, Position | None)
    assert_type(loaded.stream_id, StreamId)
    assert_type((await executor.load(bare, Tank)).state, Tank)
    loaded.state = Tank()  # E: it is frozen
    loaded.state.litres = 1  # E: states are frozen
    loaded.state.celsius  # E: another state's
    await executor.load(tank, "Tank")  # E: a state class, not its name
    await executor.load(tank, state=Tank)  # E: by position


def policies() -> None:
    """row: RetryPolicy"""
    policy = RetryPolicy(max_attempts=3, initial_delay=0.01, max_delay=1, multiplier=2, jitter=0.5, deadline=10)
    assert_type(policy.max_attempts, int)
    assert_type(policy.initial_delay, float)
    assert_type(policy.max_delay, float)
    assert_type(policy.multiplier, float)
    assert_type(policy.jitter, float)
    assert_type(policy.deadline, float | None)
    assert_type(RetryPolicy(), RetryPolicy)
    RetryPolicy(3)  # E: options by name
    RetryPolicy(max_attempts=None)  # E: deadline bounds it, this is a number
    RetryPolicy(max_attempts=2.5)  # E: a whole number
    RetryPolicy(jitter="full")  # E: a share
    RetryPolicy(attempts=3)  # E: no such option
    policy.max_attempts = 4  # E: a policy is frozen


def executors(store: InMemoryEventStore) -> None:
    """row: CommandExecutor(store, ...)"""
    assert_type(CommandExecutor(store), CommandExecutor)
    assert_type(CommandExecutor(store, retry=RetryPolicy(), max_discoveries=3, cache_size=0), CommandExecutor)
    assert_type(CommandExecutor(store, observer=print, chaining=False, snapshots=False), CommandExecutor)
    assert_type(CommandExecutor(store, observer=observe), CommandExecutor)
    CommandExecutor()  # E: on which store?
    CommandExecutor(store, print)  # E: options by name
    CommandExecutor(store, retry=3)  # E: a policy
    CommandExecutor(store, observer=observe_two)  # E: it is told one thing at a time
    CommandExecutor(store, observer=observe_only_conflicts)  # E: it is told other things too
    CommandExecutor(store, cache_size=None)  # E: 0 switches it off


def observe(told: Observation) -> None:
    """row: observer=..."""
    match told:
        case AttemptStarted(command, attempt):
            assert_type(command, object)
            assert_type(attempt, int)
        case StreamsDiscovered():
            assert_type(told.round, int)
            assert_type(told.streams, tuple[StreamId, ...])
        case ConflictMet():
            assert_type(told.stream_id, str)
            assert_type(told.expected, int)
            assert_type(told.actual, int)
            assert_type(told.delay, float | None)
            told.delay + 1.0  # E: perhaps there is no further attempt
        case BatchCommitted():
            assert_type(told.requests, int)
        case CommandCompleted():
            assert_type(told.attempts, int)
            assert_type(told.events, int)
            assert_type(told.seconds, float)
            told.error  # E: it did not fail
        case CommandFailed():
            assert_type(told.error, BaseException)
        case _:
            assert_never(told)


def observe_two(told: Observation, another: Observation) -> None:
    """row: observer=..."""
    told.stream_id  # E: only of conflicts


def observe_only_conflicts(told: ConflictMet) -> None:
    """row: observer=..."""
    told.attempt = 2  # E: what was told is frozen


def errors(rejected: CommandRejected, aliased: AliasedStreams, unknown: OutcomeUnknown, reused: IdempotencyKeyReused) -> None:
    """row: EventCoreError is the root of every error of ours"""
    assert_type(is_ours(rejected, aliased, unknown, reused), bool)
    is_ours(ValueError("no"))  # E: somebody else's
    is_ours(CommandRejected)  # E: an error, not its class


def is_ours(*errors: EventCoreError) -> bool:
    return bool(errors)


def exhausted(error: RetriesExhausted) -> None:
    """row: RetriesExhausted"""
    assert_type(error.command, str)
    assert_type(error.attempts, int)
    assert_type(error.stream_id, str)
    assert_type(error.expected, int)
    assert_type(error.actual, int)
    assert_type(error.events, tuple[Recorded[object], ...])
    error.conflict  # E: what it lost to is on the error itself
