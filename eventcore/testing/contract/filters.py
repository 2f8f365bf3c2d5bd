"""Selecting events by type and by stream: byte for byte, before any limit."""

from __future__ import annotations

from eventcore.ids import Position, StreamPattern, StreamPrefix
from eventcore.store import EVERYTHING, EventFilter, EventStore
from eventcore.testing.contract.base import StoreScenarios, scenario
from eventcore.testing.contract.checks import require_equal, require_that
from eventcore.testing.contract.making import add, labels_of, read_log


def of_prefix(*texts: str) -> EventFilter:
    return EventFilter(streams=tuple(map(StreamPrefix, texts)))


def of_pattern(*texts: str) -> EventFilter:
    return EventFilter(streams=tuple(map(StreamPattern, texts)))


class FilterScenarios(StoreScenarios):
    async def _streams(self, store: EventStore, where: EventFilter) -> list[str]:
        return [event.stream_id for event in await read_log(store, where=where)]

    @scenario
    async def test_a_prefix_selects_streams(self, store: EventStore) -> None:
        for stream_id in ("account-1", "account-2", "order-1"):
            await add(store, stream_id, None)

        require_equal(await self._streams(store, of_prefix("account-")), ["account-1", "account-2"], "streams with the prefix account-")

    @scenario
    async def test_a_prefix_is_no_substring(self, store: EventStore) -> None:
        for stream_id in ("account-123", "my-account-456", "order-789"):
            await add(store, stream_id, None)

        require_equal(await self._streams(store, of_prefix("account-")), ["account-123"], "streams with the prefix account-")

    @scenario
    async def test_prefix_is_literal(self, store: EventStore) -> None:
        """`_`, `%`, a backslash and a quote mean themselves, and case counts, as it does beyond ASCII."""
        ids = [
            "account-1",
            "Account-1",
            "acc_unt-1",
            "acc_unt%-1",
            "acc%-1",
            "ac\\c-1",
            "ac'c-1",
            "Ärger-1",
            "ärger-1",
            "account",
            "accounts-1",
            "acc\U0001f600-1",
        ]
        for stream_id in ids:
            await add(store, stream_id, None)
        for prefix in (
            "account-",
            "Account-",
            "acc_unt",
            "acc_unt%",
            "acc%",
            "a",
            "A",
            "ac\\",
            "ac'",
            "Ä",
            "ä",
            "account",
            "acc\U0001f600",
            "acc\uffff",
            "none",
        ):
            expected = [stream_id for stream_id in ids if stream_id.startswith(prefix)]
            require_equal(await self._streams(store, of_prefix(prefix)), expected, f"streams with the prefix {prefix!r}")

    @scenario
    async def test_a_filter_comes_before_the_limit(self, store: EventStore) -> None:
        """Two events behind fifty others are found with a limit of ten, by pattern, by prefix and by type."""
        for number in range(50):
            await add(store, f"order-{number}", None)
        await add(store, "account-1", "first", kind="Opened")
        await add(store, "account-2", "second", kind="Opened")
        for where in (of_pattern("account-*"), of_prefix("account-"), EventFilter(types=frozenset({"Opened"}))):
            require_equal(labels_of(await read_log(store, limit=10, where=where)), ["first", "second"], f"events with {where}")

    @scenario
    async def test_a_pattern_matches_single_characters(self, store: EventStore) -> None:
        for stream_id in ("account-x1", "account-xy1", "order-z1"):
            await add(store, stream_id, None)

        require_equal(await self._streams(store, of_pattern("account-?1")), ["account-x1"], "streams that fit account-?1")

    @scenario
    async def test_a_pattern_matches_sets_of_characters(self, store: EventStore) -> None:
        for stream_id in ("account-7-1", "account-a-1", "account--1"):
            await add(store, stream_id, None)

        require_equal(await self._streams(store, of_pattern("account-[0-9]*")), ["account-7-1"], "streams that fit account-[0-9]*")
        require_equal(
            await self._streams(store, of_pattern("account-[!0-9]*")), ["account-a-1", "account--1"], "streams that fit account-[!0-9]*"
        )

    @scenario
    async def test_filters_select_exactly_what_they_admit(self, store: EventStore) -> None:
        """Every combination of types and streams brings what `EventFilter.admits` says, in order, in pages of any size."""
        for number, stream_id in enumerate(("cart-1", "Cart-1", "cart/a/b", "cart-é", "customer-1", "c", "order^1", "order.1", "order-1")):
            await add(store, stream_id, number, kind="Added")
            await add(store, stream_id, -number, kind="added")
        everything = await read_log(store)
        types = (None, frozenset({"Added"}), frozenset({"added", "Never"}), frozenset[str]())
        streams = (
            None,
            (),
            (StreamPrefix("cart"),),
            (StreamPrefix("cart-"), StreamPattern("order[!-]1")),
            (StreamPattern("c*"),),
            (StreamPattern("*"),),
            (StreamPattern("cart?*"), StreamPrefix("cart-1")),
            (StreamPattern("[cC]art-[^]1"),),
            (StreamPattern("order[.^]1"),),
            (StreamPattern("c"),),
        )
        for where in (EventFilter(types=kinds, streams=selected) for kinds in types for selected in streams):
            for limit in (3, 1000):
                expected = [event for event in everything if where.admits(event.stream_id, event.type)]
                require_equal(await read_log(store, limit=limit, where=where), expected, f"events with {where} in pages of {limit}")

    @scenario
    async def test_pages_pass_what_the_filter_leaves_out(self, store: EventStore) -> None:
        """A reader of a rare type moves on over pages of other types, and what it has passed it does not pass again."""
        await add(store, "busy-1", *range(2500), kind="Noise")
        await add(store, "busy-1", "rare", kind="Signal")
        await add(store, "busy-1", *range(500), kind="Noise")
        where = EventFilter(types=frozenset({"Signal"}))
        position: Position | None = None
        found: list[object] = []
        for _ in range(4000):
            page = await store.read_all(position, limit=100, where=where)
            require_that(not page.more or page.position != position, "a page that promises more must move on")
            found += labels_of(page.events)
            position = page.position
            if not page.more:
                break

        require_equal(found, ["rare"], "events of the rare type")
        require_equal(
            position, (await read_log(store))[-1].position, "a reader that has caught up must stand at the end, not at its last event"
        )
        await add(store, "busy-1", "late", kind="Signal")
        require_equal(labels_of((await store.read_all(position, where=where)).events), ["late"], "what came after the reader had caught up")
        require_equal(len((await store.read_all(position, where=EVERYTHING)).events), 1, "events after the position of a filtered page")
        position = (await store.read_all(position, where=where)).position
        await add(store, "busy-1", *range(10), kind="Noise")
        page = await store.read_all(position, where=where)
        require_that(not page.events and not page.more, "there is nothing on a page but what the filter leaves out")
        require_equal(page.position, (await read_log(store))[-1].position, "the position of a page on which nothing matches")
