"""eventcore on PostgreSQL as it comes, and with parts of it switched off, to see what each contributes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from benchmarks.rows import AS_IT_COMES, NO_CACHE
from eventcore import CommandExecutor, PostgresEventStore
from eventcore.execute import chains as our_chains
from eventcore.stores.postgres import store as our_store


class Way(NamedTuple):
    """How the store and the executor are made."""

    store: Callable[[str], PostgresEventStore] = PostgresEventStore
    executor: Callable[[PostgresEventStore], CommandExecutor] = CommandExecutor


def _one_by_one(*, reads: int, writes: int) -> Callable[[str], PostgresEventStore]:
    """Return how to make a store that sends at most so many reads, and writes, at once. Nobody needs that but who asks what sharing is worth."""

    def make(dsn: str) -> PostgresEventStore:
        our_store._READ_WEIGHT, our_store._WRITE_WEIGHT = reads, writes  # type: ignore[misc]  # noqa: SLF001
        our_chains._AT_ONCE = min(our_chains._AT_ONCE, writes)  # type: ignore[misc]  # noqa: SLF001  # commands that one call takes
        return PostgresEventStore(dsn)

    return make


WAYS: Final = {
    AS_IT_COMES: Way(),
    NO_CACHE: Way(executor=lambda store: CommandExecutor(store, cache_size=0)),
    "no chaining": Way(executor=lambda store: CommandExecutor(store, chaining=False)),
    "no group commit": Way(store=_one_by_one(reads=1024, writes=1)),
    "no cache, no coalesced reads": Way(_one_by_one(reads=2, writes=1024), lambda store: CommandExecutor(store, cache_size=0)),
    "no cache, no snapshots": Way(executor=lambda store: CommandExecutor(store, cache_size=0, snapshots=False)),
    "none of them": Way(
        _one_by_one(reads=2, writes=1), lambda store: CommandExecutor(store, cache_size=0, chaining=False, snapshots=False)
    ),
}
"""A line here is a switch, whose worth `--ablation` measures."""
