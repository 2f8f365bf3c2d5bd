"""Leases: at most one owner at a time, told apart by a token that grows."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from eventcore.errors import InvalidArgument
from eventcore.store import EventStore, Lease
from eventcore.testing.contract.base import StoreScenarios, scenario
from eventcore.testing.contract.checks import require_equal, require_raises, require_that

LONG: Final = timedelta(minutes=5)
SHORT: Final = timedelta(milliseconds=80)


async def acquire(store: EventStore, name: str, owner: str, ttl: timedelta = LONG) -> Lease:
    lease = await store.acquire_lease(name, owner=owner, ttl=ttl)
    if lease is None:
        raise AssertionError(f"{owner!r} must get the lease {name!r}, which nobody holds")
    return lease


class LeaseScenarios(StoreScenarios):
    @scenario
    async def test_a_free_lease_is_granted(self, store: EventStore) -> None:
        lease = await acquire(store, "daily", "one")
        now = datetime.now(UTC)

        require_equal((lease.name, lease.owner), ("daily", "one"), "the lease's name and owner")
        require_equal(lease.expires_at.utcoffset(), timedelta(0), "the offset of `expires_at` from UTC")
        require_that(
            abs(lease.expires_at - now - LONG) < timedelta(minutes=1),
            f"a lease of {LONG} must end then, not at {lease.expires_at}; it is {now}",
        )

    @scenario
    async def test_a_held_lease_is_refused_to_others(self, store: EventStore) -> None:
        """While one holds it, no other gets it, however often it asks."""
        await acquire(store, "daily", "one")
        for _ in range(3):
            require_equal(await store.acquire_lease("daily", owner="two", ttl=LONG), None, "a lease that another holds")

    @scenario
    async def test_leases_of_other_names_are_others(self, store: EventStore) -> None:
        for name in ("daily", "Daily", "d_ily", "d%", "täglich"):
            lease = await acquire(store, name, f"owner of {name}")
            require_equal(lease.name, name, "the lease's name")

    @scenario
    async def test_the_owner_renews_its_lease(self, store: EventStore) -> None:
        """Acquiring it again keeps the token and moves the end; a short renewal may bring it nearer."""
        first = await acquire(store, "daily", "one", timedelta(minutes=1))
        renewed = await acquire(store, "daily", "one", LONG)

        require_equal((renewed.owner, renewed.token), (first.owner, first.token), "owner and token after a renewal")
        require_that(renewed.expires_at > first.expires_at, "a renewal for longer must end later")
        require_equal(await store.acquire_lease("daily", owner="two", ttl=LONG), None, "a renewed lease that another asks for")

    @scenario
    async def test_a_late_renewal_keeps_the_token(self, store: EventStore) -> None:
        """An owner that renews after its time, and before anybody else asked, is no new owner: what it does under the lease goes on."""
        first = await acquire(store, "daily", "one", SHORT)
        await asyncio.sleep(2 * SHORT.total_seconds())

        require_equal((await acquire(store, "daily", "one")).token, first.token, "the token after a late renewal")

    @scenario
    async def test_a_lease_lasts_a_time_that_there_is(self, store: EventStore) -> None:
        """One of no time would be nobody's at once; one that ends beyond the calendar cannot say when."""
        for ttl in (timedelta(0), timedelta(seconds=-1), timedelta.max):
            await require_raises(InvalidArgument, store.acquire_lease("daily", owner="one", ttl=ttl), f"a lease of {ttl}")
        await acquire(store, "daily", "one", timedelta(days=365_000))

    @scenario
    async def test_a_released_lease_is_free(self, store: EventStore) -> None:
        """Released, it goes to whoever asks first, with a greater token."""
        first = await acquire(store, "daily", "one")
        await store.release_lease(first)
        second = await acquire(store, "daily", "two")

        require_that(second.token > first.token, f"a new owner's token must be greater than {first.token}, not {second.token}")

    @scenario
    async def test_an_expired_lease_passes_to_the_next(self, store: EventStore) -> None:
        """An owner that went silent loses it after its time; the former owner is refused then, and later gets a greater token still."""
        first = await acquire(store, "daily", "one", SHORT)
        await asyncio.sleep(2 * SHORT.total_seconds())
        second = await acquire(store, "daily", "two")
        require_that(second.token > first.token, f"a new owner's token must be greater than {first.token}, not {second.token}")
        require_equal(
            await store.acquire_lease("daily", owner="one", ttl=LONG), None, "a lease that passed on, asked for by its former owner"
        )
        await store.release_lease(second)
        third = await acquire(store, "daily", "one")

        require_that(third.token > second.token, f"tokens must grow with every owner: {third.token} follows {second.token}")

    @scenario
    async def test_a_late_release_takes_nothing_from_the_new_owner(self, store: EventStore) -> None:
        """What a former owner gives back is not its own any more: an expired lease, and one of an earlier term of the same owner."""
        late = await acquire(store, "daily", "one", SHORT)
        await asyncio.sleep(2 * SHORT.total_seconds())
        held = await acquire(store, "daily", "two")
        await store.release_lease(late)
        require_equal(await store.acquire_lease("daily", owner="one", ttl=LONG), None, "the lease after a late release by its former owner")
        await store.release_lease(held)
        again = await acquire(store, "daily", "one")
        await store.release_lease(late)

        require_equal(
            await store.acquire_lease("daily", owner="two", ttl=LONG), None, "the lease after a late release from an earlier term"
        )
        await store.release_lease(again)
        await store.release_lease(again)
        await acquire(store, "daily", "two")

    @scenario
    async def test_one_of_many_becomes_the_owner(self, store: EventStore) -> None:
        """Twenty ask at once: one gets it, in every round."""
        for number in range(10):
            asked = (store.acquire_lease(f"race-{number}", owner=f"owner-{each}", ttl=LONG) for each in range(20))
            granted = [lease for lease in await asyncio.gather(*asked) if lease is not None]
            require_equal(len(granted), 1, "owners of one lease")
