"""A closed store refuses everything, and keeps nobody waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from eventcore.errors import StoreClosed
from eventcore.ids import Position
from eventcore.store import EventStore, Lease, Snapshot, StreamRead
from eventcore.testing.contract.base import StoreScenarios, cold_scenario, scenario
from eventcore.testing.contract.checks import require_equal, require_raises, require_that
from eventcore.testing.contract.leases import LONG
from eventcore.testing.contract.making import add, new_event, request


class ClosingScenarios(StoreScenarios):
    @scenario
    async def test_a_closed_store_refuses_everything(self, store: EventStore) -> None:
        """Every method of a store that was closed raises `StoreClosed`."""
        (event,) = await add(store, "a-1", None)
        lease = await store.acquire_lease("daily", owner="one", ttl=LONG)
        async with self.open_store() as closed:
            pass
        for name, call in _calls(closed, event.position, lease):
            await require_raises(StoreClosed, call(), f"{name} of a closed store")

    @cold_scenario
    async def test_the_store_opens_as_itself(self) -> None:
        """``async with store as opened`` gives the store, and an error in its body passes through."""
        other = self.open_store()

        async def fail() -> None:
            async with other as opened:
                require_that(opened is other, "`async with store as opened` must give the store itself")
                raise ZeroDivisionError

        await require_raises(ZeroDivisionError, fail(), "an error in the body of `async with store`")

    @cold_scenario
    async def test_closing_ends_the_waiting(self) -> None:
        """Who waits for news of a store that is closed is told soon, with `StoreClosed` or with no news, and not left to the timeout."""
        async with self.open_store() as other:
            (newest,) = await add(other, "w-1", None)
            waiting = asyncio.create_task(other.wait_for_news(newest.position, timeout=50))
            await asyncio.sleep(0.05)
        done, _ = await asyncio.wait([waiting], timeout=10)

        require_that(waiting in done, "a wait must end when its store is closed")
        require_that(isinstance(waiting.exception(), StoreClosed) or waiting.result() is False, f"a wait must not end with {waiting}")

    @cold_scenario
    async def test_what_was_asked_before_closing_is_decided(self) -> None:
        """Appends that are on their way while the store is closed are answered: committed, or refused as closed. None hangs."""
        async with self.open_store() as other:
            tasks = [asyncio.create_task(other.append([request({f"c-{n}": 0}, new_event(f"c-{n}"))])) for n in range(20)]
            await asyncio.sleep(0)
        done, pending = await asyncio.wait(tasks, timeout=20)

        require_equal(len(pending), 0, "appends that were never answered")
        for task in done:
            error = task.exception()
            require_that(
                error is None or isinstance(error, StoreClosed), f"an append met by the closing of its store must not raise {error!r}"
            )


def _calls(store: EventStore, position: Position, lease: Lease | None) -> list[tuple[str, Callable[[], Awaitable[object]]]]:
    if lease is None:
        raise AssertionError("a free lease must be granted")
    return [
        ("read", lambda: store.read([StreamRead("a-1")])),
        ("append", lambda: store.append([request({"a-1": None}, new_event("a-1"))])),
        ("forget_idempotency_keys", lambda: store.forget_idempotency_keys(older_than=timedelta(0))),
        ("read_all", store.read_all),
        ("wait_for_news", lambda: store.wait_for_news(None, timeout=5)),
        ("load_snapshots", lambda: store.load_snapshots([("a-1", "State")])),
        ("save_snapshots", lambda: store.save_snapshots([Snapshot("a-1", "State", 1, b"")])),
        ("load_checkpoint", lambda: store.load_checkpoint("reader")),
        ("save_checkpoint", lambda: store.save_checkpoint("reader", position)),
        ("acquire_lease", lambda: store.acquire_lease("daily", owner="one", ttl=LONG)),
        ("release_lease", lambda: store.release_lease(lease)),
    ]
