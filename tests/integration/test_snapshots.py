"""Snapshots save time and nothing else: what does not fit is never used."""

from __future__ import annotations

import asyncio
import importlib
import sys
import threading
from textwrap import dedent

import pytest
from lab.ledgers import Ledger, Post

from eventcore import CommandExecutor, InMemoryEventStore, StreamId
from eventcore.codec import EventCodec
from eventcore.execute.snapshots import Snapshots, snapshot_rule
from eventcore.store import History, ReadResult, Snapshot

LEDGER = StreamId.of(Ledger, 1)


class Counting(InMemoryEventStore):
    def __init__(self) -> None:
        super().__init__()
        self.reads: list[ReadResult] = []

    async def read(self, streams, /, *, idempotency_key=None):
        self.reads.append(await super().read(streams, idempotency_key=idempotency_key))
        return self.reads[-1]


async def filled(count: int) -> tuple[Counting, CommandExecutor]:
    store = Counting()
    executor = CommandExecutor(store)
    for amount in range(1, count + 1):
        await executor.execute(Post(LEDGER, amount))
        await executor.save_snapshots()
    store.reads.clear()
    return store, executor


def kind(executor: CommandExecutor) -> str:
    rule = executor._binder.fold(Ledger).snapshots
    assert rule is not None
    return rule.kind


def test_a_cold_command_begins_at_the_snapshot_in_its_one_read():
    async def main():
        store, executor = await filled(8)
        (kept,) = await store.load_snapshots([(LEDGER, kind(executor))])
        assert kept.version == 6
        result = await CommandExecutor(store).execute(Post(LEDGER, 9))
        assert [len(piece.events) for read in store.reads for piece in read.slices] == [2]
        assert result.events[0].version == 9

    asyncio.run(main())


@pytest.mark.parametrize("count", range(1, 9))
def test_folding_in_two_parts_equals_folding_at_once(count):
    async def main():
        store, _ = await filled(count)
        warm = await CommandExecutor(store).load(LEDGER)
        plain = await CommandExecutor(store, snapshots=False).load(LEDGER)
        assert warm == plain
        assert plain.state == Ledger(sum(range(count + 1)), tuple(range(1, count + 1)))

    asyncio.run(main())


def test_stale_snapshot_is_not_used():
    """A changed source, state version, field or `apply` gives another kind, and another kind is never asked for."""
    codec = EventCodec()

    def rule(cls=Ledger, *, version=1, fingerprint="f"):
        return snapshot_rule(cls, "lab.ledgers", codec, every=3, version=version, fingerprint=fingerprint).kind

    assert rule() == rule()
    assert rule(version=2) != rule()
    assert rule(fingerprint="g") != rule()
    changed = type("Ledger", (Ledger,), {"__slots__": (), "apply": lambda self, event: self})
    changed.__qualname__, changed.__module__ = Ledger.__qualname__, Ledger.__module__
    changed.apply.__module__ = Ledger.__module__
    assert rule(changed) != rule()

    async def main():
        store, _ = await filled(4)
        await store.save_snapshots([Snapshot(LEDGER, rule(version=2), 4, codec.encode(Ledger(999)))])
        assert (await CommandExecutor(store).load(LEDGER)).state.total == 10

    asyncio.run(main())


@pytest.mark.parametrize("data", [b"", b"no json", b"{}x", b'{"total":"1","lines":[]}', b'{"sum":1}'])
def test_a_snapshot_that_cannot_be_read_is_passed_over(data):
    async def main():
        store, executor = await filled(5)
        await store.save_snapshots([Snapshot(LEDGER, kind(executor), 5, data)])
        fresh = CommandExecutor(store)
        assert (await fresh.load(LEDGER)).state.total == 15
        await CommandExecutor(store).execute(Post(LEDGER, 1))

    asyncio.run(main())


def test_a_store_that_fails_to_save_fails_no_command():
    class Failing(InMemoryEventStore):
        async def save_snapshots(self, snapshots, /):
            raise OSError("no")

    async def main():
        executor = CommandExecutor(Failing())
        for _ in range(5):
            await executor.execute(Post(LEDGER, 1))
        await executor.save_snapshots()

    asyncio.run(main())


def test_what_waits_to_be_saved_is_dropped_with_its_history():
    """A server fell back on a copy that may lack what was folded; who waits for the saving is not kept waiting."""

    async def main():
        history, store = History(), InMemoryEventStore()
        rule = snapshot_rule(Ledger, "lab.ledgers", EventCodec(), every=3, version=1, fingerprint="")
        async with store:
            snapshots = Snapshots(store, history)
            for turns, saved in ((True, 0), (False, 1)):
                snapshots.offer(LEDGER, rule, 3, Ledger())
                if turns:
                    history.turn()
                await asyncio.wait_for(snapshots.saved(), 5)
                assert len(await store.load_snapshots([(LEDGER, rule.kind)])) == saved
                snapshots = Snapshots(store, history)

    asyncio.run(main())


