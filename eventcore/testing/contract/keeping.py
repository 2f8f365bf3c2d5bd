"""What is kept beside the events: snapshots of folded states, and how far each reader has come."""

from __future__ import annotations

from eventcore.store import EventStore, Snapshot
from eventcore.testing.contract.base import StoreScenarios, scenario
from eventcore.testing.contract.checks import require_equal
from eventcore.testing.contract.making import add, read_log

ODD_BYTES = bytes(range(256))


class SnapshotScenarios(StoreScenarios):
    @scenario
    async def test_a_missing_snapshot_is_none(self, store: EventStore) -> None:
        require_equal(list(await store.load_snapshots([("nobody-1", "State")])), [], "snapshots of a stream that has none")
        require_equal(list(await store.load_snapshots([])), [], "snapshots of no stream")

    @scenario
    async def test_a_snapshot_is_kept_exactly(self, store: EventStore) -> None:
        """Any bytes, any size: what was saved is what is loaded. The stream need not hold that many events, or exist."""
        small, large, empty = (
            Snapshot("a-1", "State", 4, ODD_BYTES),
            Snapshot("a-2", "State", 1, ODD_BYTES * 8192),
            Snapshot("a-3", "é", 2**40, b""),
        )
        await store.save_snapshots([small, large, empty])

        loaded = await store.load_snapshots([("a-3", "é"), ("a-1", "State"), ("a-2", "State")])
        require_equal(
            {each.stream_id: each for each in loaded}, {each.stream_id: each for each in (small, large, empty)}, "snapshots loaded"
        )

    @scenario
    async def test_an_older_snapshot_does_not_replace_a_newer_one(self, store: EventStore) -> None:
        """A late save of an older state is dropped, within one call too; a newer one replaces."""
        newer, older, newest = (Snapshot("a-1", "State", version, bytes([version])) for version in (4, 3, 7))
        await store.save_snapshots([newer])
        await store.save_snapshots([older])
        require_equal(list(await store.load_snapshots([("a-1", "State")])), [newer], "the snapshot after an older one was saved")
        await store.save_snapshots([newest, older])

        require_equal(list(await store.load_snapshots([("a-1", "State")])), [newest], "the snapshot after a newer one was saved")

    @scenario
    async def test_snapshots_of_other_streams_and_kinds_are_others(self, store: EventStore) -> None:
        """A snapshot belongs to its stream and its kind: one kind's version says nothing about another's."""
        kept = [
            Snapshot("a-1", "State", 5, b"1"),
            Snapshot("a-1", "Other", 2, b"2"),
            Snapshot("A-1", "State", 3, b"3"),
            Snapshot("a-2", "state", 1, b"4"),
        ]
        await store.save_snapshots(kept)
        wanted = [(each.stream_id, each.kind) for each in kept]

        require_equal(
            sorted(await store.load_snapshots([*wanted, ("a-2", "State"), ("a-3", "State")])),
            sorted(kept),
            "snapshots of several streams and kinds",
        )
        require_equal(list(await store.load_snapshots([("a-1", "Other")])), [kept[1]], "the snapshot of one kind")

    @scenario
    async def test_a_snapshot_is_no_event(self, store: EventStore) -> None:
        """Saving a state changes nothing that a reader of events can see."""
        events = await add(store, "a-1", "only")
        await store.save_snapshots([Snapshot("a-1", "State", 9, b"ahead")])

        require_equal(await read_log(store), list(events), "the log after a snapshot was saved")


class CheckpointScenarios(StoreScenarios):
    @scenario
    async def test_a_missing_checkpoint_is_none(self, store: EventStore) -> None:
        require_equal(await store.load_checkpoint("nobody"), None, "the checkpoint of a reader that never saved one")

    @scenario
    async def test_a_checkpoint_is_kept(self, store: EventStore) -> None:
        """A position that was saved is loaded, and reading goes on from it."""
        events = await add(store, "a-1", 1, 2, 3)
        await store.save_checkpoint("reader", events[1].position)
        loaded = await store.load_checkpoint("reader")

        require_equal(loaded, events[1].position, "the checkpoint")
        require_equal(await read_log(store, after=loaded), [events[2]], "what follows the checkpoint")

    @scenario
    async def test_the_last_checkpoint_wins(self, store: EventStore) -> None:
        """A checkpoint is replaced by the next one, also where it goes back: a reader may start again."""
        events = await add(store, "a-1", 1, 2, 3)
        for index in (0, 2, 1):
            await store.save_checkpoint("reader", events[index].position)
            require_equal(await store.load_checkpoint("reader"), events[index].position, "the checkpoint saved last")

    @scenario
    async def test_checkpoints_of_readers_are_independent(self, store: EventStore) -> None:
        events = await add(store, "a-1", *range(6))
        names = ["reader", "Reader", "reader ", "re_der", "r%", "lëser"]
        for name, event in zip(names, events, strict=True):
            await store.save_checkpoint(name, event.position)

        require_equal([await store.load_checkpoint(name) for name in names], [event.position for event in events], "checkpoints by name")
