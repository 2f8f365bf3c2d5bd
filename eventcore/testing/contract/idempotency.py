"""Idempotency keys: one effect for each key, and the same answer every time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import cycle
from typing import Final

from eventcore.store import Committed, EventStore, IdempotencyKey, RememberedOutcome, StreamRead
from eventcore.testing.contract.base import StoreScenarios, scenario
from eventcore.testing.contract.checks import (
    require_already_done,
    require_committed,
    require_conflict,
    require_equal,
    require_key_reused,
    require_refused,
    require_that,
)
from eventcore.testing.contract.making import add, append_one, beside, labels_of, new_event, read_log, read_one, request, version_of

KEY: Final = IdempotencyKey("order-17", b"\x00\xffpay 5")


class IdempotencyScenarios(StoreScenarios):
    @scenario
    async def test_an_outcome_is_remembered_under_its_key(self, store: EventStore) -> None:
        """A read that names the key gets the fingerprint and the events of what was committed under it; another key gets nothing."""
        asked = request({"a-1": 0, "b-1": 0}, new_event("a-1", 1), new_event("b-1", 2), key=KEY)
        committed = require_committed(await append_one(store, asked), "the first request under a key")
        await add(store, "a-1", "later")
        result = await store.read([StreamRead("a-1")], idempotency_key=KEY.key)

        require_equal(_comparable(result.remembered), (KEY.fingerprint, list(committed.events)), "what is remembered under the key")
        require_equal(result.slices[0].version, 2, "version of the stream that was read along with the key")
        require_equal((await store.read([], idempotency_key="order-18")).remembered, None, "what is remembered under a key never used")

    @scenario
    async def test_a_repeated_request_is_not_done_again(self, store: EventStore) -> None:
        """The same key and fingerprint append nothing and bring the first outcome, though the versions expected are stale by now."""
        first = require_committed(
            await append_one(store, request({"a-1": 0}, new_event("a-1", 1), key=KEY)), "the first request under a key"
        )
        await add(store, "a-1", "between")
        for versions in ({"a-1": 0}, {"a-1": 2}, {"a-1": 0, "b-1": None}):
            again = await append_one(store, request(versions, new_event("a-1", "again"), key=KEY))
            done = require_already_done(again, f"the key again, with versions {versions}")
            require_equal(list(done.events), list(first.events), "events of a repeated request")

        require_equal(labels_of(await read_log(store)), [1, "between"], "the log after repeated requests")

    @scenario
    async def test_a_key_belongs_to_one_request(self, store: EventStore) -> None:
        """The same key with another fingerprint appends nothing and says so, current versions or not."""
        require_committed(await append_one(store, request({"a-1": 0}, new_event("a-1", 1), key=KEY)), "the first request under a key")
        other = KEY._replace(fingerprint=b"pay 6")
        for versions in ({"a-1": 1}, {"a-1": 0}):
            reused = require_key_reused(
                await append_one(store, request(versions, new_event("a-1"), key=other)), "a key with another fingerprint"
            )
            require_equal(reused.key, KEY.key, "the key that was reused")

        require_equal(await version_of(store, "a-1"), 1, "version of the stream after the reused key")

    @scenario
    async def test_two_requests_of_one_batch_share_a_key(self, store: EventStore) -> None:
        """Within one append the second request of a key gets the first one's outcome, and another fingerprint is told."""
        verdicts = await store.append(
            [
                request({"a-1": 0}, new_event("a-1", 1), key=KEY),
                request({"a-1": 0}, new_event("a-1", "again"), key=KEY),
                request({"b-1": 0}, new_event("b-1", "foreign"), key=KEY._replace(fingerprint=b"")),
                request({"a-1": 1}, new_event("a-1", 2), key=KEY._replace(key="another")),
            ]
        )
        first, again, reused, another = verdicts
        committed = require_committed(first, "the first request under a key")
        require_equal(list(require_already_done(again, "the second one").events), list(committed.events), "events of the second one")
        require_key_reused(reused, "the third one, with another fingerprint")
        require_committed(another, "a request under a key of its own")

        require_equal(labels_of(await read_log(store)), [1, 2], "the log")

    @scenario
    async def test_only_what_was_committed_is_remembered(self, store: EventStore) -> None:
        """A conflict, a refusal and a question leave their key free for a request that is committed."""
        await add(store, "a-1", "seed")
        require_conflict(await append_one(store, request({"a-1": 0}, new_event("a-1"), key=KEY)), "a stale request under a key")
        require_refused(await append_one(store, request({"b-1": 0}, self.refused_event("b-1"), key=KEY)), "a refused request under a key")
        require_committed(await append_one(store, request({"a-1": 1}, key=KEY)), "a question under a key")
        require_equal((await store.read([], idempotency_key=KEY.key)).remembered, None, "what is remembered before anything was committed")
        anew = KEY._replace(fingerprint=b"decided anew")
        committed = require_committed(
            await append_one(store, request({"a-1": 1}, new_event("a-1", "at last"), key=anew)), "the key's first commit"
        )

        remembered = (await store.read([], idempotency_key=KEY.key)).remembered
        require_equal(_comparable(remembered), (b"decided anew", list(committed.events)), "what is remembered then")

    @scenario
    async def test_keys_are_compared_exactly(self, store: EventStore) -> None:
        """Case, accents, wildcards of SQL and length count: each of these is a key of its own."""
        keys = ["key", "Key", "KEY", "k%", "k_y", "schlüssel", "schlussel", "\U0001f511", "k" * 255, "k" * 254, "ключ", "'", "\\", "a b"]
        for key in keys:
            require_committed(
                await append_one(store, request({f"s-{len(key)}": None}, new_event(f"s-{len(key)}", key), key=IdempotencyKey(key, b"f"))),
                f"the key {key!r}",
            )
        for key in keys:
            remembered = (await store.read([], idempotency_key=key)).remembered
            require_equal(None if remembered is None else labels_of(remembered.events), [key], f"what is remembered under {key!r}")

    @scenario
    async def test_concurrent_requests_of_one_key_have_one_effect(self, store: EventStore) -> None:
        """Twenty concurrent appends of one key: one commits, nineteen get its outcome, in every round."""
        for number in range(10):
            stream_id, key = f"once-{number}", IdempotencyKey(f"key-{number}", b"same")
            verdicts = await asyncio.gather(
                *(append_one(store, request({stream_id: None}, new_event(stream_id), key=key)) for _ in range(20))
            )
            done = [verdict for verdict in verdicts if not isinstance(verdict, Committed)]
            require_equal(len(done), 19, "appends of one key that were not the first")
            events = [require_already_done(verdict, "an append of a key in use").events for verdict in done]
            stored = list((await read_one(store, stream_id)).events)
            require_equal(len(stored), 1, "events of twenty appends under one key")
            require_that(all(list(each) == stored for each in events), "every repeated append must bring the events of the first")

    @scenario
    async def test_a_key_is_read_in_the_snapshot_of_its_streams(self, store: EventStore) -> None:
        """A read sees a key and the events committed under it together, or neither."""

        async def write() -> None:
            for number in range(150):
                asked = request({"both-1": number}, new_event("both-1"), key=IdempotencyKey(f"key-{number + 1}", b""))
                require_committed(await append_one(store, asked), "an append without rivals")
                await asyncio.sleep(0)

        async with beside(write()) as writing:
            for ahead in cycle(range(1, 8)):
                if writing.done():
                    break
                sought = await version_of(store, "both-1") + ahead
                result = await store.read([StreamRead("both-1")], idempotency_key=f"key-{sought}")
                version = result.slices[0].version
                claim = f"is the key of version {sought} remembered by a read that found version {version}"
                require_equal(result.remembered is not None, version >= sought, claim)
                await asyncio.sleep(0)

    @scenario
    async def test_old_keys_can_be_forgotten(self, store: EventStore) -> None:
        """`forget_idempotency_keys` forgets what is older than asked, returns how many, and leaves the events."""
        for number in range(3):
            await append_one(store, request({"a-1": number}, new_event("a-1", number), key=IdempotencyKey(f"key-{number}", b"")))
        for age in (timedelta(hours=1), timedelta.max):
            require_equal(await store.forget_idempotency_keys(older_than=age), 0, f"keys older than {age}")
        require_that((await store.read([], idempotency_key="key-0")).remembered is not None, "a young key must be remembered")
        await asyncio.sleep(0.05)
        require_equal(await store.forget_idempotency_keys(older_than=timedelta(milliseconds=1)), 3, "keys older than a millisecond")
        require_equal(await store.forget_idempotency_keys(older_than=timedelta(milliseconds=1)), 0, "keys that are left")

        require_equal((await store.read([], idempotency_key="key-0")).remembered, None, "what is remembered under a forgotten key")
        require_equal(labels_of(await read_log(store)), [0, 1, 2], "the events of forgotten keys")
        anew = request({"a-1": 3}, new_event("a-1", 3), key=IdempotencyKey("key-0", b"new"))
        require_committed(await append_one(store, anew), "a forgotten key used again")


def _comparable(remembered: RememberedOutcome | None) -> object:
    return None if remembered is None else (remembered.fingerprint, list(remembered.events))