@pytest.mark.parametrize("goes_on", [True, False], ids=["while it goes on", "after it was closed"])
def test_what_another_event_loop_has_not_saved_yet_is_waited_for_or_saved_now(goes_on):
    class Slow(InMemoryEventStore):
        async def save_snapshots(self, snapshots, /):
            saving.set()
            await asyncio.sleep(0.3 if first else 0)
            first.clear()
            await super().save_snapshots(snapshots)

    saving, heard, first = threading.Event(), threading.Event(), [True]
    executor = CommandExecutor(Slow())

    async def fill():
        for stream in (LEDGER, StreamId.of(Ledger, 2)):
            for _ in range(3):
                await executor.execute(Post(stream, 1))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        if goes_on:
            await asyncio.to_thread(heard.wait, 10)

    async def look():
        await executor.save_snapshots()
        return await executor.store.load_snapshots([(stream, kind(executor)) for stream in (LEDGER, StreamId.of(Ledger, 2))])

    thread = threading.Thread(target=lambda: asyncio.run(fill()))
    thread.start()
    assert saving.wait(10)
    if not goes_on:
        thread.join()
    try:
        assert {snapshot.stream_id for snapshot in asyncio.run(look())} >= {StreamId.of(Ledger, 2)}
    finally:
        heard.set()
        thread.join()


FOLDS = {
    "pricing/__init__.py": "",
    "pricing/rates.py": """
        RATE = 2
        TABLE = {"low": 3}
        def rate(amount, *, base=5):
            return amount * base * RATE + TABLE["low"]
    """,
    "pricing/rules.py": """
        from functools import cache, singledispatch, wraps
        def logged(function):
            @wraps(function)
            def logging(*arguments):
                return function(*arguments)
            return logging
        @logged
        def rounded(amount):
            return amount + 7
        @cache
        def doubled(amount):
            return amount * 11
        @singledispatch
        def fold(event, total):
            raise TypeError(event)
        @fold.register
        def _(event: int, total):
            return total + 13
        HANDLERS = {int: lambda total: total + 17}
        class Money:
            minor = 19
            def add(self, other):
                return self.minor + other * 23
            @staticmethod
            def of(amount):
                return amount + 29
    """,
    "pricing/ledger.py": """
        from __future__ import annotations
        from eventcore import event, state
        from pricing import rates
        import pricing.rules
        from pricing.rules import HANDLERS, Money, doubled, fold, rounded
        @event
        class Posted:
            amount: int
            def worth(self):
                return self.amount + 31
        @state(snapshot_every=3)
        class Ledger:
            total: int = 37
            def apply(self, event: Posted) -> Ledger:
                total = rates.rate(self.total) + rounded(doubled(event.worth())) + fold(event.amount, 0)
                return Ledger(HANDLERS[int](total) + Money().add(1) + pricing.rules.Money.of(1))
    """,
}


def kind_of_ledger(folder, monkeypatch, old="", new=""):
    for name, text in FOLDS.items():
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text(dedent(text).replace(old, new) if old else dedent(text))
    for name in [name for name in sys.modules if name.partition(".")[0] == "pricing"]:
        monkeypatch.delitem(sys.modules, name)
    with monkeypatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setattr(sys, "dont_write_bytecode", True)
        cls = importlib.import_module("pricing.ledger").Ledger
    for name in [name for name in sys.modules if name.partition(".")[0] == "pricing"]:
        monkeypatch.delitem(sys.modules, name)
    return snapshot_rule(cls, "pricing.ledger", EventCodec(), every=3, version=1, fingerprint="not generated again").kind


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("RATE = 2", "RATE = 4"),
        ('"low": 3', '"low": 4'),
        ("base=5", "base=4"),
        ("amount + 7", "amount + 4"),
        ("amount * 11", "amount * 4"),
        ("total + 13", "total + 4"),
        ("total + 17", "total + 4"),
        ("minor = 19", "minor = 4"),
        ("other * 23", "other * 4"),
        ("amount + 29", "amount + 4"),
        ("amount + 31", "amount + 4"),
        ("total: int = 37", "total: int = 4"),
    ],
)
def test_stale_snapshot_is_not_used_whatever_folding_reached_in_its_package(tmp_path, monkeypatch, old, new):
    before = kind_of_ledger(tmp_path / "before", monkeypatch)

    assert kind_of_ledger(tmp_path / "same", monkeypatch) == before
    assert kind_of_ledger(tmp_path / "after", monkeypatch, old, new) != before
