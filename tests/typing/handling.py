"""The forms of `handle`, and of `initial` and `apply` of a command that folds by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import assert_type

from kinds import Drained, Filled, Measured, SelfFolding, Tank, TankEvent
from kinds_streams import AsynchronousState, AsynchronousStreams, AsynchronousWrites, LabelledStreams, StatefulResolver, StatefulStreams

from eventcore import (
    CommandExecutor,
    CommandRejected,
    CommandResult,
    EventCoreError,
    Recorded,
    StreamId,
    StreamWrite,
    command,
    stream,
)


@command
class Yields:
    one: StreamId[Tank] = stream()

    def handle(self, streams: AsynchronousStreams, state: AsynchronousState) -> AsynchronousWrites:
        yield streams.one.write(Drained())


@command
class YieldsBySelf:
    one: StreamId[Tank] = stream()

    def handle(self, streams: AsynchronousStreams, state: AsynchronousState) -> Iterator[StreamWrite[AsynchronousStreams, Filled]]:
        yield StreamWrite(streams, self.one, Filled(1))


@command
class Returns:
    one: StreamId[Tank] = stream()

    def handle(self, streams: AsynchronousStreams, state: AsynchronousState) -> tuple[StreamWrite[AsynchronousStreams, TankEvent], ...]:
        return (streams.one.write(Drained()),)


@command
class Awaits:
    one: StreamId[Tank] = stream()

    async def handle(self, streams: AsynchronousStreams, state: AsynchronousState) -> AsynchronousWrites:
        return [streams.one.write(Drained())]


@command
class AwaitsAndFinds:
    one: StreamId[Tank] = stream()

    async def handle(
        self, streams: StatefulStreams, state: object, resolver: StatefulResolver
    ) -> list[StreamWrite[StatefulStreams, TankEvent]]:
        resolver.found.add(self.one)
        return [streams.found[self.one].write(Drained())]


@command
class YieldsAsynchronously:
    one: StreamId[Tank] = stream()

    async def handle(
        self, streams: AsynchronousStreams, state: AsynchronousState
    ) -> AsyncIterator[StreamWrite[AsynchronousStreams, TankEvent]]:
        yield streams.one.write(Drained())


@command
class ReturnsOneWrite:
    one: StreamId[Tank] = stream()

    def handle(self, streams: AsynchronousStreams, state: AsynchronousState) -> StreamWrite[AsynchronousStreams, TankEvent]:
        return streams.one.write(Drained())


@command
class ReturnsEvents:
    one: StreamId[Tank] = stream()

    def handle(self, streams: AsynchronousStreams, state: AsynchronousState) -> list[TankEvent]:
        return [Drained()]


@command
class ReturnsNothing:
    one: StreamId[Tank] = stream()

    def handle(self, streams: AsynchronousStreams, state: AsynchronousState) -> None:
        streams.one.write(Drained())


@command
class TakesOnlyStreams:
    one: StreamId[Tank] = stream()

    def handle(self, streams: AsynchronousStreams) -> AsynchronousWrites:
        return ()


@command
class TakesTooMuch:
    one: StreamId[Tank] = stream()

    def handle(self, streams: AsynchronousStreams, state: object, resolver: StatefulResolver, more: int) -> AsynchronousWrites:
        return ()


@command
class TakesNoStreams:
    one: StreamId[Tank] = stream()

    def handle(self, streams: int, state: object) -> AsynchronousWrites:
        return ()


@command
class HasNone:
    one: StreamId[Tank] = stream()


async def forms(executor: CommandExecutor, tank: StreamId[Tank]) -> None:
    """row: handle: def or async def, any iterable, generators too"""
    assert_type(await executor.execute(Yields(tank)), CommandResult[TankEvent])
    assert_type(await executor.execute(YieldsBySelf(tank)), CommandResult[Filled])
    assert_type(await executor.execute(Returns(tank)), CommandResult[TankEvent])
    assert_type(await executor.execute(Awaits(tank)), CommandResult[TankEvent])
    assert_type(await executor.execute(AwaitsAndFinds(tank)), CommandResult[TankEvent])
    await executor.execute(YieldsAsynchronously(tank))  # E: an async generator is no iterable
    await executor.execute(ReturnsOneWrite(tank))  # E: one write is no iterable of writes
    await executor.execute(ReturnsEvents(tank))  # E: events are no writes
    await executor.execute(ReturnsNothing(tank))  # E: nothing is no iterable of writes
    await executor.execute(TakesOnlyStreams(tank))  # E: it takes the state too
    await executor.execute(TakesTooMuch(tank))  # E: it takes no more than the resolver
    await executor.execute(TakesNoStreams(tank))  # E, but not in ty: its streams are its StreamSet
    await executor.execute(HasNone(tank))  # E: a command decides


def writes_of_another(streams: AsynchronousStreams, labelled: LabelledStreams) -> AsynchronousWrites:
    """row: <Command>Writes"""
    return (labelled.one.write(Drained()), streams.one.write(Drained()))  # E: the first is another command's


def own_folds(command: SelfFolding, filled: Recorded[Filled], measured: Recorded[Measured], text: Recorded[str]) -> None:
    """row: initial and apply of a command that folds by itself"""
    assert_type(command.initial(), int)
    assert_type(command.apply(0, filled), int)
    assert_type(command.apply(command.initial(), measured), int)
    command.apply(0, text)  # E: no event of its streams
    command.apply(0, Filled(1))  # E: an event as it was recorded
    command.apply(Tank(), filled)  # E: the state is what `initial` gives
    command.initial(1)  # E: it takes nothing


class TooPoor(CommandRejected):
    """row: raise CommandRejected(...)"""

    def __init__(self, missing: int) -> None:
        self.missing = missing
        super().__init__(f"{missing} short")


def rejecting(missing: int) -> None:
    """row: raise CommandRejected(...)"""
    try:
        raise TooPoor(missing) if missing else CommandRejected("no")
    except TooPoor as error:
        assert_type(error.missing, int)
    except EventCoreError as error:
        assert_type(error, EventCoreError)
        error.missing  # E: only the subclass has it
    raise TooPoor("much")  # E: of another type
