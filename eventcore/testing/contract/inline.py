"""Work that is done inside every append: with it or not at all, and by everybody who appends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Protocol, cast, final

from eventcore.errors import InlineProjectionFailed, InlineProjectionsDiffer, RequestRefused
from eventcore.store import EventStore, IdempotencyKey, InlineStore, ReadModelTransaction, StoredEvent
from eventcore.testing.contract.base import StoreScenarios, scenario
from eventcore.testing.contract.checks import require_committed, require_equal, require_raises, require_refused, require_that
from eventcore.testing.contract.making import add, append_one, label_of, labels_of, new_event, read_log, request, version_of
from eventcore.testing.contract.transactions import MOMENT, make_table, put, stored

KEPT = "contract/1"


class StoreWithInlineWork(EventStore, InlineStore, Protocol):
    """What these scenarios need."""


def with_inline_work(store: EventStore) -> StoreWithInlineWork:
    if not hasattr(store, "attach") or not hasattr(store, "switch_inline"):
        raise AssertionError(f"{type(store).__name__} has no `attach` and `switch_inline`; leave InlineScenarios out, or see InlineStore")
    return cast("StoreWithInlineWork", store)


@final
class Work:
    """Writes a row for each event, under its label, and fails as *fail* says. *seen* is what it was given, batch by batch."""

    def __init__(self, kept: str = KEPT, fail: Callable[[StoredEvent], Awaitable[None] | None] | None = None) -> None:
        self.kept = kept
        self.seen: list[Sequence[Sequence[StoredEvent]]] = []
        self._fail = fail

    async def handle(self, requests: Sequence[Sequence[StoredEvent]], transaction: ReadModelTransaction, /, *, step: bool) -> None:  # noqa: ARG002
        self.seen.append(requests)
        for stored_event in (each for events in requests for each in events):
            if self._fail is not None and (failing := self._fail(stored_event)) is not None:
                await failing
            await self._write(stored_event, transaction)

    async def _write(self, event: StoredEvent, transaction: ReadModelTransaction) -> None:
        label = label_of(event)
        if isinstance(label, int):
            try:
                await put(transaction, label)
            except RequestRefused as refusal:
                raise InlineProjectionFailed(
                    "contract", refusal, event=event.type, stream_id=event.stream_id, version=event.version
                ) from refusal


@final
class Leaving:
    """Does *work*, and is detached from *store* by whoever asks what it keeps: in the middle of an append."""

    def __init__(self, work: Work, store: StoreWithInlineWork) -> None:
        self._work = work
        self._store = store

    @property
    def kept(self) -> str:
        self._store.attach(None)
        return self._work.kept

    async def handle(self, requests: Sequence[Sequence[StoredEvent]], transaction: ReadModelTransaction, /, *, step: bool) -> None:
        await self._work.handle(requests, transaction, step=step)


def unlucky(event: StoredEvent) -> None:
    if label_of(event) == 13:
        raise InlineProjectionFailed("contract", "13", event=event.type, stream_id=event.stream_id, version=event.version)


async def keep(store: StoreWithInlineWork, work: Work) -> None:
    """Let *work* be part of every append, and demand it."""
    async with store.switch_inline() as switch:
        await switch.demand(work.kept)
        store.attach(work)


async def add_freely(store: EventStore, stream_id: str, label: object) -> None:
    """Append what the store has no reason to refuse."""
    try:
        await add(store, stream_id, label)
    except InlineProjectionsDiffer as error:
        raise AssertionError(f"an append was refused although it did exactly the work that was demanded last: {error}") from error


class InlineScenarios(StoreScenarios):
    """For a store that has `attach` and `switch_inline`: what inline projections work on."""

    @scenario
    async def test_inline_work_is_part_of_the_append(self, store: EventStore) -> None:
        """It is given the very events that the verdict tells, in their order."""
        inline, work = with_inline_work(store), Work()
        await make_table(inline)
        await keep(inline, work)
        committed = [*await add(store, "a-1", 1, 2), *await add(store, "b-1", 3)]

        require_equal(await stored(inline), [1, 2, 3], "rows of the work")
        told = [event for batch in work.seen for events in batch for event in events]
        require_equal(told, committed, "events that the work was given")

    @scenario
    async def test_inline_work_that_fails_fails_its_request_alone(self, store: EventStore) -> None:
        """By its own error, and by what the database refuses; neighbours in the same call are committed, whatever their order."""
        inline = with_inline_work(store)
        await make_table(inline)
        await keep(inline, Work(fail=unlucky))
        labels = [1, 13, 2, 3, 3, 13, 4]
        requests = [request({f"s-{number}": 0}, new_event(f"s-{number}", label)) for number, label in enumerate(labels)]
        verdicts = await store.append(requests)
        for number, (label, verdict) in enumerate(zip(labels, verdicts, strict=True)):
            if number in {1, 4, 5}:
                error = require_refused(verdict, f"request {number}, whose work fails").error
                require_that(isinstance(error, InlineProjectionFailed), f"the work's own error must be told, not {error!r}")
                require_equal(await version_of(store, f"s-{number}"), 0, "events of a request whose work failed")
            else:
                require_committed(verdict, f"request {number} with label {label}")

        require_equal(labels_of(await read_log(store)), [1, 2, 3, 4], "events")
        require_equal(await stored(inline), [1, 2, 3, 4], "rows of the work")

    @scenario
    async def test_what_failed_inline_left_no_trace(self, store: EventStore) -> None:
        """All events of the request are gone, the first ones too; versions have no gap, and its key is free."""
        inline = with_inline_work(store)
        await make_table(inline)
        await keep(inline, Work(fail=unlucky))
        key = IdempotencyKey("k", b"f")
        failing = request({"a-1": 0, "b-1": 0}, new_event("a-1", 1), new_event("b-1", 2), new_event("a-1", 13), key=key)
        require_refused(await append_one(store, failing), "a request whose last event fails")
        require_equal(await stored(inline), [], "rows of a request that failed")
        again = request({"a-1": 0, "b-1": 0}, new_event("a-1", 1), new_event("b-1", 2), key=key)
        committed = require_committed(await append_one(store, again), "the same key once more")

        require_equal([event.version for event in committed.events], [1, 1], "versions")
        require_equal(await stored(inline), [1, 2], "rows of the work")

    @scenario
    async def test_inline_work_sees_nothing_of_what_is_not_committed(self, store: EventStore) -> None:
        """Conflicts, questions and repeated keys bring it no event."""
        inline, work = with_inline_work(store), Work()
        await make_table(inline)
        await keep(inline, work)
        key = IdempotencyKey("k", b"f")
        await append_one(store, request({"a-1": 0}, new_event("a-1", 1), key=key))
        await store.append(
            [
                request({"a-1": 0}, new_event("a-1", 2)),
                request({"a-1": 1}),
                request({"a-1": None}, new_event("a-1", 3), key=key),
                request({"b-1": 0}, new_event("b-1", 4)),
            ]
        )

        require_equal(
            [label_of(event) for batch in work.seen for events in batch for event in events], [1, 4], "labels of what it was given"
        )
        require_equal(await stored(inline), [1, 4], "rows of the work")

    @scenario
    async def test_work_that_is_detached_in_the_middle_of_an_append_is_part_of_it(self, store: EventStore) -> None:
        """Whoever checks that it does what is demanded does just that; the next append is refused."""
        inline, work = with_inline_work(store), Work()
        await make_table(inline)
        await keep(inline, work)
        inline.attach(Leaving(work, inline))
        await add_freely(store, "a-1", 1)
        await require_raises(InlineProjectionsDiffer, add(store, "a-1", 2), "an append after the work was detached")

        require_equal(labels_of(await read_log(store)), [1], "events")
        require_equal(await stored(inline), [1], "rows of the work")

    @scenario
    async def test_an_append_without_the_demanded_work_is_refused(self, store: EventStore) -> None:
        """So is one with other work, and one with work that nobody demands. Questions and reads are answered."""
        inline = with_inline_work(store)
        await make_table(inline)
        await keep(inline, Work())
        await add_freely(store, "a-1", 1)
        for other in (None, Work("contract/2")):
            inline.attach(other)
            differs = await require_raises(InlineProjectionsDiffer, add(store, "a-1", 2), "an append without the demanded work")
            require_equal(
                (differs.demanded, differs.kept), (KEPT, None if other is None else other.kept), "what is demanded, and what is kept"
            )
            require_committed(await append_one(store, request({"a-1": 1})), "a question")
        async with inline.switch_inline() as switch:
            await switch.demand(None)
        inline.attach(Work())
        await require_raises(InlineProjectionsDiffer, add(store, "a-1", 2), "an append with work that is not demanded")
        inline.attach(None)
        await add_freely(store, "a-1", 3)

        require_equal(labels_of(await read_log(store)), [1, 3], "events")
        require_equal(await stored(inline), [1], "rows of the work")

    @scenario
    async def test_nobody_appends_during_a_switch(self, store: EventStore) -> None:
        """Who comes meanwhile waits for its end, and then has to do what it demands: here, it already does."""
        inline = with_inline_work(store)
        await make_table(inline)
        await add(store, "a-1", 1)
        async with inline.switch_inline() as switch:
            await put(switch, 1)
            waiting = [asyncio.create_task(add(store, f"w-{number}", 10 + number)) for number in range(5)]
            await asyncio.wait(waiting, timeout=MOMENT)
            require_that(not any(task.done() for task in waiting), "an append during a switch must wait for its end")
            require_equal(await switch.newest(), (await read_log(store))[-1].position, "the newest position of all")
            await switch.demand(KEPT)
            inline.attach(Work())
        await asyncio.gather(*waiting)

        require_equal(await stored(inline), [1, 10, 11, 12, 13, 14], "rows: of the switch, and of the appends after it")

    @scenario
    async def test_a_switch_that_fails_demands_nothing(self, store: EventStore) -> None:
        inline = with_inline_work(store)
        await make_table(inline)
        with suppress(_Failed):
            async with inline.switch_inline() as switch:
                require_equal(await switch.newest(), None, "the newest position of an empty store")
                await put(switch, 1)
                await switch.demand(KEPT)
                raise _Failed
        await add_freely(store, "a-1", 1)

        require_equal(await stored(inline), [], "rows of a switch that failed")

    @scenario
    async def test_many_appends_at_once_do_their_inline_work_once_each(self, store: EventStore) -> None:
        inline = with_inline_work(store)
        await make_table(inline)
        await keep(inline, Work(fail=unlucky))
        asked = (append_one(store, request({f"s-{number % 7}": None}, new_event(f"s-{number % 7}", number))) for number in range(60))
        verdicts = await asyncio.gather(*asked)
        refused = [number for number, verdict in enumerate(verdicts) if not hasattr(verdict, "events")]

        require_equal(refused, [13], "labels of the appends that failed")
        require_equal(await stored(inline), [number for number in range(60) if number != 13], "rows of the work")
        require_equal(sorted(map(str, labels_of(await read_log(store)))), sorted(str(n) for n in range(60) if n != 13), "events")


class _Failed(Exception):
    """What a program raises in the middle of a switch."""
