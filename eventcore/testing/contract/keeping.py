"""What is kept beside the events: snapshots of folded states, and how far each reader has come."""

from __future__ import annotations

from eventcore.store import EventStore, Snapshot, StreamRead
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
        """A late save of an older state is dropped, within one call too; a newer one replaces, and one made anew of the same version."""
        newer, older, newest = (Snapshot("a-1", "State", version, bytes([version])) for version in (4, 3, 7))
        await store.save_snapshots([newer])
        await store.save_snapshots([older])
        require_equal(list(await store.load_snapshots([("a-1", "State")])), [newer], "the snapshot after an older one was saved")
        await store.save_snapshots([newest, older])

        require_equal(list(await store.load_snapshots([("a-1", "State")])), [newest], "the snapshot after a newer one was saved")
        anew = newest._replace(data=b"anew")
        await store.save_snapshots([anew])
        require_equal(list(await store.load_snapshots([("a-1", "State")])), [anew], "the snapshot after one of its version was saved")

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

    @scenario
    async def test_a_read_begins_at_the_snapshot(self, store: EventStore) -> None:
        """A snapshot takes the place of the events up to its version, of its own kind only, in the same read."""
        events = await add(store, "a-1", "one", "two", "three")
        await add(store, "a-2", "other")
        snapshot = Snapshot("a-1", "State", 2, ODD_BYTES)
        await store.save_snapshots([snapshot])
        reads = [
            StreamRead("a-1", 0, None, "State"),
            StreamRead("a-1", 0, None, "Other"),
            StreamRead("a-1"),
            StreamRead("a-2", 0, None, "State"),
            StreamRead("a-3", 0, None, "State"),
        ]

        begun, *others = (await store.read(reads)).slices
        require_equal((begun.snapshot, begun.after, begun.version), (snapshot, 2, 3), "the snapshot, its version and the head's")
        require_equal(begun.position, events[-1].position, "the position of the head")
        require_equal(list(begun.events), list(events[2:]), "the events after the snapshot")
        require_equal([each.snapshot for each in others], [None] * 4, "snapshots of reads that ask for another kind, or of another stream")
        require_equal([len(each.events) for each in others], [3, 3, 1, 0], "events where there is no snapshot")

    @scenario
    async def test_a_snapshot_at_the_head_leaves_no_events(self, store: EventStore) -> None:
        """All is in the snapshot; the version and the position are the head's."""
        events = await add(store, "a-1", "one", "two")
        await store.save_snapshots([Snapshot("a-1", "State", 2, b"")])

        (piece,) = (await store.read([StreamRead("a-1", 0, frozenset({"one"}), "State")])).slices
        require_equal((piece.after, piece.version, piece.position, len(piece.events)), (2, 2, events[-1].position, 0), "the slice")
        require_equal(piece.snapshot, Snapshot("a-1", "State", 2, b""), "the snapshot")

    @scenario
    async def test_a_snapshot_that_is_not_newer_than_what_is_known_is_left_out(self, store: EventStore) -> None:
        """Whoever knows as much as the snapshot asks for what came after, and gets that."""
        events = await add(store, "a-1", "one", "two", "three")
        await store.save_snapshots([Snapshot("a-1", "State", 2, b"2")])

        (piece,) = (await store.read([StreamRead("a-1", 2, None, "State")])).slices
        require_equal((piece.snapshot, piece.after, list(piece.events)), (None, 2, list(events[2:])), "the slice")

    @scenario
    async def test_a_snapshot_that_is_newer_than_its_stream_is_left_out(self, store: EventStore) -> None:
        """It was folded from a stream that is no more: one restored from elsewhere, say."""
        events = await add(store, "a-1", "one", "two")
        await store.save_snapshots([Snapshot("a-1", "State", 3, b"3"), Snapshot("a-2", "State", 1, b"1")])

        slices = (await store.read([StreamRead("a-1", 1, None, "State"), StreamRead("a-2", 0, None, "State")])).slices
        found = [(piece.snapshot, piece.after, piece.version, list(piece.events)) for piece in slices]
        require_equal(found, [(None, 1, 2, list(events[1:])), (None, 0, 0, list(events[:0]))], "the slices")

    @scenario
    async def test_a_snapshot_of_a_long_stream_is_whole(self, store: EventStore) -> None:
        """However much there is beyond the snapshot, all of it comes."""
        await add(store, "a-1", *(f"{number}" for number in range(5000)))
        await store.save_snapshots([Snapshot("a-1", "State", 7, b"7")])

        (piece,) = (await store.read([StreamRead("a-1", 0, None, "State")])).slices
        require_equal((piece.snapshot, piece.after), (Snapshot("a-1", "State", 7, b"7"), 7), "the snapshot")
        require_equal([event.version for event in piece.events], list(range(8, 5001)), "the versions after the snapshot")


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
